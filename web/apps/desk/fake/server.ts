import type { CaseFile, MoveRequest, ReportRequest } from "@onegrid/api";
import { accounts, fakeFile, fakeId, type World } from "./world";

// Answers /api from a World. One account at a time: enough for one browser.

const reply = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
const problem = (status: number, code: string, detail: string, over: object = {}) => reply({ type: "about:blank", status, code, detail, ...over }, status);

export function fakeServer(world: World, first?: string) {
  let account = accounts.find((a) => a.account === first);
  let post = account?.posts[0]?.id;
  const picture = (seed: string) => {
    const hue = [...seed].reduce((n, c) => n + c.charCodeAt(0), 0) % 40;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="860" height="640" viewBox="0 0 86 64"><rect width="86" height="64" fill="hsl(${200 + hue} 18% 82%)"/><rect y="6" width="60" height="38" fill="#D9CDBB"/><path d="M0 44h86v20H0z" fill="#9A958A"/><path d="M60 6v38l26 6V14z" fill="#C4B7A3"/><path d="M20 58l4-14 16-6 18 4 8 14-10 4z" fill="#5d6b58"/><circle cx="38" cy="48" r="7" fill="#3f4c55"/></svg>`;
  };

  return async function handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname.replace(/^\/api/, "");
    const method = request.method;
    const acting = request.headers.get("OneGrid-Post") ?? post ?? "";
    const json = async <T>() => (await request.json()) as T;

    if (path === "/demo/accounts") return reply({ items: accounts.map((a) => ({ account: a.account, name: `${a.role["zh-CN"]}（演示）`, role: a.role, post: a.posts[0]!.name, app: "desk" })) });
    if (path === "/demo/session" && method === "POST") {
      account = accounts.find((a) => a.account === "");
      const wanted = (await json<{ account: string }>()).account;
      account = accounts.find((a) => a.account === wanted);
      post = account?.posts.length === 1 ? account.posts[0]?.id : undefined;
      return account ? reply(world.session(account, post)) : problem(404, "access.no_account", "没有这个演示账号。");
    }
    if (path === "/session" && method === "POST") {
      const r = await json<{ name: string; password: string; totp?: string }>();
      const found = accounts.find((a) => a.account === r.name);
      if (!found || r.password !== "demo demo demo") return problem(401, "access.wrong_password", "账号或密码不对。");
      if (!r.totp) return reply({ needs_totp: true });
      if (r.totp !== "123456") return problem(401, "access.wrong_totp", "动态口令不对，等下一个再试。");
      account = found;
      return reply(world.session(found, (post = found.posts.length === 1 ? found.posts[0]?.id : undefined)));
    }
    if (path === "/enrol" && method === "POST") return reply({ secret: "JBSW Y3DP EHPK 3PXP", qr: `data:image/svg+xml,${encodeURIComponent(picture("qr"))}` });
    if (path === "/enrol/confirm" && method === "POST") return reply({ recovery_codes: ["7kq3-mxp2", "tb9h-j4nw", "r8c5-tvyz", "f2k7-q3mx"] });
    if (!account) return problem(401, "access.signed_out", "请先登录。");
    if (path === "/session" && method === "GET") return reply(world.session(account, post));
    if (path === "/session" && method === "DELETE") return (account = undefined), new Response(null, { status: 204 });
    if (path === "/session/post") return (post = (await json<{ post_id: string }>()).post_id), reply(world.session(account, post));
    if (path === "/session/language") return reply({});
    if (path === "/words/stages") return reply(world.stages);
    if (path === "/items") return reply({ items: world.items });
    if (path === "/map/grids") return reply(world.grids);
    if (path === "/org/posts") return reply(world.posts(url.searchParams));
    if (path === "/feed") return feed(request);
    if (path === "/cases" && method === "GET") return reply(world.list(url.searchParams, acting));
    if (path === "/cases/counts") return reply(world.counts(acting));
    if (path === "/cases/duplicates") {
      const near = [...world.cases.values()].slice(0, 30).filter((h) => h.case.item === url.searchParams.get("item") && h.case.stage !== "closed");
      return reply({ items: near.slice(0, 3).map((h, i) => ({ case: h.case, distance_m: 38 + i * 61, age_h: 5 })) });
    }
    if (path === "/files" && method === "POST") {
      const form = await request.formData();
      const file = form.get("file");
      if (!(file instanceof Blob) || !file.type.startsWith("image/")) return problem(422, "blob.not_picture", "这不是照片。");
      const id = fakeId();
      world.files.set(id, { type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) });
      return reply(fakeFile(id, (form.get("kind") ?? "other") as CaseFile["kind"], new Date(world.now()).toISOString()));
    }
    const one = /^\/files\/([^/]+)(\/review)?$/.exec(path);
    if (one) {
      const kept = world.files.get(one[1]!);
      if (kept) return new Response(kept.bytes.slice().buffer, { headers: { "Content-Type": kept.type } });
      return new Response(picture(one[1]!), { headers: { "Content-Type": "image/svg+xml" } });
    }
    if (path === "/registry/purposes") return reply({ items: [{ key: "contact", name: { "zh-CN": "联系报事人", en: "Contact the reporter" } }, { key: "visit", name: { "zh-CN": "上门", en: "Visit" } }] });
    if (path === "/cases" && method === "POST") {
      const r = await json<ReportRequest>();
      const known = world.cases.get(r.id ?? "");
      return reply(known?.case ?? world.report(r, r.id ?? fakeId()));
    }
    const m = /^\/cases\/([^/]+)(?:\/(\w+))?$/.exec(path);
    const held = m && world.cases.get(m[1]!);
    if (!m || !held) return problem(404, "case.missing", "没有这件，或者它不在你的范围内。");
    const id = m[1]!;
    switch (m[2]) {
      case undefined:
        return reply(world.view(id, acting));
      case "moves": {
        const r = await json<MoveRequest>();
        const key = request.headers.get("Idempotency-Key") ?? "";
        const content = JSON.stringify(r);
        const receipt = world.receipts.get(key);
        if (receipt) return receipt.content === content ? reply(held.case) : problem(409, "receipt.other_content", "同一个编号，内容不同。");
        if (request.headers.get("If-Match") !== `"${held.case.version}"`) return problem(412, "case.changed", "这件刚刚被别人改过。");
        const offer = world.offers(held.case, acting).find((o) => o.move === r.move);
        if (!offer?.allowed) return problem(409, "case.wrong_state", "现在不能做这一步。");
        if (offer.needs.includes("note") && !r.note) return problem(422, "case.note_needed", "要写说明。", { where: [{ path: "body.note", code: "field.required", detail: "要写说明" }] });
        const c = world.move(id, r);
        if (key) world.receipts.set(key, { content, id });
        return reply(c);
      }
      case "comments": {
        const r = await json<{ text: string; internal: boolean; file_ids?: string[] }>();
        const files = (r.file_ids ?? []).map((f) => fakeFile(f, "other", new Date(world.now()).toISOString()));
        world.note(held, "case.comment", { "zh-CN": "大桥街道补一句", en: "Daqiao added" }, { note: r.text, internal: r.internal, files });
        held.files = [...held.files, ...files];
        return reply({});
      }
      case "claim":
        held.case = { ...held.case, claimed_by: method === "DELETE" ? undefined : { mine: true, post_name: held.case.post_name, until: new Date(world.now() + 600_000).toISOString() } };
        return reply(held.case);
      case "reveal":
        world.note(held, "case.reveal", { "zh-CN": "大桥街道看了联系方式：回复本人", en: "Daqiao looked at the contact: call back" }, { internal: true });
        return reply(held.reporter ?? {});
    }
    return problem(404, "http.404", "没有。");
  };

  function feed(request: Request): Response {
    const after = Number(request.headers.get("Last-Event-ID") ?? world.head);
    const text = new TextEncoder();
    let off = () => {};
    return new Response(
      new ReadableStream({
        start(c) {
          const send = (e: { number: number }) => c.enqueue(text.encode(`id: ${e.number}\ndata: ${JSON.stringify(e)}\n\n`));
          c.enqueue(text.encode(": hello\n\n"));
          for (const e of world.events) if (e.number > after) send(e);
          const stop = world.hear(send);
          off = () => void stop();
          request.signal.addEventListener("abort", off);
        },
        cancel: () => off(),
      }),
      { headers: { "Content-Type": "text/event-stream" } },
    );
  }
}
