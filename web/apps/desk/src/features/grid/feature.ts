import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

export const grid: Feature = {
  name: "grid",
  words: { "zh-CN": zh, en },
  routes: [{ path: "/grids/:id?", name: "grids", component: () => import("./GridsPage.vue"), meta: { needs: ["grid.view"], title: "grid.title" } }],
  menu: [{ title: "grid.title", icon: "map", to: { name: "grids" }, needs: ["grid.view"], order: 4, key: "M" }],
};
