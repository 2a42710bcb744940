import { expect, test } from "@playwright/test";
import { withoutMap } from "../browser.ts";
import { Clerk, nobodyIsShutOut } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

// Forms, consequences and history; the drawing itself is told by tests of the
// server and of the corners.
test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

test("the grid centre merges a grid, sees before what follows, and any past day after", async ({ browser }) => {
  const centre = await Clerk.of(browser, district.url, "grid-centre");
  const page = centre.page;
  await page.goto(`${district.url}/desk/grids`);
  const count = page.getByText(/^\d+ 个网格$/);
  const before = parseInt(await count.innerText());
  const row = page.getByRole("main").getByRole("listitem").first();
  await row.getByRole("button").click();
  await page.getByRole("button", { name: "调整这个网格" }).click();
  const panel = page.getByRole("region", { name: "调整网格" });
  await panel.getByLabel("怎么调整").selectOption("合并");
  await panel.getByLabel("并入哪个网格").selectOption({ index: 1 });
  await expect(panel.getByText("跟着过去的岗位")).toBeVisible();
  await panel.getByLabel("为什么调整").fill("户数太少");
  const go = panel.getByRole("button", { name: "送去审定" });
  await expect(go).toBeEnabled();
  await nobodyIsShutOut(page, "the form of an act");
  await go.click();
  // Who draws does not approve.
  await expect(page.getByText("自己划的不能自己审定")).toBeVisible();
  await expect(page.getByRole("button", { name: "同意，马上调整" })).toHaveCount(0);
  await expect(count).toHaveText(`${before} 个网格`);
  const leader = (await Clerk.of(browser, district.url, "grid-centre-leader")).page;
  await leader.goto(`${district.url}/desk/grids`);
  await leader.getByRole("region", { name: "等待审定的划分方案" }).getByRole("button", { name: /户数太少/ }).click();
  const drawing = leader.getByRole("region", { name: "划分方案", exact: true });
  await expect(drawing.getByText("跟着过去的岗位")).toBeVisible();
  await nobodyIsShutOut(leader, "a drawing that waits");
  if (process.env.ONEGRID_SHOTS) await leader.screenshot({ path: `${process.env.ONEGRID_SHOTS}/drawing.png` });
  await drawing.getByRole("button", { name: "同意，马上调整" }).click();
  await expect(leader.getByText("等待审定的划分方案")).toBeHidden();
  await page.reload();
  await expect(count).toHaveText(`${before - 1} 个网格`);
  await page.getByLabel("看哪一天").press("ArrowLeft");
  await expect(page.getByRole("button", { name: "回到今天" })).toBeVisible();
});

test("a unit is given another code and found under both", async ({ browser }) => {
  const centre = await Clerk.of(browser, district.url, "grid-centre");
  const page = centre.page;
  await page.goto(`${district.url}/desk/units`);
  const search = page.getByLabel("搜机构名称或编码，旧编码也行");
  await expect(page.getByRole("main").getByRole("listitem").first()).toBeVisible();
  const unit = page.getByRole("main").getByRole("listitem").filter({ hasText: "村居平台" }).first();
  const old = (await unit.locator(".w").innerText()).trim();
  await unit.getByRole("button").click();
  await page.getByLabel("调整机构").selectOption("换编码");
  await page.getByLabel("编码", { exact: true }).fill("XIN-001");
  await page.getByLabel("为什么调整").fill("统一编码");
  await page.getByRole("button", { name: "先看看结果" }).click();
  await expect(page.getByText("调整以后")).toBeVisible();
  await page.getByRole("button", { name: "换编码" }).click();
  await expect(page.getByText("统一编码")).toBeVisible();
  await nobodyIsShutOut(page, "the page of units");
  for (const code of [old, "XIN-001"]) {
    await search.fill(code);
    await expect(page.getByRole("region", { name: "机构", exact: true }).getByRole("listitem").filter({ hasText: "XIN-001" })).toBeVisible();
  }
});

test("a platform is split, and the list says how far its cases are", async ({ browser }) => {
  const page = (await Clerk.of(browser, district.url, "grid-centre")).page;
  await page.goto(`${district.url}/desk/units`);
  await page.getByLabel("搜机构名称或编码，旧编码也行").fill("马店村片区平台");
  await page.getByRole("main").getByRole("listitem").getByRole("button", { name: /马店村片区平台/ }).click();
  await page.getByLabel("调整机构").selectOption("拆分");
  await page.getByLabel("中文名称").fill("演示新平台");
  await page.getByLabel("英文名称").fill("Demo new platform");
  await page.getByLabel("编码", { exact: true }).fill("DEMO-SPLIT");
  await page.getByRole("group", { name: "划过去的网格" }).getByRole("checkbox").first().check();
  await page.getByLabel("为什么调整").fill("演示拆分");
  await page.getByRole("button", { name: "先看看结果" }).click();
  await expect(page.getByText("调整以后")).toBeVisible();
  await nobodyIsShutOut(page, "the form of a split");
  await page.getByRole("button", { name: "拆分", exact: true }).click();
  await expect(page.getByText("演示拆分")).toBeVisible();
  await expect(page.getByText(/在办事件(正在|已)归位/)).toBeVisible();
  await page.getByLabel("搜机构名称或编码，旧编码也行").fill("DEMO-SPLIT");
  await expect(page.getByRole("region", { name: "机构", exact: true }).getByRole("listitem").filter({ hasText: "演示新平台" })).toBeVisible();
});

test("a village of the statistical list gets another code, and its history says so", async ({ browser }) => {
  const page = (await Clerk.of(browser, district.url, "grid-centre")).page;
  await page.goto(`${district.url}/desk/divisions`);
  const list = page.getByRole("region", { name: "统计区划" });
  await expect(list.getByRole("listitem").first()).toBeVisible();
  await nobodyIsShutOut(page, "the statistical divisions");
  while (await list.getByRole("button", { name: /^看下级/ }).count()) {
    const before = await list.getByRole("listitem").first().innerText();
    await list.getByRole("button", { name: /^看下级/ }).first().click();
    await expect(list.getByRole("listitem").first()).not.toHaveText(before);
  }
  const village = list.getByRole("listitem").first();
  const old = (await village.locator(".code").innerText()).trim();
  await village.getByRole("button").click();
  await page.getByLabel("调整", { exact: true }).selectOption("换编码");
  const code = `${old.slice(0, 9)}999`;
  await page.getByLabel("代码（12 位）").fill(code);
  await page.getByLabel("为什么调整").fill("演示换代码");
  await page.getByRole("button", { name: "换编码" }).click();
  await expect(page.getByText("已经记下，新旧代码都查得到。")).toBeVisible();
  if (process.env.ONEGRID_SHOTS) await page.screenshot({ path: `${process.env.ONEGRID_SHOTS}/divisions.png` });
  await list.getByRole("listitem").filter({ hasText: code }).getByRole("button").first().click();
  await expect(page.getByText("演示换代码")).toBeVisible();
});

test("a grid is known by the code of another scheme", async ({ browser }) => {
  const page = (await Clerk.of(browser, district.url, "grid-centre")).page;
  await page.goto(`${district.url}/desk/grids`);
  await page.getByRole("main").getByRole("listitem").nth(3).getByRole("button").click();
  await page.getByRole("button", { name: "调整这个网格" }).click();
  const panel = page.getByRole("region", { name: "调整网格" });
  await panel.getByLabel("怎么调整").selectOption("别的编码");
  await panel.getByLabel("编码体系").fill("police");
  await panel.getByLabel("编码", { exact: true }).fill("PL-0042");
  await panel.getByRole("button", { name: "登记编码" }).click();
  await expect(page.getByText("PL-0042")).toBeVisible();
});
