import { expect, test } from "@playwright/test";
import { Clerk, nobodyIsShutOut, phone } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

test("a department applies for an item, the grid centre admits it, and everybody can read it", async ({ browser }) => {
  const leader = await Clerk.of(browser, district.url, "department-leader");
  await leader.page.goto(`${district.url}/desk/catalog/new`);
  await expect(leader.page.getByRole("heading", { level: 1, name: "申请新事项" })).toBeVisible();
  const form = leader.page.getByRole("main");
  const pair = (name: string) => form.getByRole("group", { name, exact: true });
  await pair("名称").first().getByLabel("中文").fill("清雪除冰");
  await pair("名称").first().getByLabel("English").fill("Snow and ice");
  await pair("说明").getByLabel("中文").fill("清除道路积雪和结冰。");
  await pair("说明").getByLabel("English").fill("Clear snow and ice from roads.");
  await form.getByLabel("职能").selectOption({ label: "城市管理" });
  await form.getByLabel("编号").fill("04-05");
  await form.getByLabel("标识").fill("snow_ice");
  await pair("名称").nth(1).getByLabel("中文").fill("路面结冰");
  await pair("名称").nth(1).getByLabel("English").fill("Ice on the road");
  await pair("什么情况").getByLabel("中文").fill("路面有冰");
  await pair("什么情况").getByLabel("English").fill("There is ice on the road");
  await pair("什么时候算办结").getByLabel("中文").fill("路面无冰。");
  await pair("什么时候算办结").getByLabel("English").fill("No ice is left.");
  await form.getByRole("button", { name: "加一项内容" }).click();
  await pair("内容").getByLabel("中文").fill("路段");
  await pair("内容").getByLabel("English").fill("Stretch of road");
  await form.getByRole("button", { name: "看填表的样子" }).click();
  await expect(form.getByRole("region", { name: "看填表的样子" }).getByLabel("路段")).toBeVisible();
  await nobodyIsShutOut(leader.page, "application");
  await expect(form.getByText("还缺申请理由")).toBeVisible();
  await expect(form.getByLabel("申请单位")).toHaveValue("urban_management");
  await form.getByLabel("为什么要加或者要改").fill("今冬雪多");
  await form.getByRole("button", { name: "送去申请" }).click();
  const applied = leader.page.getByRole("article", { name: "清雪除冰" });
  await expect(applied.getByText("今冬雪多").first()).toBeVisible();
  await expect(applied.getByText("网格化服务管理中心决定以后才生效。")).toBeVisible();
  await nobodyIsShutOut(leader.page, "item applied for");

  // Not on the public list before it is admitted.
  const anybody = await (await browser.newContext({ javaScriptEnabled: false, viewport: phone, locale: "zh-CN" })).newPage();
  await anybody.goto(`${district.url}/items`);
  await expect(anybody.getByText("环境卫生").first()).toBeVisible();
  await expect(anybody.getByText("清雪除冰")).toHaveCount(0);

  const centre = await Clerk.of(browser, district.url, "grid-centre-leader");
  await centre.page.goto(`${district.url}/desk/catalog/snow_ice?show=waiting`);
  await centre.page.getByRole("button", { name: "批准", exact: true }).click();
  await expect(centre.page.getByText(/^在用 · 准入到/)).toBeVisible();
  await nobodyIsShutOut(centre.page, "item admitted");
  await anybody.reload();
  await expect(anybody.getByText("清雪除冰")).toHaveCount(1);
});

test("the register can be read in English and on a phone", async ({ browser }) => {
  const village = await Clerk.of(browser, district.url, "village");
  await village.page.goto(`${district.url}/desk/posts`);
  await village.page.getByRole("main").getByRole("listitem").first().getByRole("button").click();
  await village.page.goto(`${district.url}/desk/manage`);
  await nobodyIsShutOut(village.page, "pages to manage");
  await village.page.getByRole("link", { name: /^事项目录/ }).click();
  await village.page.getByRole("button", { name: "English" }).click();
  await village.page.setViewportSize(phone);
  await village.page.getByRole("link", { name: /^Cleanliness|^Environment/ }).first().click();
  await expect(village.page.getByRole("heading", { level: 3, name: "Purpose and basis" })).toBeVisible();
  await nobodyIsShutOut(village.page, "item on a phone");
});
