export * from "./client";
export * from "./fault";
export * from "./live";
export type * from "./types";
