// What a row of the worklist says; pure, so that every rule can be read as a table.
import type { Case, Offer, StageKey, TimelineEvent } from "@onegrid/api";
import type { Status } from "@onegrid/kit";
import { stageStatus } from "@onegrid/kit";
import { daysBetween, time } from "@onegrid/words";

export const isShut = (c: Case) => c.stage === "closed";

export const isPaused = (c: Case) => c.clock?.state === "paused" || c.state === "suspended";

const dueAt = (c: Case) => time(c.clock?.due_at ?? c.due_at);

/** Past its due time, whether the sweeper has been there yet or not. */
export function isLate(c: Case, now: number): boolean {
  if (isShut(c) || isPaused(c)) return false;
  const due = dueAt(c);
  return c.clock?.late === true || (due !== undefined && now > due);
}

export function isNear(c: Case, now: number): boolean {
  if (isShut(c) || isPaused(c)) return false;
  const near = time(c.clock?.near_at);
  return !isLate(c, now) && near !== undefined && now >= near;
}

/** One icon a row: urgent, overdue, due soon, on hold, then the stage (LOOK.md section 2). */
export function rowStatus(c: Case, now: number): Status {
  if (isShut(c)) return "closed";
  if (c.priority === "urgent") return "urgent";
  if (isLate(c, now)) return "overdue";
  if (isNear(c, now)) return "near";
  if (isPaused(c)) return "waiting";
  return stageStatus(c.stage);
}

export type Group = "overdue" | "today" | "later" | "closed";

export function groupOf(c: Case, now: number): Group {
  if (isShut(c)) return "closed";
  if (isLate(c, now)) return "overdue";
  const due = dueAt(c);
  return due !== undefined && !isPaused(c) && daysBetween(now, due) <= 0 ? "today" : "later";
}

export const groupOrder: Group[] = ["overdue", "today", "later", "closed"];

export function grouped(cases: Case[], now: number): { group: Group; cases: Case[] }[] {
  const by = new Map<Group, Case[]>();
  for (const c of cases) {
    const g = groupOf(c, now);
    by.set(g, [...(by.get(g) ?? []), c]);
  }
  return groupOrder.flatMap((group) => (by.has(group) ? [{ group, cases: by.get(group)! }] : []));
}

export type TimeLeft =
  | { kind: "over"; ms: number }
  | { kind: "left"; ms: number; working: boolean }
  | { kind: "due"; at: number }
  | { kind: "paused" }
  | { kind: "closed"; at?: number }
  | { kind: "none" };

/** The column one scans: how long is left, by the clock's own time where the server told it. */
export function timeLeft(c: Case, now: number): TimeLeft {
  if (isShut(c)) return { kind: "closed", at: time(c.closed_at) };
  if (isPaused(c)) return { kind: "paused" };
  const due = dueAt(c);
  if (due === undefined) return { kind: "none" };
  if (isLate(c, now)) return { kind: "over", ms: Math.max(0, now - due) };
  if (daysBetween(now, due) > 0) return { kind: "due", at: due };
  const counts = c.clock?.counts;
  if (counts?.length) return { kind: "left", ms: countedAfter(counts.map((s) => ({ ...s, counted: true })), now), working: true };
  return { kind: "left", ms: due - now, working: false };
}

/** Running time left now: what counts between now and the deadline. */
export function countedAfter(segments: { from: string; to?: string; counted: boolean }[], now: number): number {
  let sum = 0;
  for (const s of segments) {
    if (!s.counted || !s.to) continue;
    sum += Math.max(0, Date.parse(s.to) - Math.max(now, Date.parse(s.from)));
  }
  return sum;
}

export const isMine = (c: Case, post: string | undefined) =>
  post !== undefined && (c.acting_post_id ?? c.post_id) === post;

/** The key of the words for whose move it is, when it is mine. */
export function myTurn(c: Case): string {
  if (c.asked) return "asked";
  if (c.returned) return "returned";
  if (c.task) return c.task;
  if (c.state === "accepted" && c.verify === "open") return "verifying";
  if (c.state === "done" && c.check === "open") return "checking";
  return c.state;
}

// ---- moves ----

/** Dangerous moves are outlined and ask for the reason first. */
export const dangerous = new Set(["refuse", "void_ask", "void_decide", "withdraw", "cancel"]);

const order = [
  "accept", "file", "dispatch", "take", "handle", "done", "verify", "check", "close", "do", "settle",
  "review", "publicise", "approve", "give", "appeal_decide", "home_check", "submit", "supervise_answer", "cooperate_answer", "correct",
  "extend_decide", "supervise", "cooperate_ask", "extend_ask", "escalate", "appeal", "suspend_decide", "void_decide", "resume", "return", "suspend_ask", "refuse", "withdraw", "rate", "object", "reopen", "merge", "unmerge", "void_ask", "cancel", "miss",
];

/** Allowed moves in the order of use; the first is the main action. */
export function allowedMoves(c: Case, offers: Offer[]): Offer[] {
  const rank = (o: Offer) => {
    // someone waits for the decision
    if (o.move === "suspend_decide" || o.move === "void_decide" || o.move === "extend_decide") return -2;
    if (c.returned && o.move === "dispatch") return -1;
    const i = order.indexOf(o.move);
    return i < 0 ? order.length : i;
  };
  return offers.filter((o) => o.allowed).sort((a, b) => rank(a) - rank(b));
}

/** Undoing a case stands under "more", away from the hand. */
export const apart = new Set(["void_ask", "withdraw", "cancel", "miss", "merge", "escalate"]);

/** The main action; a shut case and one whose allowed moves all undo something has none. */
export function mainMove(c: Case, allowed: Offer[]): Offer | undefined {
  const first = allowed[0];
  if (!first || dangerous.has(first.move) || ["reopen", "return", "suspend_ask", "object", "miss", "merge", "unmerge", "extend_ask", "cooperate_ask", "supervise", "escalate", "appeal", "correct"].includes(first.move)) return undefined;
  return isShut(c) && first.move !== "rate" ? undefined : first;
}

const onwards = ["accept", "file", "dispatch", "take", "handle", "done", "check", "close"];

/** The step that comes next and cannot be made yet: its reason says what the case waits for. */
export function waitsFor(offers: Offer[]): Offer | undefined {
  return onwards.flatMap((m) => offers.filter((o) => o.move === m && !o.allowed && o.why))[0];
}

/** Letters for the moves shown; J, K, X and G belong to the list. */
export function moveKeys(moves: Offer[]): Map<string, string> {
  const taken = new Set(["J", "K", "X", "G", "N"]);
  const keys = new Map<string, string>();
  moves.forEach((o, i) => {
    const wish = i === 0 ? "A" : o.move.toUpperCase().replace(/[^A-Z]/g, "");
    for (const letter of wish + "BCDEFHILMOPQRSTUVWYZ") {
      if (!taken.has(letter)) {
        taken.add(letter);
        keys.set(o.move, letter);
        return;
      }
    }
  });
  return keys;
}

/** Moves that ask for words and photos even when none are demanded. */
export const tellsMore = new Set(["done", "settle", "do"]);
/** Decisions on an application: the applicant reads why, so a refusal has words of its own. */
export const decides = new Set(["approve", "appeal_decide"]);

export const onPaper = ["signature", "consent", "measurement", "track_summary"] as const;

// ---- stages ----

export interface StageLine {
  key: StageKey;
  at: "past" | "now" | "next";
  since?: number;
}

/** Which stage was reached when, read from the timeline. */
export function stageLine(
  c: Case,
  stages: StageKey[],
  timeline: TimelineEvent[],
  stageOf: (state: string) => StageKey | null | undefined,
): StageLine[] {
  const since = new Map<StageKey, number>();
  const recorded = time(c.recorded_at);
  if (recorded !== undefined) since.set("reported", recorded);
  for (const e of [...timeline].sort((a, b) => a.number - b.number)) {
    // an entry that leaves the case where it was (a clock ran out) reached nothing
    const moved = e.to_state && e.to_state !== e.from_state && !e.kind.endsWith(".late");
    const stage = moved ? stageOf(e.to_state!) : undefined;
    const at = time(e.at);
    if (stage && at !== undefined && (stage !== "reported" || !since.has("reported"))) since.set(stage, at);
  }
  const now = stages.indexOf(c.stage);
  return stages.map((key, i) => ({
    key,
    at: i < now || (c.stage === "closed" && key === "closed") ? "past" : i === now ? "now" : "next",
    since: i <= now ? since.get(key) : undefined,
  }));
}

/** The way of an application, state by state; what was skipped is left out. */
export function applicationLine(c: Case, timeline: TimelineEvent[]): { key: string; at: "past" | "now" | "next"; since?: number }[] {
  const since = new Map<string, number>([["submitted", time(c.recorded_at) ?? 0]]);
  for (const e of [...timeline].sort((a, b) => a.number - b.number)) {
    const at = time(e.at);
    if (e.to_state && e.to_state !== e.from_state && at !== undefined && !e.task_id) since.set(e.to_state, at);
  }
  const usual = ["submitted", "accepted", "reviewing", "deciding", "approved", "given"];
  const way = ["submitted", "correcting", "accepted", "reviewing", "checking_home", "publicised", "deciding", "declined", "appealed", "approved", "given", "withdrawn", "voided"];
  const ended = ["declined", "withdrawn", "voided", "given"].includes(c.state);
  const shown = way.filter((s) => s === c.state || (since.has(s) && s !== "correcting") || (!ended && usual.includes(s)));
  const now = shown.indexOf(c.state);
  return shown.map((key, i) => ({ key, at: i === now ? "now" : i < now ? "past" : "next", since: i <= now ? since.get(key) : undefined }));
}

// ---- changes that collect above the list ----

/** How many rows would differ if the list were shown anew. */
export function changes(shown: Case[], fresh: Case[], shownIsWhole: boolean): number {
  const before = new Map(shown.map((c) => [c.id, c]));
  const after = new Set(fresh.map((c) => c.id));
  let n = 0;
  for (const c of fresh) {
    const old = before.get(c.id);
    if (!old || old.version !== c.version || old.late !== c.late || old.state !== c.state) n++;
  }
  // a row that fell out; only where the fresh page reaches as far as what is shown
  if (shownIsWhole || fresh.length >= shown.length) for (const c of shown) if (!after.has(c.id)) n++;
  return n;
}
