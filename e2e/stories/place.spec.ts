import { expect, test } from "@playwright/test";
import { withoutMap } from "../browser.ts";
import { Clerk, desk, nobodyIsShutOut, phone, Resident } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => void (district = await startDistrict("--requests", "0")));
test.afterAll(({ browser }) => district.stop(browser));

test("on the telephone: first letters and the keyboard find the place, and the case has its grid", async ({ browser }) => {
  const clerk = await Clerk.of(browser, district.url, "village");
  const { page } = clerk;
  await clerk.goesTo("mine");
  await page.getByRole("navigation").getByRole("link", { name: "登记新事" }).click();
  const find = page.getByRole("combobox", { name: "地址、设施、村居或网格" });
  await find.fill("wss"); // 卫生室
  await expect(page.getByRole("option", { name: /卫生室/ }).first()).toBeVisible();
  await find.press("ArrowDown");
  await find.press("ArrowUp");
  await nobodyIsShutOut(page, "intake with addresses found");
  await find.press("Enter");
  await expect(page.getByRole("status").filter({ hasText: /卫生室/ })).toBeVisible();
  await expect(find).toHaveValue("");
});

test("facilities: somebody finds one, adds another, and ends it", async ({ browser }) => {
  const { page } = await Clerk.of(browser, district.url, "village");
  await page.goto(`${district.url}/desk/facilities`);
  await page.getByRole("searchbox", { name: "汉字、拼音或首字母" }).fill("weishengshi");
  await page.getByRole("button", { name: /卫生室/ }).first().click();
  const card = page.getByRole("region", { name: /卫生室/ });
  await expect(card.getByText("编造的演示数据")).toBeVisible();
  await nobodyIsShutOut(page, "facilities");
  await page.getByRole("button", { name: "添加设施" }).click();
  const form = page.getByRole("dialog", { name: "添加设施" });
  await form.getByLabel("类型").selectOption({ label: "文化礼堂" });
  await form.getByLabel("名称").fill("演示小礼堂");
  await form.getByRole("searchbox").fill("村");
  await form.getByRole("listitem").first().getByRole("button").click();
  await nobodyIsShutOut(page, "the form of a facility");
  await form.getByRole("button", { name: "保存地点" }).click();
  await expect(page.getByRole("region", { name: /演示小礼堂/ })).toBeVisible();
  await page.getByRole("button", { name: "停用" }).click();
  await page.getByRole("button", { name: "停用它" }).click();
  await expect(page.getByRole("region", { name: /演示小礼堂/ })).toBeHidden();
});

test("addresses: one goes down from the village to the house, also on a phone", async ({ browser }) => {
  const { page } = await Clerk.of(browser, district.url, "hub");
  await page.setViewportSize(desk);
  await page.goto(`${district.url}/desk/addresses`);
  await page.getByRole("button", { name: /村下面的地址$/ }).first().click();
  await page.getByRole("button", { name: /[路街]下面的地址$/ }).first().click();
  await expect(page.getByRole("button", { name: /^1号/ })).toBeVisible();
  await expect(page.getByRole("navigation", { name: "地址层级" })).toContainText("›");
  await page.setViewportSize(phone);
  await expect(page.getByRole("button", { name: /^1号/ })).toBeVisible();
  await nobodyIsShutOut(page, "addresses on a phone");
});

test("a resident without a map or script looks for the place on the form", async ({ browser }) => {
  const resident = await Resident.comes(browser, district.url);
  await resident.beginsReport();
  const { page } = resident;
  await page.getByLabel(/^路名、小区或附近的设施/).fill("卫生室");
  await page.getByRole("button", { name: "查找" }).click();
  await page.getByRole("radio", { name: /卫生室/ }).first().check();
  await resident.isNotShutOut("the report form with places found");
  await page.getByRole("radio", { name: "垃圾" }).check({ force: true });
  await page.getByLabel("说一说").fill("门口有垃圾");
  await page.getByRole("button", { name: "报上去" }).click();
  await expect(page.getByRole("heading", { name: "收到了" })).toBeVisible();
});
