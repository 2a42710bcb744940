import type { Item } from "@onegrid/api";

const nothing = () => ({ "zh-CN": "", en: "" });

/** A work item to begin with: handled by the village desk, checked by a sample. */
export const blankItem = (): Item => ({
  key: "", code: "", function: "", name: nothing(), description: nothing(), public: false, raised_by: ["officer", "desk"], flow: "handling", priority: "normal",
  confidentiality: "open", resident_visible: "own",
  form: { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object", properties: {}, required: [], additionalProperties: false },
  conditions: [{ key: "ordinary", name: nothing(), when: nothing(), priority: "normal", limits: { handle: { clock: "working-day", units: 3 } } }],
  route: [{ level: "grid", role: "grid_officer" }, { level: "village", role: "village_desk" }],
  may_settle_on_spot: true, verify: { required: "never", by: [], never_by: "handler" }, check: { required: "sample", by: ["village_desk"], never_by: "handler" },
  evidence: [{ kind: "record", min: 1, by: "handler" }], duplicates: { by: "none", same: [] },
  consent: { kind: "none", text: { "zh-CN": "不收集个人信息，无需同意。", en: "No personal data is collected, no consent is needed." } },
  retention: "case_general", indices: [], closing: nothing(), admission: { status: "proposed", version: 0, proposed_by: "" }, purpose: nothing(), legal_basis: nothing(),
});

/** What is sent: derived fields follow, empty texts that may be absent are. */
export function tidy(item: Item): Item {
  const said = (x: { "zh-CN": string; en: string } | undefined) => (x && (x["zh-CN"].trim() || x.en.trim()) ? x : undefined);
  return {
    ...item,
    public: item.raised_by.includes("resident"),
    purpose: said(item.purpose), legal_basis: said(item.legal_basis), note: said(item.note),
    verify: item.verify.required === "never" ? { ...item.verify, by: [] } : item.verify,
    check: item.check.required === "never" ? { ...item.check, by: [] } : item.check,
  };
}

/** Names that are free: only the first of a kind is a plain word. */
export function freeKey(taken: string[], stem: string): string {
  let n = 1;
  while (taken.includes(`${stem}_${n}`)) n++;
  return `${stem}_${n}`;
}
