export { default as GridMap } from "./GridMap.vue";
export { gridAt } from "./geometry";
export type { GridCollection, MapPoint, MapWords } from "./shapes";
