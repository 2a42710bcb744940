import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shared } from "@onegrid/words";
import { describe, expect, it } from "vitest";
import en from "./app/en.json";
import { features } from "./app/features";
import zh from "./app/zh-CN.json";

// Every key that a screen uses is said in both languages, and every sentence is
// used. A key made up at run time (`casework.turn.${…}`) counts as its beginning.

const root = join(import.meta.dirname, "../../..");

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    if (e.name === "node_modules" || e.name === "fake" || e.name === "dist") return [];
    const path = join(dir, e.name);
    if (e.isDirectory()) return sources(path);
    return /\.(vue|ts)$/.test(e.name) && !/\.(test|d)\.ts$/.test(e.name) ? [path] : [];
  });
}

const all = [shared, { "zh-CN": zh, en }, ...features.map((f) => f.words)];
const words = (lang: "zh-CN" | "en") => Object.assign({}, ...all.map((m) => m[lang])) as Record<string, string>;
const chinese = words("zh-CN");
const english = words("en");

const rooms = [...new Set([...Object.keys(chinese).map((k) => k.split(".")[0]!), "fault"])].join("|");
const keys = new RegExp(`["'\`]((?:${rooms})\\.[a-zA-Z0-9_.-]*)(\\$\\{)?`, "g");
const used = new Set<string>();
const begun = new Set<string>();
for (const file of [...sources(join(root, "apps")), ...sources(join(root, "packages"))]) {
  const text = readFileSync(file, "utf8");
  for (const m of text.matchAll(keys)) (m[2] ? begun : used).add(m[1]!);
}
begun.add("fault."); // codes of the client itself

// permissions, acts in the journal and expressions that look like keys
const permissions = (JSON.parse(readFileSync(join(root, "../data/defaults/roles.json"), "utf8")) as { permissions: { key: string }[] }).permissions.map((p) => p.key);
const acts = ["access.sign_in", "access.account_create", "access.account_release", "access.account_disable", "access.account_enable"];
const look = new Set([...permissions, ...acts, "grid.officer.state", "items.data.value"]);

describe("words of the desk", () => {
  it("says every key in both languages, with the same places to fill in", () => {
    expect(Object.keys(english).sort()).toEqual(Object.keys(chinese).sort());
    const places = (s: string) => [...new Set([...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]))].sort(); // a plural says them twice
    for (const [key, text] of Object.entries(chinese)) {
      expect(text.trim(), key).not.toBe("");
      expect(english[key]!.trim(), key).not.toBe("");
      expect(places(english[key]!), key).toEqual(places(text));
    }
  });

  it("has words for every key used", () => {
    const missing = [...used].filter((k) => !(k in chinese) && !look.has(k));
    expect(missing).toEqual([]);
    for (const b of begun) expect(Object.keys(chinese).some((k) => k.startsWith(b)), `nothing begins with ${b}`).toBe(true);
  });

  it("has no sentence that nobody says", () => {
    const idle = Object.keys(chinese).filter((k) => !used.has(k) && ![...begun].some((b) => k.startsWith(b)));
    expect(idle).toEqual([]);
  });

  it("says nothing the house does not say", () => {
    for (const [key, text] of Object.entries(chinese)) expect(text, key).not.toMatch(/操作成功|确定|提交|待办理事项|请稍候\.\.\./);
    for (const [key, text] of Object.entries(english)) expect(text, key).not.toMatch(/\bsuccessfully\b|^OK$|\bSubmit\b/);
  });

  it("says no key twice", () => {
    const keys = all.flatMap((m) => Object.keys(m["zh-CN"]));
    expect(keys.filter((k, i) => keys.indexOf(k) !== i)).toEqual([]);
  });
});

