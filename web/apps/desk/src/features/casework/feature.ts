import type { Feature } from "../../desk/feature";
import en from "./en.json";
import manyEn from "./many.en.json";
import manyZh from "./many.zh-CN.json";
import zh from "./zh-CN.json";

const see = ["case.view"];

export const casework: Feature = {
  name: "casework",
  words: { "zh-CN": { ...zh, ...manyZh }, en: { ...en, ...manyEn } },
  routes: [
    { path: "/work/:id?", name: "work", component: () => import("./WorkPage.vue"), meta: { needs: see, title: "casework.my_work" } },
    { path: "/report", name: "report", component: () => import("./IntakePage.vue"), meta: { needs: ["case.report"], title: "casework.intake" } },
  ],
  menu: [
    { title: "casework.my_work", icon: "list", to: { name: "work", query: { view: "mine" } }, needs: see, count: "mine", order: 1, key: "W" },
    { title: "casework.open_cases", icon: "cells", to: { name: "work", query: { view: "open" } }, needs: see, count: "open", order: 2, key: "O" },
    { title: "casework.intake", icon: "report", to: { name: "report" }, needs: ["case.report"], order: 3, key: "R" },
  ],
};
