// One move on many cases; pure, so that every rule can be read as a table.
import { type Choice, type Fault, isFault, type MoveRequest, type Need, type Offer } from "@onegrid/api";

/** What must be brought to each case by itself cannot be brought to many at once. */
const alone = new Set<string>(["photo_before", "photo_after", "signature", "consent", "measurement", "track_summary", "score", "main"]);

/** The most cases of one act. */
export const most = 200;

export interface BulkMove {
  move: string;
  offer: Offer; // of the first case that allows it: what it is called and what it needs
  can: string[]; // cases that allow it now
  blocked: boolean; // needs something of each case by itself
  needs: Need[];
  posts: NonNullable<Offer["posts"]>; // that every one of them can go to
  reasons: NonNullable<Offer["reasons"]>;
}

/** The moves that some of the chosen cases allow, the one for most of them first. */
export function bulkMoves(choices: Choice[]): BulkMove[] {
  const by = new Map<string, { id: string; offer: Offer }[]>();
  for (const c of choices) {
    for (const o of c.moves) if (o.allowed) by.set(o.move, [...(by.get(o.move) ?? []), { id: c.id, offer: o }]);
  }
  const out = [...by].map(([move, list]): BulkMove => {
    const needs = [...new Set(list.flatMap((x) => x.offer.needs as Need[]))];
    const common = <T>(of: (o: Offer) => T[] | undefined, key: (t: T) => string) =>
      (of(list[0]!.offer) ?? []).filter((t) => list.every((x) => (of(x.offer) ?? []).some((u) => key(u) === key(t))));
    return {
      move, offer: list[0]!.offer, can: list.map((x) => x.id), needs, blocked: needs.some((n) => alone.has(n)),
      posts: common((o) => o.posts, (p) => p.id), reasons: common((o) => o.reasons, (r) => r.key),
    };
  });
  return out.sort((a, b) => Number(a.blocked) - Number(b.blocked) || b.can.length - a.can.length);
}

export type Outcome = "waiting" | "done" | "refused" | "skipped" | "unknown";

export interface Line {
  id: string;
  number: string;
  title: string;
  version: number;
  key: string; // of its own command: sent again, it gives the same outcome
  outcome: Outcome;
  why?: unknown;
}

/** A line for each case, in the order of the list. */
export function linesFor(choices: Choice[], move: BulkMove, newKey: () => string): Line[] {
  return choices.map((c) => {
    const line: Line = { id: c.id, number: c.number, title: c.title, version: c.version, key: newKey(), outcome: "waiting" };
    if (move.can.includes(c.id)) return line;
    const why = c.moves.find((o) => o.move === move.move)?.why;
    return { ...line, outcome: "skipped", why };
  });
}

/**
 * Sends one command after the other. Each has its own receipt and outcome; a stop
 * takes hold between two of them, so nothing is left half done. Where the line
 * broke, the same command is asked about once more.
 */
export async function runLines(lines: Line[], request: MoveRequest, send: (l: Line, r: MoveRequest) => Promise<unknown>, told: () => void, stopped: () => boolean): Promise<void> {
  for (const l of lines) {
    if (l.outcome !== "waiting") continue;
    if (stopped()) break;
    for (let tries = 0; tries < 2; tries++) {
      try {
        await send(l, request);
        l.outcome = "done";
        l.why = undefined;
        break;
      } catch (e) {
        const lost = isFault(e) && (e as Fault).unknown;
        l.outcome = lost ? "unknown" : "refused";
        l.why = e;
        if (!lost) break;
      }
    }
    told();
  }
}

export const count = (lines: Line[], outcome: Outcome) => lines.filter((l) => l.outcome === outcome).length;
