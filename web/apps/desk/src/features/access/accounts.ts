import type { Account } from "@onegrid/api";

/** Where an account stands on its way to be used, in the order of the way. */
export const standings = ["to_release", "to_enrol", "works", "demo", "stopped"] as const;
export type Standing = (typeof standings)[number];

export function standing(a: Account): Standing {
  if (a.disabled) return "stopped";
  if (!a.released) return "to_release";
  if (a.demo) return "demo";
  return a.enrolled || a.passkeys > 0 || a.identities > 0 ? "works" : "to_enrol";
}
