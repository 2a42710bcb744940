import { useQuery } from "@tanstack/vue-query";
import { type Ref, computed, ref } from "vue";
import type { GridCollection } from "@onegrid/api";
import { api } from "../../desk/api";

// What the desk must know of acts of reorganisation; the API's own types have more.
export type Point = [number, number];
export interface Face { code: string; name: { "zh-CN": string; en: string } }
export interface Part { node_id: string; kind: "ended" | "began" | "changed"; was?: Face; now?: Face }
export interface Act {
  id: string;
  tree: "unit" | "division" | "grid";
  kind: string;
  at: string;
  why: string;
  parts: Part[];
  post_name?: { "zh-CN": string; en: string };
}
export interface Weight { cases: number; cases_looked: number; posts: number; posts_ending: number; grants: number }
export interface Flaw { kind: string; lon: number; lat: number; square_metres: number; codes: string[] }
export interface Outcome extends Act {
  weight: Weight;
  grids?: GridCollection["features"];
  flaws?: Flaw[];
  refused?: { why: string; args?: Record<string, unknown> };
}
export interface GridDetail {
  drawn: { type: "MultiPolygon"; coordinates: Point[][][] };
  acts?: Act[];
  past?: { name: string; code: string; from: string; to?: string; platform_name?: { "zh-CN": string; en: string } }[];
  codes: { scheme: string; code: string; from: string; to?: string }[];
}

/** Acts that move borders: one person draws, another approves. */
export const movesBorders = (kind: string) => ["found", "merge", "split", "close", "redraw"].includes(kind);

export interface Proposal {
  id: string;
  act: { kind: string; why: string; grid_id?: string; grid_ids?: string[]; into_id?: string; borders?: { grid_id: string }[]; new?: { name: string } };
  state: "waiting" | "approved" | "declined" | "taken_back";
  proposed_at: string;
  decided_at?: string;
  proposed_by_name?: { "zh-CN": string; en: string };
  decided_by_name?: { "zh-CN": string; en: string };
  note?: string;
  mine?: boolean;
  version: number;
}

/** Drawings that wait for a second pair of eyes, and those decided. */
export function useProposals(may: Ref<boolean>) {
  return useQuery({
    queryKey: ["grid", "proposals"],
    queryFn: ({ signal }) => api().get<{ items: Proposal[] }>("/grids/proposals", undefined, signal).then((r) => r.items),
    enabled: may,
  });
}

/** The grids that a drawing is about. */
export const gridsOf = (p: Proposal) => [p.act.grid_id, ...(p.act.grid_ids ?? []), ...(p.act.borders ?? []).map((b) => b.grid_id), p.act.into_id].filter((id): id is string => Boolean(id));

export const gridDetailKey = (id: string) => ["grid", "detail", id] as const;

/** One grid with its border as drawn, its codes and what became of it. */
export function useGridDetail(id: Ref<string | undefined>) {
  return useQuery({
    queryKey: computed(() => gridDetailKey(id.value ?? "")),
    queryFn: ({ signal }) => api().get<GridDetail>(`/grids/${id.value}`, undefined, signal),
    enabled: computed(() => !!id.value),
  });
}

/** The days on which grids began, changed or ended, and the map of one of them. */
export function useGridDay() {
  const changes = useQuery({
    queryKey: ["grid", "changes"],
    queryFn: ({ signal }) => api().get<{ items: string[] }>("/grids/changes", undefined, signal).then((r) => r.items),
  });
  const day = ref<string>(); // none: today
  const map = useQuery({
    queryKey: computed(() => ["grid", "day", day.value ?? ""]),
    queryFn: ({ signal }) => api().get<GridCollection>("/map/grids", { west: -180, south: -90, east: 180, north: 90, at: day.value }, signal),
    enabled: computed(() => !!day.value),
  });
  return { changes, day, map };
}

/** What somebody draws on the map. */
export interface Draft {
  points: Point[];
  closed: boolean;
  /** clicks add points; otherwise corners are only moved */
  adding: boolean;
}

const same = (a: Point, b: Point) => Math.abs(a[0] - b[0]) < 1e-9 && Math.abs(a[1] - b[1]) < 1e-9;

/**
 * Moves one corner in every border that has it, so that neighbours go along and
 * no gap opens. Gives the borders that changed.
 */
export function moveCorner(borders: Map<string, Point[][][]>, from: Point, to: Point): Map<string, Point[][][]> {
  const out = new Map<string, Point[][][]>();
  for (const [id, polygons] of borders) {
    let hit = false;
    const next = polygons.map((rings) => rings.map((ring) => ring.map((p) => (same(p, from) ? ((hit = true), to) : p))));
    if (hit) out.set(id, next);
  }
  return out;
}
