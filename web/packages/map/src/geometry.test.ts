import { describe, expect, it } from "vitest";
import { bounds, gridAt, labelPoint, polygons, streetEdges } from "./geometry";
import type { GridCollection, GridFeature } from "./shapes";

function grid(id: string, street: string, ...rings: [number, number][][]): GridFeature {
  return { type: "Feature", geometry: { type: "Polygon", coordinates: rings }, properties: { id, code: id, name: id, layer: "base", street_id: street } };
}
const square = (x: number, y: number, s = 1): [number, number][] => [[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]];

describe("map geometry", () => {
  const hole = grid("c", "s2", square(2, 0, 3), square(3, 1).reverse());
  const all: GridCollection = { type: "FeatureCollection", features: [grid("a", "s1", square(0, 0)), grid("b", "s1", square(1, 0)), hole] };

  it("finds the grid at a place, and none in a hole", () => {
    expect(gridAt(all, 0.5, 0.5)?.properties.id).toBe("a");
    expect(gridAt(all, 2.5, 0.5)?.properties.id).toBe("c");
    expect(gridAt(all, 3.5, 1.5)).toBeUndefined();
    expect(gridAt(undefined, 0, 0)).toBeUndefined();
  });
  it("puts the label inside, also in a horseshoe", () => {
    const horseshoe = grid("u", "s", [[0, 0], [10, 0], [10, 10], [7, 10], [7, 2], [3, 2], [3, 10], [0, 10], [0, 0]]);
    for (const f of [...all.features, horseshoe]) {
      const [x, y] = labelPoint(f);
      expect(gridAt({ type: "FeatureCollection", features: [f] }, x, y)?.properties.id).toBe(f.properties.id);
    }
  });
  it("keeps only edges between streets and at the outside", () => {
    const keys = streetEdges({ ...all, features: all.features.slice(0, 2) }).map((l) => l.join());
    expect(keys).toHaveLength(6);
    expect(keys).not.toContain("1,0,1,1");
  });
  it("knows bounds of all polygons", () => {
    expect(bounds(all.features)).toEqual([0, 0, 5, 3]);
    expect(bounds([])).toBeUndefined();
    expect(polygons(hole)).toHaveLength(1);
  });
});
