import { expect, type Page, test } from "@playwright/test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { withoutMap } from "../browser.ts";
import { desk, nobodyIsShutOut, phone, sits } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

test.use({ launchOptions: withoutMap });

const provider = "市统一认证（演示）";
const secret = "a secret that only the two of them know";
let district: District;
let idp: ChildProcess;
let folder: string;

const freePort = () =>
  new Promise<number>((found) => {
    const s = createServer().listen(0, "127.0.0.1", () => {
      const { port } = s.address() as { port: number };
      s.close(() => found(port));
    });
  });

test.beforeAll(async () => {
  const port = await freePort();
  folder = mkdtempSync(join(tmpdir(), "onegrid-oidc-"));
  const file = join(folder, "oidc.json");
  writeFileSync(file, JSON.stringify([{ key: "city", name: { "zh-CN": provider, en: "City sign-in (demo)" }, issuer: `http://127.0.0.1:${port}`, client_id: "onegrid", client_secret_env: "CITY_SECRET" }]));
  Object.assign(process.env, { ONEGRID_OIDC_FILE: file, CITY_SECRET: secret });
  district = await startDistrict("--requests", "0");
  idp = spawn(process.execPath, [resolve(import.meta.dirname, "../idp.mjs"), String(port), district.url], { stdio: ["ignore", "pipe", "ignore"] });
  await new Promise<void>((ready, failed) => {
    createInterface({ input: idp.stdout! }).once("line", () => ready());
    idp.once("exit", (code) => failed(new Error(`the provider ended with ${code}`)));
  });
});
test.afterAll(async ({ browser }) => {
  idp?.kill();
  delete process.env.ONEGRID_OIDC_FILE;
  delete process.env.CITY_SECRET;
  await district?.stop(browser);
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Signs in on the provider's own pages. */
async function signsInThere(page: Page, name: string): Promise<void> {
  await page.locator("input[name=login]").fill(name);
  await page.locator("input[name=password]").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

test("somebody signs in at the city's provider once two administrators agreed who he is there", async ({ browser }) => {
  const context = await browser.newContext({ viewport: desk, locale: "zh-CN", timezoneId: "Asia/Shanghai" });
  const page = await context.newPage();
  await page.goto(`${district.url}/desk/sign-in?to=/security`);
  await nobodyIsShutOut(page, "sign-in with a provider");

  // Who gives up there is told so.
  await page.getByRole("button", { name: `用${provider}登录` }).click();
  await page.getByRole("link", { name: /Cancel/ }).click();
  await expect(page.getByText(`你在${provider}取消了登录`)).toBeVisible();

  // Nobody is linked yet: the page tells the number to be linked.
  await page.getByRole("button", { name: `用${provider}登录` }).click();
  await signsInThere(page, "lixiaocun-2071");
  await expect(page.getByText("还没有关联到这里的账号")).toBeVisible();
  await expect(page.getByText("lixiaocun-2071")).toBeVisible();
  await nobodyIsShutOut(page, "unknown at the provider");
  await page.setViewportSize(phone);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width);
  await page.setViewportSize(desk);

  const system = await sits(browser, district.url, "system-admin", "accounts");
  await system.getByRole("button", { name: "village", exact: true }).click();
  await system.getByRole("button", { name: "关联一个身份" }).click();
  await system.getByLabel("对方系统里的编号").fill("lixiaocun-2071");
  await nobodyIsShutOut(system, "linking an identity");
  await system.getByRole("button", { name: "关联", exact: true }).click();
  await expect(system.getByText("等放行", { exact: true })).toBeVisible();

  // Until the other administrator released it, it opens nothing.
  await page.getByRole("button", { name: `用${provider}登录` }).click();
  await expect(page.getByText("还等安全管理员放行")).toBeVisible();

  const security = await sits(browser, district.url, "security-admin", "accounts");
  await security.getByRole("button", { name: "village", exact: true }).click();
  await security.getByRole("button", { name: "放行", exact: true }).click();
  await expect(security.getByText("可以登录", { exact: true }).last()).toBeVisible();

  await page.getByRole("button", { name: `用${provider}登录` }).click();
  await expect(page).toHaveURL(/\/desk\/security$/);
  await expect(page.getByRole("heading", { name: "统一认证" })).toBeVisible();
  await expect(page.getByText("lixiaocun-2071")).toBeVisible();
  await nobodyIsShutOut(page, "my sign-in with an identity");

  // Signing out here asks to sign out there, and comes back.
  await page.locator("header .me > button").click();
  await page.getByRole("button", { name: "退出登录" }).click();
  await page.getByRole("button", { name: /Yes, sign me out/ }).click();
  await expect(page).toHaveURL(new RegExp(`^${district.url}/desk/sign-in`));
  await page.goto(`${district.url}/desk/sign-in`);
  await page.getByRole("button", { name: `用${provider}登录` }).click();
  await expect(page.locator("input[name=login]"), "the provider forgot too").toBeVisible();

  // An administrator is linked to nobody.
  await system.goto(`${district.url}/desk/accounts`);
  await system.getByRole("button", { name: "auditor", exact: true }).click();
  await system.getByRole("button", { name: "关联一个身份" }).click();
  await system.getByLabel("对方系统里的编号").fill("auditor-1");
  await system.getByRole("button", { name: "关联", exact: true }).click();
  await expect(system.getByText("只能用本地账号登录")).toBeVisible();
  for (const p of [page, system, security]) await p.context().close();
});
