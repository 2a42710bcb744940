import type { GridCollection, GridFeature } from "./shapes";

export type Bounds = [west: number, south: number, east: number, north: number];
type Ring = [number, number][];

/** The polygons of a feature, each its outer ring first. */
export function polygons(f: GridFeature): Ring[][] {
  return (f.geometry.type === "Polygon" ? [f.geometry.coordinates] : f.geometry.coordinates) as Ring[][];
}

export function bounds(features: GridFeature[]): Bounds | undefined {
  let b: Bounds | undefined;
  for (const f of features)
    for (const polygon of polygons(f))
      for (const [x, y] of polygon[0] ?? [])
        b = b ? [Math.min(b[0], x), Math.min(b[1], y), Math.max(b[2], x), Math.max(b[3], y)] : [x, y, x, y];
  return b;
}

function inRing(ring: Ring, x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi, yi] = ring[i]!;
    const [xj, yj] = ring[j]!;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** The grid at a place, for a hint on screen; which grid it is in truth, the server decides. */
export function gridAt(all: GridCollection | undefined, x: number, y: number): GridFeature | undefined {
  return all?.features.find(
    (f) => f.properties.layer === "base" && polygons(f).some((p) => p.reduce((in_, ring) => (inRing(ring, x, y) ? !in_ : in_), false)),
  );
}

/** A point inside the largest polygon for its label: the middle of the widest of a few level cuts. */
export function labelPoint(f: GridFeature): [number, number] {
  let best: { rings: Ring[]; area: number } | undefined;
  for (const rings of polygons(f)) {
    const outer = rings[0] ?? [];
    let area = 0;
    outer.forEach(([x, y], i) => {
      const [x2, y2] = outer[(i + 1) % outer.length]!;
      area += x * y2 - x2 * y;
    });
    if (!best || Math.abs(area) > best.area) best = { rings, area: Math.abs(area) };
  }
  const rings = best?.rings ?? [];
  const ys = (rings[0] ?? []).map((p) => p[1]);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  let point: [number, number] = rings[0]?.[0] ?? [0, 0];
  let widest = 0;
  for (const share of [0.5, 0.42, 0.58, 0.34, 0.66]) {
    const y = low + (high - low) * share;
    const cuts: number[] = [];
    for (const ring of rings)
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [xi, yi] = ring[i]!;
        const [xj, yj] = ring[j]!;
        if (yi > y !== yj > y) cuts.push(((xj - xi) * (y - yi)) / (yj - yi) + xi);
      }
    cuts.sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i += 2) {
      const width = (cuts[i + 1]! - cuts[i]!) * (1 - Math.abs(share - 0.5)); // rather the middle
      if (width > widest) {
        widest = width;
        point = [(cuts[i]! + cuts[i + 1]!) / 2, y];
      }
    }
  }
  return point;
}

/** Edges that belong to one street only: the streets' outlines, when only grids are known. */
export function streetEdges(all: GridCollection): Ring[] {
  const seen = new Map<string, { street: string; line: Ring; inner: boolean }>();
  for (const f of all.features) {
    if (f.properties.layer !== "base") continue;
    const street = f.properties.street_id ?? "";
    for (const rings of polygons(f))
      for (const ring of rings)
        for (let i = 0; i + 1 < ring.length; i++) {
          const [a, b] = [ring[i]!, ring[i + 1]!];
          const forward = a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
          const key = (forward ? [a, b] : [b, a]).join();
          const known = seen.get(key);
          if (!known) seen.set(key, { street, line: [a, b], inner: false });
          else if (known.street === street) known.inner = true;
        }
  }
  return [...seen.values()].filter((e) => !e.inner).map((e) => e.line);
}
