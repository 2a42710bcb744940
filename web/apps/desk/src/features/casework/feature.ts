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
    { path: "/map", name: "case-map", component: () => import("./MapPage.vue"), meta: { needs: see, title: "casework.map" } },
    { path: "/deadline-changes", name: "redated", component: () => import("./RedatedPage.vue"), meta: { needs: see, title: "casework.redated" } },
    { path: "/report", name: "report", component: () => import("./IntakePage.vue"), meta: { needs: ["case.report"], title: "casework.intake" } },
    { path: "/alarm-sources", name: "alarm-sources", component: () => import("./SourcesPage.vue"), meta: { needs: ["sensor.view"], title: "casework.sources" } },
  ],
  menu: [
    { title: "casework.my_work", icon: "list", to: { name: "work", query: { view: "mine" } }, needs: see, count: "mine", order: 1, key: "W" },
    { title: "casework.open_cases", icon: "cells", to: { name: "work", query: { view: "open" } }, needs: see, count: "open", order: 2, key: "O" },
    { title: "casework.map", icon: "place", to: { name: "case-map" }, needs: see, order: 2.5, key: "" },
    { title: "casework.intake", icon: "report", to: { name: "report" }, needs: ["case.report"], order: 3, key: "R" },
    { title: "casework.sources", icon: "live", to: { name: "alarm-sources" }, needs: ["sensor.view"], order: 60, key: "", section: "system", note: "casework.sources.note" },
    { title: "casework.redated", icon: "clock", to: { name: "redated" }, needs: see, order: 30, key: "", section: "catalogue", note: "casework.redated_note" },
  ],
};
