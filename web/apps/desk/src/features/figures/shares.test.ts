import { describe, expect, it } from "vitest";
import { byAttention, filed, onTime, passed, share } from "./shares";

describe("shares", () => {
  it("gives a percentage only where the base bears one", () => {
    expect(share(5, 7)).toEqual({ part: 5, base: 7, percent: undefined });
    expect(share(5, 10)).toEqual({ part: 5, base: 10, percent: 50 });
    expect(share(2, 3)?.percent).toBeUndefined();
    expect(share(669, 937)?.percent).toBe(71.4);
  });
  it("has no figure without a base, rather than 0", () => {
    expect(share(0, 0)).toBeUndefined();
    expect(onTime({ closed: 40 })).toBeUndefined();
  });
  it("judges punctuality only by cases that had a limit", () => {
    expect(onTime({ closed: 131, timed: 100, closed_late: 20 })).toEqual({ part: 80, base: 100, percent: 80 });
    expect(filed({ reported: 1112, filed: 690 })?.percent).toBe(62.1);
    expect(passed({ checked: 9, reworked: 3 })).toEqual({ part: 9, base: 12, percent: 75 });
  });
  it("puts first what needs attention", () => {
    const rows: { key: string; counts: Record<string, number> }[] = [{ key: "a", counts: { reported: 9 } }, { key: "b", counts: { overdue: 2 } }, { key: "c", counts: { reported: 12 } }];
    expect(byAttention(rows).map((r) => r.key)).toEqual(["b", "c", "a"]);
  });
});
