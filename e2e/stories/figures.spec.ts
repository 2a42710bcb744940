import { type Browser, expect, type Page, test } from "@playwright/test";
import { withoutMap } from "../browser.ts";
import { Clerk, nobodyIsShutOut, phone } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

// Figures: every number opens its cases, the address keeps what is asked, files
// say what they are of; units are evaluated by a rule, object, and are answered.
test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "250", "--set", "open-data=on");
});
test.afterAll(({ browser }) => district.stop(browser));

/** A date of the district, days from today. */
const date = (days: number): string => new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(Date.now() + days * 86_400_000);

/** Somebody with a phone, who reads English. */
async function onPhone(browser: Browser, account: string): Promise<Page> {
  const context = await browser.newContext({ viewport: phone, locale: "en-GB", timezoneId: "Asia/Shanghai" });
  const answer = await context.request.post(`${district.url}/api/demo/session`, { data: { account } });
  expect(answer.ok()).toBe(true);
  return context.newPage();
}

const fits = async (page: Page, where: string) => expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), where).toBeLessThanOrEqual(0);

test("a leader drills from the district to a grid, opens the cases behind a number and saves the table", async ({ browser }) => {
  const leader = await Clerk.of(browser, district.url, "hub-leader");
  const page = leader.page;
  await page.goto(`${district.url}/desk/figures?from=${date(-40)}&to=${date(-1)}`);
  await expect(page.getByRole("heading", { level: 1, name: /办得怎么样/ })).toBeVisible();
  // days that are over, so that no new case changes a number meanwhile; no records
  // a year ago: said so, and no 0 %
  await page.getByRole("button", { name: "同比" }).click();
  await expect(page.getByText(/没有数据：记录从/)).toBeVisible();
  await nobodyIsShutOut(page, "the figures");

  await page.getByRole("button", { name: "街道", exact: true }).click();
  const rows = page.getByRole("region", { name: "各街道" });
  await expect(rows.getByRole("row").nth(1)).toBeVisible();
  const street = await rows.getByRole("row").nth(1).getByRole("button").innerText();
  const reported = rows.getByRole("row").nth(1).getByRole("link").first();
  const number = (await reported.innerText()).trim();
  await reported.click();
  const sheet = page.getByRole("dialog");
  await expect(sheet.getByText(`共 ${number} 次办理`)).toBeVisible();
  while (await sheet.getByRole("button", { name: "再看一些" }).isVisible()) {
    const before = await sheet.getByRole("listitem").count();
    await sheet.getByRole("button", { name: "再看一些" }).click();
    await expect.poll(() => sheet.getByRole("listitem").count()).toBeGreaterThan(before);
  }
  expect(String(await sheet.getByRole("listitem").count()), "as many acts as the number says").toBe(number.replaceAll(",", ""));
  await nobodyIsShutOut(page, "the acts behind a number");
  // the address keeps it: who gets the link sees the same
  await page.reload();
  await expect(page.getByRole("dialog").getByText(`共 ${number} 次办理`)).toBeVisible();
  await page.getByRole("button", { name: "关上" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();

  await rows.getByRole("button", { name: street }).click();
  await expect(page.getByRole("heading", { level: 1, name: `${street}办得怎么样` })).toBeVisible();
  await expect(page.getByRole("navigation", { name: "所在层级" })).toContainText(street);
  await page.getByRole("button", { name: "事项", exact: true }).click();
  await expect(page.getByRole("region", { name: "各类事项" })).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "存成 Excel" }).click();
  expect((await download).suggestedFilename()).toMatch(/^figures-item-.*\.xlsx$/);
  await leader.leaves();

  const small = await onPhone(browser, "village");
  await small.goto(`${district.url}/desk/figures`);
  await expect(small.getByRole("heading", { level: 1, name: /^How it went in/ })).toBeVisible();
  await expect(small.getByRole("region", { name: "Rates" })).toContainText("Of the closed ones that had a limit");
  await fits(small, "the figures on a phone");
  await nobodyIsShutOut(small, "the figures on a phone");
  await small.context().close();
});

test("units are evaluated: the rule, provisional results, an objection, and who decides it", async ({ browser }) => {
  const clerk = await Clerk.of(browser, district.url, "evaluation");
  const page = clerk.page;
  await page.goto(`${district.url}/desk/figures/evaluations`);
  await page.getByRole("button", { name: "组织考评" }).first().click();
  await page.getByLabel("名称（中文）").fill("演示月考评");
  await page.getByLabel("名称（英文）").fill("Demo evaluation");
  await page.getByLabel("从哪天").fill(date(-40));
  await page.getByLabel("到哪天").fill(date(-1));
  for (const unit of ["城市管理", "住房"]) await page.getByRole("group", { name: "考评哪些单位" }).getByRole("checkbox", { name: new RegExp(unit) }).first().check();
  await page.getByRole("spinbutton", { name: "按期结案率的权重" }).fill("60");
  await expect(page.getByRole("button", { name: "存成草稿" })).toBeDisabled();
  await page.getByRole("spinbutton", { name: "核查通过率的权重" }).fill("40");
  await page.getByLabel("最少要有多少次").fill("1");
  await nobodyIsShutOut(page, "a new evaluation");
  await page.getByRole("button", { name: "存成草稿" }).click();
  const round = page.getByRole("region", { name: "演示月考评" });
  await expect(round).toContainText("准备中");
  await round.getByRole("button", { name: "公示结果，接受申诉" }).click();
  await round.getByLabel("申诉截止").fill(`${date(3)}T17:00`);
  await round.getByRole("button", { name: "公示结果，接受申诉" }).last().click();
  await expect(round).toContainText("公示中，可以申诉");
  await expect(round.getByRole("region", { name: "结果" })).toContainText("城市管理");
  await nobodyIsShutOut(page, "provisional results");
  const address = page.url();

  // the department objects to one case, found behind the number itself
  const leader = await Clerk.of(browser, district.url, "department-leader");
  await leader.page.goto(address);
  const seen = leader.page.getByRole("region", { name: "演示月考评" });
  await expect(seen).toContainText("公示中");
  // what the demo did in the last weeks is folded a moment after it is there
  let cases: string[] = [];
  await expect
    .poll(
      async () => {
        const behind = await leader.page.request.get(`${district.url}/api/figures/sources?measures=timed&from=${date(-40)}&to=${date(-1)}`);
        cases = ((await behind.json()) as { items: { case?: { number: string } }[] }).items.flatMap((s) => (s.case ? [s.case.number] : []));
        return cases.length;
      },
      { message: "cases of the department that count" },
    )
    .toBeGreaterThan(0);
  await seen.getByRole("button", { name: "为本单位申诉" }).click();
  await seen.getByLabel("案件编号").fill(cases[0]!);
  await seen.getByLabel("指标").selectOption({ label: "按期结案率" });
  await seen.getByLabel("申诉理由").fill("演示：封路三周，进不去现场");
  await seen.getByRole("button", { name: "交上申诉" }).click();
  await expect(seen).toContainText("待处理");
  await expect(seen.getByRole("button", { name: "处理", exact: true }), "who objects does not decide").toBeHidden();
  await leader.leaves();

  // who made the round can't decide; the hub's leader can
  await page.reload();
  await expect(round).toContainText("封路三周");
  await expect(round.getByRole("button", { name: "处理", exact: true })).toBeHidden();
  const hub = await Clerk.of(browser, district.url, "hub-leader");
  await hub.page.goto(address);
  const decides = hub.page.getByRole("region", { name: "演示月考评" });
  await decides.getByRole("button", { name: "处理", exact: true }).click();
  await decides.getByRole("radio", { name: "成立，这件不计入" }).check();
  await decides.getByLabel("处理意见").fill("演示：情况属实");
  await nobodyIsShutOut(hub.page, "deciding an objection");
  await decides.getByRole("button", { name: "交上处理意见" }).click();
  await expect(decides).toContainText("不计入 1");
  await hub.leaves();
  await clerk.leaves();

  const small = await onPhone(browser, "street-leader");
  await small.goto(address);
  await expect(small.getByRole("region", { name: "Demo evaluation" })).toContainText("Provisional results");
  await fits(small, "an evaluation on a phone");
  await nobodyIsShutOut(small, "an evaluation on a phone");
  await small.context().close();
});

test("everybody finds the open data, without an account", async ({ browser }) => {
  const page = await (await browser.newContext({ javaScriptEnabled: false, viewport: phone, locale: "zh-CN" })).newPage();
  await page.goto(district.url);
  await expect(page.getByRole("heading", { name: "公开的数据" })).toBeVisible();
  const file = await page.request.get(`${district.url}/open/reports-by-month.json`);
  expect(file.status()).toBe(200);
  const open = (await file.json()) as { columns: { name: string; is: { en: string } }[]; rows: unknown[] };
  expect(open.columns.map((c) => c.name)).toContain("reported");
  expect((await page.request.get(`${district.url}/open/reports-by-month.csv`)).headers()["content-type"]).toContain("text/csv");
  await page.context().close();
});
