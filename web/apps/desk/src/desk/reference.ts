import type { GridCollection, GridProperties, Item, Name, PostView, StageKey, StageWords } from "@onegrid/api";
import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { api } from "./api";
import { useSession } from "./session";

// What changes rarely and more than one screen needs.

const hour = 3_600_000;

export const referenceKeys = {
  stages: ["reference", "stages"] as const,
  items: ["reference", "items"] as const,
  grids: ["reference", "grids"] as const,
  roles: ["reference", "roles"] as const,
};

/** Names of stages and states; the same for staff and residents. */
export function useStageWords() {
  const query = useQuery({
    queryKey: referenceKeys.stages,
    queryFn: ({ signal }) => api().get<StageWords>("/words/stages", undefined, signal),
    staleTime: hour,
  });
  // the description leaves the keys open; the screens know these six
  const stages = computed(() => [...(query.data.value?.stages ?? [])].sort((a, b) => a.order - b.order).map((s) => ({ ...s, key: s.key as StageKey })));
  const states = computed(() => {
    const m = new Map<string, { name: Name; stage?: StageKey }>();
    for (const f of query.data.value?.flows ?? []) for (const s of f.states) m.set(`${f.key}.${s.key}`, { name: s.name, stage: s.stage as StageKey | undefined });
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

interface Page<T> {
  items: T[];
  next?: string;
}

/** Who fills the officers' posts; nothing where the acting post may not see the team. */
async function officers(signal: AbortSignal): Promise<Map<string, GridProperties["officer"]>> {
  const by = new Map<string, GridProperties["officer"]>();
  if (!useSession().may("org.team_view")) return by;
  let cursor: string | undefined;
  do {
    const page: Page<PostView> = await api().get<Page<PostView>>("/org/posts", { role: "grid_officer", limit: 200, cursor }, signal);
    for (const p of page.items) {
      if (!p.node_id) continue;
      by.set(
        p.node_id,
        // a post without a holder is vacant whoever covers it
        p.holder ? { state: "held", name: p.holder.name } : p.stand_in ? { state: "stand_in", name: p.stand_in.name } : { state: "vacant" },
      );
    }
    cursor = page.next;
  } while (cursor);
  return by;
}

/** Shapes of the grids in the acting post's area, and who looks after each. */
export function useGridShapes() {
  const session = useSession();
  return useQuery({
    queryKey: referenceKeys.grids,
    queryFn: async ({ signal }) => {
      const [map, staff] = await Promise.all([
        api().get<GridCollection>("/map/grids", { west: -180, south: -90, east: 180, north: 90 }, signal),
        officers(signal),
      ]);
      for (const f of map.features) f.properties.officer = staff.get(f.properties.id) ?? f.properties.officer;
      return map;
    },
    staleTime: hour,
    enabled: computed(() => session.may("grid.view")),
  });
}

/** The name of a role by its key. */
export function useRoleNames() {
  const query = useQuery({
    queryKey: referenceKeys.roles,
    queryFn: ({ signal }) => api().get<{ roles: { key: string; name: Name }[] }>("/roles", undefined, signal).then((b) => new Map(b.roles.map((r) => [r.key, r.name]))),
    staleTime: hour,
  });
  return (key: string): Name | undefined => query.data.value?.get(key);
}
