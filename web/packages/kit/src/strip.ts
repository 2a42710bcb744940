// The geometry of the working-time strip (look/LOOK.md section 5, Clock): time
// that counts is drawn to scale, time that does not is a short dotted gap, so
// that a weekend does not push the hours that matter off the screen.

export interface StripSegment {
  from: number;
  /** absent: still open */
  to?: number;
  counted: boolean;
  reason: string;
}

export interface StripBar {
  x: number;
  w: number;
  kind: "used" | "left" | "stopped" | "over" | "gap";
  reason: string;
  from: number;
  to: number;
}

export interface Strip {
  width: number;
  bars: StripBar[];
  /** x of now, of the start and of the deadline; absent when outside or unknown */
  now?: number;
  due?: number;
}

const GAP = 52;
const LEAST = 3;

/** Lays segments out over width; times are epoch milliseconds. */
export function layStrip(segments: StripSegment[], now: number, due: number | undefined, width: number): Strip {
  type Piece = { from: number; to: number; kind: StripBar["kind"]; reason: string };
  const pieces: Piece[] = [];
  const add = (p: Piece) => {
    if (p.to <= p.from) return;
    const last = pieces[pieces.length - 1];
    // neighbouring stretches that do not count become one gap, named by its longest part
    if (last && last.kind === "gap" && p.kind === "gap") {
      if (p.to - p.from > last.to - last.from) last.reason = p.reason;
      last.to = p.to;
      return;
    }
    pieces.push({ ...p });
  };
  for (const s of segments) {
    const to = s.to ?? Math.max(now, s.from);
    if (s.reason === "pause") add({ from: s.from, to, kind: "stopped", reason: s.reason });
    else if (!s.counted) add({ from: s.from, to, kind: "gap", reason: s.reason });
    else {
      const cut = Math.min(Math.max(now, s.from), to);
      add({ from: s.from, to: cut, kind: "used", reason: s.reason });
      add({ from: cut, to, kind: "left", reason: s.reason });
    }
  }
  if (due !== undefined && now > due) add({ from: due, to: now, kind: "over", reason: "over" });

  // a pause that lasted over nights is drawn no longer than a gap
  const capped = (p: Piece) => p.kind === "gap" || (p.kind === "stopped" && p.to - p.from > 4 * 3_600_000);
  const gaps = pieces.filter(capped).length;
  const gap = Math.min(GAP, gaps ? (width * 0.45) / gaps : GAP);
  const scaled = pieces.filter((p) => !capped(p)).reduce((sum, p) => sum + Math.min(p.to - p.from, p.kind === "over" ? 6 * 3_600_000 : Infinity), 0);
  const room = Math.max(0, width - gaps * gap);
  const strip: Strip = { width, bars: [] };
  let x = 0;
  for (const p of pieces) {
    const length = p.kind === "over" ? Math.min(p.to - p.from, 6 * 3_600_000) : p.to - p.from;
    const w = capped(p) ? gap : Math.max(LEAST, scaled ? (length / scaled) * room : 0);
    strip.bars.push({ x, w, kind: p.kind, reason: p.reason, from: p.from, to: p.to });
    if (now >= p.from && now <= p.to) strip.now = x + (w * (now - p.from)) / (p.to - p.from);
    x += w;
    if (due !== undefined && due === p.to && p.kind !== "over") strip.due = x;
  }
  // rounding small pieces up may have made it too long
  if (x > width && x > 0) {
    const f = width / x;
    for (const b of strip.bars) {
      b.x *= f;
      b.w *= f;
    }
    if (strip.now !== undefined) strip.now *= f;
    if (strip.due !== undefined) strip.due *= f;
  }
  return strip;
}
