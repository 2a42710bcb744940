import { Fault, faultOf } from "./fault";
import type { Language } from "./types";

export type Query = Record<string, string | number | boolean | undefined>;

export interface SendOptions {
  /** The command's id. The same id sent again gives the same outcome. */
  key?: string;
  /** The version the person has seen; the server refuses when it moved on. */
  version?: number;
  signal?: AbortSignal;
}

export interface ClientOptions {
  base?: string;
  fetch?: typeof fetch;
  /** The post that acts in this tab. */
  post?: () => string | undefined;
  language?: () => Language;
  /** Called once per answer that says nobody is signed in. */
  onSignedOut?: () => void;
}

export interface Client {
  get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T>;
  send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, o?: SendOptions): Promise<T>;
  /** A file that the server makes for this command, such as a case on paper. */
  file(path: string): Promise<Blob>;
  /** Opens a stream; the caller reads its body. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>;
}

export function commandId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  // crypto.randomUUID is missing where the page was not loaded securely (an office's intranet)
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6]! & 0x0f) | 0x40;
  b[8] = (b[8]! & 0x3f) | 0x80;
  const h = [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

export function queryString(query: Query = {}): string {
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) {
    if (v !== undefined && v !== "" && v !== false) p.set(k, v === true ? "1" : String(v));
  }
  const s = p.toString();
  return s ? `?${s}` : "";
}

export function makeClient(o: ClientOptions = {}): Client {
  const base = o.base ?? "/api";

  async function call(path: string, init: RequestInit, headers: Record<string, string>): Promise<Response> {
    const post = o.post?.();
    if (post) headers["OneGrid-Post"] = post;
    const language = o.language?.();
    if (language) headers["Accept-Language"] = language;
    let response: Response;
    try {
      response = await (o.fetch ?? fetch)(base + path, { credentials: "same-origin", ...init, headers });
    } catch (e) {
      if (init.signal?.aborted) throw e;
      throw new Fault({ status: 0, code: "network.unreachable" });
    }
    if (!response.ok) {
      const fault = await faultOf(response);
      if (fault.status === 401 && !path.startsWith("/session") && !/^\/device(\/|$)/.test(path) && !path.startsWith("/demo/")) o.onSignedOut?.();
      throw fault;
    }
    return response;
  }

  async function json<T>(response: Response): Promise<T> {
    if (response.status === 204) return undefined as T;
    const text = await response.text();
    return (text ? JSON.parse(text) : undefined) as T;
  }

  return {
    async get<T>(path: string, query?: Query, signal?: AbortSignal) {
      return json<T>(await call(path + queryString(query), { signal }, { Accept: "application/json" }));
    },
    async send<T>(
      method: "POST" | "PUT" | "DELETE",
      path: string,
      body?: unknown,
      { key, version, signal }: SendOptions = {},
    ) {
      const headers: Record<string, string> = {
        Accept: "application/json",
        "Idempotency-Key": key ?? commandId(),
      };
      if (version !== undefined) headers["If-Match"] = `"${version}"`;
      let payload: BodyInit | undefined;
      if (body instanceof FormData) payload = body;
      else if (body !== undefined) {
        headers["Content-Type"] = "application/json";
        payload = JSON.stringify(body);
      }
      return json<T>(await call(path, { method, body: payload, signal }, headers));
    },
    async file(path) {
      return (await call(path, { method: "POST" }, { Accept: "application/octet-stream, application/pdf, application/problem+json" })).blob();
    },
    open: (path, headers, signal) =>
      call(path, { signal, cache: "no-store" }, { Accept: "text/event-stream", ...headers }),
  };
}
