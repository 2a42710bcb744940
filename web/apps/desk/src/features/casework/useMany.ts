import { type AlarmSource, type Case, type CaseDetail, type CaseRef, type Choice, commandId, type PostChoice } from "@onegrid/api";
import { api } from "../../desk/api";
import { save } from "../../desk/save";

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

export const watchCase = (id: string, on: boolean) => api().send<Case>(on ? "PUT" : "DELETE", `/cases/${id}/watch`, undefined, { key: commandId() });

/** Posts that may read a case, for a comment to mention. */
export const readers = (id: string, q: string) => api().get<{ items: PostChoice[] }>(`/cases/${id}/readers`, { q: q.trim() || undefined }).then((r) => r.items);

export const alarmSources = (signal?: AbortSignal) => api().get<{ items: AlarmSource[] }>("/alarm-sources", undefined, signal).then((r) => r.items);

const atOnce = 50; // what one answer holds

/** What may be done to each of the chosen cases. */
export async function choicesFor(ids: string[], signal?: AbortSignal): Promise<Choice[]> {
  const out: Choice[] = [];
  for (let i = 0; i < ids.length; i += atOnce) {
    out.push(...(await api().get<{ items: Choice[] }>("/case-moves", { ids: ids.slice(i, i + atOnce).join(",") }, signal)).items);
  }
  return out;
}

/** Saves the case on paper as a file; the journal notes who printed it. */
export const printCase = (c: Case): Promise<void> => save(`/cases/${c.id}/print`, `${c.number}.pdf`);
