import { isFault } from "@onegrid/api";
import { useWords } from "@onegrid/words";
import { useQueryClient } from "@tanstack/vue-query";
import { reactive, ref } from "vue";

/**
 * One act at a time: what went wrong stands beside its field, else above the
 * form. Everything of this feature is read anew after it.
 */
export function useDeed() {
  const { t, why } = useWords();
  const cache = useQueryClient();
  const busy = ref(false);
  const wrong = ref("");
  const fields = reactive<Record<string, string>>({});
  async function deed<T>(act: () => Promise<T>): Promise<T | undefined> {
    if (busy.value) return undefined;
    busy.value = true;
    wrong.value = "";
    for (const k of Object.keys(fields)) delete fields[k];
    try {
      return await act();
    } catch (e) {
      if (isFault(e)) for (const w of e.where) fields[w.field] = w.detail ?? "";
      wrong.value = isFault(e) && e.unknown ? t("shared.unknown_outcome") : why(e);
      return undefined;
    } finally {
      busy.value = false;
      void cache.invalidateQueries({ queryKey: ["access"] });
    }
  }
  return { busy, wrong, fields, deed };
}
