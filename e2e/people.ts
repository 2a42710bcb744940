import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, expect, type Locator, type Page } from "@playwright/test";
import { photoFile } from "./photo.ts";

/** Sizes of the screens that people sit in front of. */
export const desk = { width: 1366, height: 768 };
export const phone = { width: 390, height: 844 };

/** What a page must not have: anything that shuts somebody out. */
export async function nobodyIsShutOut(page: Page, where: string): Promise<void> {
  // A colour on its way to another one is neither; in a tab behind another it never arrives.
  await page.evaluate(() =>
    Promise.race([
      Promise.allSettled(document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity).map((a) => a.finished)),
      new Promise((later) => setTimeout(later, 1000)),
    ]),
  );
  // Legacy: within the page itself; none of ours has frames that need a second one.
  const found = await new AxeBuilder({ page }).setLegacyMode(true).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  const grave = found.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  expect(grave.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(" | ")}`), where).toEqual([]);
}

/** Somebody of the demo at the desk, signed in through the API. */
export async function sits(browser: Browser, url: string, account: string, path: string, viewport = desk): Promise<Page> {
  const context = await browser.newContext({ viewport, locale: "zh-CN", timezoneId: "Asia/Shanghai" });
  const answer = await context.request.post(`${url}/api/demo/session`, { data: { account } });
  expect(answer.ok(), `${account} signs in`).toBe(true);
  const page = await context.newPage();
  await page.goto(`${url}/desk/${path}`);
  return page;
}

/** The page that is open needs no scrolling sideways on a phone. */
export async function fitsPhone(page: Page): Promise<void> {
  await page.setViewportSize(phone);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width);
  await page.setViewportSize(desk);
}

/** The words on the public pages, in the language of the resident. */
const said = {
  "zh-CN": {
    report: /^报一件事/, photos: /^照片/, village: /^哪个村或社区/, near: /^靠近什么/, text: "说一说", phone: /^手机号/, send: "报上去",
    sent: "收到了", see: "看我报的事", rate: "评价", withdraw: "不用办了", withdrawSend: "撤回，不用办了", object: "没有解决", objectText: "哪里没好", objectSend: "没解决，请重新办",
  },
  en: {
    report: /^Report something/, photos: /^Photo/, village: /^Village or community/, near: /^Near what/, text: "In your words", phone: /^Phone/, send: "Send the report",
    sent: "We have it", see: "See my report", rate: "Rate it", withdraw: "No longer needed", withdrawSend: "Take it back", object: "It is not solved", objectText: "What is still wrong?", objectSend: "Not solved, do it again",
  },
} as const;

/** What a resident tells on the report form. */
export interface Told {
  what: string;
  village?: RegExp; // where the address did not bring the place along
  near?: string;
  text: string;
  phone?: string;
  photo?: boolean;
}

/** A resident with a phone whose browser runs no script. */
export class Resident {
  number = "";

  private constructor(
    readonly page: Page,
    private readonly url: string,
    private readonly words: (typeof said)["zh-CN" | "en"],
  ) {}

  static async comes(browser: Browser, url: string, language: "zh-CN" | "en" = "zh-CN"): Promise<Resident> {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: phone, locale: language, timezoneId: "Asia/Shanghai" });
    return new Resident(await context.newPage(), url, said[language]);
  }

  /**
   * Checks the page that is open. The checker needs script, so it reads what
   * this browser was given in a second one that has it.
   */
  async isNotShutOut(where: string): Promise<void> {
    const [html, address] = [await this.page.content(), this.page.url()];
    const context = await this.page.context().browser()!.newContext({ viewport: phone, storageState: await this.page.context().storageState() });
    const page = await context.newPage();
    await page.route(address, (route) => route.fulfill({ body: html, contentType: "text/html; charset=utf-8" }));
    await page.goto(address);
    await nobodyIsShutOut(page, where);
    await context.close();
  }

  async beginsReport(): Promise<void> {
    await this.page.goto(this.url);
    await this.page.getByRole("link", { name: this.words.report }).click();
  }

  /** Scans the code on a lamp post, which brings the place along. */
  async scans(at: { lon: number; lat: number }): Promise<void> {
    await this.page.goto(`${this.url}/report?lon=${at.lon}&lat=${at.lat}&datum=wgs84`);
  }

  async fillsIn(told: Told): Promise<void> {
    const form = this.page.getByRole("main");
    if (told.photo) await form.getByLabel(this.words.photos).setInputFiles(photoFile("before.png", 120, 90, 60));
    await form.getByRole("radio", { name: told.what, exact: true }).check();
    if (told.village) {
      const village = form.getByLabel(this.words.village);
      await village.selectOption(await village.getByRole("option", { name: told.village }).getAttribute("value"));
    }
    if (told.near) await form.getByLabel(this.words.near).fill(told.near);
    await form.getByLabel(this.words.text).fill(told.text);
    if (told.phone) await form.getByLabel(this.words.phone).fill(told.phone);
  }

  /** Sends the report and notes down its number. */
  async sends(): Promise<void> {
    await this.page.getByRole("button", { name: this.words.send }).click();
    await expect(this.page.getByRole("heading", { level: 1, name: this.words.sent })).toBeVisible();
    const told = await this.page.getByRole("main").innerText();
    this.number = /\d{8}-[0-9A-Z]{7}-[0-9A-Z]/.exec(told)?.[0] ?? "";
    expect(this.number, "the number on the page").not.toBe("");
  }

  async reports(told: Told): Promise<void> {
    await this.beginsReport();
    await this.fillsIn(told);
    await this.sends();
  }

  async looks(): Promise<void> {
    await this.page.goto(`${this.url}/my/${this.number}`);
  }

  /** The page of the report says which stage it has reached. */
  async isToldStage(name: string): Promise<void> {
    await this.looks();
    await expect(this.page.locator("[aria-current=step]")).toContainText(name);
  }

  async rates(score: string, words?: string): Promise<void> {
    await this.page.getByRole("radio", { name: score, exact: true }).check();
    if (words) await this.page.getByLabel("想说的话").fill(words);
    await this.page.getByRole("button", { name: this.words.rate, exact: true }).click();
  }

  async objects(words: string): Promise<void> {
    await this.page.getByText(this.words.object, { exact: true }).click();
    await this.page.getByLabel(this.words.objectText).fill(words);
    await this.page.getByRole("button", { name: this.words.objectSend }).click();
  }

  async takesBack(reason: string): Promise<void> {
    await this.page.getByText(this.words.withdraw, { exact: true }).click();
    await this.page.getByRole("radio", { name: reason, exact: true }).check();
    await this.page.getByRole("button", { name: this.words.withdrawSend }).click();
  }

  leaves = () => this.page.context().close();
}

/** What somebody fills in for a move, by what stands beside the fields. */
export interface Filled {
  /** the choice of a result, such as 属实 */
  result?: string;
  reason?: string | RegExp;
  /** the post it goes to */
  to?: string;
  note?: string;
  /** a photo after the work */
  photo?: boolean;
  resident?: string;
  until?: Date;
  /** how much more time */
  units?: number;
}

/** Somebody at the desk app. */
export class Clerk {
  private loads = 0;

  private constructor(
    readonly page: Page,
    private readonly url: string,
  ) {
    page.on("load", () => this.loads++);
  }

  /** Signs in on the demo's own page, as a person does. */
  static async signsIn(browser: Browser, url: string, role: RegExp): Promise<Clerk> {
    const clerk = new Clerk(await (await atDesk(browser)).newPage(), url);
    await clerk.page.goto(`${url}/desk/`);
    await clerk.page.getByRole("button", { name: role }).click();
    await clerk.choosesPost();
    return clerk;
  }

  /** Comes with a session; the sign-in page has its own story. */
  static async of(browser: Browser, url: string, account: string): Promise<Clerk> {
    const context = await atDesk(browser);
    const answer = await context.request.post(`${url}/api/demo/session`, { data: { account } });
    expect(answer.ok(), `${account} signs in`).toBe(true);
    return new Clerk(await context.newPage(), url);
  }

  /** Who holds several posts says first which one acts: the first of the list. */
  private async choosesPost(): Promise<void> {
    const question = this.page.getByRole("heading", { name: "现在以哪个岗位办事" });
    const list = this.page.getByRole("region", { name: "案件列表" });
    await expect(question.or(list)).toBeVisible();
    if (await question.isVisible()) await this.page.getByRole("main").getByRole("listitem").first().getByRole("button").click();
    await expect(list).toBeVisible();
  }

  /** Opens a list: mine, open, closed or all. */
  async goesTo(view: "mine" | "open" | "closed" | "all"): Promise<void> {
    await this.page.goto(`${this.url}/desk/work?view=${view}`);
    await this.choosesPost();
  }

  list = () => this.page.getByRole("region", { name: "案件列表" });

  /** A row of the list, by what stands in it. */
  row = (words: string): Locator => this.list().getByRole("button").filter({ hasText: words });

  /** The case that is open. */
  open = (c: { number: string }): Locator => this.page.getByRole("region", { name: c.number });

  actions = (): Locator => this.page.getByRole("region", { name: "可以做的事" });

  async opens(c: { id: string; number: string }): Promise<void> {
    await this.page.goto(`${this.url}/desk/work/${c.id}?view=open`);
    await expect(this.open(c).getByRole("heading", { level: 2 })).toBeVisible();
  }

  /** Chooses a row of the list, taking in what came in meanwhile. */
  async chooses(words: string): Promise<void> {
    const fresh = this.page.getByRole("button", { name: /件有更新，点这里显示/ });
    await expect(this.row(words).or(fresh).first()).toBeVisible();
    if (!(await this.row(words).first().isVisible())) await fresh.click();
    await this.row(words).first().click();
  }

  /** Presses a move and, where it asks for something, fills that in and confirms. */
  async does(move: string, filled?: Filled): Promise<void> {
    await this.begins(move);
    if (filled) await this.confirms(move, filled);
  }

  /** Presses a move, from the menu where it does not stand in the row. */
  async begins(move: string): Promise<void> {
    const bar = this.actions();
    const name = new RegExp(`^(改)?${move}( [A-Z])?$`);
    const button = bar.getByRole("button", { name });
    await expect(bar.getByRole("button").first()).toBeVisible();
    if (!(await button.isVisible())) await bar.getByRole("button", { name: "更多" }).click();
    await button.click();
  }

  private async confirms(move: string, f: Filled): Promise<void> {
    const form = this.actions().getByRole("form");
    await expect(form).toBeVisible();
    if (f.result) await form.getByRole("radio", { name: f.result, exact: true }).check();
    if (f.to) await form.getByRole("combobox", { name: "派给" }).selectOption({ label: f.to });
    if (f.reason) {
      const choice = form.getByRole("radio", { name: f.reason });
      if (await choice.count()) await choice.check();
      else await form.getByRole("combobox", { name: "理由" }).selectOption({ label: f.reason as string });
    }
    if (f.units) await form.getByLabel("延长多久").fill(String(f.units));
    if (f.until) await form.getByLabel("停到什么时候").fill(localTime(f.until));
    if (f.note) await form.getByRole("textbox", { name: /^(说明|办了什么|审核意见)/ }).fill(f.note);
    if (f.photo) {
      await form.getByLabel("加照片").last().setInputFiles(photoFile("after.png", 70, 130, 80));
      await expect(form.getByRole("img", { name: "处置后" })).toBeVisible();
    }
    if (f.resident) await form.getByRole("textbox", { name: /^告诉居民的话/ }).fill(f.resident);
    await form.getByRole("button", { name: f.result ?? (f.to ? `派给 ${f.to}` : move), exact: true }).click();
    await expect(form).toBeHidden();
  }

  /** The open case stands in this state, at this post. */
  async seesState(c: { number: string }, state: string, post?: string): Promise<void> {
    await expect(this.open(c).getByText(`${state} · ${post ?? ""}`)).toBeVisible();
  }

  /** The open case changes within seconds to this state, by itself. */
  async seesLive(c: { number: string }, state: string, post?: string): Promise<void> {
    await expect(this.open(c).getByText(`${state} · ${post ?? ""}`)).toBeVisible({ timeout: 6_000 });
  }

  /** The history tells this. */
  async seesInHistory(c: { number: string }, words: string | RegExp): Promise<void> {
    await expect(this.open(c).getByText(words).first()).toBeVisible();
  }

  /** How often a page was loaded; what changes live does not raise it. */
  loaded = (): number => this.loads;

  leaves = () => this.page.context().close();
}

const atDesk = (browser: Browser): Promise<BrowserContext> =>
  browser.newContext({ viewport: desk, locale: "zh-CN", timezoneId: "Asia/Shanghai" });

/** As a field for date and time takes it, at the district's clock. */
function localTime(at: Date): string {
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 16);
}
