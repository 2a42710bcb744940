// The ten case statuses: shape, word and colour together (look/LOOK.md section 2).
// Four cells count progress; pointed shapes mean trouble.

export type Status =
  | "reported"
  | "accepted"
  | "assigned"
  | "inhand"
  | "done"
  | "closed"
  | "waiting"
  | "near"
  | "overdue"
  | "urgent";

const full = [
  [0.5, 0.5],
  [8.5, 0.5],
  [0.5, 8.5],
  [8.5, 8.5],
] as const;

function cells(filled: number): string {
  return full
    .map(([x, y], i) =>
      i < filled
        ? `<rect x="${x}" y="${y}" width="7" height="7" rx="1.4" fill="currentColor"/>`
        : `<rect x="${x + 0.7}" y="${y + 0.7}" width="5.6" height="5.6" rx="1" fill="none" stroke="currentColor" stroke-width="1.4"/>`,
    )
    .join("");
}

/** The drawing of each status on a 16 grid; fixed texts, never data. */
export const statusShapes: Record<Status, string> = {
  reported: cells(0),
  accepted: cells(1),
  assigned: cells(2),
  inhand: cells(3),
  done: cells(4),
  closed:
    '<circle cx="8" cy="8" r="7.2" fill="currentColor"/><path d="M4.6 8.3l2.3 2.4 4.6-5" fill="none" stroke="var(--on-status,#fff)" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>',
  waiting:
    '<circle cx="8" cy="8" r="6.6" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M6.2 5.2v5.6M9.8 5.2v5.6" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"/>',
  near: '<path d="M8 2.2L14.6 13.6H1.4Z" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round"/><path d="M8 7v2.7h2" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round"/>',
  overdue:
    '<path d="M8 1.6L15.2 14H.8Z" fill="currentColor" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round"/><path d="M8 6v4.2M8 12.3v.1" stroke="var(--on-status,#fff)" stroke-width="1.7" stroke-linecap="round"/>',
  urgent:
    '<path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5Z" fill="currentColor"/><path d="M9 3.2L5.4 8.6h2.4L7 12.8l3.7-5.5H8.2Z" fill="var(--on-status,#fff)"/>',
};

/** The stage's own icon; the server writes in_hand, the tokens inhand. */
export function stageStatus(stage: string): Status {
  return stage === "in_hand" ? "inhand" : ((stage in statusShapes ? stage : "reported") as Status);
}
