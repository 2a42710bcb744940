import type { Notice, NoticeAudience, NoticeCount, NoticeMessage, NoticePage, NoticePlace, NoticeSettings, NoticeTemplate, NoticeTrouble, NoticeVariable, Reaches } from "@onegrid/api";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { api } from "../../desk/api";
import { useFeed } from "../../desk/feed";

export const noticeKeys = {
  all: ["notices"] as const,
  inbox: (view: string) => ["notices", "inbox", view] as const,
  count: ["notices", "count"] as const,
  reaches: ["notice-channels"] as const,
  templates: ["notice-templates"] as const,
  troubles: ["notice-troubles"] as const,
  messages: ["notices", "messages"] as const,
  message: (id: string) => ["notices", "message", id] as const,
  audience: (node: string, roles: string) => ["notice-audience", node, roles] as const,
  places: ["notice-places"] as const,
  settings: ["notice-settings"] as const,
};

export type InboxView = "all" | "unread" | "act";

/** What the bell shows; it follows the live line. */
export function useNoticeCount(enabled: Ref<boolean>) {
  const cache = useQueryClient();
  const query = useQuery({
    queryKey: noticeKeys.count,
    queryFn: ({ signal }) => api().get<NoticeCount>("/notices/count", undefined, signal),
    refetchInterval: 120_000,
    enabled,
  });
  useFeed((e) => {
    if (e === "gap" || /^notice\b/.test(e.kind ?? "")) void cache.invalidateQueries({ queryKey: noticeKeys.all });
  });
  return query;
}

export function useInbox(view: Ref<InboxView>) {
  const query = useInfiniteQuery({
    queryKey: computed(() => noticeKeys.inbox(view.value)),
    queryFn: ({ pageParam, signal }) => api().get<NoticePage>("/notices", { view: view.value, cursor: pageParam, limit: 30 }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next || undefined,
  });
  return { query, items: computed<Notice[]>(() => (query.data.value?.pages ?? []).flatMap((p) => p.items)) };
}

/** Marks as read, acknowledges; the bell follows. */
export function useInboxActs() {
  const cache = useQueryClient();
  const onSuccess = () => cache.invalidateQueries({ queryKey: noticeKeys.all });
  return {
    read: useMutation({ mutationFn: (body: { ids?: string[]; until?: number }) => api().send("POST", "/notices/read", body), onSuccess }),
    acknowledge: useMutation({ mutationFn: (id: string) => api().send("POST", `/notices/${id}/acknowledge`), onSuccess }),
  };
}

export function useReaches() {
  return useQuery({ queryKey: noticeKeys.reaches, queryFn: ({ signal }) => api().get<Reaches>("/notices/channels", undefined, signal) });
}

export function useTemplates() {
  return useQuery({
    queryKey: noticeKeys.templates,
    queryFn: ({ signal }) => api().get<{ items: NoticeTemplate[]; variables: NoticeVariable[] }>("/notice-templates", undefined, signal),
  });
}

export function useTroubles() {
  return useQuery({
    queryKey: noticeKeys.troubles,
    queryFn: ({ signal }) => api().get<{ items: NoticeTrouble[] }>("/notices/troubles", undefined, signal),
    refetchInterval: 60_000,
  });
}

/** Messages written by hand, newest first; they follow the live line. */
export function useMessages() {
  const query = useInfiniteQuery({
    queryKey: noticeKeys.messages,
    queryFn: ({ pageParam, signal }) => api().get<{ items: NoticeMessage[]; next?: string }>("/notice-messages", { cursor: pageParam, limit: 30 }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next || undefined,
  });
  return { query, items: computed<NoticeMessage[]>(() => (query.data.value?.pages ?? []).flatMap((p) => p.items)) };
}

/** One message; while it goes out or is read it is asked again from time to time. */
export function useMessage(id: Ref<string>) {
  return useQuery({
    queryKey: computed(() => noticeKeys.message(id.value)),
    queryFn: ({ signal }) => api().get<NoticeMessage>(`/notice-messages/${id.value}`, undefined, signal),
    enabled: computed(() => id.value !== ""),
    refetchInterval: (q) => (q.state.data?.state === "going" ? 3_000 : 30_000),
  });
}

export function usePlaces() {
  return useQuery({ queryKey: noticeKeys.places, queryFn: ({ signal }) => api().get<{ items: NoticePlace[] }>("/notice-messages/places", undefined, signal) });
}

export function useAudience(node: Ref<string>, roles: Ref<string[]>) {
  const some = computed(() => [...roles.value].sort().join(","));
  return useQuery({
    queryKey: computed(() => noticeKeys.audience(node.value, some.value)),
    queryFn: ({ signal }) => api().get<NoticeAudience>("/notice-messages/audience", { node_id: node.value, roles: some.value || undefined }, signal),
    enabled: computed(() => node.value !== ""),
    placeholderData: (old, q) => (q?.queryKey[1] === node.value ? old : undefined),
  });
}

export function useSettings() {
  return useQuery({ queryKey: noticeKeys.settings, queryFn: ({ signal }) => api().get<NoticeSettings>("/notice-settings", undefined, signal), staleTime: 0 });
}
