import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

const team = ["org.team_view", "org.edit"];
const duty = ["org.team_view", "duty.plan", "case.view"];

export const staff: Feature = {
  name: "staff",
  words: { "zh-CN": zh, en },
  routes: [
    { path: "/office/organisation/:id?", name: "staff-org", component: () => import("./OrgPage.vue"), meta: { needs: team, title: "staff.org_title" } },
    { path: "/office/staffing", name: "staff-check", component: () => import("./CheckPage.vue"), meta: { needs: ["org.team_view"], title: "staff.check_title" } },
    { path: "/office/duty/:id?", name: "staff-duty", component: () => import("./DutyPage.vue"), meta: { needs: duty, title: "staff.duty_title" } },
    { path: "/office/groups", name: "staff-groups", component: () => import("./GroupsPage.vue"), meta: { needs: ["org.team_view"], title: "staff.groups_title" } },
  ],
  menu: [
    { title: "staff.org_title", icon: "person", to: { name: "staff-org" }, needs: team, order: 1, key: "", section: "people", note: "staff.org_note" },
    { title: "staff.check_title", icon: "cells", to: { name: "staff-check" }, needs: ["org.team_view"], order: 2, key: "", section: "people", note: "staff.check_note" },
    { title: "staff.duty_title", icon: "clock", to: { name: "staff-duty" }, needs: duty, order: 3, key: "", section: "people", note: "staff.duty_note" },
    { title: "staff.groups_title", icon: "hand", to: { name: "staff-groups" }, needs: ["org.team_view"], order: 4, key: "", section: "people", note: "staff.groups_note" },
  ],
};
