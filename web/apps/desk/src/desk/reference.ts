import type { GridCollection, Item, Name, StageKey, StageWords } from "@onegrid/api";
import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { api } from "./api";

// What changes rarely and more than one screen needs.

const hour = 3_600_000;

export const referenceKeys = {
  stages: ["reference", "stages"] as const,
  items: ["reference", "items"] as const,
  grids: ["reference", "grids"] as const,
};

/** Names of stages and states; the same for staff and residents. */
export function useStageWords() {
  const query = useQuery({
    queryKey: referenceKeys.stages,
    queryFn: ({ signal }) => api().get<StageWords>("/words/stages", undefined, signal),
    staleTime: hour,
  });
  const stages = computed(() => [...(query.data.value?.stages ?? [])].sort((a, b) => a.order - b.order));
  const states = computed(() => {
    const m = new Map<string, { name: Name; stage: StageKey | null }>();
    for (const f of query.data.value?.flows ?? []) for (const s of f.states) m.set(`${f.key}.${s.key}`, s);
    return m;
  });
  return { stages, states };
}

export function useItems() {
  return useQuery({
    queryKey: referenceKeys.items,
    queryFn: ({ signal }) =>
      api()
        .get<{ items: Item[] }>("/items", undefined, signal)
        .then((r) => r.items),
    staleTime: hour,
  });
}

/** Shapes and posts of the grids in the acting post's area. */
export function useGridShapes() {
  return useQuery({
    queryKey: referenceKeys.grids,
    queryFn: ({ signal }) => api().get<GridCollection>("/grids.geojson", undefined, signal),
    staleTime: hour,
  });
}
