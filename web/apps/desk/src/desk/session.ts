import type { Language, Session } from "@onegrid/api";
import { defineStore } from "pinia";
import { computed, ref } from "vue";

const postKey = "onegrid.post";
const languageKey = "onegrid.language";

/** The language to begin with: the one chosen before, else the browser's. */
export function firstLanguage(): Language {
  const kept = localStorage.getItem(languageKey);
  if (kept === "zh-CN" || kept === "en") return kept;
  return /^zh\b/i.test(navigator.language || "zh") ? "zh-CN" : "en";
}

/** The person at this desk, the post that acts in this tab, and the language. */
export const useSession = defineStore("session", () => {
  const session = ref<Session>();
  const asked = ref(false);
  const postId = ref<string | undefined>(sessionStorage.getItem(postKey) ?? undefined);
  const language = ref<Language>(firstLanguage());

  const post = computed(() => session.value?.posts.find((p) => p.id === postId.value));
  const signedIn = computed(() => session.value !== undefined);
  const mustChoose = computed(() => (session.value?.posts.length ?? 0) > 1 && !post.value);

  /** signed in, yet without a post and without a right given to the person */
  const rightless = computed(() => session.value?.posts.length === 0 && session.value.permissions.length === 0);

  function enter(s: Session) {
    session.value = s;
    asked.value = true;
    const kept = s.posts.some((p) => p.id === postId.value) ? postId.value : undefined;
    actAs(kept ?? s.post_id ?? (s.posts.length === 1 ? s.posts[0]?.id : undefined));
    // in the demo the visitor's browser knows better than the made-up account
    if (!localStorage.getItem(languageKey) && !s.demo) language.value = s.person.language;
  }

  function actAs(id: string | undefined) {
    postId.value = id;
    if (id) sessionStorage.setItem(postKey, id);
    else sessionStorage.removeItem(postKey);
  }

  function leave() {
    session.value = undefined;
    asked.value = true;
    actAs(undefined);
  }

  function speak(l: Language) {
    language.value = l;
    localStorage.setItem(languageKey, l);
  }

  const may = (...permissions: string[]) => permissions.some((p) => session.value?.permissions.includes(p));

  return { session, asked, postId, post, language, signedIn, mustChoose, rightless, enter, actAs, leave, speak, may };
});
