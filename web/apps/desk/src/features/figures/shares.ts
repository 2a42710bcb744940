// Shares with their base written out: percent only where the base is 10 or more,
// else the two numbers; no base is no figure, and never 0 (look/LOOK.md section 4).

export interface Share {
  part: number;
  base: number;
  /** a tenth of a percent; absent where the base is too small for one */
  percent?: number;
}

export function share(part: number, base: number): Share | undefined {
  if (base <= 0) return undefined;
  return { part, base, percent: base >= 10 ? Math.round((part / base) * 1000) / 10 : undefined };
}

export type Counts = Record<string, number>;

const n = (c: Counts, key: string) => c[key] ?? 0;

/** Closed within the limit, of those that had one. */
export const onTime = (c: Counts) => share(n(c, "timed") - n(c, "closed_late"), n(c, "timed"));
/** Filed, of what was reported in the same days. */
export const filed = (c: Counts) => share(n(c, "filed"), n(c, "reported"));
/** Checks that passed at once. */
export const passed = (c: Counts) => share(n(c, "checked"), n(c, "checked") + n(c, "reworked"));
/** Rows by what needs attention: most overdue first, then most reported. */
export function byAttention<T extends { key: string; counts: Counts }>(rows: T[]): T[] {
  return [...rows].sort((a, b) => n(b.counts, "overdue") - n(a.counts, "overdue") || n(b.counts, "reported") - n(a.counts, "reported") || a.key.localeCompare(b.key));
}
