import type { Language, Name } from "@onegrid/api";

// Numbers, dates and durations in words; the one place that knows how
// (look/LOOK.md section 3). Everything is told in the district's time zone,
// wherever the reader's computer stands.

export const zone = "Asia/Shanghai";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The text of a name in a language; when that is empty, the other. */
export function say(name: Name | null | undefined, lang: Language): string {
  if (name === undefined || name === null) return "";
  if (typeof name === "string") return name;
  return name[lang] || name["zh-CN"] || name.en || "";
}

export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  /** 0 is Sunday */
  weekday: number;
}

const parts = new Intl.DateTimeFormat("en-US", {
  timeZone: zone,
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
});

/** What the clock on the district's wall shows. */
export function wall(at: number): Wall {
  const v: Record<string, number> = {};
  for (const p of parts.formatToParts(at)) if (p.type !== "literal") v[p.type] = Number(p.value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = v;
  return { year, month, day, hour, minute, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay() };
}

/** Days from a to b by the calendar: 1 when b is tomorrow. */
export function daysBetween(a: number, b: number): number {
  const [x, y] = [wall(a), wall(b)];
  return Math.round((Date.UTC(y.year, y.month - 1, y.day) - Date.UTC(x.year, x.month - 1, x.day)) / DAY);
}

const two = (n: number) => String(n).padStart(2, "0");

export function clockTime(at: number): string {
  const w = wall(at);
  return `${w.hour}:${two(w.minute)}`;
}

const weekdays = {
  "zh-CN": ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
  en: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
};
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The day alone: today, yesterday, Thursday, then the date. */
export function day(at: number, now: number, lang: Language): string {
  const zh = lang === "zh-CN";
  const n = daysBetween(now, at);
  if (n === 0) return zh ? "今天" : "today";
  if (n === -1) return zh ? "昨天" : "yesterday";
  if (n === 1) return zh ? "明天" : "tomorrow";
  const w = wall(at);
  if (Math.abs(n) < 7) return weekdays[lang][w.weekday] ?? "";
  const year = w.year === wall(now).year ? "" : zh ? `${w.year}年` : ` ${w.year}`;
  return zh ? `${year}${w.month}月${w.day}日` : `${w.day} ${months[w.month - 1]}${year}`;
}

/** The date alone, whatever today is: 11月24日, 24 Nov. */
export function date(at: number, lang: Language): string {
  const w = wall(at);
  return lang === "zh-CN" ? `${w.month}月${w.day}日` : `${w.day} ${months[w.month - 1]}`;
}

/** Names one after the other: 甲、乙; A, B. */
export function list(names: string[], lang: Language): string {
  return names.join(lang === "zh-CN" ? "、" : ", ");
}

/** Day and time: 今天 16:55, Thu 11:00, 11月24日 9:00. */
export function moment(at: number, now: number, lang: Language): string {
  return `${day(at, now, lang)} ${clockTime(at)}`;
}

export interface DurationStyle {
  /** whole words (小时) instead of the short form of lists (时) */
  long?: boolean;
  /** working time never turns into days: a working day is not 24 hours */
  hoursOnly?: boolean;
}

/** A length of time as its two largest units; never "0". */
export function duration(ms: number, lang: Language, style: DurationStyle = {}): string {
  const minutes = Math.floor(Math.abs(ms) / MINUTE);
  const zh = lang === "zh-CN";
  if (minutes < 1) return zh ? "不到 1 分" : "under 1 min";
  const days = style.hoursOnly ? 0 : Math.floor(minutes / 1440);
  const hours = Math.floor((minutes - days * 1440) / 60);
  const rest = minutes % 60;
  const h = zh ? (style.long ? "小时" : "时") : "h";
  const out: string[] = [];
  if (days > 0) {
    out.push(zh ? `${days} 天` : `${days} d`);
    if (hours > 0) out.push(`${hours} ${h}`);
  } else {
    if (hours > 0) out.push(`${number(hours, lang)} ${h}`);
    if (rest > 0 && hours < 100) out.push(zh ? `${hours > 0 ? two(rest) : rest} 分` : `${hours > 0 ? two(rest) : rest} min`);
  }
  return out.join(" ");
}

export function number(n: number, lang: Language): string {
  return new Intl.NumberFormat(lang === "zh-CN" ? "zh-CN" : "en-GB").format(n).replace("-", "−");
}

/** A distance in metres, coarse as far as it goes. */
export function distance(m: number, lang: Language): string {
  if (m < 1000) return lang === "zh-CN" ? `${Math.round(m)} 米` : `${Math.round(m)} m`;
  return lang === "zh-CN" ? `${(m / 1000).toFixed(1)} 千米` : `${(m / 1000).toFixed(1)} km`;
}

/** Epoch milliseconds of an RFC 3339 time; undefined when absent or unreadable. */
export function time(s: string | undefined): number | undefined {
  if (!s) return undefined;
  const t = Date.parse(s);
  return Number.isNaN(t) ? undefined : t;
}

/** What a datetime-local field shows, as an instant in the district's zone. */
export function fromLocal(value: string): string | undefined {
  const m = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})/.exec(value);
  if (!m) return undefined;
  const [y, mo, d, h, mi] = m.slice(1).map(Number) as [number, number, number, number, number];
  const guess = Date.UTC(y, mo - 1, d, h, mi);
  const w = wall(guess);
  const offset = Date.UTC(w.year, w.month - 1, w.day, w.hour, w.minute) - guess;
  return new Date(guess - offset).toISOString();
}

export function toLocal(at: number): string {
  const w = wall(at);
  return `${w.year}-${two(w.month)}-${two(w.day)}T${two(w.hour)}:${two(w.minute)}`;
}
