import type { IdentityProvider } from "@onegrid/api";
import { api } from "../../desk/api";

/** The departments' identity providers one can sign in with. */
export const providers = async () => (await api().get<{ items: IdentityProvider[] }>("/session/providers")).items;

/** Begins at a provider; answers where the browser goes now. */
export const askProvider = async (provider: string, to?: string, token?: string) =>
  (await api().send<{ address: string }>("POST", "/session/oidc", { provider, to, token, app: "desk" })).address;

/** What a sign-in at a provider can fail with, by the code that comes back. */
const failures: Record<string, string> = {
  provider_waved: "waved",
  provider_away: "away",
  provider_failed: "not_believed",
  unknown_identity: "unknown",
  identity_waits: "waits",
  identity_taken: "taken",
  local_only: "local_only",
  not_released: "not_released",
  enrolment_over: "link_over",
  begin_again: "again",
};

/** The words for a failure; what nobody foresaw gets those for "begin again". */
export const failure = (code: string) => `access.oidc.${failures[code.split(".")[1] ?? ""] ?? "again"}`;
