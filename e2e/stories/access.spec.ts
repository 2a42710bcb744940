import { expect, test } from "@playwright/test";
import { createHmac } from "node:crypto";
import { withoutMap } from "../browser.ts";
import { desk, nobodyIsShutOut, phone, sits } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

/** What an authenticator app shows for a secret (RFC 6238). */
function authenticator(secret: string, at = Date.now()): string {
  let bits = "";
  for (const c of secret) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g)!.map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = mac[19]! & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const password = "渡口的石狮子 4217";

test("an account is made by one administrator, released by another, and set up by its owner", async ({ browser }) => {
  const system = await sits(browser, district.url, "system-admin", "");
  await expect(system).toHaveURL(/\/desk\/manage/);
  await system.getByRole("link", { name: /^账号/ }).click();
  await expect(system.getByRole("heading", { level: 1, name: "账号" })).toBeVisible();
  await nobodyIsShutOut(system, "accounts");
  await system.getByRole("button", { name: "建一个账号" }).click();
  await system.getByLabel("人员").fill("演示新人");
  await system.getByRole("button", { name: "名册里没有，把“演示新人”加进去" }).click();
  await system.getByLabel("账号", { exact: true }).fill("yanshi.xinren");
  await nobodyIsShutOut(system, "account form");
  await system.getByRole("button", { name: "建账号", exact: true }).click();
  await system.getByRole("button", { name: "发开通链接" }).click();
  const link = await system.getByRole("textbox", { name: "链接" }).inputValue();
  await nobodyIsShutOut(system, "account with its link");

  const owner = await (await browser.newContext({ viewport: phone, locale: "zh-CN" })).newPage();
  await owner.goto(link);
  await owner.getByLabel("设一个密码").fill(password);
  await owner.getByLabel("再写一遍").fill(password);
  await owner.getByRole("button", { name: "设好密码，下一步" }).click();
  const secret = await owner.locator("dd.secret").innerText();
  await owner.getByLabel("验证器上显示的 6 位数字").fill(authenticator(secret));
  await owner.getByRole("button", { name: "核对并完成开通" }).click();
  await expect(owner.getByRole("heading", { name: "开通了" })).toBeVisible();

  const security = await sits(browser, district.url, "security-admin", "accounts?is=to_release");
  await security.getByRole("button", { name: "yanshi.xinren" }).click();
  await security.getByRole("button", { name: "放行", exact: true }).click();
  await expect(security.getByText("密码和动态口令都由本人保管。")).toBeVisible();
  await security.getByRole("button", { name: "关上" }).click();

  // Rights come from the security administrator, and end at a word.
  await security.goto(`${district.url}/desk/grants`);
  await security.getByRole("button", { name: "授一个角色" }).click();
  await security.getByLabel("人员").fill("演示新人");
  await security.getByRole("button", { name: /^演示新人/ }).click();
  await security.getByRole("combobox", { name: "角色" }).selectOption({ label: "中枢值班领导" });
  await security.getByLabel("为什么").fill("顶替请假的同事");
  await expect(security.getByText(/演示新人马上有“中枢值班领导”的 \d+ 项权限/)).toBeVisible();
  await nobodyIsShutOut(security, "grant form");
  await security.getByRole("button", { name: "授给他" }).click();
  const row = security.getByRole("row", { name: /演示新人/ });
  await expect(row).toContainText("中枢值班领导");
  await nobodyIsShutOut(security, "grants");
  await row.getByRole("button", { name: "结束" }).click();
  await security.getByRole("button", { name: "现在结束" }).click();
  await expect(row).toBeHidden();

  // The auditor reads both and changes nothing.
  const auditor = await sits(browser, district.url, "auditor", "grants");
  await auditor.getByRole("button", { name: /^已结束/ }).click();
  await expect(auditor.getByRole("row", { name: /演示新人/ })).toContainText("顶替请假的同事");
  await expect(auditor.getByRole("button", { name: "授一个角色" })).toBeHidden();
  for (const p of [system, owner, security, auditor]) await p.context().close();
});

test("somebody makes a passkey, signs in with it, and takes it away", async ({ browser }) => {
  const site = district.url.replace("127.0.0.1", "localhost"); // a passkey needs a name, an address is none
  const context = await browser.newContext({ viewport: desk, locale: "zh-CN", timezoneId: "Asia/Shanghai" });
  await context.request.post(`${site}/api/demo/session`, { data: { account: "village" } });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await page.goto(`${site}/desk/security`);
  await page.getByRole("button", { name: "添加一个通行密钥" }).click();
  await page.getByLabel("起个名字").fill("值班室电脑");
  await page.getByRole("button", { name: "存下" }).click();
  await expect(page.getByText("值班室电脑")).toBeVisible();
  await page.getByRole("button", { name: "添加一个通行密钥" }).click();
  await expect(page.getByText("这台设备上已经有一个了。")).toBeVisible();
  await nobodyIsShutOut(page, "my sign-in with a passkey");

  await context.clearCookies();
  await page.goto(`${site}/desk/sign-in?to=/security`);
  await page.getByText("用账号登录").click();
  await page.getByRole("button", { name: "用通行密钥登录" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "值班室电脑" })).toContainText("用过");
  await page.getByRole("button", { name: "改名" }).click();
  await page.getByRole("textbox", { name: "起个名字" }).fill("窗口电脑");
  await page.getByRole("button", { name: "存下" }).click();
  await expect(page.getByText("窗口电脑")).toBeVisible();
  await page.getByRole("button", { name: "删掉" }).click();
  await page.getByRole("button", { name: "删掉" }).click();
  await expect(page.getByText("窗口电脑")).toBeHidden();

  // What was taken away opens nothing.
  await context.clearCookies();
  await page.goto(`${site}/desk/sign-in`);
  await page.getByText("用账号登录").click();
  await page.getByRole("button", { name: "用通行密钥登录" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page).toHaveURL(/sign-in/);
  await context.close();
});

test("somebody sees where he is signed in, and signs one place out", async ({ browser }) => {
  const here = await sits(browser, district.url, "street", "security");
  const there = await sits(browser, district.url, "street", "security", phone);
  await here.reload();
  await expect(here.getByText("登录着的设备")).toBeVisible();
  await nobodyIsShutOut(here, "my sign-in");
  await nobodyIsShutOut(there, "my sign-in on a phone");
  await here.getByRole("listitem").filter({ hasNot: here.getByText("这里", { exact: true }) }).getByRole("button", { name: "让它退出" }).first().click();
  await expect(here.getByRole("button", { name: "让它退出" })).toBeHidden();
  await there.reload();
  await expect(there.getByRole("heading", { level: 1, name: /演示|登录/ })).toBeVisible();
  for (const p of [here, there]) await p.context().close();
});
