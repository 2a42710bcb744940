import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

export const notice: Feature = {
  name: "notice",
  words: { "zh-CN": zh, en },
  routes: [
    { path: "/inbox", name: "inbox", component: () => import("./InboxPage.vue"), meta: { title: "notice.inbox" } },
    { path: "/inbox/channels", name: "notice-channels", component: () => import("./ChannelsPage.vue"), meta: { title: "notice.channels" } },
    { path: "/office/messages/:key?", name: "notice-templates", component: () => import("./TemplatesPage.vue"), meta: { needs: ["notice.send", "notice.approve"], title: "notice.templates" } },
    { path: "/office/notices/:id?", name: "notice-messages", component: () => import("./MessagesPage.vue"), meta: { needs: ["notice.send", "notice.approve"], title: "notice.messages" } },
    { path: "/office/message-settings", name: "notice-settings", component: () => import("./SettingsPage.vue"), meta: { needs: ["notice.approve"], title: "notice.settings" } },
    { path: "/office/undelivered", name: "notice-troubles", component: () => import("./TroublesPage.vue"), meta: { needs: ["notice.send"], title: "notice.troubles" } },
  ],
  menu: [
    { title: "notice.messages", note: "notice.messages_note", icon: "bell", to: { name: "notice-messages" }, needs: ["notice.send", "notice.approve"], order: 8, key: "", section: "people" },
    { title: "notice.settings", note: "notice.settings_note", icon: "clock", to: { name: "notice-settings" }, needs: ["notice.approve"], order: 42, key: "", section: "catalogue" },
    { title: "notice.templates", note: "notice.templates_note", icon: "note", to: { name: "notice-templates" }, needs: ["notice.send", "notice.approve"], order: 40, key: "", section: "catalogue" },
    { title: "notice.troubles", note: "notice.troubles_note", icon: "bell", to: { name: "notice-troubles" }, needs: ["notice.send"], order: 41, key: "", section: "system" },
  ],
};
