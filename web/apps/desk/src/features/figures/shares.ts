// Shares with their base written out: percent only where the base is 10 or more,
// else the two numbers; no base is no figure, and never 0 (look/LOOK.md section 4).
import type { FigureDefinition, Ratio } from "@onegrid/api";

export type Counts = Record<string, number>;

/** A ratio as it is read: 71.4 and %, 5 / 7, 4.2, or nothing without a base. */
export interface Shown {
  big: string;
  unit: "" | "%";
}

const enough = 10;

export function shown(r: Ratio | undefined, mean = false): Shown | undefined {
  if (!r || r.base <= 0 || r.value === undefined) return undefined;
  if (mean) return { big: r.value.toFixed(1), unit: "" };
  if (r.base < enough) return { big: `${r.part} / ${r.base}`, unit: "" };
  return { big: String(Math.round(r.value * 1000) / 10), unit: "%" };
}

/**
 * The change between two ratios, in points or in stars; nothing where one of them
 * has too small a base to bear a percentage.
 */
export function change(now: Ratio | undefined, then: Ratio | undefined, mean = false): number | undefined {
  if (now?.value === undefined || then?.value === undefined) return undefined;
  if (mean) return Math.round((now.value - then.value) * 10) / 10;
  if (now.base < enough || then.base < enough) return undefined;
  return Math.round((now.value - then.value) * 1000) / 10;
}

/** A change with its sign; the minus is a minus and no hyphen. */
export const signed = (n: number): string => (n > 0 ? `+${n}` : n < 0 ? `−${-n}` : "±0");

/** Rows by what needs attention: most overdue first, then most reported; what lies nowhere last. */
export function byAttention<T extends { key: string; counts: Counts }>(rows: T[]): T[] {
  const n = (c: Counts, key: string) => c[key] ?? 0;
  return [...rows].sort(
    (a, b) => Number(a.key === "") - Number(b.key === "") || n(b.counts, "overdue") - n(a.counts, "overdue") || n(b.counts, "reported") - n(a.counts, "reported") || a.key.localeCompare(b.key),
  );
}

/** The bases and parts of a rate, as the list of sources wants them. */
export const sides = (d: FigureDefinition) => ({ part: d.rate?.parts.map((m) => (m === "stars" ? "rated" : m)).join(",") ?? "", base: d.rate?.bases.join(",") ?? "" });

/** Spans that are offered; dates are those of the district. */
export type Preset = "7" | "28" | "month" | "last_month" | "year";
export const presets: Preset[] = ["7", "28", "month", "last_month", "year"];

export function spanOf(preset: Preset, today: string): { from: string; to: string } {
  const [y, m] = today.split("-").map(Number) as [number, number];
  const iso = (d: Date) => d.toISOString().slice(0, 10);
  const back = (days: number) => iso(new Date(Date.parse(`${today}T00:00:00Z`) - days * 86_400_000));
  switch (preset) {
    case "7":
    case "28":
      return { from: back(Number(preset) - 1), to: today };
    case "month":
      return { from: `${today.slice(0, 8)}01`, to: today };
    case "last_month":
      return { from: iso(new Date(Date.UTC(y, m - 2, 1))), to: iso(new Date(Date.UTC(y, m - 1, 0))) };
    case "year":
      return { from: `${y}-01-01`, to: today };
  }
}
