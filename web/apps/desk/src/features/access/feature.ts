import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

export const access: Feature = {
  name: "access",
  words: { "zh-CN": zh, en },
  routes: [
    { path: "/sign-in", name: "sign-in", component: () => import("./SignIn.vue"), meta: { open: true, title: "access.enter" } },
    { path: "/enrol", name: "enrol", component: () => import("./Enrol.vue"), meta: { open: true, title: "access.enrol" } },
    { path: "/posts", name: "posts", component: () => import("./ChoosePost.vue"), meta: { title: "access.choose_post" } },
    { path: "/security", name: "security", component: () => import("./SecurityPage.vue"), meta: { title: "access.security.title" } },
    { path: "/device", name: "device", component: () => import("./DevicePage.vue"), meta: { open: true, title: "access.device.title" } },
    { path: "/shared-devices", name: "shared-devices", component: () => import("./SharedPage.vue"), meta: { needs: ["org.stand_in"], title: "access.shared.title" } },
    { path: "/delegations", name: "delegations", component: () => import("./DelegationsPage.vue"), meta: { title: "access.delegations.title" } },
    { path: "/unusual-use", name: "alarms", component: () => import("./AlarmsPage.vue"), meta: { needs: ["access.policy", "audit.read"], title: "access.alarms.title" } },
    { path: "/access-reviews", name: "access-reviews", component: () => import("./ReviewsPage.vue"), meta: { needs: ["access.revoke", "audit.read", "system.account_create", "org.post_assign"], title: "access.reviews.title" } },
    { path: "/access-reviews/:id", name: "access-review", component: () => import("./ReviewPage.vue"), meta: { needs: ["access.revoke", "audit.read", "system.account_create", "org.post_assign"], title: "access.reviews.title" } },
    { path: "/accounts", name: "accounts", component: () => import("./AccountsPage.vue"), meta: { needs: ["system.account_create", "access.grant", "audit.read"], title: "access.accounts.title" } },
    { path: "/grants", name: "grants", component: () => import("./GrantsPage.vue"), meta: { needs: ["access.grant", "access.revoke", "audit.read"], title: "access.grants.title" } },
  ],
  menu: [
    { title: "access.accounts.title", note: "access.accounts.menu", icon: "person", to: { name: "accounts" }, needs: ["system.account_create", "access.grant", "audit.read"], section: "people", order: 40, key: "" },
    { title: "access.grants.title", note: "access.grants.menu", icon: "lock", to: { name: "grants" }, needs: ["access.grant", "access.revoke", "audit.read"], section: "people", order: 41, key: "" },
    { title: "access.shared.title", note: "access.shared.menu", icon: "hand", to: { name: "shared-devices" }, needs: ["org.stand_in"], section: "people", order: 6, key: "" },
    { title: "access.alarms.title", note: "access.alarms.menu", icon: "bell", to: { name: "alarms" }, needs: ["access.policy", "audit.read"], section: "people", order: 42, key: "" },
    { title: "access.reviews.title", note: "access.reviews.menu", icon: "eye", to: { name: "access-reviews" }, needs: ["access.revoke", "audit.read", "system.account_create", "org.post_assign"], section: "people", order: 43, key: "" },
  ],
};
