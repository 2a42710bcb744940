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
  ],
};
