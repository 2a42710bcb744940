import { describe, expect, it } from "vitest";
import { byAttention, change, shown, signed, spanOf } from "./shares";

const ratio = (part: number, base: number) => ({ part, base, value: base > 0 ? part / base : undefined });

describe("shares", () => {
  it("gives a percentage only where the base bears one", () => {
    expect(shown(ratio(5, 7))).toEqual({ big: "5 / 7", unit: "" });
    expect(shown(ratio(5, 10))).toEqual({ big: "50", unit: "%" });
    expect(shown(ratio(669, 937))).toEqual({ big: "71.4", unit: "%" });
    expect(shown(ratio(38, 9), true)).toEqual({ big: "4.2", unit: "" });
  });
  it("has no figure without a base, rather than 0", () => {
    expect(shown(ratio(0, 0))).toBeUndefined();
    expect(shown(undefined)).toBeUndefined();
    expect(shown(ratio(0, 12))).toEqual({ big: "0", unit: "%" });
  });
  it("tells a change only between shares that bear one", () => {
    expect(change(ratio(60, 100), ratio(50, 100))).toBe(10);
    expect(change(ratio(6, 9), ratio(50, 100))).toBeUndefined();
    expect(change(ratio(60, 100), ratio(0, 0))).toBeUndefined();
    expect([signed(1.2), signed(-3), signed(0)]).toEqual(["+1.2", "−3", "±0"]);
  });
  it("puts first what needs attention and last what lies nowhere", () => {
    const rows: { key: string; counts: Record<string, number> }[] = [{ key: "", counts: { overdue: 9 } }, { key: "a", counts: { reported: 9 } }, { key: "b", counts: { overdue: 2 } }, { key: "c", counts: { reported: 12 } }];
    expect(byAttention(rows).map((r) => r.key)).toEqual(["b", "c", "a", ""]);
  });
  it("knows the spans people ask for", () => {
    expect(spanOf("7", "2026-03-03")).toEqual({ from: "2026-02-25", to: "2026-03-03" });
    expect(spanOf("month", "2026-03-03")).toEqual({ from: "2026-03-01", to: "2026-03-03" });
    expect(spanOf("last_month", "2026-01-31")).toEqual({ from: "2025-12-01", to: "2025-12-31" });
    expect(spanOf("year", "2026-03-03")).toEqual({ from: "2026-01-01", to: "2026-03-03" });
  });
});
