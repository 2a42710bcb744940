import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { fakeServer } from "./server";
import { World } from "./world";

/**
 * Puts the fake before the dev server. /fake/move lets somebody else act;
 * ONEGRID_FAKE_NOW stops the clock, for pictures that stay the same.
 */
export function middleware() {
  const stopped = Date.parse(process.env.ONEGRID_FAKE_NOW ?? "");
  const world = new World(Number.isNaN(stopped) ? Date.now : () => stopped);
  const handle = fakeServer(world);
  return async (req: IncomingMessage, res: ServerResponse, next: () => void) => {
    const path = req.url ?? "";
    if (path.startsWith("/fake/move")) {
      const id = new URL(path, "http://x").searchParams.get("id");
      const held = [...world.cases.values()].filter((h) => h.case.state === "reported" && h.case.id !== id)[0];
      if (held) world.move(held.case.id, { move: "accept" });
      res.end("moved");
      return;
    }
    if (!path.startsWith("/api/")) return next();
    const stop = new AbortController();
    res.on("close", () => stop.abort());
    const headers = new Headers();
    for (const [k, v] of Object.entries(req.headers)) if (typeof v === "string") headers.set(k, v);
    const body = req.method === "GET" || req.method === "DELETE" ? undefined : (Readable.toWeb(req) as ReadableStream);
    const response = await handle(new Request(`http://fake${path}`, { method: req.method, headers, body, signal: stop.signal, duplex: "half" } as RequestInit));
    res.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body) Readable.fromWeb(response.body as never).on("error", () => res.end()).pipe(res);
    else res.end();
  };
}
