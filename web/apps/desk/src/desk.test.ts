import type { Case } from "@onegrid/api";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { App } from "vue";
import { fakeServer } from "../fake/server";
import { World } from "../fake/world";
import { makeDesk } from "./app/start";

// Stories of one person at the desk, told through the whole app; the server is
// the fake. What the real server does is told in the browser stories.

vi.mock("@onegrid/map", async () => {
  const { gridAt } = await import("../../../packages/map/src/geometry");
  return { gridAt, GridMap: { render: () => null } }; // there is nothing here to draw on
});

const morning = Date.parse("2026-11-24T09:42:00+08:00");
let world: World;
let app: App;
let page: HTMLElement;
let lose: (path: string, init?: RequestInit) => boolean;
let sent: { path: string; method: string; headers: Headers }[];

async function open(account: string | undefined, path: string) {
  world = new World(() => morning, 40);
  const handle = fakeServer(world, account);
  lose = () => false;
  sent = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    sent.push({ path, method: init.method ?? "GET", headers: new Headers(init.headers) });
    const answer = await handle(new Request(`http://desk${path}`, init));
    if (lose(path, init)) throw new TypeError("the line broke"); // done, but nobody was told
    return answer;
  });
  history.replaceState(null, "", `/${path}`);
  page = document.createElement("div");
  document.body.replaceChildren(page);
  app = makeDesk();
  app.mount(page);
}

const text = () => page.textContent ?? "";
const sees = (words: string) => vi.waitFor(() => expect(text()).toContain(words), { timeout: 12_000 });
function press(label: string | RegExp) {
  const fits = (e: Element) => {
    const name = (e.getAttribute("aria-label") ?? e.textContent ?? "").trim();
    return typeof label === "string" ? name === label || name.startsWith(label) : label.test(name);
  };
  const button = [...document.querySelectorAll("button, a[href], [role=option]")].find(fits);
  if (!button) throw new Error(`nothing to press: ${label} in ${text().slice(0, 800)}`);
  (button as HTMLElement).click();
}
function write(selector: string, value: string) {
  const e = page.querySelector<HTMLInputElement>(selector)!;
  e.value = value;
  e.dispatchEvent(new Event("input"));
  e.dispatchEvent(new Event("change"));
}
const rows = () => [...page.querySelectorAll<HTMLElement>("[data-case]")].map((e) => e.dataset.case!);
const held = (c: Case) => world.cases.get(c.id)!;
const first = (fits: (c: Case) => boolean) => [...world.cases.values()].map((h) => h.case).find(fits)!;

beforeEach(() => {
  vi.useFakeTimers({ now: morning, toFake: ["Date"] });
  localStorage.clear();
  sessionStorage.clear();
  localStorage.setItem("onegrid.language", "zh-CN");
});
afterEach(() => {
  app.unmount();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("signing in", () => {
  it("offers the demo's posts, says it is a demo, and asks for which post one acts", async () => {
    await open(undefined, "work");
    await sees("这里的人、网格和单位都是编的");
    press(/^街道平台派遣员/);
    await sees("现在以哪个岗位办事");
    expect(text()).toContain("代 值班员 乙");
    press(/^大桥街道值班岗/);
    await sees("我的待办");
    expect(sent.at(-1)!.headers.get("OneGrid-Post")).toBe("post-street");
  });

  it("asks for the second factor before it lets anybody in", async () => {
    await open(undefined, "sign-in");
    await sees("用账号登录");
    write("#d-name", "hub");
    write("#d-pass", "demo demo demo");
    page.querySelector("details form")!.dispatchEvent(new Event("submit"));
    await sees("动态口令");
    write("#d-totp", "000000");
    page.querySelector("details form")!.dispatchEvent(new Event("submit"));
    await sees("动态口令不对");
    write("#d-totp", "123456");
    page.querySelector("details form")!.dispatchEvent(new Event("submit"));
    await sees("我的待办");
  });

  it("tells a post without the right what to do, and offers nothing", async () => {
    await open("auditor", "work");
    await sees("你的岗位不能看这里");
    expect([...page.querySelectorAll("nav a")].map((a) => a.textContent!.trim())).toEqual(["管理"]);
    expect(sent.some((s) => s.path.startsWith("/api/cases"))).toBe(false);
  });
});

describe("the worklist", () => {
  it("puts first what is overdue, and keeps the filter in the address", async () => {
    await open("street", "work");
    await sees("已超期");
    const headings = [...page.querySelectorAll(".gh")].map((h) => h.textContent!.replace(/\s*\d+\s*$/, "").trim());
    expect(headings).toEqual(["已超期", "今天到期", "以后"]);
    write("#list-q", "井盖");
    page.querySelector("[role=search]")!.dispatchEvent(new Event("submit"));
    await vi.waitFor(() => expect(location.search).toContain("q=%E4%BA%95%E7%9B%96"));
    await vi.waitFor(() => expect([...page.querySelectorAll(".it .t")].every((e) => e.textContent!.includes("井盖"))).toBe(true));
    expect(rows().length).toBeGreaterThan(0);
  });

  it("does not move while others work: changes collect, and show when asked for", async () => {
    await open("street", "work");
    await sees("已超期");
    const before = rows();
    const other = first((c) => c.state === "reported" && c.post_id === "post-street");
    world.move(other.id, { move: "accept" });
    await sees("1 件有更新，点这里显示");
    expect(rows()).toEqual(before);
    press(/件有更新/);
    await vi.waitFor(() => expect(text()).not.toContain("件有更新"));
    expect(page.querySelector(`[data-case="${other.id}"] .o`)!.textContent).toBe("等你立案");
  });

  it("drops at once what left the area", async () => {
    await open("street", "work");
    await sees("已超期");
    const gone = rows()[1]!;
    const rest = rows().filter((id) => id !== gone);
    world.cases.delete(gone);
    world.tell({ number: ++world.head, case: gone, subject: gone, type: "gone" });
    await vi.waitFor(() => expect(rows()).toEqual(rest));
  });
});

describe("a case", () => {
  const returned = () => first((c) => c.returned !== undefined);

  async function openCase(pick: () => Case, account = "street") {
    await open(account, "work");
    await sees("已超期");
    const c = pick();
    page.querySelector<HTMLElement>(`[data-case="${c.id}"]`)!.click();
    await vi.waitFor(() => expect(page.querySelector(".case h2")?.textContent).toBe(c.title));
    return c;
  }

  it("says why it came back, when it is due and why, who reported it (masked), and what each act will do", async () => {
    await openCase(returned);
    await sees("环卫一站 退回");
    expect(text()).toContain("还剩");
    expect(text()).toContain("夜里和午休不计");
    expect(text()).toContain("王**");
    expect(text()).not.toContain("13800000021");
    expect(text()).toContain("环卫二站值班岗立刻收到，30 分钟内签收");
    press("更多");
    await sees("还没办好，也没有核查，不能结案。");
  });

  it("shows the contact only for a purpose, and hides it with the case", async () => {
    await openCase(returned);
    press("看联系方式");
    await sees("会记下是谁、为什么看的，本人能看到");
    const form = page.querySelector<HTMLFormElement>("form.ask")!;
    expect(form.querySelector("button")!.disabled).toBe(true);
    await vi.waitFor(() => expect(form.querySelector("input[value=contact]")).not.toBeNull());
    form.querySelector<HTMLInputElement>("input[value=contact]")!.click();
    write("#reveal-why", "问清是哪一堆");
    await vi.waitFor(() => expect(form.querySelector("button")!.disabled).toBe(false));
    form.dispatchEvent(new Event("submit"));
    await sees("13800000021");
    page.querySelector<HTMLElement>(`[data-case="${rows()[0]}"]`)!.click();
    await vi.waitFor(() => expect(text()).not.toContain("13800000021"));
  });

  it("is done once, though the answer was lost and the button pressed again", async () => {
    const c = await openCase(returned);
    press("改派");
    await vi.waitFor(() => expect(page.querySelector(".mf")).not.toBeNull());
    lose = (path, init) => path.endsWith("/moves") && init?.method === "POST";
    page.querySelector(".mf")!.dispatchEvent(new Event("submit"));
    await sees("不知道存上没有。再按一次不会重复");
    lose = () => false;
    await vi.waitFor(() => expect(page.querySelector<HTMLButtonElement>(".mf .btn.pri")!.disabled).toBe(false));
    page.querySelector(".mf")!.dispatchEvent(new Event("submit"));
    await vi.waitFor(() => expect(page.querySelector(".mf")).toBeNull());
    const moves = sent.filter((s) => s.path.endsWith("/moves"));
    expect(moves).toHaveLength(2);
    expect(moves[0]!.headers.get("Idempotency-Key")).toBe(moves[1]!.headers.get("Idempotency-Key"));
    expect(held(c).case).toMatchObject({ state: "dispatched", version: c.version + 1 });
    // its row tells the new state and stands where it stood
    await vi.waitFor(() => expect(page.querySelector(`[data-case="${c.id}"] .o`)!.textContent).toBe("环卫二站"));
  });

  it("keeps what was written when somebody else was faster, and says what to do", async () => {
    const c = await openCase(() => first((x) => x.state === "reported" && x.post_id === "post-street"));
    press("不予受理");
    await vi.waitFor(() => expect(page.querySelector("#mf-note")).not.toBeNull());
    const choice = page.querySelector<HTMLInputElement>(".mf input[type=radio]");
    if (choice) choice.click();
    else write("#mf-reason", page.querySelector<HTMLOptionElement>("#mf-reason option:not([disabled])")!.value);
    write("#mf-note", "不在本区");
    world.move(c.id, { move: "accept" });
    await sees("你填写的时候，这件又有了变化");
    await vi.waitFor(() => expect(page.querySelector<HTMLButtonElement>(".mf .btn.danger")!.disabled).toBe(false));
    page.querySelector(".mf")!.dispatchEvent(new Event("submit"));
    await sees("你写的还在");
    expect(page.querySelector<HTMLTextAreaElement>("#mf-note")!.value).toBe("不在本区");
    expect(held(c).case.state).toBe("accepted");
  });

  it("will not be sent half filled, and says what is missing", async () => {
    await openCase(() => first((c) => c.state === "reported" && c.post_id === "post-street"));
    press("不予受理");
    await sees("还缺理由、说明");
    expect(page.querySelector<HTMLButtonElement>(".mf .btn.danger")!.disabled).toBe(true);
  });

  it("is worked with the keyboard: J to the next, a letter to act, Ctrl K for everything", async () => {
    await openCase(returned);
    const key = (k: string, o: KeyboardEventInit = {}) => window.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true, ...o }));
    const at = rows().indexOf(returned().id);
    key("j");
    await vi.waitFor(() => expect(page.querySelector(".it.sel")!.getAttribute("data-case")).toBe(rows()[at + 1]));
    key("k");
    await vi.waitFor(() => expect(page.querySelector(".it.sel")!.getAttribute("data-case")).toBe(rows()[at]));
    await sees("环卫一站 退回");
    key("a");
    await vi.waitFor(() => expect(page.querySelector(".mf")).not.toBeNull());
    press("先不做");
    key("k", { ctrlKey: true });
    await vi.waitFor(() => expect(document.querySelector("[role=listbox]")?.textContent).toContain("改派给 环卫二站"));
    const blocked = [...document.querySelectorAll("[role=option][aria-disabled=true]")];
    expect(blocked.map((b) => b.textContent)).toEqual([expect.stringContaining("不能结案")]);
  });

  it("speaks English throughout when asked to", async () => {
    await openCase(returned);
    press("English");
    await sees("Why this time?");
    expect(text()).toContain("returned, you reassign");
    expect(text()).toContain("The duty post of sanitation team 2 is told now");
    expect(document.documentElement.lang).toBe("en");
  });
});

describe("taking a report", () => {
  it("keeps the draft over a reload, but never who called", async () => {
    await open("street", "report");
    await sees("公共设施损坏");
    press("公共设施损坏");
    write("#text", "路口的灯不亮");
    write("#pp-words", "靠近东门");
    write("#r-name", "王演示");
    write("#r-phone", "13800000021");
    await vi.waitFor(() => expect(localStorage.getItem("onegrid.draft.report")).toContain("路口的灯不亮"));
    expect(localStorage.getItem("onegrid.draft.report")).not.toMatch(/王演示|13800000021/);
    app.unmount();
    await open("street", "report");
    await sees("换一个");
    expect(page.querySelector<HTMLTextAreaElement>("#text")!.value).toBe("路口的灯不亮");
    expect(page.querySelector<HTMLInputElement>("#r-phone")!.value).toBe("");
  });

  it("asks for what is missing, then gives a number; sent twice it is one case", async () => {
    await open("street", "report");
    await sees("邻里纠纷调解");
    expect(text()).toContain("还缺什么事、地点、情况");
    press("民意诉求");
    await sees("换一个");
    page.querySelector<HTMLInputElement>("input[name=condition]")!.click();
    write("#text", "末班车太早");
    write("#pp-words", "公交站");
    await vi.waitFor(() => expect(page.querySelectorAll(".part select, .part input[id^=x-]").length).toBeGreaterThan(0));
    for (const s of page.querySelectorAll<HTMLSelectElement>(".part select[id^=x-]")) {
      s.value = s.options[1]!.value;
      s.dispatchEvent(new Event("change"));
    }
    for (const s of page.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(".part input[type=text][id^=x-], .part textarea[id^=x-]")) {
      s.value = "有";
      s.dispatchEvent(new Event("input"));
    }
    for (const s of page.querySelectorAll<HTMLInputElement>(".many label:first-child input")) s.click();
    await vi.waitFor(() => expect(page.querySelector("footer")!.textContent).not.toContain("还缺"));
    const before = world.cases.size;
    lose = (path, init) => path === "/api/cases" && init?.method === "POST";
    page.querySelector("form.form")!.dispatchEvent(new Event("submit"));
    await sees("再按一次不会重复");
    lose = () => false;
    page.querySelector("form.form")!.dispatchEvent(new Event("submit"));
    await sees("已报上去，编号");
    expect(world.cases.size).toBe(before + 1);
    expect(localStorage.getItem("onegrid.draft.report") ?? "").not.toContain("末班车太早");
  });
});

describe("the grids", () => {
  it("lists what the map shows, and finds who is missing", async () => {
    await open("street", "grids");
    await sees("64 个网格");
    expect(text()).toContain("网格的形状和分组是编的");
    press(/^空岗 \d+/);
    await vi.waitFor(() => expect(page.querySelectorAll("[data-grid]").length).toBeLessThan(20));
    expect(location.search).toContain("vacant=1");
    page.querySelector<HTMLElement>("[data-grid]")!.click();
    await vi.waitFor(() => expect(page.querySelector(".card")?.textContent).toMatch(/空岗/));
  });
});
