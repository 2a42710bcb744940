import { expect, test } from "@playwright/test";
import { Colleague } from "../api.ts";
import { withoutMap } from "../browser.ts";
import { Clerk, nobodyIsShutOut, Resident } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

// What is kept about people: who may read the register, how a person asks, and
// how two people decide to erase.
test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

test("a resident reads who looked, takes a copy and asks; the officer sees it, two people erase", async ({ browser }) => {
  const village = await Colleague.of(district.url, "village");
  const resident = await Resident.comes(browser, district.url);
  await resident.reports({ what: "垃圾", village: /^西梁村/, text: "门口垃圾桶满了", phone: "13800130029" });
  const c = await village.finds(resident.number);
  await village.reveals(c.id, "contact", "问清地点");

  await resident.looks();
  await resident.page.getByRole("link", { name: "谁看过、取副本、更正或删除" }).click();
  const page = resident.page;
  await expect(page.getByRole("main")).toContainText("近 30 天，1 次");
  await expect(page.getByRole("main")).toContainText("看到：报事人电话");
  await resident.isNotShutOut("who read my data");
  const copy = page.waitForEvent("download");
  await page.getByRole("button", { name: "下载我的数据" }).click();
  expect((await copy).suggestedFilename()).toContain(".json");
  await page.getByRole("radio", { name: "删除" }).check({ force: true });
  await page.getByRole("button", { name: "告诉他们" }).click();
  await expect(page.getByRole("status")).toContainText("收到了");

  const officer = await Clerk.of(browser, district.url, "data-protection");
  await officer.page.goto(`${district.url}/desk/data/requests`);
  await expect(officer.page.getByRole("main")).toContainText(resident.number);
  await nobodyIsShutOut(officer.page, "requests");
  await officer.page.getByRole("button", { name: "提出删除" }).first().click();
  await officer.page.getByRole("button", { name: "提出", exact: true }).click();
  await expect(officer.page.getByRole("main")).toContainText("等第二人决定");

  const leader = await Clerk.of(browser, district.url, "hub-leader");
  await leader.page.goto(`${district.url}/desk/data/requests`);
  await leader.page.getByRole("button", { name: "做决定" }).click();
  await leader.page.getByRole("button", { name: "批准删除" }).click();
  await expect(leader.page.getByRole("main")).toContainText(/正在删除|已删除/);
});

test("everybody on the staff reads the register, the agreements and the terms", async ({ browser }) => {
  const officer = await Clerk.of(browser, district.url, "data-protection");
  for (const [path, seen] of [
    ["data", "报事人电话"],
    ["data/agreements", "上门办理前联系报事人"],
    ["data/retention", "保存类别"],
    ["data/mine", "账号记录"],
  ] as const) {
    await officer.page.goto(`${district.url}/desk/${path}`);
    await expect(officer.page.getByRole("main")).toContainText(seen);
    await nobodyIsShutOut(officer.page, path);
  }
});
