import { expect, test } from "@playwright/test";
import { withoutMap } from "../browser.ts";
import { desk, fitsPhone, nobodyIsShutOut, sits } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

const inDays = (n: number) => new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 10);

test("a street desk delegates a part of its post, the other accepts, and it is taken back", async ({ browser }) => {
  // Whom it can be delegated to, the server says: somebody near with an account.
  const holder = await sits(browser, district.url, "street", "delegations");
  await expect(holder.getByText("没有委托", { exact: true })).toBeVisible();
  await nobodyIsShutOut(holder, "no delegations");
  const me = (await (await holder.request.get(`${district.url}/api/session`)).json()) as { post_id: string; person: { name: string } };
  const near = (await (await holder.request.get(`${district.url}/api/org/posts/${me.post_id}/delegable`)).json()) as { people: { name: string }[] };
  const accounts = (await (await holder.request.get(`${district.url}/api/demo/accounts`)).json()) as { items: { account: string; name: string }[] };
  const colleague = accounts.items.find((a) => a.account !== "street" && near.people.some((p) => p.name === a.name))!;
  expect(colleague, "a colleague with an account").toBeTruthy();

  await holder.getByRole("button", { name: "委托别人" }).click();
  await holder.getByLabel("委托给谁").selectOption({ label: colleague.name });
  await holder.getByLabel("派遣", { exact: true }).check();
  await holder.getByLabel("到哪天为止").fill(inDays(5));
  await holder.getByLabel("为什么").fill("外出培训五天");
  await expect(holder.getByText(`${colleague.name}接受后`)).toBeVisible();
  await nobodyIsShutOut(holder, "delegation form");
  await fitsPhone(holder);
  await holder.getByRole("button", { name: "请他代办" }).click();
  await expect(holder.getByText("等接受")).toBeVisible();

  const other = await sits(browser, district.url, colleague.account, "delegations");
  await expect(other.getByText("外出培训五天")).toBeVisible();
  await other.getByRole("button", { name: "接受", exact: true }).click();
  await expect(other.getByText("有效", { exact: true })).toBeVisible();
  await nobodyIsShutOut(other, "a delegation that was accepted");
  await fitsPhone(other);
  // The post can be chosen now, and says in whose name.
  await other.goto(`${district.url}/desk/posts`);
  await other.getByRole("button", { name: new RegExp(`受${me.person.name.replace(/[()（）]/g, ".")}委托`) }).click();
  await other.goto(`${district.url}/desk/delegations`);
  await expect(other.getByText("只有任职的人能委托")).toBeVisible();

  await holder.reload();
  await holder.getByRole("button", { name: "收回" }).click();
  await holder.getByRole("button", { name: "现在结束" }).click();
  await expect(holder.getByText("已结束")).toBeVisible();
  await other.goto(`${district.url}/desk/posts`);
  await expect(other.getByText(/受.*委托/)).toBeHidden();
  for (const p of [holder, other]) await p.context().close();
});

test("whoever is refused again and again is told to the security administrator, who looks and says what it was", async ({ browser }) => {
  const security = await sits(browser, district.url, "security-admin", "unusual-use");
  // At night the sign-ins of this story are told too; by day there is nothing yet.
  await security.getByRole("button", { name: "规则和数" }).click();
  const rule = security.getByRole("group", { name: "反复被拒绝" });
  await rule.getByLabel("一小时几次").fill("5");
  await nobodyIsShutOut(security, "rules of the alarms");
  await fitsPhone(security);
  await security.getByRole("button", { name: "按这个数" }).click();
  await expect(security.getByRole("button", { name: "按这个数" })).toBeHidden();
  await security.getByRole("button", { name: "关上" }).click();

  const officer = await sits(browser, district.url, "village", "");
  for (let i = 0; i < 6; i++) expect((await officer.request.get(`${district.url}/api/accounts/people`)).status()).toBe(403);
  for (let i = 0; i < 6; i++) expect((await officer.request.post(`${district.url}/api/grants`, { data: {} })).status()).toBeGreaterThanOrEqual(400);

  const row = security.getByRole("row", { name: /反复被拒绝/ });
  await expect(async () => {
    await security.reload();
    await expect(row).toBeVisible({ timeout: 3_000 });
  }).toPass({ timeout: 60_000 });
  await nobodyIsShutOut(security, "alarms");
  await fitsPhone(security);
  await row.getByRole("button", { name: "反复被拒绝" }).click();
  await expect(security.getByText("背后的日志")).toBeVisible();
  await expect(security.getByRole("listitem").filter({ hasText: "被拒绝" }).first()).toBeVisible();
  await security.getByLabel("看下来是什么情况").fill("新来的同事在熟悉系统，已告诉他哪些不归他。");
  await nobodyIsShutOut(security, "one alarm");
  await security.getByRole("button", { name: "记下，已看过" }).click();
  await expect(row).toBeHidden();

  const auditor = await sits(browser, district.url, "auditor", "unusual-use?show=all");
  await auditor.getByRole("button", { name: "反复被拒绝" }).click();
  await expect(auditor.getByText("新来的同事在熟悉系统")).toBeVisible();
  await expect(auditor.getByRole("button", { name: "记下，已看过" })).toBeHidden();
  for (const p of [security, officer, auditor]) await p.context().close();
});

test("the security administrator goes over who may do what, and nobody decides about himself", async ({ browser }) => {
  const security = await sits(browser, district.url, "security-admin", "access-reviews");
  await expect(security.getByText("还没有复核过")).toBeVisible();
  await nobodyIsShutOut(security, "no rounds");
  await security.getByRole("button", { name: "开一轮复核" }).click();
  await security.getByLabel("名称").fill("四季度复核");
  await security.getByLabel("哪天前办完").fill(inDays(14));
  await nobodyIsShutOut(security, "open a round");
  await security.getByRole("button", { name: "现在开始" }).click();

  await expect(security.getByRole("heading", { name: "四季度复核" })).toBeVisible();
  await expect(security.getByRole("row").nth(2)).toBeVisible();
  await nobodyIsShutOut(security, "a round");
  await fitsPhone(security);
  await security.getByLabel("类别").selectOption({ label: "任职" });
  await expect(security).toHaveURL(/kind=holding/);
  await security.getByRole("button", { name: "选中列出的" }).click();
  await security.getByRole("button", { name: /^保留选中的/ }).click();
  await expect(security.getByText(/已保留 \d+ 项/)).toBeVisible();

  const me = (await (await security.request.get(`${district.url}/api/session`)).json()) as { person: { name: string } };
  await security.getByLabel("类别").selectOption({ label: "账号" });
  await expect(security).toHaveURL(/kind=account/);
  await security.getByLabel("按姓名找").fill(me.person.name);
  await security.getByLabel("按姓名找").press("Enter");
  await security.getByRole("button", { name: me.person.name }).last().click();
  await expect(security.getByText("说的是你自己，要由别人决定。")).toBeVisible();
  await nobodyIsShutOut(security, "one's own row");
  await security.getByRole("button", { name: "关上" }).click();
  await expect(security.getByRole("button", { name: "结束这一轮" })).toBeDisabled();

  // In the demo every right is new: nothing lay idle for ninety days.
  await security.getByRole("button", { name: "90 天没用" }).click();
  await expect(security.getByText("没有相符的")).toBeVisible();

  const auditor = await sits(browser, district.url, "auditor", "access-reviews");
  await auditor.getByRole("link", { name: "四季度复核" }).click();
  await expect(auditor.getByRole("row").nth(1)).toBeVisible();
  await expect(auditor.getByRole("button", { name: /^保留选中的/ })).toBeHidden();
  for (const p of [security, auditor]) await p.context().close();
});
