import { expect, type Page, test } from "@playwright/test";
import { Colleague } from "../api.ts";
import { withoutMap } from "../browser.ts";
import { Clerk, phone, Resident } from "../people.ts";
import { photoFile } from "../photo.ts";
import { type District, startDistrict } from "../start.ts";

// A resident applies for an allowance on a phone whose browser runs no script,
// and the desks review, ask for papers, post, decline, decide the appeal and pay.
test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

/** The page has nothing that shuts somebody out, in both sizes of type, and fits a phone. */
async function isForEverybody(resident: Resident, where: string): Promise<void> {
  await resident.isNotShutOut(where);
  await fits(resident, where);
}

async function fits(resident: Resident, where: string): Promise<void> {
  // without script the page is measured by what a second browser makes of it
  const html = await resident.page.content();
  const address = resident.page.url();
  for (const size of ["normal", "large"]) {
    const context = await resident.page.context().browser()!.newContext({ viewport: phone, storageState: await resident.page.context().storageState() });
    const page = await context.newPage();
    await page.route(address, (route) => route.fulfill({ body: html.replace('data-size="normal"', `data-size="${size}"`), contentType: "text/html; charset=utf-8" }));
    await page.goto(address);
    await keeps(page, `${where}, ${size} type`);
    await context.close();
  }
}

/** The resident's page says so, as soon as the desk's act is through. */
async function isTold(resident: Resident, words: string): Promise<void> {
  await expect(async () => {
    await resident.looks();
    await expect(resident.page.getByRole("main")).toContainText(words, { timeout: 300 });
  }).toPass({ timeout: 20_000 });
}

async function keeps(page: Page, where: string): Promise<void> {
  if (process.env.ONEGRID_SHOTS) await page.screenshot({ path: `${process.env.ONEGRID_SHOTS}/${where.replaceAll(/[^a-z]+/g, "-")}.png`, fullPage: true });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), `${where} fits a phone`).toBeLessThanOrEqual(0);
}

test("an allowance from the form to the payment, with papers, a posting and an appeal", async ({ browser }) => {
  const resident = await Resident.comes(browser, district.url);
  const page = resident.page;
  const main = page.getByRole("main");

  // What there is, what is needed, how long it takes.
  await page.goto(district.url);
  await page.getByRole("link", { name: "申请补助、登记、报名" }).click();
  await isForEverybody(resident, "services");
  await page.getByRole("link", { name: "困难补助申请" }).click();
  await expect(main).toContainText("受理后 20 个工作日（法定期限）内，作出决定");
  await isForEverybody(resident, "service");
  await page.getByRole("link", { name: "开始填写" }).click();
  await isForEverybody(resident, "application form");

  // Refused in words, listed and beside the fields; nothing typed is lost.
  await page.getByLabel("申请理由").fill("家里有人住院，收入断了。");
  await page.getByLabel("家庭人口").fill("两人");
  await page.getByRole("button", { name: "交上去" }).click();
  const wrong = page.getByRole("alert");
  await expect(wrong).toContainText("还没有交上去");
  await expect(wrong.getByRole("link", { name: /^家庭人口/ })).toHaveAttribute("href", "#q-household_size");
  await expect(page.getByLabel("申请理由")).toHaveValue("家里有人住院，收入断了。");
  await isForEverybody(resident, "refused application");
  await wrong.getByRole("link", { name: /^家庭人口/ }).click();
  await expect(page.getByLabel("家庭人口")).toBeFocused();

  await page.getByRole("radio", { name: /^一般补助/ }).check();
  await page.getByRole("radio", { name: "临时救助", exact: true }).check();
  await page.getByLabel("申请人姓名").fill("演示申请人");
  await page.getByLabel("身份证件号码").fill("370000190001010000");
  await page.getByLabel("联系电话").fill("13800130033");
  await page.getByLabel("家庭人口").fill("2");
  const village = page.getByLabel("您住在哪个村或社区");
  await village.selectOption(await village.getByRole("option", { name: /^西梁村/ }).first().getAttribute("value"));
  await page.getByLabel(/^材料照片/).setInputFiles(photoFile("paper.png", 200, 190, 160));
  await page.getByRole("checkbox", { name: /^我同意/ }).check();
  await page.getByRole("button", { name: "交上去" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "收到了" })).toBeVisible();
  resident.number = /\d{8}-[0-9A-Z]{7}-[0-9A-Z]/.exec(await main.innerText())?.[0] ?? "";
  await expect(page.locator(".secret")).toContainText("/r/");
  await isForEverybody(resident, "application handed in");
  await page.getByRole("link", { name: "看我的申请" }).click();
  await expect(main).toContainText("交上来了，等受理");

  // The counter accepts.
  const service = await Clerk.of(browser, district.url, "village"); // who sits at the village's counter too
  await service.page.goto(`${district.url}/desk/posts`);
  await service.page.getByRole("main").getByRole("button", { name: /便民服务/ }).click();
  await service.chooses("困难补助申请");
  const c = { number: resident.number };
  await service.does("受理");
  await isTold(resident, "受理了，等审核");
  await expect(main).toContainText("为什么是这一天");

  // The reviewer asks for a paper, once; the resident sends it.
  const reviewer = await Clerk.of(browser, district.url, "reviewer");
  await reviewer.goesTo("mine");
  await reviewer.chooses("困难补助申请");
  await reviewer.does("要求补正", { reason: /材料需补正/, note: "缺收入证明", resident: "请补近三个月的收入证明。" });
  await isTold(resident, "请补近三个月的收入证明。");
  await expect(main).toContainText("最晚");
  await isForEverybody(resident, "papers are missing");
  await page.locator("#supplement-photos").setInputFiles(photoFile("income.png", 160, 190, 200));
  await page.locator("#supplement-text").fill("证明在照片里");
  await page.getByRole("button", { name: "补上去" }).click();
  await expect(page.getByRole("status")).toContainText("收到了，接着办");

  // Reviewed and posted; anybody may object without a name.
  await reviewer.goesTo("mine");
  await reviewer.chooses("困难补助申请");
  await reviewer.does("开始审核");
  await isTold(resident, "正在审核");
  await reviewer.does("审核", { result: "同意", note: "收入低于标准" });
  await reviewer.begins("公示");
  const form = reviewer.actions().getByRole("form");
  await form.getByRole("textbox", { name: /^公示内容/ }).fill("演示申请人，西梁村，临时救助");
  await form.getByRole("button", { name: "公示", exact: true }).click();
  await expect(form).toContainText("公示内容里有申请人的完整姓名");
  await form.getByRole("textbox", { name: /^公示内容/ }).fill("演**，西梁村，临时救助");
  await form.getByRole("button", { name: "公示", exact: true }).click();
  await expect(form).toBeHidden();
  await isTold(resident, "正在公示");
  await expect(main).toContainText("演**，西梁村，临时救助");
  await isForEverybody(resident, "posted application");

  const neighbour = await Resident.comes(browser, district.url);
  await neighbour.page.goto(`${district.url}/postings`);
  await expect(neighbour.page.getByRole("main")).toContainText("演**，西梁村，临时救助");
  await expect(neighbour.page.getByRole("main")).not.toContainText(resident.number);
  await isForEverybody(neighbour, "postings");
  await neighbour.page.getByRole("link", { name: /^提出异议/ }).click();
  await isForEverybody(neighbour, "posting");
  await neighbour.page.getByLabel("哪里不对").fill("他家上个月刚买了车");
  await neighbour.page.getByRole("button", { name: "提出异议" }).click();
  await expect(neighbour.page.getByRole("status")).toContainText("收到了，会去核实");

  // The objection is right, so it is reviewed anew, and declined by somebody else.
  await reviewer.seesInHistory(c, "他家上个月刚买了车");
  await resident.looks();
  await expect(main).not.toContainText("买了车");
  await reviewer.begins("结束公示");
  const ends = reviewer.actions().getByRole("form");
  await ends.getByRole("radio", { name: "异议成立，重新审核" }).check();
  await ends.getByRole("textbox").first().fill("核实属实");
  await ends.getByRole("button", { name: "异议成立，重新审核" }).click();
  await expect(ends).toBeHidden();
  await reviewer.begins("审核");
  const opinion = reviewer.actions().getByRole("form");
  await opinion.getByRole("radio", { name: "不同意" }).check();
  await opinion.getByRole("textbox").first().fill("有车，超出标准");
  await opinion.getByRole("button", { name: "不同意" }).click();
  await expect(opinion).toBeHidden();
  await isTold(resident, "等决定");

  const civil = await Clerk.of(browser, district.url, "benefits-leader");
  await civil.goesTo("mine");
  await civil.chooses("困难补助申请");
  await civil.begins("审批");
  const decision = civil.actions().getByRole("form");
  await decision.getByRole("radio", { name: "不批准" }).check();
  await decision.getByRole("radio", { name: "不符合条件" }).check();
  await decision.getByRole("textbox", { name: /^(说明|办了什么)/ }).fill("名下有车");
  await decision.getByRole("textbox", { name: /^告诉居民的话/ }).fill("名下有一辆车，超过家庭财产标准。");
  await decision.getByRole("button", { name: "不批准" }).click();
  await expect(decision).toBeHidden();
  await isTold(resident, "没有批准");
  await expect(main).toContainText("名下有一辆车，超过家庭财产标准。");
  await isForEverybody(resident, "declined application");

  // The resident has it looked at again; the street's leader finds her right.
  await page.getByLabel("哪里不同意，为什么").fill("车是三轮车，用来摆摊的。");
  await page.getByRole("button", { name: "申请复核" }).click();
  await expect(main).toContainText("正在复核");
  const leader = await Clerk.of(browser, district.url, "street-leader");
  await leader.goesTo("mine");
  await leader.chooses("困难补助申请");
  await leader.seesInHistory(c, "车是三轮车");
  await leader.does("处理申诉", { result: "申诉成立，批准", note: "三轮车不计入财产" });
  await isTold(resident, "批准了");
  const payer = await Colleague.of(district.url, "payer");
  const paid = (await payer.finds(resident.number)).id;
  await payer.moves(paid, "give", { note: "已转账", resident_text: "补助已经打到您的账户。", evidence: ["signature"] });
  await isTold(resident, "补助已经打到您的账户。");
  await expect(page.locator("[aria-current=step]")).toContainText("已办结");
  await isForEverybody(resident, "paid application");
});

test("applying in English, and taking it back", async ({ browser }) => {
  const resident = await Resident.comes(browser, district.url, "en");
  const page = resident.page;
  await page.goto(`${district.url}/apply`);
  await isForEverybody(resident, "services in English");
  await page.getByRole("link", { name: "Moving in or out" }).click();
  await isForEverybody(resident, "service in English");
  await page.getByRole("link", { name: "Fill in the form" }).click();
  await page.getByRole("radio", { name: /^In Papers/ }).check();
  await page.getByRole("group", { name: "Direction" }).getByRole("radio", { name: "In", exact: true }).check();
  await page.getByLabel("Name", { exact: true }).fill("演示住户");
  await page.getByLabel("Phone", { exact: true }).fill("13800130034");
  await page.getByLabel("Date", { exact: true }).fill("2026-11-20");
  await page.getByLabel("Address", { exact: true }).fill("Building 1");
  await page.getByLabel("People", { exact: true }).fill("2");
  await page.getByRole("radio", { name: "Rented" }).check();
  const village = page.getByLabel("Your village or community");
  await village.selectOption(await village.getByRole("option", { name: /^西梁村/ }).first().getAttribute("value"));
  await page.getByRole("checkbox", { name: /^I agree/ }).check();
  await isForEverybody(resident, "application form in English");
  await page.getByRole("button", { name: "Hand it in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "We have it" })).toBeVisible();
  await page.getByRole("link", { name: "See my application" }).click();
  await isForEverybody(resident, "own application in English");
  await page.getByText("Take the application back", { exact: true }).click();
  await page.getByRole("radio", { name: "Reported by mistake" }).check();
  await page.getByRole("button", { name: "Take this application back" }).click();
  await expect(page.getByRole("status")).toContainText("Taken back.");
});
