import type { FigureDefinitions, Figures, Name } from "@onegrid/api";
import { keepPreviousData, useQuery } from "@tanstack/vue-query";
import { computed, type ComputedRef } from "vue";
import { useRoute, useRouter } from "vue-router";
import { api } from "../../desk/api";
import { useNow } from "../../desk/now";
import { type Preset, presets, spanOf } from "./shares";

export const cuts = ["item", "channel", "unit", "street", "platform", "grid"] as const;
export type Cut = (typeof cuts)[number];

/** Everything that is asked stands in the address: a page can be sent and comes back as it was. */
export function useAsked() {
  const route = useRoute();
  const router = useRouter();
  const now = useNow();
  const one = (key: string) => (typeof route.query[key] === "string" && route.query[key] ? (route.query[key] as string) : undefined);
  const today = computed(() => new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(now.value));
  const date = (v: string | undefined) => (v && /^\d{4}-\d{2}-\d{2}$/.test(v) ? v : undefined);
  const span = computed(() => {
    const chosen = { from: date(one("from")), to: date(one("to")) };
    return chosen.from ? { from: chosen.from, to: chosen.to ?? today.value } : spanOf((presets as string[]).includes(one("span") ?? "") ? (one("span") as Preset) : "28", today.value);
  });
  const preset = computed<Preset | undefined>(() => (date(one("from")) ? undefined : presets.find((p) => p === one("span")) ?? "28"));
  const by = computed<Cut>(() => cuts.find((c) => c === one("by")) ?? "item");
  const filters = computed(() => ({ node: one("node"), item: one("item"), channel: one("channel"), unit: one("unit") }));
  const against = computed(() => (one("against") === "year" ? "year" : one("against") === "none" ? "none" : "before"));
  const source = computed(() => ({ what: one("src"), row: one("row"), label: one("label") }));
  const set = (q: Record<string, string | undefined>) => void router.replace({ query: { ...route.query, ...q } });
  /** A step that Back undoes: down into a row, or up. */
  const go = (q: Record<string, string | undefined>) => void router.push({ query: { ...route.query, ...q } });
  return { span, preset, by, filters, against, source, set, go, route };
}

export function useTable(asked: ComputedRef<Record<string, string | boolean | undefined>>) {
  return useQuery({
    queryKey: computed(() => ["figures", asked.value] as const),
    queryFn: ({ signal }) => api().get<Figures>("/figures", asked.value, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });
}

export function useDefinitions() {
  return useQuery({ queryKey: ["figures", "definitions"], queryFn: ({ signal }) => api().get<FigureDefinitions>("/figures/definitions", undefined, signal), staleTime: Infinity });
}

export interface UnitName {
  id: string;
  kind: string;
  name: Name;
}

export function useUnitNames() {
  return useQuery({ queryKey: ["units"], queryFn: ({ signal }) => api().get<{ items: UnitName[] }>("/org/units", undefined, signal), staleTime: 300_000 });
}
