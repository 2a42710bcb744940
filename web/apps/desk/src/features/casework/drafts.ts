import { commandId } from "@onegrid/api";
import { defineStore } from "pinia";
import { reactive, ref, watch } from "vue";

export interface ReportDraft {
  /** id of the case to be: made here, so that sending twice is one case */
  id: string;
  item: string;
  condition: string;
  text: string;
  placeWords: string;
  /** a known address or facility, and what it is called */
  placeId: string;
  placeLabel: string;
  gridId: string;
  platformId: string;
  lon?: number;
  lat?: number;
  name: string;
  phone: string;
  happened: string;
  onPhone: boolean;
  form: Record<string, unknown>;
}

const key = "onegrid.draft.report";

function empty(): ReportDraft {
  return { id: commandId(), item: "", condition: "", text: "", placeWords: "", placeId: "", placeLabel: "", gridId: "", platformId: "", lon: undefined, lat: undefined, name: "", phone: "", happened: "", onPhone: false, form: {} };
}

function kept(): ReportDraft {
  try {
    const d = JSON.parse(localStorage.getItem(key) ?? "null") as Partial<ReportDraft> | null;
    if (d && typeof d === "object" && typeof d.id === "string") return { ...empty(), ...d };
  } catch {
    // an unreadable draft is no draft
  }
  return empty();
}

/**
 * The report being written. It survives a reload; who reported it and what the
 * form asks about a person do not: they have no place on a shared computer.
 */
export const useReportDraft = defineStore("report-draft", () => {
  const draft = reactive<ReportDraft>(kept());
  /** fields of the form that say something about a person */
  const personal = ref<string[]>([]);
  watch(
    [draft, personal],
    () => {
      const { name: _name, phone: _phone, form, ...rest } = draft;
      const kept = Object.fromEntries(Object.entries(form).filter(([k]) => !personal.value.includes(k)));
      localStorage.setItem(key, JSON.stringify({ ...rest, form: kept }));
    },
    { deep: true },
  );
  function clear() {
    for (const k of ["lon", "lat"] as const) draft[k] = undefined;
    Object.assign(draft, empty());
    localStorage.removeItem(key);
  }
  return { draft, personal, clear };
});
