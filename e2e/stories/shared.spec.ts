import { expect, test } from "@playwright/test";
import { withoutMap } from "../browser.ts";
import { desk, fitsPhone, nobodyIsShutOut, phone, sits } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));


test("a phone is enrolled, opened by a number, and ended", async ({ browser }) => {
  const street = await sits(browser, district.url, "street", "security");
  await street.getByRole("button", { name: "设一个开机码" }).click();
  await street.getByLabel("新的开机码").fill("111111");
  await street.getByRole("button", { name: "就用这个" }).click();
  await expect(street.getByText("别用重复或连着的")).toBeVisible();
  await street.getByLabel("新的开机码").fill("402917");
  await street.getByRole("button", { name: "就用这个" }).click();
  await expect(street.getByText("开机码设好了")).toBeVisible();

  await street.goto(`${district.url}/desk/shared-devices`);
  await expect(street.getByText("还没有共用设备")).toBeVisible();
  await street.getByRole("button", { name: "登记一台" }).click();
  await street.getByLabel("叫什么").fill("演示巡查手机 1");
  await street.getByLabel("哪个单位用").selectOption({ index: 1 });
  await nobodyIsShutOut(street, "registering a shared device");
  await street.getByRole("button", { name: "登记", exact: true }).click();
  await street.getByRole("button", { name: "出一个码" }).click();
  const link = await street.getByRole("textbox", { name: "链接" }).inputValue();
  await nobodyIsShutOut(street, "the code of a shared device");
  await fitsPhone(street);

  const name = ((await (await street.request.get(`${district.url}/api/session`)).json()) as { person: { name: string } }).person.name;
  const context = await browser.newContext({ viewport: phone, locale: "zh-CN", timezoneId: "Asia/Shanghai" });
  const device = await context.newPage();
  await device.goto(link);
  await expect(device.getByRole("heading", { name: "现在谁用" })).toBeVisible();
  expect(device.url(), "the code leaves the address bar").not.toContain("#");
  await nobodyIsShutOut(device, "a locked device");
  expect(await device.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width);
  await device.getByRole("button", { name: name }).click();
  await device.getByLabel(`${name}的开机码`).fill("402918");
  await device.getByRole("button", { name: "打开", exact: true }).click();
  await expect(device.getByText("开机码不对")).toBeVisible();
  await nobodyIsShutOut(device, "a wrong number");
  await device.getByLabel(`${name}的开机码`).fill("402917");
  await device.getByRole("button", { name: "打开", exact: true }).click();
  await expect(device).not.toHaveURL(/device/);
  const me = (await (await device.request.get(`${district.url}/api/session`)).json()) as { shared_device: string };
  expect(me.shared_device).toBe("演示巡查手机 1");

  // The same code serves no second phone.
  const second = await (await browser.newContext({ viewport: phone, locale: "zh-CN" })).newPage();
  await second.goto(link);
  await expect(second.getByText("这不是共用设备", { exact: true })).toBeVisible();
  await nobodyIsShutOut(second, "no shared device");

  await street.reload();
  await expect(street.getByText(`${name} · 打开使用`)).toBeVisible();
  await street.getByRole("button", { name: "停用", exact: true }).click();
  await street.getByRole("button", { name: "停用", exact: true }).click();
  await expect(street.getByText("已停用").first()).toBeVisible();
  await nobodyIsShutOut(street, "an ended device");
  await device.goto(`${district.url}/desk/work`);
  await expect(device.getByText("这不是共用设备", { exact: true })).toBeVisible();
  for (const p of [street, device, second]) await p.context().close();
});
