import { onScopeDispose, type Ref, ref } from "vue";

const now = ref(Date.now());
let users = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** The time, moving every 15 seconds while somebody looks at it. */
export function useNow(): Ref<number> {
  now.value = Date.now();
  if (users++ === 0) timer = setInterval(() => (now.value = Date.now()), 15_000);
  onScopeDispose(() => {
    if (--users === 0) clearInterval(timer);
  });
  return now;
}
