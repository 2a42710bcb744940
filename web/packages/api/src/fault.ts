/** One thing that is wrong in what was sent. */
export interface Where {
  /** the last part of the path: the field's own name */
  field: string;
  path: string;
  code?: string;
  detail?: string;
}

/** A refusal by the server, or the lack of an answer. */
export class Fault extends Error {
  /** HTTP status; 0 when there was no answer at all. */
  readonly status: number;
  readonly code: string;
  /** What to tell the person, in their language, when we have no words of our own. */
  readonly detail: string;
  readonly args: Record<string, unknown>;
  readonly where: Where[];
  readonly requestId?: string;

  constructor(f: {
    status: number;
    code: string;
    detail?: string;
    args?: Record<string, unknown>;
    where?: Where[];
    requestId?: string;
  }) {
    super(f.detail || f.code);
    this.name = "Fault";
    this.status = f.status;
    this.code = f.code;
    this.detail = f.detail ?? "";
    this.args = f.args ?? {};
    this.where = f.where ?? [];
    this.requestId = f.requestId;
  }

  /** Nobody knows whether it was done: the same request may be sent again. */
  get unknown(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export function isFault(e: unknown): e is Fault {
  return e instanceof Fault;
}

function record(v: unknown): Record<string, unknown> {
  return v !== null && typeof v === "object" && !Array.isArray(v) ? (v as Record<string, unknown>) : {};
}

/** Reads an RFC 9457 problem; anything else becomes a fault by its status alone. */
export async function faultOf(response: Response): Promise<Fault> {
  let body: Record<string, unknown> = {};
  try {
    body = record(await response.json());
  } catch {
    // not JSON: the status must do
  }
  const text = (v: unknown) => (typeof v === "string" ? v : undefined);
  return new Fault({
    status: response.status,
    code: text(body.code) ?? `http.${response.status}`,
    detail: text(body.detail) ?? text(body.title),
    args: record(body.args),
    where: Array.isArray(body.where)
      ? body.where.map(record).map((w) => ({
          path: text(w.path) ?? "",
          field: (text(w.path) ?? "").split(".").pop() ?? "",
          code: text(w.code),
          detail: text(w.detail),
        }))
      : [],
    requestId: text(body.request_id),
  });
}
