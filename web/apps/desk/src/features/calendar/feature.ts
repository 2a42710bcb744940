import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

export const calendar: Feature = {
  name: "calendar",
  words: { "zh-CN": zh, en },
  routes: [{ path: "/office/calendars/:key?", name: "calendars", component: () => import("./CalendarsPage.vue"), meta: { needs: ["system.calendar_edit", "org.edit", "org.team_view"], title: "workdays.title" } }],
  menu: [{ title: "workdays.title", icon: "clock", to: { name: "calendars" }, needs: ["system.calendar_edit", "org.edit", "org.team_view"], order: 3, key: "", section: "system", note: "workdays.note" }],
};
