import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

export const figures: Feature = {
  name: "figures",
  words: { "zh-CN": zh, en },
  routes: [
    { path: "/figures", name: "figures", component: () => import("./FiguresPage.vue"), meta: { needs: ["figures.counts"], title: "figures.title" } },
    { path: "/figures/evaluations/:id?", name: "evaluations", component: () => import("./EvaluationsPage.vue"), meta: { needs: ["figures.team"], title: "figures.rounds" } },
  ],
  menu: [{ title: "figures.title", icon: "bars", to: { name: "figures" }, needs: ["figures.counts"], order: 5, key: "F" }],
};
