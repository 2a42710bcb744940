import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

export const figures: Feature = {
  name: "figures",
  words: { "zh-CN": zh, en },
  routes: [{ path: "/figures", name: "figures", component: () => import("./FiguresPage.vue"), meta: { needs: ["figures.counts"], title: "figures.title" } }],
  menu: [{ title: "figures.title", icon: "bars", to: { name: "figures" }, needs: ["figures.counts"], order: 5, key: "F" }],
};
