import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

/** What is kept about people: the register, agreements, retention, requests. */
export const registry: Feature = {
  name: "registry",
  words: { "zh-CN": zh, en },
  routes: [
    { path: "/data", name: "data", component: () => import("./FieldsPage.vue"), meta: { title: "data.fields" } },
    { path: "/data/agreements", name: "data-agreements", component: () => import("./AgreementsPage.vue"), meta: { title: "data.agreements" } },
    { path: "/data/retention", name: "data-retention", component: () => import("./RetentionPage.vue"), meta: { title: "data.retention" } },
    { path: "/data/requests", name: "data-requests", component: () => import("./RequestsPage.vue"), meta: { needs: ["privacy.answer", "privacy.erase_approve"], title: "data.requests" } },
    { path: "/data/mine", name: "data-mine", component: () => import("./MinePage.vue"), meta: { title: "data.mine" } },
  ],
  menu: [
    { title: "data.fields", note: "data.fields_note", icon: "list", to: { name: "data" }, needs: ["privacy.assess", "privacy.read_log", "privacy.share_propose", "privacy.share_decide", "access.retention_edit"], order: 60, key: "", section: "catalogue" },
    { title: "data.agreements", note: "data.agreements_note", icon: "list", to: { name: "data-agreements" }, needs: ["privacy.share_propose", "privacy.share_decide", "privacy.read_log"], order: 61, key: "", section: "catalogue" },
    { title: "data.retention", note: "data.retention_note", icon: "clock", to: { name: "data-retention" }, needs: ["privacy.hold", "access.retention_edit", "privacy.read_log"], order: 62, key: "", section: "catalogue" },
    { title: "data.requests", note: "data.requests_note", icon: "person", to: { name: "data-requests" }, needs: ["privacy.answer", "privacy.erase_approve"], order: 40, key: "", section: "people" },
  ],
};
