import type { Feature } from "../../desk/feature";
import en from "./en.json";
import zh from "./zh-CN.json";

export const place: Feature = {
  name: "place",
  words: { "zh-CN": zh, en },
  routes: [
    { path: "/facilities/:id?", name: "facilities", component: () => import("./PlacesPage.vue"), props: { cls: "facility" }, meta: { needs: ["place.view"], title: "place.facilities" } },
    { path: "/addresses/:id?", name: "addresses", component: () => import("./PlacesPage.vue"), props: { cls: "address" }, meta: { needs: ["place.view"], title: "place.addresses" } },
  ],
  menu: [
    { title: "place.facilities", icon: "home", to: { name: "facilities" }, needs: ["place.view"], order: 41, key: "", section: "places", note: "place.facilities_note" },
    { title: "place.addresses", icon: "place", to: { name: "addresses" }, needs: ["place.view"], order: 42, key: "", section: "places", note: "place.addresses_note" },
  ],
};
