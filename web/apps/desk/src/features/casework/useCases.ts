import {
  type Case,
  type CaseCounts,
  type CaseDetail,
  type CaseFile,
  type CaseFilter,
  type CasePage,
  commandId,
  type CopyRegion,
  type Duplicate,
  type FeedEvent,
  type MoveRequest,
  type Query,
  type ReportRequest,
} from "@onegrid/api";
import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, onScopeDispose, type Ref, ref, shallowRef, watch } from "vue";
import { api } from "../../desk/api";
import { useFeed } from "../../desk/feed";
import { changes } from "./rows";

export const caseKeys = {
  all: ["cases"] as const,
  lists: ["cases", "list"] as const,
  list: (f: CaseFilter) => ["cases", "list", f] as const,
  one: (id: string) => ["cases", "one", id] as const,
  counts: ["cases", "counts"] as const,
  duplicates: (q: Query) => ["cases", "duplicates", q] as const,
};

const pageSize = 50;

export const listCases = (f: CaseFilter, cursor?: string, limit = pageSize, signal?: AbortSignal) =>
  api().get<CasePage>("/cases", { ...f, cursor, limit }, signal);

export function useCounts() {
  const cache = useQueryClient();
  const query = useQuery({
    queryKey: caseKeys.counts,
    queryFn: ({ signal }) => api().get<CaseCounts>("/cases/counts", undefined, signal),
    staleTime: 30_000,
  });
  const soon = atMostEvery(3000, () => void cache.invalidateQueries({ queryKey: caseKeys.counts }));
  useFeed(soon);
  return query;
}

/** Runs at once, then not again before ms have passed; the last call is never lost. */
function atMostEvery(ms: number, run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;
  onScopeDispose(() => clearTimeout(timer));
  return () => {
    if (timer) return;
    const wait = Math.max(150, last + ms - Date.now());
    timer = setTimeout(() => {
      timer = undefined;
      last = Date.now();
      run();
    }, wait);
  };
}

type Pages = InfiniteData<CasePage, string>;

/**
 * A worklist that never jumps: what others change is read aside and counted, and
 * shown when the person asks for it. Only what left their area goes at once.
 */
export function useWorklist(filter: Ref<CaseFilter>) {
  const cache = useQueryClient();
  const key = computed(() => caseKeys.list(filter.value));
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => listCases(filter.value, pageParam || undefined, pageSize, signal),
    initialPageParam: "",
    getNextPageParam: (last: CasePage) => last.next,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const items = computed<Case[]>(() => {
    const seen = new Set<string>();
    return (query.data.value?.pages ?? []).flatMap((p) => p.items).filter((c) => !seen.has(c.id) && seen.add(c.id));
  });
  const asOf = computed(() => query.data.value?.pages[0]?.as_of);
  const fresh = shallowRef<CasePage>();
  const updates = computed(() => (fresh.value ? changes(items.value, fresh.value.items, !query.hasNextPage.value) : 0));

  watch(key, () => (fresh.value = undefined));

  async function look() {
    if (!query.data.value) return;
    const asked = filter.value;
    try {
      const page = await listCases(asked, undefined, Math.min(200, Math.max(pageSize, items.value.length)));
      if (asked === filter.value) fresh.value = page;
    } catch {
      // the line's state is shown at the top; the list stays as it is
    }
  }
  const lookSoon = atMostEvery(1500, () => void look());

  useFeed((e: FeedEvent | "gap") => {
    if (e !== "gap" && e.type === "gone" && e.case) drop(e.case);
    if (e === "gap" || e.case) lookSoon();
  });

  function edit(change: (items: Case[]) => Case[]) {
    cache.setQueryData<Pages>(key.value, (d) => d && { ...d, pages: d.pages.map((p) => ({ ...p, items: change(p.items) })) });
    if (fresh.value) fresh.value = { ...fresh.value, items: change(fresh.value.items) };
  }
  const drop = (id: string) => edit((list) => (list.some((c) => c.id === id) ? list.filter((c) => c.id !== id) : list));
  /** My own act shows in its row at once; the row stays where it is. */
  const patch = (c: Case) => edit((list) => list.map((x) => (x.id === c.id ? c : x)));

  function show() {
    const page = fresh.value;
    if (!page) return;
    fresh.value = undefined;
    cache.setQueryData<Pages>(key.value, { pages: [page], pageParams: [""] });
  }

  return { query, items, asOf, updates, show, patch, drop, look };
}

/** One case, read anew when it changes; while somebody writes, they are asked first. */
export function useCase(id: Ref<string>, busy: Ref<boolean>) {
  const cache = useQueryClient();
  const changed = ref(false);
  const gone = ref(false);
  const query = useQuery({
    queryKey: computed(() => caseKeys.one(id.value)),
    queryFn: ({ signal }) => api().get<CaseDetail>(`/cases/${encodeURIComponent(id.value)}`, undefined, signal),
    staleTime: 10_000,
  });
  watch(id, () => {
    changed.value = false;
    gone.value = false;
  });
  const refresh = () => {
    changed.value = false;
    return cache.invalidateQueries({ queryKey: caseKeys.one(id.value) });
  };
  const soon = atMostEvery(700, () => void refresh());
  useFeed((e) => {
    if (e === "gap") return busy.value ? void (changed.value = true) : soon();
    if (e.case !== id.value) return;
    if (e.type === "gone") gone.value = true;
    else if (e.version !== undefined && e.version === query.data.value?.case.version && e.kind !== "case.comment") return;
    else if (busy.value) changed.value = true;
    else soon();
  });
  return { query, changed, gone, refresh };
}

/** One act on a case. Its id stays until it is known to be done, so that a second press cannot do it twice. */
export function useAct() {
  let key = commandId();
  return {
    async move(c: Case, request: MoveRequest): Promise<Case> {
      const done = await api().send<Case>("POST", `/cases/${c.id}/moves`, request, { key, version: c.version });
      key = commandId();
      return done;
    },
    /** the content changed: it is another command */
    renew: () => void (key = commandId()),
  };
}

export const comment = (id: string, body: { text: string; internal: boolean; file_ids?: string[]; mentions?: string[] }, key: string) =>
  api().send<unknown>("POST", `/cases/${id}/comments`, body, { key });

export const claim = (id: string) => api().send<Case | undefined>("POST", `/cases/${id}/claim`);
export const release = (id: string) => api().send<Case | undefined>("DELETE", `/cases/${id}/claim`);

export const reveal = (id: string, purpose: string, why: string) =>
  api().send<{ name?: string; phone?: string }>("POST", `/cases/${id}/reveal`, { purpose, why });

export const report = (r: ReportRequest) => api().send<Case>("POST", "/cases", r, { key: r.id });

export function upload(file: File, kind: string): Promise<CaseFile> {
  const form = new FormData();
  form.append("kind", kind);
  form.append("file", file, file.name);
  return api().send<CaseFile>("POST", "/files", form);
}

export const review = (id: string, decision: "accept" | "discard") =>
  api().send<unknown>("POST", `/files/${id}/review`, { decision });

export const fileUrl = (id: string, size: "thumb" | "view") => `/api/files/${encodeURIComponent(id)}?size=${size}`;

/** The copy of a photo for outside: asked for, let out with what is blurred, kept in. */
export const prepareCopy = (id: string) => api().send<unknown>("POST", `/files/${id}/copy`, {});
export const releaseCopy = (id: string, regions: CopyRegion[], version: number) => api().send<unknown>("POST", `/files/${id}/copy/release`, { regions, version });
export const withholdCopy = (id: string, version: number) => api().send<unknown>("POST", `/files/${id}/copy/withhold`, { version });
export const copyUrl = (id: string, size: "thumb" | "view", version: number) => `/api/files/${encodeURIComponent(id)}/copy?size=${size}&version=${version}`;

/** What may be the same matter; shown beside a case and while reporting. */
export function useDuplicates(query: Ref<Query | undefined>) {
  return useQuery({
    queryKey: computed(() => caseKeys.duplicates(query.value ?? {})),
    queryFn: ({ signal }) =>
      api()
        .get<{ items: Duplicate[] }>("/cases/duplicates", query.value, signal)
        .then((r) => r.items),
    enabled: computed(() => query.value !== undefined),
    staleTime: 30_000,
    retry: false,
  });
}
