// The holidays of a year as an administrator brings them: the file of the public
// source, or lines such as "2027-01-01 元旦 休" (off) and "2027-01-03 元旦 班"
// (worked in exchange).

export interface HolidayDay {
  name: string;
  date: string;
  isOffDay: boolean;
}

export interface Parsed {
  days: HolidayDay[];
  papers: string[];
  /** lines that could not be read, from 1 */
  wrong: number[];
}

const off = new Set(["休", "off", "rest"]);
const work = new Set(["班", "work", "working"]);

export function readDays(text: string): Parsed {
  const trimmed = text.trim();
  if (trimmed.startsWith("{")) return readFile(trimmed);
  const out: Parsed = { days: [], papers: [], wrong: [] };
  trimmed.split("\n").forEach((line, n) => {
    if (!line.trim()) return;
    const parts = line.trim().split(/[\s,，\t]+/);
    const date = parts[0] ?? "";
    const kind = parts.at(-1)?.toLowerCase() ?? "";
    const name = parts.slice(1, -1).join(" ");
    if (!isDate(date) || !name || !(off.has(kind) || work.has(kind)) || out.days.some((d) => d.date === date)) out.wrong.push(n + 1);
    else out.days.push({ name, date, isOffDay: off.has(kind) });
  });
  return out;
}

function readFile(text: string): Parsed {
  const out: Parsed = { days: [], papers: [], wrong: [] };
  try {
    const file = JSON.parse(text) as { days?: unknown; papers?: unknown };
    if (Array.isArray(file.papers)) out.papers = file.papers.filter((p): p is string => typeof p === "string");
    for (const [n, d] of (Array.isArray(file.days) ? file.days : []).entries()) {
      const x = d as Partial<HolidayDay>;
      if (typeof x.name === "string" && typeof x.date === "string" && isDate(x.date) && typeof x.isOffDay === "boolean") out.days.push({ name: x.name, date: x.date, isOffDay: x.isOffDay });
      else out.wrong.push(n + 1);
    }
  } catch {
    out.wrong.push(1);
  }
  return out;
}

function isDate(s: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(s)) return false;
  const d = new Date(`${s}T00:00:00Z`);
  return !Number.isNaN(d.getTime()) && d.toISOString().slice(0, 10) === s;
}
