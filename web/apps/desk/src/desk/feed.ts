import { type FeedEvent, listen, type LiveState } from "@onegrid/api";
import { onScopeDispose, ref } from "vue";
import { api } from "./api";

// The one live line of this tab. Screens subscribe; they never open their own.

type Listener = (e: FeedEvent | "gap") => void;

const listeners = new Set<Listener>();
let stop: (() => void) | undefined;

export const feedState = ref<LiveState>("connecting");
/** when the last event came, or the line was made */
export const feedAt = ref(Date.now());

export function startFeed() {
  if (stop) return;
  stop = listen({
    client: api(),
    onEvent: (e) => {
      feedAt.value = Date.now();
      for (const l of listeners) l(e);
    },
    onGap: () => {
      for (const l of listeners) l("gap");
    },
    onState: (s) => {
      feedState.value = s;
      if (s === "live") feedAt.value = Date.now();
    },
  });
}

export function stopFeed() {
  stop?.();
  stop = undefined;
}

/** Calls back for each event while the component lives; "gap": something may be missing. */
export function useFeed(listener: Listener) {
  listeners.add(listener);
  onScopeDispose(() => listeners.delete(listener));
}
