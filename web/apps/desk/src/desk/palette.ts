import type { IconName } from "@onegrid/kit";
import { type ComputedRef, onScopeDispose, ref, shallowReactive } from "vue";

/** One line of the palette: what it does, and what follows from it. */
export interface Command {
  id: string;
  group: string;
  title: string;
  /** the consequence, or why it cannot be done */
  note?: string;
  icon: IconName;
  key?: string;
  blocked?: boolean;
  run?: () => void;
}

export const paletteOpen = ref(false);

const sources = shallowReactive(new Set<ComputedRef<Command[]>>());

/** Offers commands while the component lives. */
export function useCommands(commands: ComputedRef<Command[]>) {
  sources.add(commands);
  onScopeDispose(() => sources.delete(commands));
}

export function allCommands(): Command[] {
  return [...sources].reverse().flatMap((s) => s.value);
}

/** Every word of the query occurs in the command, in any order. */
export function matches(c: Command, query: string): boolean {
  const hay = `${c.title} ${c.note ?? ""} ${c.group}`.toLowerCase().replace(/\s+/g, "");
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((w) => hay.includes(w));
}
