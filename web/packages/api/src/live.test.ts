import { describe, expect, it } from "vitest";
import { type Client, makeClient } from "./client";
import { Fault } from "./fault";
import { backoff, listen, StreamParser } from "./live";
import type { FeedEvent } from "./types";

const stream = 'id: 7\nevent: change\ndata: {"number":7,\ndata: "type":"change","kind":"case.accept"}\n\n: beat\n\nid: 8\r\ndata: {"number":8,"type":"gone","kind":"case.dispatch"}\r\n\r\n';

describe("StreamParser", () => {
  it("gives the same events however the stream is cut", () => {
    const whole = new StreamParser().push(stream);
    expect(whole.map((e) => [e.id, e.event])).toEqual([["7", "change"], ["8", "message"]]);
    expect(JSON.parse(whole[0]!.data).kind).toBe("case.accept");
    for (let cut = 0; cut <= stream.length; cut++) {
      const p = new StreamParser();
      expect([...p.push(stream.slice(0, cut)), ...p.push(stream.slice(cut))]).toEqual(whole);
    }
  });
});

function answer(...chunks: string[]): Response {
  return new Response(
    new ReadableStream({
      start(c) {
        for (const x of chunks) c.enqueue(new TextEncoder().encode(x));
        c.close();
      },
    }),
  );
}

const frame = (n: number) => `id: ${n}\ndata: {"number":${n},"type":"change","kind":"case.accept"}\n\n`;

describe("backoff", () => {
  it("doubles from about a second to about thirty, and not the same for all", () => {
    expect([0, 1, 2, 5, 50].map((n) => backoff(n, 0.5))).toEqual([1000, 2000, 4000, 30_000, 30_000]);
    expect([backoff(0, 0), backoff(0, 1)]).toEqual([500, 1500]);
  });
});

describe("listen", () => {
  it("resumes after the last event seen and neither loses nor repeats one", async () => {
    const asked: (string | undefined)[] = [];
    const seen: number[] = [];
    const states: string[] = [];
    let stop = () => {};
    const client = {
      open: async (_: string, headers: Record<string, string>) => {
        asked.push(headers["Last-Event-ID"]);
        if (asked.length === 1) return answer(frame(5), frame(6).slice(0, 9));
        if (asked.length === 2) throw new Fault({ status: 0, code: "network.unreachable" });
        return answer(frame(6), frame(7));
      },
    } as unknown as Client;
    await new Promise<void>((done) => {
      stop = listen({
        client,
        after: () => 4,
        wait: async () => {},
        onState: (s) => states.push(s),
        onEvent: (e: FeedEvent) => {
          seen.push(e.number);
          if (e.number === 7) done();
        },
      });
    });
    stop();
    expect(seen).toEqual([5, 6, 7]);
    expect(asked.slice(0, 3)).toEqual(["4", "5", "5"]);
    expect(states).toContain("live");
    expect(states).toContain("broken");
  });

  it("starts from where the line says it stands, reads anew after a reset, and stops at the end", async () => {
    const asked: (string | undefined)[] = [];
    let gaps = 0;
    const client = {
      open: async (_: string, headers: Record<string, string>) => {
        asked.push(headers["Last-Event-ID"]);
        if (asked.length === 1) return answer("id: 40\n\n");
        if (asked.length === 2) return answer('event: reset\ndata: {"type":"reset"}\n\n');
        return answer('id: 90\n\nevent: end\ndata: {"type":"end"}\n\n');
      },
    } as unknown as Client;
    await new Promise<void>((done) => {
      listen({ client, wait: async () => {}, onEvent: () => {}, onGap: () => gaps++, onState: (s) => s === "ended" && done() });
    });
    expect(asked).toEqual([undefined, "40", undefined]);
    expect(gaps).toBe(2); // at the first line, and after the reset
  });

  it("ends when the grant ended, and does not try again", async () => {
    let tries = 0;
    const client = {
      open: async () => {
        tries++;
        throw new Fault({ status: 401, code: "access.signed_out" });
      },
    } as unknown as Client;
    const last = await new Promise<string>((done) => {
      listen({ client, wait: async () => {}, onEvent: () => {}, onState: (s) => s === "ended" && done(s) });
    });
    expect(last).toBe("ended");
    expect(tries).toBe(1);
  });
});

describe("client", () => {
  it("turns a problem into a fault with its code and fields", async () => {
    const c = makeClient({
      fetch: async () =>
        new Response(JSON.stringify({ code: "request.invalid", detail: "no", where: [{ path: "body.text", code: "field.required", detail: "write something" }] }), {
          status: 422,
        }),
    });
    const f = await c.send("POST", "/cases", {}).catch((e: unknown) => e);
    expect(f).toBeInstanceOf(Fault);
    expect(f).toMatchObject({ status: 422, code: "request.invalid", where: [{ field: "text", detail: "write something" }], unknown: false });
  });

  it("sends the command's id, the version and the acting post", async () => {
    let sent: RequestInit | undefined;
    const c = makeClient({
      post: () => "p1",
      language: () => "en",
      fetch: async (_, init) => ((sent = init), new Response("{}")),
    });
    await c.send("POST", "/cases/1/moves", { move: "accept" }, { key: "k", version: 3 });
    expect(sent?.headers).toMatchObject({
      "Idempotency-Key": "k",
      "If-Match": '"3"',
      "OneGrid-Post": "p1",
      "Accept-Language": "en",
    });
  });

  it("says that nobody knows the outcome when the line broke", async () => {
    const c = makeClient({ fetch: () => Promise.reject(new TypeError("failed")) });
    const f = await c.send("POST", "/cases", {}).catch((e: unknown) => e);
    expect(f).toMatchObject({ status: 0, unknown: true });
  });
});
