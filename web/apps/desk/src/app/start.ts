import { isFault } from "@onegrid/api";
import { makeWords } from "@onegrid/words";
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { type App as VueApp, createApp } from "vue";
import App from "../App.vue";
import { useSession } from "../desk/session";
import en from "./en.json";
import { features } from "./features";
import { makeRouter } from "./router";
import zh from "./zh-CN.json";

/** Puts the desk together; the page and the tests begin here. */
export function makeDesk(): VueApp {
  const app = createApp(App);
  app.use(createPinia());
  app.use(makeWords(useSession().language, [{ "zh-CN": zh, en }, ...features.map((f) => f.words)]));
  app.use(VueQueryPlugin, {
    queryClient: new QueryClient({
      defaultOptions: {
        // a refusal stays one; only a lost line or a busy server is worth another try
        queries: { retry: (n, e) => n < 2 && isFault(e) && e.unknown, refetchOnWindowFocus: false },
      },
    }),
  });
  app.use(makeRouter());
  return app;
}
