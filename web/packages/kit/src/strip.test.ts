import { describe, expect, it } from "vitest";
import { layStrip, type StripSegment } from "./strip";

const h = 3_600_000;
// Monday 16:35 to Tuesday 16:55 with a pause of 20 min, a night and a noon break: 8 working hours
const segments: StripSegment[] = [
  { from: 0, to: 0.5 * h, counted: true, reason: "work" },
  { from: 0.5 * h, to: 0.75 * h, counted: false, reason: "pause" },
  { from: 0.75 * h, to: 1 * h, counted: true, reason: "work" },
  { from: 1 * h, to: 15 * h, counted: false, reason: "night" },
  { from: 15 * h, to: 18 * h, counted: true, reason: "work" },
  { from: 18 * h, to: 19.5 * h, counted: false, reason: "lunch" },
  { from: 19.5 * h, to: 23 * h, counted: true, reason: "work" },
];

describe("layStrip", () => {
  it("splits what is used from what is left at now, and fills the width", () => {
    const s = layStrip(segments, 16 * h, 23 * h, 480);
    expect(s.bars.map((b) => b.kind)).toEqual(["used", "stopped", "used", "gap", "used", "left", "gap", "left"]);
    const last = s.bars.at(-1)!;
    expect(last.x + last.w).toBeCloseTo(480);
    expect(s.due).toBeCloseTo(480);
    const used = s.bars.find((b) => b.kind === "used" && b.from === 15 * h)!;
    expect(s.now).toBeCloseTo(used.x + used.w);
  });

  it("draws counted time to scale and what does not count as one short gap", () => {
    const s = layStrip(segments, 16 * h, 23 * h, 480);
    const one = s.bars.find((b) => b.from === 15 * h)!; // 1 h
    const three = s.bars.find((b) => b.from === 19.5 * h)!; // 3.5 h
    expect(three.w / one.w).toBeCloseTo(3.5);
    expect(s.bars[3]!.w).toBe(52); // 14 hours of night take no more room than the noon break
    expect(s.bars[6]!.w).toBe(52);
  });

  it("runs past the flag when overdue, never past the edge", () => {
    const s = layStrip(segments, 40 * h, 23 * h, 480);
    expect(s.bars.at(-1)).toMatchObject({ kind: "over" });
    expect(s.due!).toBeLessThan(480);
    expect(s.bars.at(-1)!.x + s.bars.at(-1)!.w).toBeLessThanOrEqual(480.001);
  });

  it("joins a night, a weekend and another night to one gap named by the longest", () => {
    const s = layStrip(
      [
        { from: 0, to: h, counted: true, reason: "work" },
        { from: h, to: 8 * h, counted: false, reason: "night" },
        { from: 8 * h, to: 56 * h, counted: false, reason: "off_day" },
        { from: 56 * h, to: 63 * h, counted: false, reason: "night" },
        { from: 63 * h, to: 64 * h, counted: true, reason: "work" },
      ],
      0,
      64 * h,
      300,
    );
    expect(s.bars.map((b) => b.kind)).toEqual(["left", "gap", "left"]);
    expect(s.bars[1]!.reason).toBe("off_day");
  });

  it("stays open while the clock stands", () => {
    const s = layStrip([{ from: 0, to: h, counted: true, reason: "work" }, { from: h, counted: false, reason: "pause" }], 2 * h, undefined, 300);
    expect(s.bars.map((b) => b.kind)).toEqual(["used", "stopped"]);
    expect(s.due).toBeUndefined();
  });
});
