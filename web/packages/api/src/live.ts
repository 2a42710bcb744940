import type { Client } from "./client";
import { isFault } from "./fault";
import type { FeedEvent } from "./types";

/** One event of a text/event-stream. */
export interface StreamEvent {
  id?: string;
  event: string;
  data: string;
}

/** Cuts a stream of text into events, as the HTML standard describes it. */
export class StreamParser {
  private rest = "";
  /** id of the last whole event, also of one that had nothing else */
  id: string | undefined;
  private coming: string | undefined;
  private event = "";
  private data: string[] = [];

  push(chunk: string): StreamEvent[] {
    const out: StreamEvent[] = [];
    this.rest += chunk;
    for (;;) {
      const m = /\r\n|\n|\r/.exec(this.rest);
      if (!m) break;
      // a CR at the very end may be half of a CRLF
      if (m[0] === "\r" && m.index + 1 === this.rest.length) break;
      const line = this.rest.slice(0, m.index);
      this.rest = this.rest.slice(m.index + m[0].length);
      const done = this.line(line);
      if (done) out.push(done);
    }
    return out;
  }

  private line(line: string): StreamEvent | undefined {
    if (line === "") {
      const ready = this.data.length > 0;
      this.id = this.coming; // only now: an event cut in the middle was not seen
      const e = { id: this.id, event: this.event || "message", data: this.data.join("\n") };
      this.event = "";
      this.data = [];
      return ready ? e : undefined;
    }
    if (line.startsWith(":")) return undefined;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.coming = value;
    return undefined;
  }
}

export type LiveState = "connecting" | "live" | "broken" | "ended";

export interface LiveOptions {
  client: Client;
  path?: string;
  /** Journal number from which to listen; undefined: from now on. */
  after?: () => number | undefined;
  onEvent: (e: FeedEvent) => void;
  onState: (s: LiveState) => void;
  /** Something may have been missed: what is shown must be read anew. */
  onGap?: () => void;
  /** Replaceable for tests. */
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Silence after which the line counts as broken; the server sends a heartbeat every 15 s. */
  silence?: number;
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

/**
 * How long to wait before the next attempt: about a second, doubling to about
 * thirty, up to half more or less by chance, so that all screens of a district do not come
 * back at the same moment.
 */
export function backoff(attempt: number, chance = Math.random()): number {
  return Math.min(30_000, 1000 * 2 ** Math.min(attempt, 5)) * (0.5 + chance);
}

/**
 * Listens to the feed until stopped, and resumes after each break from the last
 * event seen. fetch is used rather than EventSource, because the acting post
 * must go along as a header.
 */
export function listen(o: LiveOptions): () => void {
  const stop = new AbortController();
  let last: number | undefined = o.after?.();
  let over = false;
  void run();
  return () => stop.abort();

  async function run() {
    const wait = o.wait ?? pause;
    let attempt = 0;
    let before = false;
    while (!stop.signal.aborted) {
      o.onState(before ? "broken" : "connecting");
      const line = new AbortController();
      const end = () => line.abort();
      stop.signal.addEventListener("abort", end, { once: true });
      try {
        const headers: Record<string, string> = {};
        if (last !== undefined) headers["Last-Event-ID"] = String(last);
        const response = await o.client.open(o.path ?? "/feed", headers, line.signal);
        o.onState("live");
        if (last === undefined) o.onGap?.(); // from now on: what happened before is not in it
        before = true;
        attempt = 0;
        await read(response, line);
      } catch (e) {
        if (stop.signal.aborted) break;
        if (isFault(e) && (e.status === 401 || e.status === 403)) {
          o.onState("ended");
          return;
        }
        if (isFault(e) && e.status === 410) {
          // the feed no longer reaches back that far
          last = undefined;
          o.onGap?.();
        }
      } finally {
        stop.signal.removeEventListener("abort", end);
      }
      if (stop.signal.aborted) break;
      if (over) {
        o.onState("ended");
        return;
      }
      before = true;
      o.onState("broken");
      await wait(backoff(attempt++), stop.signal);
    }
  }

  async function read(response: Response, line: AbortController) {
    const reader = response.body?.getReader();
    if (!reader) return;
    const parser = new StreamParser();
    const text = new TextDecoder();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => line.abort(), o.silence ?? 45_000);
    };
    try {
      for (;;) {
        alive();
        const { done, value } = await reader.read();
        if (done) return;
        const events = parser.push(text.decode(value, { stream: true }));
        // the line begins with an event that has only an id: where we stand
        const stand = Number(parser.id);
        if (parser.id && Number.isSafeInteger(stand)) last = stand;
        for (const e of events) take(e);
      }
    } finally {
      clearTimeout(timer);
      void reader.cancel().catch(() => undefined);
    }
  }

  function take(e: StreamEvent) {
    switch (e.event) {
      case "cut": // we were too slow; the next attempt resumes
        return;
      case "reset": // too much was missed to be told: read anew
        last = undefined;
        return;
      case "end": // the rights ended
        over = true;
        return;
    }
    try {
      const event = JSON.parse(e.data) as FeedEvent;
      if (typeof event.number === "number") {
        last = Math.max(last ?? 0, event.number);
        o.onEvent(event);
      }
    } catch {
      // an event we cannot read may hide a change
      o.onGap?.();
    }
  }
}
