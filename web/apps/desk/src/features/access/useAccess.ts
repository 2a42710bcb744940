import type { DemoAccount, Session } from "@onegrid/api";
import { isFault } from "@onegrid/api";
import { api } from "../../desk/api";

/** Answer to a name and password: signed in, or the second step is still to come. */
export type SignInAnswer = Partial<Session> & { needs_totp?: boolean };

export async function signIn(name: string, password: string, totp?: string): Promise<SignInAnswer> {
  return api().send<SignInAnswer>("POST", "/session", { name, password, totp: totp || undefined, app: "desk" });
}

/**
 * Signs out here. Who came by a department's identity provider is asked there
 * whether to sign out there too: then the browser leaves, and true comes back.
 */
export async function signOut(provider?: { sign_out?: string }): Promise<boolean> {
  await api().send<void>("DELETE", "/session");
  if (!provider?.sign_out) return false;
  location.assign(provider.sign_out);
  return true;
}

/** The demo's roles; none outside the demo. */
export async function demoAccounts(): Promise<DemoAccount[]> {
  try {
    const r = await api().get<{ items?: DemoAccount[] } | DemoAccount[]>("/demo/accounts");
    return Array.isArray(r) ? r : (r.items ?? []);
  } catch (e) {
    if (isFault(e) && e.status !== 0) return [];
    throw e;
  }
}

export async function demoSignIn(account: string): Promise<Session> {
  return api().send<Session>("POST", "/demo/session", { account, app: "desk" });
}

/** The answer says what the new post may do. */
export async function choosePost(id: string): Promise<Session | undefined> {
  return api().send<Session | undefined>("PUT", "/session/post", { post_id: id });
}

export interface Enrolment {
  /** false: the authenticator that the person already has stays */
  new_factor?: boolean;
  secret?: string;
  otpauth_url?: string;
  /** a picture of the QR code, as a data: or same-origin address */
  qr?: string;
  recovery_codes?: string[];
}

export const enrol = (token: string, password: string) =>
  api().send<Enrolment>("POST", "/enrol", { token, password });

export const confirmEnrolment = (token: string, totp: string) =>
  api().send<{ recovery_codes?: string[] } | undefined>("POST", "/enrol/confirm", { token, totp });
