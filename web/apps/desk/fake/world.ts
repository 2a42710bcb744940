// A small made-up district in memory, for working on the screens and for their
// tests. It is never part of the built app, and it is no second implementation of
// the rules: it moves a case from state to state and no more.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  Case, CaseDetail, CaseFile, Explanation, FeedEvent, GridCollection, GridFeature, Item, MoveRequest, Offer, PostView, Reason, ReportRequest, Session, StageWords, Text, TimelineEvent,
} from "@onegrid/api";

const defaults = join(import.meta.dirname, "../../../../data/defaults");
const read = <T>(name: string) => JSON.parse(readFileSync(join(defaults, name), "utf8")) as T;

const both = (zh: string, en: string): Text => ({ "zh-CN": zh, en });
const HOUR = 3_600_000;
const MINUTE = 60_000;

let seed = 7;
function random(): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
}
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
let ids = 0;
export const fakeFile = (id: string, kind: CaseFile["kind"], at: string): CaseFile => ({ id, kind, at, taken_at: at, bytes: 240_000, media: "image/jpeg", state: "attached" });
export const fakeId = () => `00000000-0000-7000-8000-${String(++ids).padStart(12, "0")}`;

// ---- grids: a lattice with shaken corners; neighbours share their corners ----

const streets = [both("大桥街道", "Daqiao"), both("崔寨街道", "Cuizhai"), both("孙耿街道", "Sungeng"), both("太平街道", "Taiping")];
const villages: [string, string][] = [["柳溪", "Liuxi"], ["东湖", "Donghu"], ["西园", "Xiyuan"], ["北泉", "Beiquan"], ["南桥", "Nanqiao"], ["后冯", "Houfeng"], ["前程", "Qiancheng"], ["河沿", "Heyan"]];

function makeGrids(): GridCollection {
  const n = 8;
  const corner = new Map<string, [number, number]>();
  const at = (i: number, j: number): [number, number] => {
    const key = `${i},${j}`;
    let p = corner.get(key);
    if (!p) {
      p = [116.9 + (i + (random() - 0.5) * 0.5) * 0.026, 36.8 + (j + (random() - 0.5) * 0.5) * 0.021];
      corner.set(key, p);
    }
    return p;
  };
  const between = new Map<string, [number, number]>();
  const bend = (a: [number, number], b: [number, number]): [number, number] => {
    const key = [a, b].map(String).sort().join("|");
    let p = between.get(key);
    if (!p) {
      p = [(a[0] + b[0]) / 2 + (random() - 0.5) * 0.006, (a[1] + b[1]) / 2 + (random() - 0.5) * 0.005];
      between.set(key, p);
    }
    return p;
  };
  const features: GridFeature[] = [];
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const s = (i < n / 2 ? 0 : 1) + (j < n / 2 ? 0 : 2);
      const v = villages[(i + j * 3) % villages.length]!;
      const corners = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
      const ring: [number, number][] = [];
      corners.forEach((c, k) => ring.push(c, bend(c, corners[(k + 1) % 4]!)));
      ring.push(corners[0]!);
      const k = features.length;
      const no = String((k % 3) + 1).padStart(3, "0");
      features.push({
        type: "Feature",
        id: `grid-${features.length}`,
        geometry: { type: "MultiPolygon", coordinates: [[ring]] },
        properties: {
          id: fakeId(), code: `37010000${String(1001 + Math.floor(k / 3))}${no}`, name: `${v[0]}社区 ${no}`, layer: "base", from: "2026-01-01T00:00:00Z", version: 1, kind: k === 20 ? "special" : "comprehensive",
          street_id: `street-${s}`, street_name: streets[s]!, platform_id: `platform-${Math.floor(k / 3)}`, platform_name: both(`${v[0]}社区`, `${v[1]} community`), households: 260 + Math.floor(random() * 180), made_up: true,
        },
      });
    }
  return { type: "FeatureCollection", features };
}

// ---- posts and people ----

export interface FakeAccount {
  account: string;
  role: Text;
  unit: Text;
  permissions: string[];
  posts: { id: string; name: Text; role: string; unit: Text; stand_in?: boolean; stand_in_for?: string }[];
}

const allMoves = ["accept", "verify", "file", "refuse", "dispatch", "take", "settle", "handle", "done", "return", "withdraw", "suspend_ask", "suspend_decide", "resume", "check", "close", "reopen", "void_ask", "void_decide", "comment", "reveal", "report", "view"].map((m) => `case.${m}`);
const hub = { id: "post-hub", name: both("中枢值班岗", "Hub duty post"), role: "hub_officer", unit: both("网格化中枢", "Hub") };
const street = { id: "post-street", name: both("大桥街道值班岗", "Daqiao duty post"), role: "street_desk", unit: both("大桥街道", "Daqiao street") };
const team1 = { id: "post-team1", name: both("环卫一站", "Sanitation team 1"), role: "department_handler", unit: both("城市管理", "Urban management") };
const team2 = { id: "post-team2", name: both("环卫二站", "Sanitation team 2"), role: "department_handler", unit: both("城市管理", "Urban management") };
const lamps = { id: "post-lamps", name: both("路灯维护岗", "Lighting post"), role: "department_handler", unit: both("城市管理", "Urban management") };

export const accounts: FakeAccount[] = [
  { account: "street", role: both("街道平台派遣员", "Street dispatcher"), unit: street.unit, permissions: [...allMoves, "grid.view", "org.team_view"], posts: [street, { ...hub, stand_in: true, stand_in_for: "值班员 乙（演示）" }] },
  { account: "hub", role: both("中枢值班员", "Hub duty officer"), unit: hub.unit, permissions: [...allMoves, "grid.view", "org.team_view"], posts: [hub] },
  { account: "team1", role: both("部门经办", "Department handler"), unit: both("城市管理 · 环卫一站", "Sanitation team 1"), permissions: [...allMoves, "grid.view", "org.team_view"], posts: [team1] },
  { account: "village", role: both("村居平台值班", "Village desk"), unit: both("柳溪社区", "Liuxi community"), permissions: [...allMoves, "grid.view", "org.team_view"], posts: [{ id: "post-village", name: both("柳溪社区值班岗", "Liuxi duty post"), role: "village_desk", unit: both("柳溪社区", "Liuxi community") }] },
  { account: "auditor", role: both("审计管理员", "Auditor"), unit: both("审计", "Audit"), permissions: ["audit.read"], posts: [{ id: "post-audit", name: both("审计岗", "Audit post"), role: "auditor", unit: both("审计", "Audit") }] },
];

// ---- cases ----

interface Held {
  case: Case;
  timeline: TimelineEvent[];
  files: CaseFile[];
  reporter?: { name: string; phone: string };
}

const subjects: [string, string, string, string, string][] = [
  ["cleanliness", "7 号胡同口垃圾堆放", "Rubbish at the end of alley 7", "堆了两天了，风一吹到处都是。", "Two days now, the wind spreads it everywhere."],
  ["waste_rubble", "建筑垃圾堆放，两次退回", "Building rubble, returned twice", "拆墙的砖堆在路边。", "Bricks of a torn-down wall lie at the road."],
  ["public_facility", "污水井盖松动", "Loose manhole cover", "车压过去咣当响。", "It clatters under each car."],
  ["public_facility", "路灯不亮（3 盏）", "Three street lamps out", "连着三盏都不亮。", "Three in a row are dark."],
  ["fire_hazard", "消防通道停车占用", "Fire lane blocked by parking", "两辆车堵着消防通道。", "Two cars block the fire lane."],
  ["public_facility", "道路坑洼修补", "Pothole repaired", "路口坑越来越大。", "The hole at the crossing keeps growing."],
  ["flood_water", "自来水水压低", "Low water pressure", "三楼以上没水。", "No water above the third floor."],
  ["cleanliness", "占道摆摊", "Stalls on the pavement", "早市占了盲道。", "The morning market covers the tactile path."],
  ["neighbour_dispute", "楼上漏水，邻里纠纷", "Leak from above, neighbours at odds", "漏了一个月，谈不拢。", "A month of leaking and no agreement."],
  ["flood_water", "雨污管道清淤", "Drain cleaning", "下雨就倒灌。", "It backs up whenever it rains."],
  ["gas_power", "飞线充电", "Charging by a cable from the window", "从三楼拉线下来充电。", "A cable hangs from the third floor."],
  ["public_facility", "护栏倾斜", "Leaning railing", "河边护栏歪了。", "The railing by the river leans."],
  ["cleanliness", "绿化带里倒垃圾", "Rubbish in the green strip", "晚上有人往里倒。", "Somebody dumps it at night."],
  ["opinion", "希望加一趟晚班车", "A later bus, please", "末班车太早。", "The last bus leaves too early."],
];

const stageOf: Record<string, Case["stage"]> = { reported: "reported", accepted: "accepted", filed: "accepted", dispatched: "assigned", taken: "assigned", handling: "in_hand", suspended: "in_hand", done: "done", closed: "closed", refused: "closed", voided: "closed", open: "reported", doing: "in_hand" };
const flow: Record<string, { to: string; needs?: Offer["needs"]; reasons?: string; posts?: boolean; says: [string, string]; words: [string, string] }> = {
  accept: { to: "accepted", says: ["案件归你所在的平台；15 分钟内立案。居民会看到“已受理”。", "The case is your desk's; file it within 15 min. The resident sees “Accepted”."], words: ["受理", "accepted it"] },
  refuse: { to: "refused", needs: ["reason", "note"], reasons: "refuse", says: ["不再办理，居民会看到理由，可以提出异议。", "No further work. The resident sees the reason and may object."], words: ["不予受理", "refused it"] },
  file: { to: "filed", says: ["转到派遣岗位，15 分钟内派出去。居民看到的不变。", "It goes to the dispatching post, to be assigned within 15 min. Nothing changes for the resident."], words: ["立案", "filed it"] },
  dispatch: { to: "dispatched", needs: ["post"], posts: true, says: ["环卫二站值班岗立刻收到，30 分钟内签收；到时还没签收，提醒带班领导。居民会看到“已派出”。", "The duty post of sanitation team 2 is told now and has 30 min to take it; then the shift leader is told. The resident sees “Assigned”."], words: ["派遣 给环卫二站", "assigned it to Sanitation team 2"] },
  take: { to: "taken", says: ["算你收到了，时限不变。", "It counts as received; the limit stays."], words: ["签收", "took it"] },
  handle: { to: "handling", says: ["居民会看到“办理中”。", "The resident sees “In hand”."], words: ["开始处置", "started work"] },
  done: { to: "done", needs: ["record", "photo_after", "resident_text"], says: ["停下处置时限，柳溪社区网格员 30 分钟内去核查。居民会看到“已办理”和你写的话。", "The handling clock stops; the grid officer checks within 30 min. The resident sees “Done” and your words."], words: ["办好了", "finished the work"] },
  return: { to: "filed", needs: ["reason", "note"], reasons: "return", says: ["退给派你的岗位，由它改派。时限照走。", "It goes back to the post that assigned it; the clock runs on."], words: ["退回", "returned it"] },
  suspend_ask: { to: "handling", needs: ["reason", "note", "until"], reasons: "suspend", says: ["中枢值班领导答复之前，时限照走。", "The clock runs until the hub leader decides."], words: ["申请停表", "asked to stop the clock"] },
  resume: { to: "handling", says: ["从现在起继续计时，剩下的时间不变。", "The clock runs again from now; what was left stays."], words: ["继续计时", "let the clock run again"] },
  check: { to: "done", needs: ["result"], reasons: "rework", says: ["通过就可以结案；没修好退回原来的单位，到期时间不变。", "If it passes it can be closed; if not it goes back to the same post, due as before."], words: ["核查", "checked it"] },
  close: { to: "closed", says: ["居民会收到结果，可以评价；30 天内能重开。", "The resident gets the result and may rate it; it can be reopened for 30 days."], words: ["结案", "closed it"] },
  reopen: { to: "filed", needs: ["reason", "note"], reasons: "reopen", says: ["编号不变，回到派遣。居民会看到又在办了。", "Same number, back to assigning. The resident sees that work goes on."], words: ["重开", "reopened it"] },
  void_ask: { to: "", needs: ["reason", "note"], reasons: "void", says: ["要另一个人同意才作废，记录都留着。", "Somebody else must agree; nothing is erased."], words: ["申请作废", "asked to void it"] },
};
const movesIn: Record<string, string[]> = {
  reported: ["accept", "refuse", "void_ask"], accepted: ["file", "refuse", "void_ask"], filed: ["dispatch", "return", "void_ask"], dispatched: ["take", "return"], taken: ["handle", "return"],
  handling: ["done", "return", "suspend_ask", "void_ask"], suspended: ["resume"], done: ["check", "close"], closed: ["reopen"], refused: ["reopen"], voided: [],
};

export class World {
  readonly stages = read<StageWords>("stages.json");
  readonly items: Item[] = read<{ items: Item[] }>("items.json").items;
  readonly reasons: (Reason & { kind: string })[] = read<{ reasons: (Reason & { kind: string })[] }>("reasons.json").reasons;
  readonly grids: GridCollection;
  readonly cases = new Map<string, Held>();
  readonly files = new Map<string, { type: string; bytes: Uint8Array }>();
  readonly events: FeedEvent[] = [];
  readonly receipts = new Map<string, { content: string; id: string }>();
  private readonly listeners = new Set<(e: FeedEvent) => void>();
  head = 1000;

  constructor(readonly now: () => number = Date.now, size = 60) {
    seed = 7;
    ids = 0;
    this.grids = makeGrids();
    for (let i = 0; i < size; i++) this.make(i);
  }

  private time(ago: number) {
    return new Date(this.now() - ago).toISOString();
  }

  private make(i: number) {
    const [item, zh, en, text, textEn] = subjects[i % subjects.length]!;
    const g = this.grids.features[i === 0 ? 9 : Math.floor(random() * this.grids.features.length)]!;
    const ring = g.geometry.coordinates[0]![0]! as [number, number][];
    const lon = ring.slice(0, -1).reduce((s, p) => s + p[0], 0) / (ring.length - 1) + (random() - 0.5) * 0.004;
    const lat = ring.slice(0, -1).reduce((s, p) => s + p[1], 0) / (ring.length - 1) + (random() - 0.5) * 0.003;
    const states: Case["state"][] = ["filed", "handling", "reported", "dispatched", "accepted", "done", "reported", "handling", "taken", "suspended", "filed", "closed"];
    const state = i === 0 ? "filed" : states[i % states.length]!;
    const owner = ["dispatched", "taken", "handling", "suspended"].includes(state) ? pick([team1, team2, lamps]) : street;
    const age = i === 0 ? 17 * HOUR : (1 + random() * 40) * HOUR;
    const dueIn = i === 0 ? 5.7 * HOUR : i % 7 === 1 ? -(1 + random() * 26) * HOUR : i % 5 === 3 ? (0.4 + random()) * HOUR : (2 + random() * 60) * HOUR;
    const def = this.items.find((x) => x.key === item);
    const c: Case = {
      id: fakeId(), number: `20261124-${"7KQ3MXP2TB9"[i % 11]}${"HJ4NWR8"[i % 7]}C${"5TVYZ"[i % 5]}F2${i % 9}-K`.slice(0, 18), arrived: 100 + i, flow: "handling", item, item_name: def?.name ?? both(item, item), condition: def?.conditions?.[0]?.key, condition_name: def?.conditions?.[0]?.name,
      title: zh, text, place: { lon, lat, words: i === 0 ? "胡同口东侧" : "", grid_id: g.properties.id, grid_name: g.properties.name, grid_code: g.properties.code, platform_name: g.properties.platform_name, street_name: g.properties.street_name },
      street_id: g.properties.street_id, platform_id: g.properties.platform_id, grid_id: g.properties.id, state, state_name: both(state, state), hub_id: "hub", stage: stageOf[state]!, priority: i === 10 ? "urgent" : "normal", secrecy: i === 8 ? "desk" : "open", channel: pick(["portal", "desk", "field"]), post_id: owner.id, post_name: owner.name,
      late: dueIn < 0, occurred_at: this.time(age), recorded_at: this.time(age), version: 3, made_up: true,
      ...(i === 0 ? { returned: { from_post_name: team1.name, reason: both("不属本单位职责", "Not within our duties"), note: "7 号胡同口东侧属二站责任区，请改派。" } } : {}),
    };
    this.clock(c, dueIn);
    void en;
    void textEn;
    const e = (ago: number, kind: string, words: Text, over: Partial<TimelineEvent> = {}): TimelineEvent => ({ number: ++this.head, kind, at: this.time(ago), occurred_at: this.time(ago), by: { post_name: street.name, via: "desk" }, words, internal: false, ...over });
    const timeline = [e(age, "case.report", both("居民上报", "Resident reported"), { to_state: "reported", note: text })];
    if (state !== "reported") timeline.push(e(age - 6 * MINUTE, "case.accept", both("大桥街道受理", "Accepted by Daqiao street"), { to_state: "accepted", stage_clock: { kind: "accept", used_ms: 6 * MINUTE, limit_ms: 15 * MINUTE, late: false } }));
    if (!["reported", "accepted"].includes(state)) timeline.push(e(age - 15 * MINUTE, "case.dispatch", both("大桥街道派给 环卫一站", "Daqiao assigned it to Sanitation team 1"), { to_state: "dispatched", stage_clock: { kind: "dispatch", used_ms: 9 * MINUTE, limit_ms: 15 * MINUTE, late: false } }));
    if (["handling", "done", "closed", "suspended"].includes(state)) timeline.push(e(age - 50 * MINUTE, "case.handle", both("环卫一站开始处置", "Sanitation team 1 started work"), { to_state: "handling" }));
    if (state === "suspended") timeline.push(e(20 * MINUTE, "case.suspend_decide", both("中枢同意停表，等停水审批", "Hub stopped the clock until the water may be cut"), { to_state: "suspended" }));
    if (["done", "closed"].includes(state)) timeline.push(e(15 * MINUTE, "case.done", both("环卫一站办好了", "Sanitation team 1 finished the work"), { to_state: "done", note: "已清运，地面冲洗。", resident_text: "垃圾已清走，地面也冲洗了，谢谢您反映。" }));
    if (i === 0) {
      timeline.push(e(2.2 * HOUR, "case.comment", both("值班员 甲 补一句", "Officer A added"), { note: "现场有两堆，靠墙那堆是装修垃圾。", internal: true }));
      timeline.push(e(11 * MINUTE, "case.return", both("环卫一站退回", "Returned by Sanitation team 1"), { to_state: "filed", note: "7 号胡同口东侧属二站责任区，请改派。" }));
    }
    const files: CaseFile[] = i % 3 === 0 ? [0, 1].map(() => ({ ...fakeFile(fakeId(), "before", this.time(age + 4 * MINUTE)), lon, lat: lat + 0.0001 })) : [];
    if (state === "closed") c.closed_at = this.time(10 * MINUTE);
    this.cases.set(c.id, { case: c, timeline, files, reporter: c.channel === "portal" || i === 0 ? { name: "王演示", phone: "13800000021" } : undefined });
  }

  private clock(c: Case, dueIn: number) {
    const kind = ({ reported: "accept", accepted: "verify", filed: "dispatch", done: "check" } as const)[c.state as "filed"] ?? "handle";
    if (c.stage === "closed") {
      c.clock = undefined;
      c.due_at = undefined;
      return;
    }
    if (c.state === "suspended") {
      c.clock = { kind, state: "paused", started_at: c.recorded_at, late: false, limit: { clock: "working-day", units: 1 }, remaining_ms: 4 * HOUR };
      c.due_at = undefined;
      return;
    }
    const due = this.now() + dueIn;
    c.clock = { kind, state: "running", started_at: c.recorded_at, due_at: new Date(due).toISOString(), near_at: new Date(due - 2 * HOUR).toISOString(), late: dueIn < 0, limit: { clock: "working-day", units: 1 } };
    c.due_at = c.clock.due_at;
    c.late = dueIn < 0;
  }

  /** A day of 8:30–12:00 and 13:30–18:00, run backwards from the deadline, for the look of it. */
  private explain(c: Case): Explanation | undefined {
    const due = c.clock?.due_at ? Date.parse(c.clock.due_at) : undefined;
    if (due === undefined) return undefined;
    const start = Date.parse(c.recorded_at);
    const segments: Explanation["segments"] = [];
    let at = start;
    const iso = (x: number) => new Date(x).toISOString();
    let paused = c.returned !== undefined;
    for (let guard = 0; at < due && guard < 60; guard++) {
      const day = Math.floor((at + 8 * HOUR) / (24 * HOUR)) * 24 * HOUR - 8 * HOUR;
      const marks: [number, boolean, Explanation["segments"][number]["reason"]][] = [[day + 8.5 * HOUR, false, "night"], [day + 12 * HOUR, true, "work"], [day + 13.5 * HOUR, false, "lunch"], [day + 18 * HOUR, true, "work"], [day + 24 * HOUR, false, "night"]];
      const [end, counted, reason] = marks.find(([m]) => m > at)!;
      const to = Math.min(end, due);
      if (counted && paused && to - at > 40 * MINUTE) {
        segments.push({ from: iso(at), to: iso(at + 12 * MINUTE), counted, reason }, { from: iso(at + 12 * MINUTE), to: iso(at + 32 * MINUTE), counted: false, reason: "pause" }, { from: iso(at + 32 * MINUTE), to: iso(to), counted, reason });
        paused = false;
      } else segments.push({ from: iso(at), to: iso(to), counted, reason });
      at = to;
    }
    const sum = (f: (s: Explanation["segments"][number]) => boolean) => segments.filter(f).reduce((n, s) => n + Date.parse(s.to!) - Date.parse(s.from), 0);
    const length = sum((s) => s.counted);
    const used = segments.filter((s) => s.counted).reduce((n, s) => n + Math.max(0, Math.min(this.now(), Date.parse(s.to!)) - Date.parse(s.from)), 0);
    const hm = (ms: number) => [Math.floor(ms / HOUR), Math.floor((ms % HOUR) / MINUTE)] as const;
    const [lh, lm] = hm(length);
    const [uh, um] = hm(used);
    return {
      limit: c.clock!.limit, paused: false, provisional: false, days: [], limit_ms: length, start: iso(start), due_at: iso(due), used_ms: used, remaining_ms: length - used, stopped_ms: sum((s) => s.reason === "pause"), segments,
      sentence: both(`时限 ${lh} 小时 ${lm} 分工作时间。已用 ${uh} 小时 ${um} 分，${c.returned ? "等居民补位置停表 20 分，" : ""}夜里和午休不计。`, `Limit: ${lh} h ${lm} min of working time. Used ${uh} h ${um} min; ${c.returned ? "stopped 20 min for the place; " : ""}nights and lunch do not count.`),
    };
  }

  session(account: FakeAccount, post?: string): Session {
    return { person: { id: `person-${account.account}`, language: "zh-CN", name: `${account.role["zh-CN"]}（演示）` }, posts: account.posts.map((p) => ({ app: "desk", level: "street", role_name: account.role, ...p })), post_id: post, permissions: account.permissions, demo: true };
  }

  posts(query: URLSearchParams) {
    const ref = { holding_id: "holding", id: "person", from: "2026-01-01T00:00:00Z" };
    const items: PostView[] = this.grids.features.map((f, k) => ({
      id: `post-grid-${k}`, role: query.get("role") ?? "grid_officer", name: both(`${f.properties.name}网格员`, `Officer of ${f.properties.code}`), node_id: f.properties.id, level: "grid", unit_id: "unit", unit_name: both("村居平台", "Village desk"), version: 1,
      vacant: k % 11 === 4 || k % 9 === 2, holder: k % 11 === 4 || k % 9 === 2 ? undefined : { ...ref, name: `网格员 ${String(k + 1).padStart(3, "0")}（演示）` },
      stand_in: k % 11 !== 4 && k % 9 === 2 ? { ...ref, name: `网格员 ${String(k + 2).padStart(3, "0")}（演示）` } : undefined,
    }));
    const from = Number(query.get("cursor") ?? 0);
    const limit = Number(query.get("limit") ?? 50);
    return { items: items.slice(from, from + limit), next: from + limit < items.length ? String(from + limit) : undefined };
  }

  list(query: URLSearchParams, post: string) {
    const view = query.get("view") ?? "all";
    const q = query.get("q");
    let all = [...this.cases.values()].map((h) => h.case);
    if (view === "mine") all = all.filter((c) => c.stage !== "closed" && c.post_id === post);
    if (view === "open") all = all.filter((c) => c.stage !== "closed");
    if (view === "closed") all = all.filter((c) => c.stage === "closed");
    for (const [param, field] of [["state", "state"], ["stage", "stage"], ["item", "item"], ["grid", "grid_id"], ["street", "street_id"], ["channel", "channel"]] as const) {
      const v = query.get(param);
      if (v) all = all.filter((c) => c[field] === v);
    }
    if (query.get("late")) all = all.filter((c) => c.late);
    if (query.get("near")) all = all.filter((c) => c.clock?.near_at && Date.parse(c.clock.near_at) < this.now() && !c.late);
    if (q) all = all.filter((c) => `${c.title}${c.text}${c.number}${JSON.stringify(c.place.grid_name)}${c.place.words}`.includes(q));
    all.sort((a, b) => (a.due_at ? Date.parse(a.due_at) : 9e15) - (b.due_at ? Date.parse(b.due_at) : 9e15) || a.arrived - b.arrived);
    const from = Number(query.get("cursor") ?? 0);
    const limit = Number(query.get("limit") ?? 50);
    for (const c of all) {
      const e = this.explain(c);
      if (c.clock && e) c.clock.remaining_ms = e.remaining_ms;
    }
    return { items: all.slice(from, from + limit), next: from + limit < all.length ? String(from + limit) : undefined, as_of: new Date(this.now()).toISOString(), head: this.head };
  }

  counts(post: string) {
    const all = [...this.cases.values()].map((h) => h.case);
    const by_state: Record<string, number> = {};
    for (const c of all) by_state[c.state] = (by_state[c.state] ?? 0) + 1;
    const open = all.filter((c) => c.stage !== "closed");
    return { as_of: new Date(this.now()).toISOString(), by_state, mine: open.filter((c) => c.post_id === post).length, overdue: open.filter((c) => c.late).length, near: 0, watched: 0 };
  }

  offers(c: Case, post: string): Offer[] {
    const mine = c.post_id === post;
    const here = movesIn[c.state] ?? [];
    const out: Offer[] = here.map((move) => {
      const f = flow[move]!;
      return {
        move, name: both(f.words[0].replace(/ .*/, ""), move), allowed: mine, why: mine ? undefined : { code: "case.not_owner", message: both("这一步归别的岗位做。", "Another post does this.") }, needs: f.needs ?? [],
        reasons: f.reasons ? this.reasons.filter((r) => r.kind === f.reasons).map((r) => ({ key: r.key, name: r.name, needs_note: r.needs_note })) : undefined,
        posts: f.posts ? [team2, team1, lamps].map((p) => ({ id: p.id, name: p.name })) : undefined, to_state: f.to || c.state, next: {}, consequence: both(...f.says),
      };
    });
    if (c.state === "handling" || c.state === "filed") out.push({ move: "close", name: both("结案", "Close"), allowed: false, why: { code: "case.not_done", message: both("还没办好，也没有核查，不能结案。", "It is neither done nor checked, so it cannot be closed.") }, needs: [], to_state: c.state, next: {}, consequence: both(...flow.close!.says) });
    return out;
  }

  view(id: string, post: string): CaseDetail | undefined {
    const h = this.cases.get(id);
    if (!h) return undefined;
    const why = this.explain(h.case);
    return {
      case: h.case, files: h.files, tasks: [], moves: this.offers(h.case, post), timeline: h.timeline,
      reporter: h.reporter && { name_masked: "王**", phone_masked: "138****0021", can_reveal: true },
      clocks: h.case.clock ? [{ ...h.case.clock, pauses: [], used_ms: why?.used_ms ?? 0, explanation: why }] : [], head: this.head, relations: [], merged_cases: [], watched: false,
    };
  }

  note(h: Held, kind: string, words: Text, over: Partial<TimelineEvent> = {}) {
    const e: TimelineEvent = { number: ++this.head, kind, at: new Date(this.now()).toISOString(), occurred_at: new Date(this.now()).toISOString(), by: { post_name: h.case.post_name, via: "desk" }, words, internal: false, ...over };
    h.timeline = [...h.timeline, e];
    this.tell({ number: e.number, kind, subject: h.case.id, case: h.case.id, version: h.case.version, type: "change" });
  }

  move(id: string, r: MoveRequest): Case {
    const h = this.cases.get(id)!;
    const f = flow[r.move]!;
    const to = r.move === "check" && r.result === "fail" ? "handling" : f.to || h.case.state;
    const owner = r.move === "dispatch" ? ([team1, team2, lamps].find((p) => p.id === r.post_id) ?? team2) : ["accept", "file", "return", "done"].includes(r.move) ? street : { id: h.case.post_id, name: h.case.post_name };
    const c: Case = { ...h.case, state: to as Case["state"], stage: stageOf[to]!, post_id: owner.id, post_name: owner.name, version: h.case.version + 1, returned: undefined };
    if (c.stage === "closed") c.closed_at = new Date(this.now()).toISOString();
    h.case = c;
    this.clock(c, 6 * HOUR);
    const files = (r.file_ids ?? []).map((fid) => fakeFile(fid, "after", new Date(this.now()).toISOString()));
    h.files = [...h.files, ...files];
    this.note(h, `case.${r.move}`, both(`大桥街道${f.words[0]}`, `Daqiao ${f.words[1]}`), { to_state: to, note: r.note, resident_text: r.resident_text, files });
    return c;
  }

  report(r: ReportRequest, id: string): Case {
    this.make(this.cases.size);
    const h = [...this.cases.values()].at(-1)!;
    this.cases.delete(h.case.id);
    const def = this.items.find((x) => x.key === r.item);
    h.case = { ...h.case, id, item: r.item, item_name: def?.name ?? both(r.item, r.item), title: (r.text ?? "").slice(0, 14), text: r.text ?? "", state: "reported", stage: "reported", post_id: street.id, post_name: street.name, channel: r.channel ?? "desk", version: 1, recorded_at: new Date(this.now()).toISOString(), occurred_at: r.occurred_at ?? new Date(this.now()).toISOString() };
    this.clock(h.case, 15 * MINUTE);
    h.timeline = [];
    this.cases.set(id, h);
    this.note(h, "case.report", both("大桥街道登记", "Recorded by Daqiao street"), { to_state: "reported" });
    return h.case;
  }

  tell(e: FeedEvent) {
    this.events.push(e);
    for (const l of this.listeners) l(e);
  }
  hear(l: (e: FeedEvent) => void) {
    this.listeners.add(l);
    return () => this.listeners.delete(l);
  }
}
