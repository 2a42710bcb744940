import { isFault, type Language, type Name } from "@onegrid/api";
import { computed } from "vue";
import { createI18n, useI18n } from "vue-i18n";
import * as format from "./format";
import sharedEnglish from "./en.json";
import sharedChinese from "./zh-CN.json";

export type Messages = Record<Language, Record<string, string>>;

/** The words of shared things; each feature brings its own beside it. */
export const shared: Messages = { "zh-CN": sharedChinese, en: sharedEnglish };

// Keys are flat and stay so: a dot in a key is part of its name.
export function makeWords(language: Language, features: Messages[]) {
  const all: Messages = { "zh-CN": {}, en: {} };
  for (const m of [shared, ...features]) {
    for (const lang of ["zh-CN", "en"] as const) {
      for (const [key, text] of Object.entries(m[lang])) {
        if (key in all[lang]) throw new Error(`words: ${key} is said twice in ${lang}`);
        all[lang][key] = text;
      }
    }
  }
  return createI18n({
    legacy: false,
    locale: language,
    fallbackLocale: "zh-CN",
    messages: all,
    messageResolver: (messages, key) => (messages as Record<string, string>)[key] ?? null,
    missingWarn: false,
    fallbackWarn: false,
  });
}

/** Everything a screen needs to speak. */
export function useWords() {
  const { t, te, locale } = useI18n({ useScope: "global" });
  const lang = computed(() => locale.value as Language);

  /** Why something was refused: our words for its code, else what the server says. */
  function why(e: unknown): string {
    if (!isFault(e)) return t("fault.http.500");
    const key = `fault.${e.code}`;
    if (te(key)) return t(key, e.args);
    if (e.detail) return e.detail; // the server says it in the reader's language
    const byStatus = `fault.http.${e.status}`;
    return te(byStatus) ? t(byStatus) : t("fault.http.500");
  }

  return {
    t,
    te,
    lang,
    locale,
    why,
    say: (n: Name | null | undefined) => format.say(n, lang.value),
    moment: (at: number, now: number) => format.moment(at, now, lang.value),
    day: (at: number, now: number) => format.day(at, now, lang.value),
    date: (at: number) => format.date(at, lang.value),
    list: (names: string[]) => format.list(names, lang.value),
    duration: (ms: number, style?: format.DurationStyle) => format.duration(ms, lang.value, style),
    number: (n: number) => format.number(n, lang.value),
    distance: (m: number) => format.distance(m, lang.value),
  };
}
