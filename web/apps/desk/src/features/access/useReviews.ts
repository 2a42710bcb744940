import type { Review, ReviewRow } from "@onegrid/api";
import { useInfiniteQuery, useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { api } from "../../desk/api";

/** Kinds of what a round goes over, in the order in which they are shown. */
export const reviewKinds = ["account", "grant", "holding", "stand_in", "delegation"] as const;

/** All rounds, the newest first. */
export function useReviews() {
  return useQuery({ queryKey: ["access", "reviews"], queryFn: ({ signal }) => api().get<{ items: Review[] }>("/access-reviews", undefined, signal) });
}

/** One round and how far it is. */
export function useReview(id: Ref<string>) {
  return useQuery({ queryKey: computed(() => ["access", "review", id.value] as const), queryFn: ({ signal }) => api().get<Review>(`/access-reviews/${id.value}`, undefined, signal) });
}

export interface ReviewFilter {
  kind?: string;
  state?: string;
  unused?: boolean;
  q?: string;
}

/** The rows of a round, page by page. */
export function useReviewRows(id: Ref<string>, filter: Ref<ReviewFilter>) {
  return useInfiniteQuery({
    queryKey: computed(() => ["access", "review-rows", id.value, filter.value] as const),
    queryFn: ({ pageParam, signal }) => api().get<{ items: ReviewRow[]; next?: number }>(`/access-reviews/${id.value}/rows`, { ...filter.value, after: pageParam || undefined, limit: 100 }, signal),
    initialPageParam: 0,
    getNextPageParam: (last) => last.next || undefined,
  });
}
