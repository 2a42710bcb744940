import { createHmac } from "node:crypto";
import { expect, test } from "@playwright/test";
import { nobodyIsShutOut, phone } from "../people.ts";
import { startInstallation } from "../start.ts";

let place: Awaited<ReturnType<typeof startInstallation>>;
test.beforeAll(async () => {
  place = await startInstallation();
});
test.afterAll(({ browser }) => place.stop(browser));

test("a new installation has three administrators, no password, and lets each in by a link that works once", async ({ browser }) => {
  expect(Object.keys(place.links).sort()).toEqual(["auditor", "security_admin", "system_admin"]);

  const context = await browser.newContext({ locale: "zh-CN", viewport: phone });
  const page = await context.newPage();
  const link = place.url + place.links.system_admin!;
  await page.goto(link);
  await expect(page.getByRole("heading", { level: 1, name: "开通账号" })).toBeVisible();
  expect(page.url(), "the secret has left the address").not.toContain("token=");
  await nobodyIsShutOut(page, "enrolment, password");

  const password = "gua-tian-li-xia-2026";
  await page.getByLabel(/^设一个密码/).fill(password);
  await page.getByLabel("再写一遍").fill(password);
  await page.getByRole("button", { name: "设好密码，下一步" }).click();
  const secret = (await page.locator("dd.secret").innerText()).trim();
  await nobodyIsShutOut(page, "enrolment, one-time code");
  await page.getByLabel(/6 位/).fill(oneTimeCode(secret));
  await page.getByRole("button", { name: "核对并完成开通" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "备用口令" })).toBeVisible();
  await nobodyIsShutOut(page, "enrolment, done");

  // The same link a second time opens nothing.
  const again = await context.newPage();
  await again.goto(link);
  await again.getByLabel(/^设一个密码/).fill(password);
  await again.getByLabel("再写一遍").fill(password);
  await again.getByRole("button", { name: "设好密码，下一步" }).click();
  await expect(again.getByText("没存上")).toBeVisible();
  await again.close();

  // Signed in with password and a code; the next code, since one serves once.
  await page.getByRole("link", { name: "登录" }).click();
  await nobodyIsShutOut(page, "sign-in with an account");
  await page.getByLabel("账号", { exact: true }).fill("system");
  await page.getByLabel("密码", { exact: true }).fill(password);
  await page.getByRole("button", { name: "登录", exact: true }).click();
  await page.getByLabel("动态口令").fill(oneTimeCode(secret, 1));
  await page.getByRole("button", { name: "核对口令并登录" }).click();
  await expect(page.getByRole("navigation")).toBeVisible();
  await nobodyIsShutOut(page, "the first page of an administrator");
});

/** The code that an authenticator shows (RFC 6238), some steps of 30 s ahead. */
function oneTimeCode(base32: string, ahead = 0): string {
  const bits = [...base32.replace(/=+$/, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g)!.map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19]! & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
