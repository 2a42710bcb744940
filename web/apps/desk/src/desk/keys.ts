import { onBeforeUnmount, onMounted } from "vue";

/** Whether the person is writing, so that letters are letters. */
export function isTyping(e: KeyboardEvent): boolean {
  const t = e.target;
  if (!(t instanceof HTMLElement)) return false;
  if (t.isContentEditable || t instanceof HTMLTextAreaElement || t instanceof HTMLSelectElement) return true;
  return t instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit"].includes(t.type);
}

/** Single-letter keys of a screen; quiet while somebody types or a dialog is open. */
export function useKeys(handle: (key: string, e: KeyboardEvent) => boolean | void) {
  function onKey(e: KeyboardEvent) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || isTyping(e)) return;
    if (document.querySelector("dialog[open]")) return;
    if (handle(e.key.length === 1 ? e.key.toUpperCase() : e.key, e)) e.preventDefault();
  }
  onMounted(() => window.addEventListener("keydown", onKey));
  onBeforeUnmount(() => window.removeEventListener("keydown", onKey));
}
