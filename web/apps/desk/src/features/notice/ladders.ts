// The rules of a ladder as the form shows them; the server judges by the same.
import type { NoticeSettings } from "@onegrid/api";

export type Rung = NoticeSettings["ladders"]["urgent"][number];
export type LadderKey = keyof NoticeSettings["ladders"];
export const ladderKeys: LadderKey[] = ["urgent", "must_act", "ordinary", "resident"];
export const longest = 7 * 24 * 60;

/** The channels a ladder may have: residents are reached by text message only. */
export const channelsOf = (l: LadderKey): Rung["channel"][] => (l === "resident" ? ["sms"] : ["push", "mail", "sms", "next"]);

/** What is wrong with a ladder: the end of a words key, or nothing. */
export function wrongWith(l: LadderKey, rungs: Rung[]): "bad_channel" | "bad_minutes" | "bad_next" | undefined {
  let last = 0;
  const seen = new Set<string>();
  for (const [i, r] of rungs.entries()) {
    if (!channelsOf(l).includes(r.channel) || seen.has(r.channel)) return "bad_channel";
    if (!Number.isInteger(r.after_minutes) || r.after_minutes < last || r.after_minutes > longest) return "bad_minutes";
    if (r.channel === "next" && i !== rungs.length - 1) return "bad_next";
    seen.add(r.channel);
    last = r.after_minutes;
  }
  return undefined;
}

/** Where one more rung would stand: before the next post, with a channel not used yet. */
export function withOneMore(l: LadderKey, rungs: Rung[]): Rung[] {
  const channel = channelsOf(l).find((c) => !rungs.some((r) => r.channel === c));
  if (!channel) return rungs;
  const at = channel !== "next" && rungs.at(-1)?.channel === "next" ? rungs.length - 1 : rungs.length;
  const before = rungs[at - 1]?.after_minutes ?? 0;
  return [...rungs.slice(0, at), { channel, after_minutes: before }, ...rungs.slice(at)];
}
