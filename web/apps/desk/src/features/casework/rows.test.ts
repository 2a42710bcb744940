import type { Case, Offer, StageKey, TimelineEvent } from "@onegrid/api";
import { describe, expect, it } from "vitest";
import { allowedMoves, changes, countedAfter, grouped, isLate, mainMove, moveKeys, rowStatus, stageLine, timeLeft, waitsFor } from "./rows";

const now = Date.parse("2026-11-24T09:42:00+08:00");
const at = (s: string) => `2026-11-${s}:00+08:00`;

const both = { "zh-CN": "", en: "" };
const limit = { clock: "working-day" as const, units: 1 };

function made(over: Partial<Case> & { due?: string; near?: string } = {}): Case {
  const { due, near, ...rest } = over;
  return {
    id: "1", number: "20261124-ABCDEFG-H", arrived: 1, flow: "handling", item: "cleanliness", item_name: both, title: "t", text: "", place: { words: "" },
    state: "handling", stage: "in_hand", priority: "normal", secrecy: "open", channel: "desk", post_id: "p", post_name: both, hub_id: "h", state_name: both, late: false,
    occurred_at: at("24T08:00"), recorded_at: at("24T08:00"), version: 1,
    clock: { kind: "handle", state: "running", started_at: at("24T08:30"), due_at: due, near_at: near, late: false, limit },
    ...rest,
  };
}

describe("rowStatus", () => {
  const cases: [string, Case, string][] = [
    ["the stage when nothing presses", made({ due: at("26T16:00") }), "inhand"],
    ["due soon from near_at on", made({ due: at("24T10:30"), near: at("24T09:42") }), "near"],
    ["not yet due soon", made({ due: at("24T10:30"), near: at("24T09:43") }), "inhand"],
    ["overdue at once, before the sweeper came", made({ due: at("24T09:41") }), "overdue"],
    ["urgent before overdue", made({ due: at("24T09:41"), priority: "urgent" }), "urgent"],
    ["on hold before the stage", made({ state: "suspended", clock: { kind: "handle", state: "paused", started_at: at("20T08:00"), late: false, limit } }), "waiting"],
    ["shut, whatever its past", made({ state: "closed", stage: "closed", late: true, priority: "urgent" }), "closed"],
  ];
  it.each(cases)("%s", (_, c, want) => expect(rowStatus(c, now)).toBe(want));

  it("does not call a case late whose handling was late but whose present clock runs", () => {
    expect(isLate(made({ late: true, state: "done", stage: "done", due: at("24T10:30") }), now)).toBe(false);
  });
});

describe("grouped", () => {
  it("puts overdue before today before later, and keeps the server's order within", () => {
    const list = [
      made({ id: "a", due: at("24T09:00") }),
      made({ id: "b", due: at("24T16:00") }),
      made({ id: "c", due: at("24T17:00") }),
      made({ id: "d", due: at("25T09:00") }),
      made({ id: "e", state: "suspended" }),
    ];
    expect(grouped(list, now).map((g) => [g.group, g.cases.map((c) => c.id).join("")])).toEqual([["overdue", "a"], ["today", "bc"], ["later", "de"]]);
  });
});

describe("timeLeft", () => {
  it("counts the clock's own time down, through lunch too", () => {
    const c = made({ due: at("24T16:55") });
    expect(timeLeft(c, now)).toEqual({ kind: "left", ms: 433 * 60_000, working: false });
    c.clock!.counts = [{ from: at("24T08:30"), to: at("24T12:00") }, { from: at("24T13:30"), to: at("24T16:55") }];
    expect(timeLeft(c, now)).toEqual({ kind: "left", ms: (138 + 205) * 60_000, working: true });
    expect(timeLeft(c, Date.parse(at("24T12:30")))).toMatchObject({ ms: 205 * 60_000 });
  });
  it("says by how much it is over, and the moment when it is not today", () => {
    expect(timeLeft(made({ due: at("24T06:42") }), now)).toEqual({ kind: "over", ms: 3 * 3_600_000 });
    expect(timeLeft(made({ due: at("26T11:00") }), now).kind).toBe("due");
    expect(timeLeft(made({ state: "suspended" }), now).kind).toBe("paused");
  });
});

describe("countedAfter", () => {
  it("adds what counts from now on", () => {
    const s = [
      { from: at("24T08:30"), to: at("24T12:00"), counted: true },
      { from: at("24T12:00"), to: at("24T13:30"), counted: false },
      { from: at("24T13:30"), to: at("24T16:55"), counted: true },
    ];
    expect(countedAfter(s, now)).toBe((138 + 205) * 60_000);
  });
});

const offer = (move: string, allowed = true): Offer => ({ move, name: both, allowed, needs: [], to_state: "", next: {}, consequence: both });

describe("moves", () => {
  it("leads with what moves the case on, never with what throws it away", () => {
    const c = made({ state: "reported", stage: "reported" });
    const allowed = allowedMoves(c, [offer("void_ask"), offer("refuse"), offer("settle", false), offer("accept")]);
    expect(allowed.map((o) => o.move)).toEqual(["accept", "refuse", "void_ask"]);
    expect(mainMove(c, allowed)?.move).toBe("accept");
    expect(mainMove(c, allowedMoves(c, [offer("refuse")]))).toBeUndefined();
  });
  it("puts a decision that somebody waits for first", () => {
    expect(allowedMoves(made(), [offer("done"), offer("suspend_decide")])[0]?.move).toBe("suspend_decide");
  });
  it("names the step that the case waits for", () => {
    const file = { ...offer("file", false), why: { code: "case.not_verified", message: both } };
    const close = { ...offer("close", false), why: { code: "case.not_done", message: both } };
    expect(waitsFor([close, offer("refuse"), file])?.move).toBe("file");
    expect(waitsFor([offer("refuse")])).toBeUndefined();
  });
  it("gives each move its own letter and leaves the list's alone", () => {
    const keys = [...moveKeys(["accept", "refuse", "return", "reopen", "rate", "void_ask", "withdraw"].map((m) => offer(m))).values()];
    expect(new Set(keys).size).toBe(7);
    expect(keys[0]).toBe("A");
    expect(keys.some((k) => "JKXGN".includes(k))).toBe(false);
  });
});

describe("stageLine", () => {
  it("tells when each stage was reached, and forgets what a return undid", () => {
    const stages: StageKey[] = ["reported", "accepted", "assigned", "in_hand", "done", "closed"];
    const of: Record<string, StageKey> = { accepted: "accepted", filed: "accepted", dispatched: "assigned", handling: "in_hand" };
    const event = (number: number, to_state: string, when: string): TimelineEvent => ({ number, kind: "case.x", at: at(when), occurred_at: at(when), by: { via: "desk" }, words: both, internal: true, to_state });
    const line = stageLine(made({ state: "filed", stage: "accepted" }), stages, [event(3, "dispatched", "24T09:00"), event(2, "accepted", "24T08:10"), event(4, "filed", "24T09:30")], (s) => of[s]);
    expect(line.map((l) => l.at)).toEqual(["past", "now", "next", "next", "next", "next"]);
    expect(line[1]?.since).toBe(Date.parse(at("24T09:30")));
    expect(line[2]?.since).toBeUndefined();
    // that a clock ran out is not an arrival
    const late = { ...event(5, "filed", "24T09:40"), kind: "case.late", from_state: "filed" };
    expect(stageLine(made({ state: "filed", stage: "accepted" }), stages, [event(4, "filed", "24T09:30"), late], (s) => of[s])[1]?.since).toBe(Date.parse(at("24T09:30")));
  });
});

describe("changes", () => {
  const a = made({ id: "a" });
  const b = made({ id: "b" });
  it("counts what is new, what changed and what left", () => {
    expect(changes([a, b], [a, b], true)).toBe(0);
    expect(changes([a, b], [{ ...a, version: 2 }, made({ id: "c" })], true)).toBe(3);
  });
  it("does not take rows beyond the fresh page for gone", () => {
    expect(changes([a, b], [a], false)).toBe(0);
  });
});
