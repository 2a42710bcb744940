import { type Case, type CaseDetail, type CaseRef, commandId } from "@onegrid/api";
import { api } from "../../desk/api";

// Acts on several cases together. Who calls them keeps the key of a command
// until its outcome is known.

export type RelationKind = "related" | "follow_up" | "same_cause";
export const relationKinds: RelationKind[] = ["related", "follow_up", "same_cause"];

export const relate = (id: string, kind: RelationKind, other: string, key: string) =>
  api().send<Case>("POST", `/cases/${id}/relations`, { kind, case_id: other }, { key });

export const unrelate = (id: string, relation: string) => api().send<Case>("DELETE", `/cases/${id}/relations/${relation}`, undefined, { key: commandId() });

/** A case by the number that somebody reads out. */
export const byNumber = (number: string) => api().get<CaseDetail>(`/case-numbers/${encodeURIComponent(number.trim())}`).then((d) => d.case);

export const mergeInto = (main: Case, request: { case_ids: string[]; reason: string; note: string }, key: string) =>
  api().send<{ main: Case; merged: CaseRef[] }>("POST", `/cases/${main.id}/merges`, request, { key });
