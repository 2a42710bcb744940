import { expect, test } from "@playwright/test";
import { Colleague } from "../api.ts";
import { withoutMap } from "../browser.ts";
import { Clerk, nobodyIsShutOut } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

test.use({ launchOptions: withoutMap });

let district: District;
let crossing: { lon: number; lat: number };
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
  const village = await Colleague.of(district.url, "village");
  crossing = await village.point();
  await village.leaves();
});
test.afterAll(({ browser }) => district.stop(browser));

test("a camera is registered with its purpose and sign, gets a credential and speaks", async ({ browser, request }) => {
  const keeper = await Clerk.of(browser, district.url, "devices");
  const page = keeper.page;
  await page.goto(`${district.url}/desk/office/devices`);
  await page.getByRole("button", { name: "登记设备" }).first().click();
  const list = page.getByRole("region", { name: "设备", exact: true });
  await list.locator("form").getByLabel("类别").selectOption({ label: "摄像机" });
  await list.getByLabel("设备号").fill("CAM-1");
  await list.getByLabel("名称（中文）").fill("演示路口");
  await list.getByLabel("经度").fill(String(crossing.lon));
  await list.getByLabel("纬度").fill(String(crossing.lat));
  await list.getByLabel("归谁管").selectOption({ index: 1 });
  await list.getByLabel("用途").fill("看护公共通道");
  await list.getByLabel("告示牌文字（中文）").fill("此处有公共摄像机");
  await list.getByLabel("告示牌文字（英文）").fill("Public camera here");
  await list.locator("form").getByRole("button", { name: "登记设备" }).click();
  const card = page.getByRole("region", { name: "演示路口" });
  await expect(card).toContainText("还没上线");
  await nobodyIsShutOut(page, "the devices");
  await card.getByRole("button", { name: "发放凭证" }).click();
  const credential = await card.locator("code").innerText();
  const beat = await request.post(`${district.url}/api/device/heartbeat`, { headers: { Authorization: `Bearer ${credential}` } });
  expect(beat.status()).toBe(200);
  await page.reload();
  await expect(page.getByRole("region", { name: "演示路口" })).toContainText("在线");
});
