import { onScopeDispose, type Ref, ref, watch } from "vue";

/** A value that follows another once it has been quiet for ms. */
export function refDebounced<T>(of: Ref<T>, ms: number): Ref<T> {
  const out = ref(of.value) as Ref<T>;
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(of, (v) => {
    clearTimeout(timer);
    timer = setTimeout(() => (out.value = v), ms);
  });
  onScopeDispose(() => clearTimeout(timer));
  return out;
}
