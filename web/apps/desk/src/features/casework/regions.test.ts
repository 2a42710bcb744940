import { describe, expect, it } from "vitest";
import { drawn, grown, keyed, least, moved, whole } from "./parts/regions";

const r = { x: 1000, y: 2000, w: 3000, h: 1000 };

describe("regions of a picture", () => {
  it("stay on the picture when they are moved", () => {
    expect(moved(r, 100, -100)).toEqual({ ...r, x: 1100, y: 1900 });
    expect(moved(r, -5000, -5000)).toEqual({ ...r, x: 0, y: 0 });
    expect(moved(r, 20_000, 20_000)).toEqual({ ...r, x: whole - r.w, y: whole - r.h });
  });
  it("never shrink to nothing nor grow past the edge", () => {
    expect(grown(r, -9000, 100)).toEqual({ ...r, w: least, h: 1100 });
    expect(grown(r, 20_000, 20_000)).toEqual({ ...r, w: whole - r.x, h: whole - r.y });
  });
  it("are drawn from any corner; a touch draws none", () => {
    expect(drawn(4000, 3000, 1000, 1000)).toEqual({ x: 1000, y: 1000, w: 3000, h: 2000 });
    expect(drawn(-500, 9000, 500, 12_000)).toEqual({ x: 0, y: 9000, w: 500, h: 1000 });
    expect(drawn(1000, 1000, 1010, 5000)).toBeUndefined();
  });
  it("obey the keyboard", () => {
    expect(keyed(r, "ArrowRight", false)).toEqual({ ...r, x: 1100 });
    expect(keyed(r, "ArrowUp", true)).toEqual({ ...r, h: 900 });
    expect(keyed(r, "a", false)).toBeUndefined();
  });
});
