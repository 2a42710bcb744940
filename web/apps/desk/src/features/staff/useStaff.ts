import { useQuery } from "@tanstack/vue-query";
import { computed, type MaybeRefOrGetter, toValue } from "vue";
import { api } from "../../desk/api";
import { useSession } from "../../desk/session";
import type { Group, Page, Person, Post, Role, Staffing, StaffCount, StaffingRule, Term, Unit } from "./types";

// What more than one page of this feature asks for. Everything hangs below
// "staff", so that an act refreshes all of it.

export const staffKeys = { all: ["staff"] as const };

/** Reads all pages of a list; the lists here are a few hundred rows at most. */
export async function everything<T>(path: string, query: Record<string, string | number | undefined>, signal?: AbortSignal): Promise<T[]> {
  const out: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await api().get<Page<T>>(path, { ...query, limit: 200, cursor }, signal);
    out.push(...page.items);
    cursor = page.next;
  } while (cursor && out.length < 5000);
  return out;
}

export function useUnits() {
  const query = useQuery({ queryKey: [...staffKeys.all, "units"], queryFn: ({ signal }) => api().get<Page<Unit>>("/org/units", undefined, signal) });
  const units = computed(() => (query.data.value?.items ?? []).filter((u) => !u.to || Date.parse(u.to) > Date.now()));
  const byId = computed(() => new Map(units.value.map((u) => [u.id, u])));
  return { query, units, byId };
}

export function useRoles() {
  const query = useQuery({ queryKey: [...staffKeys.all, "roles"], queryFn: ({ signal }) => api().get<{ roles: Role[] }>("/roles", undefined, signal), staleTime: 3_600_000 });
  const roles = computed(() => query.data.value?.roles ?? []);
  const byKey = computed(() => new Map(roles.value.map((r) => [r.key, r])));
  return { roles, byKey };
}

export function useTerms() {
  const query = useQuery({
    queryKey: [...staffKeys.all, "terms"],
    queryFn: ({ signal }) => api().get<{ group_kinds: Term[]; skills: Term[] }>("/org/terms", undefined, signal),
  });
  return { kinds: computed(() => query.data.value?.group_kinds ?? []), skills: computed(() => query.data.value?.skills ?? []) };
}

export function usePosts(unit: MaybeRefOrGetter<string | undefined>) {
  const session = useSession();
  return useQuery({
    queryKey: computed(() => [...staffKeys.all, "posts", toValue(unit)]),
    queryFn: ({ signal }) => everything<Post>("/org/posts", { unit: toValue(unit) }, signal),
    enabled: computed(() => Boolean(toValue(unit)) && session.may("org.team_view")),
  });
}

export const findPersons = (q: string, signal?: AbortSignal) => api().get<Page<Person>>("/org/persons", { q, limit: 12 }, signal).then((p) => p.items);

export function useStaffing(query: MaybeRefOrGetter<Record<string, string | undefined>>) {
  return useQuery({
    queryKey: computed(() => [...staffKeys.all, "staffing", toValue(query)]),
    queryFn: ({ signal }) => everything<Staffing>("/org/staffing", toValue(query), signal),
  });
}

export const useStaffCounts = (micro: MaybeRefOrGetter<boolean>) =>
  useQuery({
    queryKey: computed(() => [...staffKeys.all, "counts", toValue(micro)]),
    queryFn: ({ signal }) => api().get<Page<StaffCount>>("/org/staffing/counts", { micro: toValue(micro) || undefined }, signal).then((p) => p.items),
  });

export const useStaffingRules = () =>
  useQuery({ queryKey: [...staffKeys.all, "rules"], queryFn: ({ signal }) => api().get<Page<StaffingRule>>("/org/staffing/rules", undefined, signal).then((p) => p.items) });

export const useGroups = () => useQuery({ queryKey: [...staffKeys.all, "groups"], queryFn: ({ signal }) => everything<Group>("/org/groups", {}, signal) });
