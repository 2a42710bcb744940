import { describe, expect, it } from "vitest";
import { moveCorner, type Point } from "./useActs";

const ring = (...p: Point[]): Point[][][] => [[[...p, p[0]!]]];

describe("moving a corner", () => {
  it("takes along every border that has it, closing points too", () => {
    const borders = new Map([
      ["a", ring([0, 0], [1, 0], [1, 1], [0, 1])],
      ["b", ring([1, 0], [2, 0], [2, 1], [1, 1])],
      ["c", ring([5, 5], [6, 5], [6, 6])],
    ]);
    const moved = moveCorner(borders, [1, 0], [1.2, 0.1]);
    expect([...moved.keys()]).toEqual(["a", "b"]);
    expect(moved.get("a")![0]![0]![1]).toEqual([1.2, 0.1]);
    const b = moved.get("b")![0]![0]!;
    expect(b[0]).toEqual([1.2, 0.1]);
    expect(b.at(-1)).toEqual([1.2, 0.1]);
  });
  it("moves nothing where nobody has the corner", () => {
    expect(moveCorner(new Map([["a", ring([0, 0], [1, 0], [1, 1])]]), [9, 9], [8, 8]).size).toBe(0);
  });
});
