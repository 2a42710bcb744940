import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

const see = ["camera.view", "sensor.view", "fleet.view", "camera.manage", "sensor.manage", "fleet.manage"];

export const device: Feature = {
  name: "device",
  words: { "zh-CN": zh, en },
  routes: [{ path: "/office/devices/:id?", name: "devices", component: () => import("./DevicesPage.vue"), meta: { needs: see, title: "device.title" } }],
  menu: [{ title: "device.title", note: "device.note", icon: "camera", to: { name: "devices" }, needs: see, order: 30, key: "", section: "places" }],
};
