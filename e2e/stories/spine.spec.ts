import { expect, test } from "@playwright/test";
import { Colleague } from "../api.ts";
import { Clerk, desk, nobodyIsShutOut, Resident } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

let district: District;
let lamp: { lon: number; lat: number };
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
  const village = await Colleague.of(district.url, "village");
  lamp = await village.point();
  await village.leaves();
});
test.afterAll(({ browser }) => district.stop(browser));

test("a report becomes a closed case while another desk watches", async ({ browser }) => {
  // The street desk has its open list before anything happens, and never loads it again.
  const street = await Clerk.of(browser, district.url, "street");
  await street.goesTo("open");
  await expect(street.list().getByText("没有在办的案件")).toBeVisible();
  const loaded = street.loaded();

  // A resident reports with a photo, on a phone without script.
  const resident = await Resident.comes(browser, district.url);
  await resident.scans(lamp);
  await expect(resident.page.getByRole("checkbox", { name: /^就是这个位置/ })).toBeChecked();
  await resident.isNotShutOut("report form");
  await resident.fillsIn({ what: "垃圾", near: "7 号胡同口", text: "胡同口的垃圾三天没人收", phone: "13800130021", photo: true });
  await resident.sends();
  await resident.isNotShutOut("report sent");
  await resident.page.getByRole("link", { name: "看我报的事" }).click();
  await expect(resident.page.locator("[aria-current=step]")).toContainText("已上报");
  await resident.isNotShutOut("own report");

  // The street desk sees it come in, and opens it.
  await expect(street.page.getByRole("button", { name: /1 件有更新/ })).toBeVisible({ timeout: 5_000 });
  await street.chooses("胡同口");
  const c = { number: resident.number };
  await street.seesState(c, "已上报");

  // The village desk looks at the photo and accepts.
  const village = await Clerk.signsIn(browser, district.url, /村居平台值班/);
  await village.chooses("胡同口");
  await village.open(c).getByRole("button", { name: /放大照片：处置前/ }).click();
  await village.page.getByRole("dialog").getByRole("button", { name: "可以用" }).click();
  await village.does("受理");
  await village.seesState(c, "已受理");
  await street.seesLive(c, "已受理");
  await nobodyIsShutOut(village.page, "case at the village desk");
  await resident.isToldStage("已受理");

  // The officer goes there and sees that it is so.
  const officer = await Clerk.of(browser, district.url, "officer");
  await officer.goesTo("mine");
  await officer.chooses("核实");
  await officer.does("核实", { result: "属实", note: "在胡同口，约半方" });
  await expect(officer.page.getByRole("main")).toContainText("已结束 · ");
  await village.seesInHistory(c, "在胡同口，约半方");
  await resident.isToldStage("已受理");

  // The village desk files it and gives it to the department.
  await village.does("立案");
  await village.seesState(c, "已立案");
  await street.seesLive(c, "已立案");
  await village.does("派遣", { to: "城市管理经办 1" });
  await village.seesState(c, "已派遣", "城市管理经办 1");
  await street.seesLive(c, "已派遣", "城市管理经办 1");
  await resident.isToldStage("已派出");

  // The department takes it, works, and proves it with a photo.
  const department = await Clerk.of(browser, district.url, "department");
  await department.goesTo("mine");
  await department.chooses("胡同口");
  await department.does("签收");
  await department.seesState(c, "已签收");
  await department.does("开始处置");
  await department.seesState(c, "处置中");
  await street.seesLive(c, "处置中");
  await resident.isToldStage("办理中");
  await department.does("报完成", { note: "清运两车，冲洗路面", photo: true, resident: "垃圾已经清走，谢谢您反映。" });
  await department.seesState(c, "已处置");
  await street.seesLive(c, "已处置");
  await nobodyIsShutOut(department.page, "case at the department");
  await resident.isToldStage("已办理");
  await expect(resident.page.getByText("垃圾已经清走，谢谢您反映。")).toBeVisible();

  // Somebody else checks: the officer, not the department.
  await officer.goesTo("mine");
  await officer.chooses("核查");
  await officer.does("核查", { result: "修好了，通过", note: "干净了" });
  await street.seesInHistory(c, "干净了");

  // The desk closes it, and whoever reported rates it.
  await village.does("结案");
  await village.seesState(c, "已结案");
  await street.seesLive(c, "已结案");
  await resident.isToldStage("已办结");
  await resident.isNotShutOut("closed report");
  await resident.rates("满意", "来得很快");
  await expect(resident.page.getByText("评价收到了，谢谢您。")).toBeVisible();
  await expect(resident.page.getByText("您的评价：满意")).toBeVisible();
  await street.seesInHistory(c, "来得很快");

  // All that time the street desk's page was not loaded again.
  expect(street.loaded()).toBe(loaded);

  // The hub reads the whole history, who did what, newest first.
  const hub = await Clerk.of(browser, district.url, "hub");
  await hub.goesTo("closed");
  await hub.chooses("胡同口");
  const history = hub.open(c).getByRole("list", { name: "经过" });
  for (const told of ["来得很快", "结案", "干净了", "清运两车", "签收", "派", "立案", "在胡同口", "受理", "上报"]) {
    await expect(history).toContainText(told);
  }
  await nobodyIsShutOut(hub.page, "history at the hub");
});

test("the public pages speak English, on a phone without script", async ({ browser }) => {
  const resident = await Resident.comes(browser, district.url, "en");
  await resident.page.goto(district.url);
  await expect(resident.page.getByRole("heading", { level: 1, name: "Tell your grid what needs fixing" })).toBeVisible();
  await resident.isNotShutOut("first page");
  await resident.page.getByRole("link", { name: /^Report something/ }).click();

  // Refused in words, with everything that was typed.
  await resident.fillsIn({ what: "Street light, manhole", village: /^西梁村/, text: "The street light at the shop is dark", phone: "12" });
  await resident.page.getByRole("button", { name: "Send the report" }).click();
  await expect(resident.page.getByText("This phone number looks wrong. Check it, or leave it out.")).toBeVisible();
  await expect(resident.page.getByLabel("In your words")).toHaveValue("The street light at the shop is dark");
  await resident.isNotShutOut("refused form");
  await resident.page.getByLabel(/^Phone/).fill("");
  await resident.sends();

  await resident.page.getByRole("link", { name: "See my report" }).click();
  await expect(resident.page.locator("[aria-current=step]")).toContainText("Reported");
  await resident.isNotShutOut("own report");
  await resident.takesBack("Reported by mistake");
  await expect(resident.page.getByText("Taken back.")).toBeVisible();

  // A number alone opens nothing.
  const stranger = await Resident.comes(browser, district.url, "en");
  stranger.number = resident.number;
  await stranger.looks();
  await expect(stranger.page.getByText("Nothing found, or this browser has not opened its private link.")).toBeVisible();
  await stranger.isNotShutOut("somebody else's number");
});

test("every page of the desk can be used by everybody, in both languages", async ({ browser }) => {
  const page = await (await browser.newContext({ viewport: desk, locale: "zh-CN" })).newPage();
  await page.goto(`${district.url}/desk/`);
  await expect(page.getByRole("button", { name: /村居平台值班/ })).toBeVisible();
  await nobodyIsShutOut(page, "sign-in");

  const village = await Clerk.of(browser, district.url, "village");
  await village.goesTo("mine");
  for (const [language, work, intake, grids, figures, other] of [
    ["zh-CN", "我的待办", "登记新事", "网格地图", "数据", "English"],
    ["en", "My work", "Take a report", "Grid map", "Figures", "中文"],
  ] as const) {
    const nav = village.page.getByRole("navigation");
    await nav.getByRole("link", { name: work }).click();
    await expect(village.page.getByRole("heading", { level: 1, name: work })).toBeVisible();
    await nobodyIsShutOut(village.page, `work, ${language}`);
    await nav.getByRole("link", { name: intake }).click();
    await expect(village.page.getByRole("heading", { level: 1, name: intake })).toBeVisible();
    await nobodyIsShutOut(village.page, `intake, ${language}`);
    await nav.getByRole("link", { name: grids }).click();
    await expect(village.page.getByRole("heading", { level: 1, name: grids })).toBeVisible();
    await nobodyIsShutOut(village.page, `grids, ${language}`);
    await nav.getByRole("link", { name: figures }).click();
    await expect(village.page.getByRole("heading", { level: 1 })).toBeVisible();
    await nobodyIsShutOut(village.page, `figures, ${language}`);
    await village.page.getByRole("button", { name: other }).click();
  }

  const several = await Clerk.of(browser, district.url, "stand-in");
  await several.page.goto(`${district.url}/desk/posts`);
  await expect(several.page.getByRole("heading", { level: 1, name: "现在以哪个岗位办事" })).toBeVisible();
  await nobodyIsShutOut(several.page, "choice of the post");
});

test("a lost link is asked for on a page that shuts nobody out, in both languages", async ({ browser }) => {
  for (const [language, title] of [
    ["zh-CN", "找回链接"],
    ["en", "Recover the link"],
  ] as const) {
    const resident = await Resident.comes(browser, district.url, language);
    await resident.page.goto(`${district.url}/recover`);
    await expect(resident.page.getByRole("heading", { level: 1, name: title })).toBeVisible();
    await resident.isNotShutOut(`recover, ${language}`);
    await resident.leaves();
  }
});
