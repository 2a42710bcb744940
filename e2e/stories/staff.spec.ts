import { type Browser, expect, type Page, test } from "@playwright/test";
import { withoutMap } from "../browser.ts";
import { Clerk, desk, nobodyIsShutOut, phone } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

// The organisation is kept on the screen: units, posts, people, staffing, duty,
// groups, calendars. Everything is done by pressing and writing.

test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

async function at(browser: Browser, account: string, path: string): Promise<Page> {
  const clerk = await Clerk.of(browser, district.url, account);
  await clerk.page.goto(`${district.url}/desk${path}`);
  return clerk.page;
}

test("the grid clerk adds a village platform and a post, and the hub's leader appoints somebody new", async ({ browser }) => {
  const clerk = await at(browser, "grid-centre", "/office/organisation");
  await clerk.getByRole("navigation", { name: "机构" }).getByRole("button", { name: "大桥街道平台", exact: true }).click();
  await clerk.getByRole("button", { name: "加下级机构" }).click();
  const unit = clerk.getByRole("dialog");
  await unit.getByLabel("中文名称").fill("演示新村平台");
  await unit.getByLabel("英文名称").fill("Demo new village platform");
  await unit.getByLabel("编码").fill("DEMO-NEW-1");
  await unit.getByRole("button", { name: "加下级机构" }).click();
  await expect(clerk.getByRole("heading", { level: 2, name: "演示新村平台", exact: true })).toBeVisible();
  await expect(clerk.getByText("这里没有岗位")).toBeVisible();
  await clerk.getByRole("button", { name: "加岗位" }).click();
  const post = clerk.getByRole("dialog");
  await post.getByLabel("角色").selectOption({ label: "村居平台值班" });
  await post.getByRole("button", { name: "加岗位" }).click();
  await expect(clerk.getByRole("row", { name: /演示新村平台村居平台值班/ })).toContainText("空岗，没有人代");

  const leader = await at(browser, "hub-leader", new URL(clerk.url()).pathname.replace("/desk", ""));
  await leader.getByRole("button", { name: /安排 演示新村平台/ }).click();
  const sheet = leader.getByRole("dialog");
  const appoint = sheet.locator("form").filter({ hasText: "任命" }).first();
  await appoint.getByLabel("人员").fill("演示员工甲");
  await expect(appoint.getByText("会新加一个叫演示员工甲的人")).toBeVisible();
  await appoint.getByRole("button", { name: "任命演示员工甲" }).click();
  await expect(sheet.getByRole("button", { name: "结束任职" })).toBeVisible();
  await leader.getByRole("button", { name: "关上" }).click();
  await expect(leader.getByRole("row", { name: /演示新村平台村居平台值班/ })).toContainText("演示员工甲");
});

test("a table is tried before it is brought in, and formulas are refused", async ({ browser }) => {
  const clerk = await at(browser, "grid-centre", "/office/organisation");
  await clerk.getByRole("button", { name: "表格导入导出" }).click();
  const sheet = clerk.getByRole("dialog");
  const out = clerk.waitForEvent("download");
  await sheet.getByRole("button", { name: "XLSX", exact: true }).click();
  expect((await out).suggestedFilename()).toBe("units.xlsx");
  await sheet.getByLabel(/^文件/).setInputFiles({ name: "units.csv", mimeType: "text/csv", buffer: Buffer.from("kind,code,name_zh,name_en,parent_code\nbody,DEMO-B1,演示机构,Demo body,\nbody,DEMO B 2,坏的,Bad,\n") });
  await expect(sheet.getByText("试读 2 行：能导入 1，已有 0，不收 1")).toBeVisible();
  await expect(sheet.getByRole("row", { name: /编码用字母/ })).toBeVisible();
  await sheet.getByRole("button", { name: "导入 1 行" }).click();
  await expect(sheet.getByText("读了 2 行：导入 1，已有 0，没收 1")).toBeVisible();
});

test("the check says what grids lack, down to one street, and leads to the grid", async ({ browser }) => {
  const leader = await at(browser, "hub-leader", "/office/staffing");
  await expect(leader.getByText(/个网格(里有 \d+ 个没配齐，一共缺 \d+ 人|都配齐了)/)).toBeVisible();
  await leader.getByRole("button", { name: "全部", exact: true }).click();
  const street = leader.getByRole("region", { name: "按街道和村居" }).getByRole("button").first();
  const name = await street.innerText();
  await street.click();
  const grids = leader.getByRole("region", { name: "网格", exact: true });
  await expect(grids.getByRole("heading", { level: 2 })).toContainText(name);
  await expect(grids.getByRole("link").first()).toHaveAttribute("href", /\/grids\//);
});

test("a roster is made and planned, and a shift is called off", async ({ browser }) => {
  const leader = await at(browser, "hub-leader", "/office/duty");
  await leader.getByRole("button", { name: "新建值班表" }).click();
  const form = leader.getByRole("dialog");
  await form.getByLabel("哪个单位的").selectOption({ index: 1 });
  await form.getByLabel("中文名称").first().fill("演示防汛值守");
  await form.getByLabel("英文名称").first().fill("Demo flood watch");
  const names: string[] = [];
  for (const n of [1, 2]) {
    await form.getByRole("button", { name: "加一组" }).click();
    const pick = form.getByLabel(`往第 ${n} 组加人`);
    await pick.selectOption({ index: n });
    names.push(((await form.getByRole("button", { name: /^去掉/ }).last().getAttribute("aria-label")) ?? "").slice(2));
  }
  await form.getByRole("button", { name: "存好" }).click();
  await expect(form).toBeHidden();
  await leader.getByRole("button", { name: /演示防汛值守/ }).click();
  await leader.getByRole("button", { name: "排班", exact: true }).click();
  await leader.getByRole("dialog").getByRole("button", { name: "排出来" }).click();
  await expect(leader.getByText(/新排 \d+ 班/)).toBeVisible();
  await leader.getByRole("dialog").getByRole("button", { name: "关上" }).last().click();
  await leader.getByRole("button", { name: "下一周" }).click();
  for (const name of names) await expect(leader.getByText(name).first()).toBeVisible();
  // one shift is called off, another gets one more
  await leader.getByRole("button", { name: /白班/ }).first().click();
  await leader.getByRole("dialog").getByRole("button", { name: "取消这一班" }).click();
  await expect(leader.getByText("已取消")).toBeVisible();
});

test("a group is made below a branch, and somebody joins it", async ({ browser }) => {
  const village = await at(browser, "village", "/office/groups");
  const make = async (kind: string, name: string, within?: RegExp) => {
    await village.getByRole("button", { name: "新建小组" }).first().click();
    const form = village.getByRole("dialog");
    await form.getByLabel("类别").selectOption({ label: kind });
    if (within) await form.getByLabel("属于哪个").selectOption((await form.getByRole("option", { name: within }).getAttribute("value")) ?? "");
    else await form.getByLabel("机构").selectOption({ label: await ownUnit(village) });
    await form.getByLabel("中文名称").fill(name);
    await form.getByLabel("英文名称").fill(`Demo ${name.length}`);
    await form.getByRole("button", { name: "新建小组" }).click();
    await expect(form).toBeHidden();
  };
  await make("党支部", "演示党支部");
  await make("党小组", "演示党小组", /演示党支部/);
  await village.getByRole("button", { name: "演示党小组" }).click();
  const sheet = village.getByRole("dialog");
  await expect(sheet.getByText("在演示党支部下面")).toBeVisible();
  await sheet.getByRole("button", { name: "结束这个小组" }).click();
  await expect(village.getByRole("button", { name: "演示党小组" })).toBeHidden();
});

/** The unit of the village desk, as the choice names it. */
async function ownUnit(page: Page): Promise<string> {
  const me = (await (await page.request.get(`${district.url}/api/session`)).json()) as { posts: { unit: { "zh-CN": string } }[] };
  return me.posts[0]!.unit["zh-CN"];
}

test("the system administrator loads the next year's holidays", async ({ browser }) => {
  const admin = await at(browser, "system-admin", "/office/calendars");
  await expect(admin.getByText("节假日已知到 2026 年")).toBeVisible();
  const text = admin.getByLabel("一天一行：日期 名称 休或班");
  await text.fill("2027-01-01 元旦 休\n2027-01-02 元旦 不知道");
  await expect(admin.getByText("第 2 行读不懂。")).toBeVisible();
  await expect(admin.getByRole("button", { name: "录入 2027 年" })).toBeDisabled();
  await text.fill("2027-01-01 元旦 休\n2027-01-03 元旦 班");
  await admin.getByRole("button", { name: "录入 2027 年" }).click();
  await expect(admin.getByText("2027 年的节假日录入了")).toBeVisible();
  await expect(admin.getByText("节假日已知到 2027 年")).toBeVisible();
});

test("these pages can be used by everybody, in both languages, on a phone too", async ({ browser }) => {
  for (const [account, path] of [
    ["hub-leader", "/office/organisation"],
    ["hub-leader", "/office/staffing"],
    ["hub-leader", "/office/duty"],
    ["hub-leader", "/office/groups"],
    ["system-admin", "/office/calendars"],
  ] as const) {
    const page = await at(browser, account, path);
    for (const language of ["zh-CN", "en"]) {
      await page.setViewportSize(desk);
      await page.evaluate((l) => localStorage.setItem("onegrid.language", l), language);
      await page.reload();
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
      await nobodyIsShutOut(page, `${path} ${language}`);
      for (const size of [desk, phone]) {
        await page.setViewportSize(size);
        if (process.env.ONEGRID_SHOTS) await page.screenshot({ path: `${process.env.ONEGRID_SHOTS}/${path.slice(8)}-${language}-${size.width}.png`, fullPage: true });
        await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), { message: `${path} ${language} fits ${size.width}` }).toBeLessThanOrEqual(0);
      }
    }
  }
});
