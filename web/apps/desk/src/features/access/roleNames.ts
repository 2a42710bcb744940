import type { RoleBook } from "@onegrid/api";
import { useWords } from "@onegrid/words";
import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { api } from "../../desk/api";

/** Names of roles and permissions, as the book of roles has them. */
export function useRoleNames() {
  const { say } = useWords();
  const book = useQuery({ queryKey: ["access", "roles"], queryFn: ({ signal }) => api().get<RoleBook>("/roles", undefined, signal), staleTime: 60_000 });
  const permissions = computed(() => new Map(book.data.value?.permissions.map((p) => [p.key, p])));
  const permission = (key: string) => say(permissions.value.get(key)?.name) || key;
  return { book, permissions, permission };
}
