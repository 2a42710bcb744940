import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

const needs = ["item.propose", "item.decide", "item.edit", "item.end", "case.view"];
const page = () => import("./CatalogPage.vue");
const form = () => import("./ItemFormPage.vue");

export const catalog: Feature = {
  name: "catalog",
  words: { "zh-CN": zh, en },
  routes: [
    { path: "/catalog/new", name: "catalog-new", component: form, meta: { needs: ["item.propose"], title: "items.propose_new" } },
    { path: "/catalog/:key/change", name: "catalog-change", component: form, meta: { needs: ["item.propose", "item.edit"], title: "items.change" } },
    { path: "/catalog/:key?", name: "catalog", component: page, meta: { needs, title: "items.title" } },
  ],
  menu: [{ title: "items.title", note: "items.note", icon: "list", to: { name: "catalog" }, needs, order: 30, key: "", section: "catalogue" }],
};
