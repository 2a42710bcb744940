import "@onegrid/kit/tokens.css";
import "@onegrid/kit/kit.css";
import { isFault } from "@onegrid/api";
import { makeWords } from "@onegrid/words";
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import en from "./app/en.json";
import { features } from "./app/features";
import { router } from "./app/router";
import zh from "./app/zh-CN.json";
import { useSession } from "./desk/session";

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
app.use(router);
app.mount("#app");
