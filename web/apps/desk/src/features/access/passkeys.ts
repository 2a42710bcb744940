import type { Begun, Passkey, Session } from "@onegrid/api";
import { api } from "../../desk/api";

// Between the server's JSON and the browser's buffers; browsers that are a year
// old do not convert it themselves.

const bytes = (s: string): ArrayBuffer => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)).buffer;
const text = (b: ArrayBuffer | null | undefined): string | undefined =>
  b ? btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "") : undefined;

interface Described {
  id: string;
  type: "public-key";
  transports?: AuthenticatorTransport[];
}
const described = (list: Described[] | undefined) => list?.map((c) => ({ ...c, id: bytes(c.id) }));

/** Whether this browser can be asked for a passkey at all, here. */
export const canPasskey = () => window.isSecureContext && "PublicKeyCredential" in window;

/** The person closed the browser's question, or took too long. */
export const waved = (e: unknown) => e instanceof DOMException && (e.name === "NotAllowedError" || e.name === "AbortError");

/** The authenticator has one for this account already. */
export const already = (e: unknown) => e instanceof DOMException && e.name === "InvalidStateError";

async function asked(): Promise<{ token: string; credential: unknown }> {
  const begun = await api().send<Begun>("POST", "/session/passkey/begin");
  const o = begun.options as { challenge: string; allowCredentials?: Described[] };
  const got = (await navigator.credentials.get({
    publicKey: { ...(o as object), challenge: bytes(o.challenge), allowCredentials: described(o.allowCredentials) } as PublicKeyCredentialRequestOptions,
  })) as PublicKeyCredential;
  const r = got.response as AuthenticatorAssertionResponse;
  return {
    token: begun.token,
    credential: {
      id: got.id, rawId: text(got.rawId), type: got.type, clientExtensionResults: got.getClientExtensionResults(),
      response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: text(r.userHandle) },
    },
  };
}

export const passkeySignIn = async () => api().send<Session>("POST", "/session/passkey", { ...(await asked()), app: "desk" });
export const provePasskey = async () => api().send<void>("POST", "/session/confirm/passkey", await asked());

/** Asks an authenticator for a new passkey; name it makes the server keep it. */
export async function createPasskey(): Promise<(name: string) => Promise<Passkey>> {
  const begun = await api().send<Begun>("POST", "/session/passkeys/begin");
  const o = begun.options as { challenge: string; user: { id: string }; excludeCredentials?: Described[] };
  const made = (await navigator.credentials.create({
    publicKey: { ...(o as object), challenge: bytes(o.challenge), user: { ...o.user, id: bytes(o.user.id) }, excludeCredentials: described(o.excludeCredentials) } as unknown as PublicKeyCredentialCreationOptions,
  })) as PublicKeyCredential;
  const r = made.response as AuthenticatorAttestationResponse;
  const credential = {
    id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: made.getClientExtensionResults(),
    response: { clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports?.() ?? [] },
  };
  return (name) => api().send<Passkey>("POST", "/session/passkeys", { token: begun.token, name, credential });
}
