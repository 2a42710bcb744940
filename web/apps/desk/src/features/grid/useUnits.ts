import { useQuery } from "@tanstack/vue-query";
import { type Ref, computed } from "vue";
import { api } from "../../desk/api";
import type { Act } from "./useActs";

type Words = { "zh-CN": string; en: string };
export interface Unit { id: string; kind: string; code: string; name: Words; parent_id?: string; from?: string; to?: string }
export interface UnitHistory {
  unit: Unit;
  past: { code: string; name: Words; from?: string; to: string }[];
  acts: Act[];
  heirs: { old_id: string; heir_id: string }[];
  forebears: { old_id: string; heir_id: string }[];
  covers?: { code: string; name: string; to?: string }[];
}

export const unitsKey = ["org", "units"] as const;
export const useUnits = () => useQuery({ queryKey: unitsKey, queryFn: ({ signal }) => api().get<{ items: Unit[] }>("/org/units", undefined, signal).then((r) => r.items) });
export const useUnitHistory = (id: Ref<string | undefined>) =>
  useQuery({ queryKey: computed(() => ["org", "history", id.value ?? ""]), queryFn: ({ signal }) => api().get<UnitHistory>(`/org/units/${id.value}/history`, undefined, signal), enabled: computed(() => !!id.value) });
