import type { CopyRegion } from "@onegrid/api";

// Regions of a picture in ten-thousandths of its width and height, as the server
// keeps them; what moves or grows stays on the picture.

export const whole = 10_000;
/** The smallest side: what is smaller can't be seen or touched. */
export const least = 150;

const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);

export function moved(r: CopyRegion, dx: number, dy: number): CopyRegion {
  return { ...r, x: Math.round(clamp(r.x + dx, 0, whole - r.w)), y: Math.round(clamp(r.y + dy, 0, whole - r.h)) };
}

export function grown(r: CopyRegion, dw: number, dh: number): CopyRegion {
  return { ...r, w: Math.round(clamp(r.w + dw, least, whole - r.x)), h: Math.round(clamp(r.h + dh, least, whole - r.y)) };
}

/** The box between two corners, or none when it was only a touch. */
export function drawn(ax: number, ay: number, bx: number, by: number): CopyRegion | undefined {
  const [x1, x2] = [clamp(Math.min(ax, bx), 0, whole), clamp(Math.max(ax, bx), 0, whole)];
  const [y1, y2] = [clamp(Math.min(ay, by), 0, whole), clamp(Math.max(ay, by), 0, whole)];
  const r = { x: Math.round(x1), y: Math.round(y1), w: Math.round(x2 - x1), h: Math.round(y2 - y1) };
  return r.w < least || r.h < least ? undefined : r;
}

/** What a key does to the region that has the focus: arrows move, with Shift they change its size. */
export function keyed(r: CopyRegion, key: string, shift: boolean): CopyRegion | undefined {
  const step = 100;
  const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[key];
  if (!way) return undefined;
  return shift ? grown(r, way[0]!, way[1]!) : moved(r, way[0]!, way[1]!);
}
