import { expect, test } from "@playwright/test";
import { Colleague } from "../api.ts";
import { withoutMap } from "../browser.ts";
import { Clerk, nobodyIsShutOut, phone } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

test("what is dispatched to me appears in the bell, and taking it is the answer", async ({ browser }) => {
  const department = await Clerk.of(browser, district.url, "department");
  await department.goesTo("mine");
  const bell = department.page.getByRole("link", { name: /^通知/ });
  await expect(bell).toBeVisible();

  const village = await Colleague.of(district.url, "village");
  const c = await village.reports("铃铛里要看到的一件");
  for (const move of ["accept", "file"]) await village.moves(c.id, move);
  await village.moves(c.id, "dispatch", { to: "城市管理经办 1" });

  await expect(department.page.getByRole("link", { name: /^通知，1 条没看/ })).toBeVisible({ timeout: 10_000 });
  await bell.click();
  const main = department.page.getByRole("main");
  await expect(main.getByRole("heading", { name: "通知" })).toBeVisible();
  const row = main.getByRole("listitem").filter({ hasText: c.number });
  await expect(row).toContainText("新事件");
  await nobodyIsShutOut(department.page, "the inbox");
  await row.getByRole("button", { name: "我来办" }).click();
  await expect(row).toContainText("你已接手");
  await expect(department.page.getByRole("link", { name: "通知", exact: true })).toBeVisible();

  // In English, on a telephone.
  await department.page.setViewportSize(phone);
  await department.page.getByRole("button", { name: "English" }).click();
  await expect(main.getByRole("heading", { name: "Inbox" })).toBeVisible();
  await nobodyIsShutOut(department.page, "the inbox on a telephone");
});

test("I say how I am reached, and nobody else sees it", async ({ browser }) => {
  const village = await Clerk.of(browser, district.url, "village");
  await village.goesTo("mine");
  await village.page.goto(`${district.url}/desk/inbox/channels`);
  const mail = village.page.getByRole("region", { name: "邮件" });
  await mail.getByLabel("邮箱地址").fill("demo@example.org");
  await mail.getByRole("button", { name: "保存" }).click();
  await expect(mail).toContainText("d***@example.org");
  await nobodyIsShutOut(village.page, "the channels");
});

test("the hub's leader changes a template, and what would show on a locked screen is refused", async ({ browser }) => {
  const leader = await Clerk.of(browser, district.url, "hub-leader");
  await leader.goesTo("open");
  await leader.page.goto(`${district.url}/desk/office/messages/s_new`);
  const form = leader.page.getByRole("main").locator("form");
  await expect(form).toContainText("短信算 1 条");
  await nobodyIsShutOut(leader.page, "the templates");
  const short = form.locator("textarea").nth(4);
  await short.fill("{place} 有新事件 {case_no}");
  await form.locator("textarea").nth(5).fill("New case {case_no} at {place}");
  await expect(form.getByRole("alert")).toContainText("有几处填得不对");
  await short.fill("有新事件 {case_no}");
  await form.locator("textarea").nth(5).fill("New case {case_no}");
  await form.getByRole("button", { name: "保存" }).click();
  await expect(form.getByRole("status")).toContainText("已保存");
  await leader.page.goto(`${district.url}/desk/office/undelivered`);
  await expect(leader.page.getByRole("heading", { name: "没送到的通知" })).toBeVisible();
  await nobodyIsShutOut(leader.page, "the undelivered messages");
});
