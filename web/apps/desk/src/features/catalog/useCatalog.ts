import type { Item, Limit, ListedItem, Name, Register, Role } from "@onegrid/api";
import { useWords } from "@onegrid/words";
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { api } from "../../desk/api";
import { referenceKeys } from "../../desk/reference";

export const catalogKeys = {
  all: ["catalog"] as const,
  register: ["catalog", "register"] as const,
  versions: (key: string) => ["catalog", "versions", key] as const,
  roles: ["catalog", "roles"] as const,
  departments: ["catalog", "departments"] as const,
};

/** The register with the words of its closed lists. */
export function useRegister() {
  return useQuery({ queryKey: catalogKeys.register, queryFn: ({ signal }) => api().get<Register>("/register", undefined, signal), staleTime: 30_000 });
}

export function useVersions(key: Ref<string | undefined>) {
  return useQuery({
    queryKey: computed(() => catalogKeys.versions(key.value ?? "")),
    queryFn: ({ signal }) =>
      api()
        .get<{ items: Item[] }>(`/items/${encodeURIComponent(key.value ?? "")}/versions`, undefined, signal)
        .then((r) => r.items),
    enabled: computed(() => !!key.value),
  });
}

/** The version in force, or else the newest. */
export const shownOf = (versions: Item[] | undefined, line: ListedItem | undefined) =>
  versions?.find((v) => v.admission.version === line?.admission.version) ?? versions?.at(-1);

export function useRoles() {
  return useQuery({
    queryKey: catalogKeys.roles,
    queryFn: ({ signal }) =>
      api()
        .get<{ roles: Role[] }>("/roles", undefined, signal)
        .then((r) => r.roles),
    staleTime: 3_600_000,
  });
}

export interface Department {
  id: string;
  key: string;
  name: Name;
}

export function useDepartments() {
  return useQuery({
    queryKey: catalogKeys.departments,
    queryFn: ({ signal }) =>
      api()
        .get<{ items: { id: string; key?: string; kind: string; name: Name }[] }>("/org/units", undefined, signal)
        .then((r) => r.items.filter((u): u is Department & { kind: string } => u.kind === "department" && !!u.key)),
    staleTime: 3_600_000,
  });
}

/** Takes in what an act changed: the register, the item, and what other screens read of it. */
export function useChanged() {
  const cache = useQueryClient();
  return () => Promise.all([cache.invalidateQueries({ queryKey: catalogKeys.all }), cache.invalidateQueries({ queryKey: referenceKeys.items })]);
}

export const propose = (item: Item, key: string) => api().send<Item>("POST", "/items", item, { key });
export const edit = (item: Item, seen: number, key: string) => api().send<Item>("PUT", `/items/${encodeURIComponent(item.key)}`, item, { key, version: seen });
export interface Decision {
  version: number;
  admit: boolean;
  term_months?: number;
  urgent?: boolean;
  until?: string;
  note?: string;
}
export const decide = (item: string, d: Decision, key: string) => api().send<Item>("POST", `/items/${encodeURIComponent(item)}/decision`, d, { key });
export const end = (item: string, note: string, seen: number, key: string) => api().send<Item>("POST", `/items/${encodeURIComponent(item)}/end`, { note }, { key, version: seen });

export const clocks = ["urgent-hour", "working-hour", "working-day", "natural-day", "statutory-day", "statutory-working-day"] as const;
export const limitNames = ["accept", "dispatch", "handle", "check", "publicise", "give"] as const;

/** Words of limits, roles, departments and closed lists. */
export function useCatalogWords() {
  const { t, say, number } = useWords();
  const register = useRegister();
  const roles = useRoles();
  const departments = useDepartments();
  const limit = (l: Limit | null | undefined) => {
    if (!l) return "—";
    if (l.minutes) return t(`items.limit.${l.clock}.minutes`, { n: number(l.minutes) });
    return t(`items.limit.${l.clock}`, { n: number(l.units ?? 0) });
  };
  const role = (key: string) => (key === "resident" ? t("items.resident") : say(roles.data.value?.find((r) => r.key === key)?.name) || key);
  const department = (key: string) => say(departments.data.value?.find((d) => d.key === key)?.name) || key;
  const term = (dictionary: string, key: string) => say(register.data.value?.dictionaries[dictionary]?.find((x) => x.key === key)?.name) || key;
  const retention = (key: string) => say(register.data.value?.retentions.find((x) => x.key === key)?.name) || key;
  const terms = (dictionary: string) => register.data.value?.dictionaries[dictionary] ?? [];
  return { limit, retention, role, roles: roles.data, department, departments: departments.data, term, terms, register };
}

/** Where a refused item is wrong, by field, without the prefix of the body. */
export const wrongAt = (where: { path: string; detail?: string }[]) => Object.fromEntries(where.map((w) => [w.path.replace(/^body\./, ""), w.detail ?? ""]));

/** Parts of two versions that differ, by the names of their fields. */
export function differences(a: Item, b: Item): string[] {
  const parts = ["name", "code", "function", "description", "conditions", "route", "form", "evidence", "verify", "check", "raised_by", "public", "resident_visible", "confidentiality", "retention", "purpose", "legal_basis", "consent", "duplicates", "may_settle_on_spot", "closing", "priority", "note"] as const;
  return parts.filter((k) => sorted(a[k]) !== sorted(b[k]));
}

function sorted(v: unknown): string {
  return JSON.stringify(v, (_, x: unknown) =>
    x && typeof x === "object" && !Array.isArray(x)
      ? Object.fromEntries(
          Object.entries(x)
            .filter(([, w]) => w !== null)
            .sort(([p], [q]) => (p < q ? -1 : 1)),
        )
      : x,
  ) ?? "";
}
