import type { PlaceDetail, PlaceHit, PlaceKind, PlaceView } from "@onegrid/api";
import { useInfiniteQuery, useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { api } from "../../desk/api";

export const placeKeys = { all: ["place"] as const };

export type PlaceClass = "facility" | "address";

/** What a list asks for. */
export interface PlaceFilter {
  class: PlaceClass;
  kind?: string;
  parent?: string;
  top?: boolean;
}

interface Page {
  items: PlaceView[];
  next?: string;
}

export function usePlaceKinds() {
  return useQuery({
    queryKey: [...placeKeys.all, "kinds"],
    queryFn: ({ signal }) =>
      api()
        .get<{ items: PlaceKind[] }>("/places/kinds", undefined, signal)
        .then((r) => r.items),
    staleTime: 600_000,
  });
}

export function usePlaceList(filter: Ref<PlaceFilter>) {
  return useInfiniteQuery({
    queryKey: computed(() => [...placeKeys.all, "list", filter.value]),
    queryFn: ({ pageParam, signal }) => api().get<Page>("/places", { ...filter.value, limit: 100, cursor: pageParam || undefined }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next || undefined,
  });
}

export function usePlaceSearch(q: Ref<string>, cls: Ref<PlaceClass>) {
  return useQuery({
    queryKey: computed(() => [...placeKeys.all, "search", cls.value, q.value]),
    queryFn: ({ signal }) =>
      api()
        .get<{ items: PlaceHit[] }>("/places/search", { q: q.value.slice(0, 60), class: cls.value, limit: 50 }, signal)
        .then((r) => r.items),
    enabled: computed(() => q.value.length > 0),
    placeholderData: (old) => old,
  });
}

export function usePlace(id: Ref<string | undefined>) {
  return useQuery({
    queryKey: computed(() => [...placeKeys.all, "one", id.value]),
    queryFn: ({ signal }) => api().get<PlaceDetail>(`/places/${id.value}`, undefined, signal),
    enabled: computed(() => Boolean(id.value)),
  });
}
