import type { Notice, NoticeCount, NoticePage, NoticeTemplate, NoticeTrouble, NoticeVariable, Reaches } from "@onegrid/api";
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
