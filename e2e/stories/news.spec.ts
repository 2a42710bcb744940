import { createECDH, randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@playwright/test";
import { Colleague } from "../api.ts";
import { withoutMap } from "../browser.ts";
import { nobodyIsShutOut, phone } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

test.use({ launchOptions: withoutMap });

// A push service on this machine, and a browser that believes in it: the real ones
// are far away. Everything between the button and the service is the real thing.
let district: District;
let service: Server;
const pushed: { path: string; bytes: number }[] = [];
const at = () => `http://127.0.0.1:${(service.address() as AddressInfo).port}`;

test.beforeAll(async () => {
  service = createServer((request, answer) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.on("end", () => {
      pushed.push({ path: request.url ?? "", bytes });
      answer.writeHead(201).end();
    });
  });
  await new Promise<void>((ready) => service.listen(0, "127.0.0.1", ready));
  district = await startDistrict("--requests", "0", "--set", "push-hosts=127.0.0.1");
});
test.afterAll(async ({ browser }) => {
  await district.stop(browser);
  service.close();
});

test("a resident lets this browser tell her of news, without an account, and ends it without a script", async ({ browser }) => {
  const keys = createECDH("prime256v1");
  keys.generateKeys();
  const context = await browser.newContext({ viewport: phone, locale: "zh-CN", timezoneId: "Asia/Shanghai", permissions: ["notifications"] });
  await context.addInitScript(
    ([endpoint, p256dh, auth]) => {
      const bytes = (s: string) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0)).buffer;
      const one = { endpoint, getKey: (name: string) => bytes(name === "auth" ? auth! : p256dh!), unsubscribe: () => Promise.resolve(true) };
      PushManager.prototype.subscribe = () => Promise.resolve(one as unknown as PushSubscription);
      PushManager.prototype.getSubscription = () => Promise.resolve(null);
      Notification.requestPermission = () => Promise.resolve("granted");
    },
    [`${at()}/resident`, keys.getPublicKey("base64"), randomBytes(16).toString("base64")] as const,
  );
  const page = await context.newPage();
  await page.goto(`${district.url}/report`);
  await page.getByRole("radio", { name: "垃圾", exact: true }).check();
  await page.getByLabel(/^哪个村或社区/).selectOption({ index: 1 });
  await page.getByLabel(/^靠近什么/).fill("村口桥头");
  await page.getByLabel("说一说").fill("桥头的垃圾堆了三天");
  await page.getByRole("button", { name: "报上去" }).click();
  await page.getByRole("link", { name: "看我报的事" }).click();
  const number = page.url().split("/").at(-1)!;

  const start = page.getByRole("button", { name: "用这个浏览器提醒我" });
  await expect(start).toBeVisible();
  await nobodyIsShutOut(page, "a report on which pushes are offered");
  await start.click();
  await expect(page.getByRole("status")).toContainText("这个浏览器会提醒您");
  await expect(page.getByRole("button", { name: "不用再提醒" })).toBeVisible();
  await nobodyIsShutOut(page, "a report that tells of news");

  // At night the message would wait; this story is told at any hour.
  const office = await browser.newContext();
  await office.request.post(`${district.url}/api/demo/session`, { data: { account: "hub-leader" } });
  const settings = await (await office.request.get(`${district.url}/api/notice-settings`)).json();
  const changed = await office.request.put(`${district.url}/api/notice-settings`, {
    headers: { "If-Match": `"${settings.version ?? 0}"`, "Idempotency-Key": crypto.randomUUID() },
    data: { ...settings, quiet_hours: { from: "00:00", to: "00:00" } },
  });
  expect(changed.ok(), await changed.text()).toBe(true);

  const village = await Colleague.of(district.url, "village");
  const hub = await Colleague.of(district.url, "hub");
  const { id } = await hub.finds(number);
  await village.moves(id, "accept").catch(() => hub.moves(id, "accept"));
  await expect.poll(() => pushed.length, { timeout: 20_000, message: "the push service has one message" }).toBe(1);
  expect(pushed[0]!.path).toBe("/resident");
  expect(pushed[0]!.bytes).toBeGreaterThan(100); // encrypted for the browser alone

  // Ending it is a form like any other; where there is no script nothing is offered.
  await page.getByRole("button", { name: "不用再提醒" }).click();
  await expect(page.getByRole("status")).toContainText("不再提醒");
  await expect(start).toBeVisible();
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState(), locale: "zh-CN" });
  const still = await plain.newPage();
  await still.goto(`${district.url}/my/${number}`);
  await expect(still.getByRole("heading", { name: number }).or(still.getByText(number)).first()).toBeVisible();
  await expect(still.getByRole("button", { name: "用这个浏览器提醒我" })).toBeHidden();
});
