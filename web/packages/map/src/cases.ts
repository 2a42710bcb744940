import type { CircleLayerSpecification, LngLatBoundsLike, SymbolLayerSpecification } from "maplibre-gl";

// Cases as the server gathers them: a circle with the number of cases, and how many
// of them are late, told by a sign and a number too and not by colour alone.

/** What was pressed: the cases of one cell of the map. */
export interface CaseCell {
  /** z/x/y of the tile whose cases it stands for */
  cell: string;
  count: number;
}

const late = ["get", "late"] as never;
const count = ["get", "count"] as never;

/** The layers of cases; token gives a colour of the screen's. */
export function caseLayers(token: (name: string) => string): [CircleLayerSpecification, SymbolLayerSpecification] {
  const radius = ["case", [">", count, 1], ["interpolate", ["linear"], ["log10", count], 0.3, 15, 1, 19, 2, 25, 3, 32, 4, 38], 9];
  const much = [">", ["*", late, 5], count]; // more than a fifth
  return [
    {
      id: "case",
      type: "circle",
      source: "cases",
      "source-layer": "case",
      paint: {
        "circle-radius": radius as never,
        // among many there is nearly always an urgent one: only what is urgent as a whole says so
        "circle-color": ["case", ["==", ["get", "urgent"], count], token("--st-urgent"), token("--st-inhand")] as never,
        "circle-stroke-color": ["case", much, token("--st-overdue"), token("--map-halo")] as never,
        "circle-stroke-width": ["case", much, 4, 2] as never,
      },
    },
    {
      id: "case-count",
      type: "symbol",
      source: "cases",
      "source-layer": "case",
      layout: {
        "text-field": [
          "case",
          [">", count, 1],
          ["format", ["to-string", count], { "font-scale": 1 }, ["case", [">", late, 0], ["concat", "\n!", ["to-string", late]], ""], { "font-scale": 0.75 }],
          ["case", [">", late, 0], "!", ""],
        ] as never,
        "text-font": ["Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "sans-serif"],
        "text-size": 13,
        "text-line-height": 1,
        "text-allow-overlap": true,
        "text-ignore-placement": true,
      },
      paint: { "text-color": token("--map-halo") },
    },
  ];
}

/** The corners of a cell, west south and east north. */
export function cellBounds(cell: string): LngLatBoundsLike | undefined {
  const [z, x, y] = cell.split("/").map(Number);
  if (z === undefined || x === undefined || y === undefined || ![z, x, y].every(Number.isInteger)) return undefined;
  const n = 2 ** z;
  const lon = (at: number) => (at / n) * 360 - 180;
  const lat = (at: number) => (Math.atan(Math.sinh(Math.PI * (1 - (2 * at) / n))) * 180) / Math.PI;
  return [lon(x), lat(y + 1), lon(x + 1), lat(y)];
}
