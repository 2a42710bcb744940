export { default as GridMap } from "./GridMap.vue";
export type { CaseCell } from "./cases";
export { gridAt } from "./geometry";
export type { GridCollection, MapPoint, MapWords } from "./shapes";
