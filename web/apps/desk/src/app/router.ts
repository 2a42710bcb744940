import { createRouter, createWebHistory } from "vue-router";
import { whoAmI } from "../desk/api";
import { useSession } from "../desk/session";
import { features } from "./features";

export function makeRouter() {
  const router = createRouter({
    history: createWebHistory(import.meta.env.BASE_URL),
    routes: [
      { path: "/", redirect: { name: "work" } },
      { path: "/manage", name: "manage", component: () => import("./ManagePage.vue"), meta: { title: "desk.manage" } },
      ...features.flatMap((f) => f.routes),
      { path: "/:rest(.*)*", name: "missing", component: () => import("./MissingPage.vue") },
    ],
    scrollBehavior: () => false,
  });

  router.beforeEach(async (to) => {
    const session = useSession();
    if (!session.asked) {
      try {
        const s = await whoAmI();
        if (s) session.enter(s);
        else session.leave();
      } catch {
        if (!to.meta.open) return { name: "sign-in", query: { to: to.fullPath } };
      }
    }
    if (to.meta.open) return to.name === "sign-in" && session.signedIn ? "/" : true;
    if (!session.signedIn) return { name: "sign-in", query: to.fullPath === "/" ? {} : { to: to.fullPath } };
    if ((session.mustChoose || session.rightless) && to.name !== "posts") return { name: "posts", query: { to: to.fullPath } };
    // administrators work on no cases: they begin where they have something to do
    if (to.redirectedFrom?.path === "/" && to.name === "work" && !session.may("case.view")) return { name: "manage" };
    return true;
  });

  return router;
}
