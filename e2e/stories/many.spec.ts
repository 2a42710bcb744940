import { execFileSync } from "node:child_process";
import { type Browser, expect, type Page, test } from "@playwright/test";
import { type Case, Colleague, type Text } from "../api.ts";
import { withoutMap } from "../browser.ts";
import { Clerk, desk, nobodyIsShutOut, phone, Resident } from "../people.ts";
import { photo } from "../photo.ts";
import { type District, startDistrict } from "../start.ts";

// What concerns several at once: duplicates that are merged and answered, one
// act on many cases, a case on paper, and two people who change their shifts.

test.use({ launchOptions: withoutMap });

const handler = "城市管理经办 1";

let district: District;
let village: Colleague, street: Colleague, department: Colleague;
let clerk: Clerk;
test.beforeAll(async ({ browser }) => {
  district = await startDistrict("--requests", "0");
  village = await Colleague.of(district.url, "village");
  street = await Colleague.of(district.url, "street");
  department = await Colleague.of(district.url, "department");
  clerk = await Clerk.of(browser, district.url, "village");
});
test.afterAll(({ browser }) => district.stop(browser));

/** The page shuts nobody out and is no wider than the screen, also on a telephone. */
async function fitsEverybody(page: Page, where: string): Promise<void> {
  await nobodyIsShutOut(page, where);
  await page.setViewportSize(phone);
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), { message: `${where} fits a telephone` }).toBeLessThanOrEqual(0);
  await nobodyIsShutOut(page, `${where} on a telephone`);
  await page.setViewportSize(desk);
}

/** Marks cases of the open list, to act on them together. */
async function marks(titles: string[]): Promise<void> {
  await clerk.goesTo("open");
  for (const title of titles) await expect(clerk.row(title)).toBeVisible();
  await clerk.list().getByRole("button", { name: "多选", exact: true }).click();
  for (const title of titles) {
    await clerk.row(title).click();
    await expect(clerk.row(title)).toHaveAttribute("aria-pressed", "true");
  }
}

const chosen = (n: number) => clerk.page.getByRole("region", { name: `对选中的 ${n} 件` });

async function reportsAs(browser: Browser, text: string): Promise<[Resident, Case]> {
  const resident = await Resident.comes(browser, district.url);
  await resident.reports({ what: "垃圾", village: /^西梁村/, text });
  return [resident, await village.finds(resident.number)];
}

test("three reports of one thing become one case, and each of the three is answered", async ({ browser }) => {
  const told: [Resident, Case][] = [];
  for (const text of ["东头大坑倒满了垃圾", "东头坑里有人倒垃圾", "东头那个坑臭得很"]) told.push(await reportsAs(browser, text));
  const [[, main], ...doubles] = told as [[Resident, Case], [Resident, Case], [Resident, Case]];

  await marks(told.map(([, c]) => c.title));
  const pane = chosen(3);
  await pane.getByRole("button", { name: /^合并重复/ }).click();
  const form = pane.getByRole("form", { name: "合并重复" });
  await expect(form.getByRole("radio", { name: new RegExp(`^${main.title}`) })).toBeChecked(); // the oldest one
  const send = form.getByRole("button", { name: "把 2 件并进去" });
  await expect(send).toBeDisabled();
  await form.getByLabel("理由").selectOption({ label: "同地同事重复" });
  await form.getByLabel(/^说明/).fill("说的是同一个坑");
  await fitsEverybody(clerk.page, "merging on the desk");
  await send.click();
  await expect(pane.getByText(`2 件已并到 ${main.number}`)).toBeVisible();

  await clerk.opens(main);
  await expect(clerk.open(main).getByRole("heading", { name: "并入 2 件重复上报" })).toBeVisible();
  for (const [, c] of doubles) await expect(clerk.open(main).getByRole("link", { name: c.title })).toBeVisible();

  // One case is worked on; whoever reported reads how far it is, and the end.
  for (const [resident] of told) await resident.looks();
  await village.moves(main.id, "accept");
  await village.moves(main.id, "verify", { result: "pass", note: "去看过了" });
  await village.moves(main.id, "file");
  await village.moves(main.id, "dispatch", { to: handler });
  for (const move of ["take", "handle"]) await department.moves(main.id, move);
  for (const [resident] of told) await resident.isToldStage("办理中");
  await department.moves(main.id, "done", { note: "清走了", resident_text: "坑填平了，谢谢您反映。", file_ids: [await department.sends("after.png", photo(40, 120, 60), "after")] });
  await street.moves(main.id, "check", { result: "pass", note: "干净了" });
  await village.moves(main.id, "close");
  for (const [resident] of told) {
    await resident.isToldStage("已办结");
    await expect(resident.page.getByRole("main")).toContainText("坑填平了，谢谢您反映。");
  }
  const [lastResident, last] = doubles[1]!;
  await lastResident.rates("很满意");
  await expect(lastResident.page.getByText("您的评价：很满意")).toBeVisible();
  await clerk.opens(last);
  await clerk.seesState(last, "已并案");
  await expect(clerk.open(last).getByRole("link", { name: new RegExp(main.number) })).toBeVisible();
});

test("one act on several cases is done one by one, and what cannot be done is told", async () => {
  const fresh = [];
  for (const text of ["一起受理的第一件", "一起受理的第二件", "一起受理的第三件"]) fresh.push(await village.reports(text));
  const accepted = await village.moves((await village.reports("已经受理过的一件")).id, "accept");

  await marks([...fresh, accepted].map((c) => c.title));
  const pane = chosen(4);
  await pane.getByRole("button", { name: /^受理 3/ }).click();
  await expect(pane.getByText("另外 1 件现在做不了，会跳过并写明原因。")).toBeVisible();
  await pane.getByRole("button", { name: "受理 3 件" }).click();
  await expect(pane.getByText("办了 3 件，没办成 1 件，还没轮到 0 件。")).toBeVisible();
  for (const c of fresh) await expect(pane.getByRole("row").filter({ hasText: c.number })).toContainText("办了");
  await expect(pane.getByRole("row").filter({ hasText: accepted.number })).toContainText("跳过");
  await fitsEverybody(clerk.page, "the outcome of one act on several cases");
  for (const c of fresh) expect((await village.sees(c.id)).case.state).toBe("accepted");
  expect((await village.sees(accepted.id)).case.version).toBe(accepted.version);

  // What was not done stays chosen, for another act.
  await pane.getByRole("button", { name: "只留没办成的" }).click();
  await expect(chosen(1)).toBeVisible();
  await expect(clerk.row(accepted.title)).toHaveAttribute("aria-pressed", "true");
});

test("a case is saved on paper, with its number, its history and its Chinese", async () => {
  const c = await village.reports("大桥旮旯里的垃圾堆，臭气熏天");
  await village.moves(c.id, "accept");
  await village.moves(c.id, "file");
  await village.moves(c.id, "dispatch", { to: handler });
  await clerk.opens(c);
  await nobodyIsShutOut(clerk.page, "the case before it is printed");
  const saved = clerk.page.waitForEvent("download");
  await clerk.open(c).getByRole("button", { name: "打印" }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toBe(`${c.number}.pdf`);
  const paper = execFileSync("pdftotext", ["-layout", "-enc", "UTF-8", await file.path(), "-"], { encoding: "utf8" });
  expect(paper).toContain(c.number);
  for (const words of ["大桥旮旯里的垃圾堆，臭气熏天", "已派遣", "经过", "受理", "立案", "派遣", handler]) expect(paper, `the paper says ${words}`).toContain(words);
  expect(paper, "nothing is lost on the way into the font").not.toMatch(/[\uFFFD\u0000]/u);
  // Whoever prints is noted.
  await clerk.page.reload();
  await clerk.seesInHistory(c, /打印/);
});

/** At the duty page, as one of the people of the village. */
async function onDuty(browser: Browser, account: string, path = ""): Promise<Page> {
  const { page } = await Clerk.of(browser, district.url, account);
  await page.goto(`${district.url}/desk/office/duty${path}`);
  await expect(page.getByRole("heading", { level: 1, name: "排班和值班" })).toBeVisible();
  return page;
}

interface Person { id: string; name: string }
interface Session { person: Person; posts: { unit: Text }[] }

/** Sends something through the API with the session of a page. */
async function sends<T>(page: Page, method: string, path: string, data: unknown): Promise<T> {
  const answer = await page.request.fetch(`${district.url}/api${path}`, { method, data });
  expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  return (await answer.json()) as T;
}

test("a shift is swapped: one asks, the other agrees, a lead confirms; and it is handed over", async ({ browser }) => {
  const session = async (page: Page) => (await (await page.request.get(`${district.url}/api/session`)).json()) as Session;
  const lead = await onDuty(browser, "village");
  const asker = await onDuty(browser, "officer");
  const other = await onDuty(browser, "part-officer");
  const [{ person: one, posts }, { person: two }] = [await session(asker), await session(other)];
  const units = (await (await lead.request.get(`${district.url}/api/org/units`)).json()) as { items: { id: string; name: Text }[] };
  const unit = units.items.find((u) => u.name["zh-CN"] === posts[0]!.unit["zh-CN"]);
  expect(unit, "the unit of the village").toBeDefined();

  // The lead's roster: the two in turn, from tomorrow on.
  const date = (days: number) => new Date(Date.now() + 8 * 3_600_000 + days * 86_400_000).toISOString().slice(0, 10);
  const roster = await sends<{ id: string }>(lead, "POST", "/duty/rosters", {
    unit_id: unit!.id, name: { "zh-CN": "演示村里值守", en: "Demo village watch" }, rotation: "day", anchor: date(1),
    kinds: [{ key: "day", name: { "zh-CN": "白班", en: "Day shift" }, from: "08:30", to: "17:30", days: ["workday", "make_up_day", "off_day", "holiday"], need: 1 }],
    crews: [{ person_ids: [one.id] }, { person_ids: [two.id] }],
  });
  await sends(lead, "POST", `/duty/rosters/${roster.id}/plan`, { from: date(1), to: date(7) });

  const week = `/${roster.id}?from=${date(1)}`;
  const shift = (page: Page, nth: number) => page.getByRole("button", { name: /^白班/ }).nth(nth);
  await asker.goto(`${district.url}/desk/office/duty${week}`);
  await expect(shift(asker, 0)).toContainText(one.name);
  await shift(asker, 0).click();
  const sheet = asker.getByRole("dialog");
  await sheet.getByLabel("请谁").selectOption({ label: two.name });
  await sheet.getByLabel("换对方哪一班").selectOption({ index: 1 });
  await sheet.getByLabel(/^为什么/).fill("那天去体检");
  await nobodyIsShutOut(asker, "asking for a swap");
  await sheet.getByRole("button", { name: "问对方" }).click();
  const asked = asker.getByRole("listitem").filter({ hasText: `请${two.name}换` });
  await expect(asked).toContainText("等对方答应");

  await other.reload();
  const question = other.getByRole("listitem").filter({ hasText: "那天去体检" });
  await fitsEverybody(other, "being asked for a swap");
  await question.getByRole("button", { name: "答应", exact: true }).click();
  await expect(question).toContainText("对方已答应，等负责人同意");

  await lead.goto(`${district.url}/desk/office/duty${week}`);
  await expect(shift(lead, 0)).toContainText(one.name); // not before the lead agrees
  await lead.getByRole("button", { name: "同意换" }).click();
  await expect(shift(lead, 0)).toContainText(two.name);
  await expect(shift(lead, 1)).toContainText(one.name);

  // One shift runs, the next begins within the hour.
  const from = Math.floor(Date.now() / 60_000) * 60_000;
  const [now, next] = [await extra(lead, roster.id, from, 1), await extra(lead, roster.id, from + 3_600_000, 3)];
  await sends(lead, "POST", `/duty/shifts/${now}/turns`, { person_id: one.id });
  await sends(lead, "POST", `/duty/shifts/${next}/turns`, { person_id: two.id });

  await asker.goto(`${district.url}/desk/office/duty/${roster.id}?from=${new Date(from + 8 * 3_600_000).toISOString().slice(0, 10)}`);
  await expect(asker.getByText(/^你正在值班：演示村里值守/)).toBeVisible();
  await asker.getByRole("button", { name: /^加班次/ }).first().click();
  const note = asker.getByRole("dialog");
  await note.getByLabel("告诉下一班").fill("西头配电箱已报修，电工十点到");
  await note.getByRole("button", { name: "加一条没办完的" }).click();
  await note.getByLabel("没办完的第 1 条").fill("十点给电工开门");
  await nobodyIsShutOut(asker, "writing what is handed over");
  await note.getByRole("button", { name: "交给下一班" }).click();
  await expect(asker.getByText("交接等下一班确认")).toBeVisible();

  await other.reload();
  const mine = other.getByRole("article").filter({ hasText: "西头配电箱已报修" });
  await expect(mine).toContainText("十点给电工开门");
  await fitsEverybody(other, "taking over");
  await mine.getByRole("button", { name: "看过了，接班" }).click();
  await expect(mine).toBeHidden();
  await asker.reload();
  await expect(asker.getByText("交接已确认")).toBeVisible();
});

/** Adds a shift by hand and gives its id. */
async function extra(page: Page, roster: string, from: number, hours: number): Promise<string> {
  return (await sends<{ id: string }>(page, "POST", `/duty/rosters/${roster}/shifts`, { starts: new Date(from).toISOString(), ends: new Date(from + hours * 3_600_000).toISOString(), need: 1 })).id;
}
