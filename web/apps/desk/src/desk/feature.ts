import type { IconName } from "@onegrid/kit";
import type { Messages } from "@onegrid/words";
import type { RouteRecordRaw } from "vue-router";

declare module "vue-router" {
  interface RouteMeta {
    /** may be opened without being signed in */
    open?: boolean;
    /** any of these permissions lets the acting post in */
    needs?: string[];
    /** words key of the page's title */
    title?: string;
  }
}

/** Where a page stands on the page "manage": these are the headings, in order. */
export const sections = ["people", "places", "catalogue", "system"] as const;

/** What a feature brings to the desk. It declares and does nothing. */
export interface Feature {
  name: string;
  words: Messages;
  routes: RouteRecordRaw[];
  menu?: {
    title: string;
    icon: IconName;
    to: { name: string; query?: Record<string, string> };
    needs: string[];
    count?: "mine" | "open";
    order: number;
    key: string;
    /** stands on the page "manage" under this heading, not in the rail */
    section?: (typeof sections)[number];
    /** words key of the sentence that says what the page is for; with a section */
    note?: string;
  }[];
}
