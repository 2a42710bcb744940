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

test("a village is told at once, and the desk sees who has acknowledged it", async ({ browser }) => {
  const village = await Clerk.of(browser, district.url, "village");
  await village.page.goto(`${district.url}/desk/office/notices`);
  await expect(village.page.getByRole("heading", { level: 1, name: "发通知" })).toBeVisible();
  await expect(village.page.getByText("还没有通知")).toBeVisible();
  await nobodyIsShutOut(village.page, "no messages yet");
  await village.page.getByRole("button", { name: "写通知" }).click();
  const form = village.page.getByRole("dialog");
  await form.getByRole("checkbox", { name: /^专职网格员/ }).check();
  await expect(form.getByText(/^这里有 \d+ 个岗位。/)).toBeVisible();
  await form.getByLabel("标题（中文）").fill("明早八点清雪");
  await expect(form.getByRole("button", { name: /^发给 \d+ 个岗位/ })).toBeDisabled(); // a heading without a text
  await form.getByLabel("正文（中文）").fill("带铁锹，在村委会门口集合。");
  await form.getByRole("checkbox", { name: /^要每个人确认/ }).check();
  await expect(form.getByText("写完马上发。")).toBeVisible();
  await nobodyIsShutOut(village.page, "writing a message");
  await form.getByRole("button", { name: /^发给 \d+ 个岗位/ }).click();
  const shown = village.page.getByRole("region", { name: "明早八点清雪" });
  await expect(shown.getByText("发完了")).toBeVisible();
  const count = (name: string) => shown.getByRole("term").filter({ hasText: name }).locator("xpath=following-sibling::dd");
  await expect(count("通知到的人")).not.toHaveText("0");
  await expect(count("已确认")).toHaveText("0");

  const officer = await Clerk.of(browser, district.url, "officer");
  await officer.page.goto(`${district.url}/desk/inbox`);
  const row = officer.page.getByRole("main").getByRole("listitem").filter({ hasText: "明早八点清雪" });
  await expect(row).toContainText("带铁锹");
  await row.getByRole("button", { name: "我来办" }).click();
  await expect(count("已确认")).toHaveText("1", { timeout: 35_000 });

  // In English, on a telephone.
  await village.page.setViewportSize(phone);
  await village.page.getByRole("button", { name: "English" }).click();
  await expect(village.page.getByRole("heading", { name: "What became of it" })).toBeVisible();
  await nobodyIsShutOut(village.page, "what became of a message, on a telephone");
  await expect.poll(() => village.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
});

test("a street is told only after somebody else approved it", async ({ browser }) => {
  const street = await Clerk.of(browser, district.url, "street");
  await street.page.goto(`${district.url}/desk/office/notices`);
  await street.page.getByRole("button", { name: "写通知" }).click();
  const form = street.page.getByRole("dialog");
  const where = form.getByLabel("发给哪里");
  await where.selectOption((await where.locator("optgroup[label=街道] option").first().getAttribute("value")) ?? "");
  await form.getByRole("checkbox", { name: /^村居平台值班/ }).check();
  await form.getByLabel("标题（中文）").fill("周五防汛会");
  await form.getByLabel("正文（中文）").fill("每个村居来一人。");
  await expect(form.getByText(/先等另一人批准/)).toBeVisible();
  await form.getByRole("button", { name: "交给另一人批" }).click();
  const own = street.page.getByRole("region", { name: "周五防汛会" });
  await expect(own.getByText("等有批准权的另一人。")).toBeVisible();
  await expect(own.getByRole("button", { name: "批准并发出" })).toBeHidden();

  // Another one was a mistake: taken back before anybody decided.
  await street.page.getByRole("button", { name: "写通知" }).click();
  await where.selectOption((await where.locator("optgroup[label=街道] option").first().getAttribute("value")) ?? "");
  await form.getByLabel("标题（中文）").fill("写错了的通知");
  await form.getByLabel("正文（中文）").fill("日子写错了。");
  await form.getByRole("button", { name: "交给另一人批" }).click();
  const wrong = street.page.getByRole("region", { name: "写错了的通知" });
  await wrong.getByRole("button", { name: "收回" }).click();
  await expect(wrong.getByText(/收回，没有人收到/)).toBeVisible();
  await expect(wrong.getByRole("button", { name: "收回" })).toBeHidden();

  const leader = await Clerk.of(browser, district.url, "street-leader");
  await leader.page.goto(`${district.url}/desk/office/notices`);
  await leader.page.getByRole("button", { name: /周五防汛会/ }).click();
  const asked = leader.page.getByRole("region", { name: "周五防汛会" });
  await expect(asked.getByRole("button", { name: "不批准" })).toBeDisabled(); // without a reason
  await nobodyIsShutOut(leader.page, "approving a message");
  await asked.getByRole("button", { name: "批准并发出" }).click();
  await expect(asked.getByText("发完了")).toBeVisible();

  const village = await Clerk.of(browser, district.url, "village");
  await village.page.goto(`${district.url}/desk/inbox`);
  await expect(village.page.getByRole("main").getByRole("listitem").filter({ hasText: "周五防汛会" })).toContainText("每个村居来一人。");
});

test("the hub's leader changes quiet hours and a ladder, and reads what follows", async ({ browser }) => {
  const leader = await Clerk.of(browser, district.url, "hub-leader");
  await leader.page.goto(`${district.url}/desk/office/message-settings`);
  const { page } = leader;
  const quiet = page.getByRole("group", { name: "安静时段" });
  await expect(quiet.getByText("每天 21:30 到第二天 07:30，不紧急的等到结束才发；紧急的照发。")).toBeVisible();
  await quiet.getByLabel("从").fill("22:00");
  await expect(quiet.getByText(/^每天 22:00 到第二天 07:30/)).toBeVisible();
  const urgent = page.getByRole("group", { name: "紧急的" });
  await urgent.getByLabel("紧急的第 4 级在第一次提醒后几分钟").fill("1");
  await expect(urgent.getByRole("alert")).toContainText("分钟数要一级不小于一级");
  await expect(page.getByRole("button", { name: "保存" })).toBeDisabled();
  await urgent.getByLabel("紧急的第 4 级在第一次提醒后几分钟").fill("15");
  await expect(urgent.getByText(/15 分钟还没有回应就转给下一岗位。$/)).toBeVisible();
  await page.getByRole("button", { name: "一般的加一级" }).click();
  await nobodyIsShutOut(page, "the settings of messages");
  await page.getByRole("button", { name: "保存" }).click();
  await expect(page.getByRole("status").filter({ hasText: "已保存" })).toBeVisible();
  await page.reload();
  await expect(quiet.getByLabel("从")).toHaveValue("22:00");
  await page.setViewportSize(phone);
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.getByText("on to the next post if there is no answer after 15 minutes")).toBeVisible();
  await nobodyIsShutOut(page, "the settings of messages on a telephone");
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);

  // A street's leader may read them, and cannot change them.
  const street = await Clerk.of(browser, district.url, "street-leader");
  await street.page.goto(`${district.url}/desk/office/message-settings`);
  await expect(street.page.getByText("只有全区级的岗位能改，这里只能看。")).toBeVisible();
  await expect(street.page.getByRole("button", { name: "保存" })).toBeHidden();
});
