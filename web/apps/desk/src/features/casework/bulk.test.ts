import { type Choice, Fault, type Offer } from "@onegrid/api";
import { describe, expect, it } from "vitest";
import { bulkMoves, count, linesFor, runLines } from "./bulk";

const offer = (move: string, over: Partial<Offer> = {}) => ({ move, allowed: true, needs: [], name: { "zh-CN": move, en: move }, to_state: "accepted", next: {}, consequence: { "zh-CN": "", en: "" }, ...over }) as Offer;
const choice = (id: string, ...moves: Offer[]): Choice => ({ id, number: id, title: id, version: 3, moves });
const post = (id: string) => ({ id, name: { "zh-CN": id, en: id } });

describe("one move on many cases", () => {
  it("offers what some allow, most first, and sets apart what each needs by itself", () => {
    const moves = bulkMoves([choice("a", offer("accept"), offer("done", { needs: ["photo_after"] })), choice("b", offer("accept"), offer("refuse", { allowed: false })), choice("c", offer("done", { needs: ["photo_after"] }), offer("file"))]);
    expect(moves.map((m) => [m.move, m.can.length, m.blocked])).toEqual([["accept", 2, false], ["file", 1, false], ["done", 2, true]]);
  });

  it("offers only posts and reasons that fit all", () => {
    const [dispatch] = bulkMoves([choice("a", offer("dispatch", { needs: ["post"], posts: [post("works"), post("near")] })), choice("b", offer("dispatch", { needs: ["post"], posts: [post("far"), post("works")] }))]);
    expect(dispatch!.posts.map((p) => p.id)).toEqual(["works"]);
  });

  const three = [choice("a", offer("accept")), choice("b", offer("accept", { allowed: false, why: { code: "case.claimed", message: { "zh-CN": "x", en: "x" } } })), choice("c", offer("accept")), choice("d", offer("accept"))];
  let n = 0;
  const lines = () => linesFor(three, bulkMoves(three)[0]!, () => `key-${n++}`);

  it("gives each case its own command and outcome", async () => {
    const all = lines();
    const sent: string[] = [];
    await runLines(all, { move: "accept" }, async (l) => {
      sent.push(l.key);
      if (l.id === "c") throw new Fault({ status: 412, code: "request.changed" });
    }, () => {}, () => false);
    expect(all.map((l) => l.outcome)).toEqual(["done", "skipped", "refused", "done"]);
    expect(new Set(sent).size).toBe(3);
  });

  it("stops between two cases and leaves the rest alone", async () => {
    const all = lines();
    let told = 0;
    await runLines(all, { move: "accept" }, async () => {}, () => told++, () => told >= 1);
    expect(all.map((l) => l.outcome)).toEqual(["done", "skipped", "waiting", "waiting"]);
    expect(count(all, "waiting")).toBe(2);
  });

  it("asks once more with the same command where the line broke", async () => {
    const all = lines();
    const keys: string[] = [];
    await runLines(all, { move: "accept" }, async (l) => {
      keys.push(l.key);
      if (l.id === "a" && keys.length === 1) throw new Fault({ status: 0, code: "network.unreachable" });
    }, () => {}, () => false);
    expect(all[0]!.outcome).toBe("done");
    expect(keys[0]).toBe(keys[1]);
  });
});
