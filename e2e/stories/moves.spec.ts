import { type Browser, expect, test } from "@playwright/test";
import { type Case, Colleague } from "../api.ts";
import { withoutMap } from "../browser.ts";
import { Clerk, type Filled, Resident } from "../people.ts";
import { photo } from "../photo.ts";
import { type District, startDistrict } from "../start.ts";

// Each move of the handling flow is made once by somebody who presses it, and
// seen on the screen. A title begins with the key of its move; table.mjs reads
// them and refuses a flow that has a move without a title.

// The map has its own stories; here it would cost half of the time.
test.use({ launchOptions: withoutMap });

const handler = "城市管理经办 1";
const tomorrow = () => new Date(Date.now() + 24 * 3_600_000);

let district: District;
let clerks: Record<"village" | "street" | "officer" | "department" | "leader", Clerk>;
let village: Colleague, street: Colleague, department: Colleague;
let resident: Resident;

test.beforeAll(async ({ browser }) => {
  district = await startDistrict("--requests", "0");
  const at = (account: string) => Clerk.of(browser, district.url, account);
  clerks = { village: await at("village"), street: await at("street"), officer: await at("officer"), department: await at("department"), leader: await at("hub-leader") };
  village = await Colleague.of(district.url, "village");
  street = await Colleague.of(district.url, "street");
  department = await Colleague.of(district.url, "department");
});
test.afterAll(({ browser }) => district.stop(browser));

/** Brings a new case as far as a state, by the ordinary way. */
async function upTo(state: "reported" | "accepted" | "filed" | "dispatched" | "taken" | "handling" | "done" | "checked" | "closed", text: string, given?: Case): Promise<Case> {
  const way: [string, () => Promise<Case>][] = [
    ["reported", async () => given ?? village.reports(text)],
    ["accepted", () => village.moves(c.id, "accept")],
    ["filed", async () => {
      if (given) await village.moves(c.id, "verify", { result: "pass", note: "去看过了" });
      return village.moves(c.id, "file");
    }],
    ["dispatched", () => village.moves(c.id, "dispatch", { to: handler })],
    ["taken", () => department.moves(c.id, "take")],
    ["handling", () => department.moves(c.id, "handle")],
    ["done", async () => department.moves(c.id, "done", { note: "清走了", file_ids: [await department.sends("after.png", photo(40, 120, 60), "after")] })],
    ["checked", () => street.moves(c.id, "check", { result: "pass", note: "干净了" })],
    ["closed", () => village.moves(c.id, "close")],
  ];
  let c = given as Case;
  for (const [reached, step] of way) {
    c = await step();
    if (reached === state) break;
  }
  return c;
}

/** A clerk opens the case, makes the move and sees what came of it. */
async function does(who: Clerk, c: Case, move: string, filled: Filled | undefined, seen: string, post?: string): Promise<void> {
  await who.opens(c);
  await who.does(move, filled);
  await who.seesState(c, seen, post);
}

const reportsAs = async (browser: Browser, text: string): Promise<Case> => {
  resident = await Resident.comes(browser, district.url);
  await resident.reports({ what: "垃圾", village: /^西梁村/, text });
  return village.finds(resident.number);
};

test("report: the village desk takes a report in while somebody is on the telephone", async () => {
  const { page } = clerks.village;
  await clerks.village.goesTo("mine");
  await page.getByRole("navigation").getByRole("link", { name: "登记新事" }).click();
  await page.getByLabel("地址、设施、村居或网格").fill("西梁村");
  await page.getByRole("option", { name: /^西梁村片区网格/ }).click();
  await page.getByLabel("具体位置").fill("小卖部门口");
  await page.getByRole("radio", { name: "环境卫生" }).click();
  await page.getByRole("radio", { name: /^暴露垃圾/ }).check();
  const send = page.getByRole("button", { name: "报上去" });
  await expect(page.getByText("还缺情况、“问题”")).toBeVisible();
  await expect(send).toBeDisabled();
  await page.getByRole("combobox", { name: "问题" }).selectOption("暴露垃圾");
  await page.getByLabel("情况", { exact: true }).fill("门口垃圾桶满了");
  await page.getByLabel("电话", { exact: true }).fill("13800130021");
  await send.click();
  await expect(page.getByRole("heading", { name: /^已报上去，编号 \d{8}-/ })).toBeVisible();
  await page.getByRole("link", { name: "打开这件" }).click();
  await expect(page.getByRole("main")).toContainText("138****0021");
});

test("accept: the village desk accepts", async () => {
  await does(clerks.village, await upTo("reported", "受理"), "受理", undefined, "已受理");
});

test("verify: the village desk writes down that it is so", async ({ browser }) => {
  const c = await reportsAs(browser, "核实这一件");
  await village.moves(c.id, "accept");
  await does(clerks.village, c, "核实", { result: "属实", note: "去看过，确实有" }, "已受理");
  await clerks.village.seesInHistory(c, "去看过，确实有");
});

test("refuse: the village desk refuses, with a reason that the resident reads", async ({ browser }) => {
  const c = await reportsAs(browser, "不归这里管的事");
  await does(clerks.village, c, "不予受理", { reason: "不属受理范围", note: "请找物业，电话在楼道里" }, "不予受理");
  await resident.looks();
  await expect(resident.page.getByRole("main")).toContainText("不予受理");
});

test("settle: the officer settles it on the spot", async () => {
  await does(clerks.officer, await upTo("reported", "就地解决"), "就地解决", { note: "当场清走", photo: true }, "已处置");
});

test("file: the village desk files it", async () => {
  await does(clerks.village, await upTo("accepted", "立案"), "立案", undefined, "已立案");
});

test("dispatch: the village desk gives it to the department", async () => {
  await does(clerks.village, await upTo("filed", "派遣"), "派遣", { to: handler }, "已派遣", handler);
});

test("take: the department takes it", async () => {
  await does(clerks.department, await upTo("dispatched", "签收"), "签收", undefined, "已签收", handler);
});

test("handle: the department starts work", async () => {
  await does(clerks.department, await upTo("taken", "开始处置"), "开始处置", undefined, "处置中", handler);
});

test("done: the department reports it done, with a photo", async () => {
  const c = await upTo("handling", "报完成");
  await clerks.department.opens(c);
  await clerks.department.begins("报完成");
  await expect(clerks.department.actions().getByText(/还缺.*处置后照片/)).toBeVisible();
  await clerks.department.actions().getByRole("button", { name: "先不做" }).click();
  await does(clerks.department, c, "报完成", { note: "清走了", photo: true }, "已处置");
});

test("return: the department sends it back, and the village desk reads why", async () => {
  const c = await upTo("dispatched", "退回");
  await clerks.department.opens(c);
  await clerks.department.does("退回", { reason: "不属本单位职责", note: "是私人院内" });
  await expect(clerks.department.page.getByText("这件已经转出你的范围")).toBeVisible();
  await clerks.village.opens(c);
  await clerks.village.seesState(c, "已立案");
  await clerks.village.seesInHistory(c, `${handler} 退回`);
  await clerks.village.seesInHistory(c, "是私人院内");
});

test("withdraw: the village desk takes a dispatch back", async () => {
  await does(clerks.village, await upTo("dispatched", "撤回"), "撤回", { reason: "派错单位收回", note: "派错了" }, "已立案");
});

test("suspend_ask: the department asks to stop the clock", async () => {
  const c = await upTo("handling", "申请挂账");
  await does(clerks.department, c, "申请挂账", { reason: "等待部件材料", note: "垃圾箱订了货", until: tomorrow() }, "处置中");
  await clerks.department.seesInHistory(c, /^申请停表，等.+答复$/);
});

test("suspend_decide: the street desk agrees, and the clock stops", async () => {
  const c = await upTo("handling", "批挂账");
  await department.moves(c.id, "suspend_ask", { reason: "suspend_part", note: "垃圾箱订了货", until: tomorrow().toISOString() });
  await does(clerks.street, c, "批挂账", { result: "同意停表", note: "到货就装" }, "挂账");
  await expect(clerks.street.open(c).getByText(/^已停表，还剩/)).toBeVisible();
});

test("extend_ask: the department asks for more time before the time is over", async () => {
  const c = await upTo("handling", "申请延期");
  await does(clerks.department, c, "申请延期", { reason: "天气影响", note: "一直下雨，进不了场", units: 2 }, "处置中");
  await clerks.department.seesInHistory(c, /^申请延期，等.+答复$/);
});

test("extend_decide: the street desk agrees, and the deadline moves", async () => {
  const c = await upTo("handling", "批延期");
  await department.moves(c.id, "extend_ask", { reason: "extend_weather", note: "一直下雨，进不了场", units: 2 });
  await does(clerks.street, c, "批延期", { result: "同意延期", note: "雨停就办" }, "处置中", handler);
  await clerks.street.seesInHistory(c, /批准延长 2 个工作日/);
});

test("cooperate_ask: the department asks another post to help, and keeps the case", async () => {
  const c = await upTo("handling", "请求协办");
  await does(clerks.department, c, "请求协办", { note: "请来一辆清运车" }, "处置中", handler);
  await clerks.department.seesInHistory(c, "请来一辆清运车");
});

test("supervise: the street desk presses the department for an answer", async () => {
  const c = await upTo("handling", "督办");
  await does(clerks.street, c, "督办", { reason: "领导批示督办", note: "今天要有答复" }, "处置中", handler);
  await clerks.street.seesInHistory(c, "今天要有答复");
});

test("escalate: the village desk raises what is beyond its powers", async () => {
  const c = await upTo("accepted", "上报");
  await does(clerks.village, c, "上报", { reason: "超出本级权限", note: "要街道来协调" }, "已受理");
  await clerks.village.seesInHistory(c, "要街道来协调");
});

test("resume: the street desk lets the clock run on", async () => {
  const c = await upTo("handling", "恢复办理");
  await department.moves(c.id, "suspend_ask", { reason: "suspend_part", note: "垃圾箱订了货", until: tomorrow().toISOString() });
  await street.moves(c.id, "suspend_decide", { result: "pass", note: "同意" });
  await does(clerks.street, c, "恢复办理", undefined, "处置中");
});

test("check: the street desk finds it not fixed, and it goes back to work", async () => {
  const c = await upTo("done", "核查");
  await does(clerks.street, c, "核查", { result: "没修好，退回", reason: "处置不到位", note: "还剩半堆" }, "处置中", handler);
});

test("close: the village desk closes what was checked", async () => {
  await does(clerks.village, await upTo("checked", "结案"), "结案", undefined, "已结案");
});

test("reopen: the village desk opens a closed case again", async () => {
  await does(clerks.village, await upTo("closed", "重开"), "重开", { reason: "又出现", note: "第二天又堆上了" }, "已立案");
});

test("rate: the resident rates the closed case", async ({ browser }) => {
  const c = await upTo("closed", "评价", await reportsAs(browser, "评价这一件"));
  await resident.looks();
  await resident.rates("很满意", "谢谢");
  await expect(resident.page.getByText("您的评价：很满意")).toBeVisible();
  await clerks.village.opens(c);
  await clerks.village.seesInHistory(c, "居民评了 5 分（满分 5 分）。");
});

test("object: the resident says that it is not solved", async ({ browser }) => {
  const c = await upTo("closed", "没解决", await reportsAs(browser, "没解决这一件"));
  await resident.looks();
  await resident.objects("只清了一半");
  await expect(resident.page.getByText("收到了，这件事重新在办。")).toBeVisible();
  await clerks.village.opens(c);
  await clerks.village.seesState(c, "已立案");
  await clerks.village.seesInHistory(c, "只清了一半");
});

test("void_ask: the street desk asks to void it", async () => {
  const c = await upTo("accepted", "申请作废");
  await does(clerks.street, c, "申请作废", { reason: "测试数据", note: "练习时录的" }, "已受理");
  await clerks.street.seesInHistory(c, /^申请作废，等.+答复$/);
});

test("void_decide: the leader on duty agrees, and it is void", async () => {
  const c = await upTo("accepted", "批作废");
  await street.moves(c.id, "void_ask", { reason: "void_test", note: "练习时录的" });
  await does(clerks.leader, c, "批作废", { result: "同意作废", note: "同意" }, "已作废");
});

test("merge: the desk finds the main case by its number, and the report goes with it", async () => {
  const main = await upTo("reported", "东门外的垃圾堆");
  const c = await upTo("reported", "东门垃圾没人管");
  await clerks.village.opens(c);
  await clerks.village.begins("合并重复");
  const form = clerks.village.actions().getByRole("form");
  await form.getByLabel("或者写编号").fill(main.number);
  await form.getByRole("button", { name: "找这件" }).click();
  await form.getByRole("radio", { name: "同地同事重复", exact: true }).check();
  await form.getByRole("textbox", { name: /^说明/ }).fill("同一堆垃圾");
  await form.getByRole("button", { name: "合并重复", exact: true }).click();
  await clerks.village.seesState(c, "已并案");
  await expect(clerks.village.open(c).getByRole("link", { name: new RegExp(main.number) })).toBeVisible();
});

test("unmerge: the desk takes it apart again, and it goes its own way", async () => {
  const main = await upTo("reported", "西门外的垃圾堆");
  const c = await upTo("reported", "西门垃圾没人管");
  await village.moves(c.id, "merge", { main_id: main.id, reason: "merge_same_place", note: "同一堆垃圾" });
  await does(clerks.village, c, "拆开", { note: "看过了，是两堆" }, "已上报");
});

test("refused: what is not possible now is listed with its reason", async () => {
  const c = await upTo("dispatched", "不归我办");
  await clerks.village.opens(c);
  await clerks.village.actions().getByRole("button", { name: "更多" }).click();
  await expect(clerks.village.actions().getByRole("listitem").filter({ hasText: "签收" })).toContainText("现在不归你这个岗位办。");
});

test("refused: of two desks the slower one is told, and nothing it wrote is lost", async () => {
  const c = await upTo("reported", "两个人同时办");
  await clerks.village.opens(c);
  await clerks.village.begins("不予受理");
  const form = clerks.village.actions().getByRole("form");
  await form.getByRole("combobox", { name: "理由" }).selectOption({ label: "不属受理范围" });
  await form.getByRole("textbox", { name: /^说明/ }).fill("请找物业");
  await street.moves(c.id, "accept");
  await expect(clerks.village.open(c).getByText("你填写的时候，这件又有了变化。")).toBeVisible();
  await form.getByRole("button", { name: "不予受理", exact: true }).click();
  await expect(form.getByText("没存上")).toBeVisible();
  await expect(form.getByRole("textbox", { name: /^说明/ })).toHaveValue("请找物业");
  await clerks.street.opens(c);
  await clerks.street.seesState(c, "已受理");
});
