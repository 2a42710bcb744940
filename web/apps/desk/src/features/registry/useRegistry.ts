import type { Schemas as S } from "@onegrid/api";
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { ref } from "vue";
import { api } from "../../desk/api";

export type Field = S["RegistryFieldView"];
export type Purpose = S["RegistryPurpose"];
export type Agreement = S["RegistryAgreement"];
export type Class = S["RegistryClass"];
export type Run = S["RegistryRun"];
export type Hold = S["RegistryHold"];
export type PersonRequest = S["RegistryRequest"];
export type Erasure = S["RegistryErasure"];
export interface Register {
  items: Field[];
  agreements: Agreement[];
  classes: Class[];
  purposes: Purpose[];
}

/** Something of the register, read anew after every act on this page. */
export function useRead<T>(path: string) {
  return useQuery({ queryKey: ["registry", path], queryFn: ({ signal }) => api().get<T>(path, undefined, signal) });
}

/** One act at a time; what was refused is said beside the button. */
export function useAct(why: (e: unknown) => string) {
  const cache = useQueryClient();
  const busy = ref(false);
  const wrong = ref("");
  async function act(method: "POST" | "PUT", path: string, body: unknown): Promise<boolean> {
    busy.value = true;
    wrong.value = "";
    try {
      await api().send(method, path, body);
      await cache.invalidateQueries({ queryKey: ["registry"] });
      return true;
    } catch (e) {
      wrong.value = why(e);
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { act, busy, wrong };
}

/** The end of a day of the district, as the server wants a moment. */
export const endOf = (day: string) => new Date(`${day}T23:59:59+08:00`).toISOString();
