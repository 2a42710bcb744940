import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

export const grid: Feature = {
  name: "grid",
  words: { "zh-CN": zh, en },
  routes: [
    { path: "/grids/:id?", name: "grids", component: () => import("./GridsPage.vue"), meta: { needs: ["grid.view"], title: "grid.title" } },
    { path: "/units/:id?", name: "units", component: () => import("./UnitsPage.vue"), meta: { needs: ["org.edit"], title: "units.title" } },
    { path: "/divisions", name: "divisions", component: () => import("./DivisionsPage.vue"), meta: { needs: ["org.edit"], title: "divisions.title" } },
  ],
  menu: [
    { title: "grid.title", icon: "map", to: { name: "grids" }, needs: ["grid.view"], order: 4, key: "M" },
    { title: "units.title", icon: "place", to: { name: "units" }, needs: ["org.edit"], order: 40, key: "U", section: "places", note: "units.note" },
    { title: "divisions.title", icon: "place", to: { name: "divisions" }, needs: ["org.edit"], order: 41, key: "X", section: "places", note: "divisions.note" },
  ],
};
