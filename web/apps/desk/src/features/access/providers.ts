import type { IdentityProvider } from "@onegrid/api";
import { api } from "../../desk/api";

/** The departments' identity providers one can sign in with. */
export const providers = async () => (await api().get<{ items: IdentityProvider[] }>("/session/providers")).items;

/** Begins at a provider; answers where the browser goes now. */
export const askProvider = async (provider: string, to?: string, token?: string) =>
  (await api().send<{ address: string }>("POST", "/session/oidc", { provider, to, token, app: "desk" })).address;

/** What a sign-in at a provider can fail with, by the code that comes back. */
const failures: Record<string, string> = {
  "access.provider_waved": "waved",
  "access.provider_away": "away",
  "access.provider_failed": "not_believed",
  "access.unknown_identity": "unknown",
  "access.identity_waits": "waits",
  "access.identity_taken": "taken",
  "access.local_only": "local_only",
  "access.not_released": "not_released",
  "access.enrolment_over": "link_over",
  "access.begin_again": "again",
};

/** The words for a failure; what nobody foresaw gets those for "begin again". */
export const failure = (code: string) => `access.oidc.${failures[code] ?? "again"}`;
