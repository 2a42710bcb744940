import { expect, test } from "@playwright/test";
import { Colleague } from "../api.ts";
import { withoutMap } from "../browser.ts";
import { Clerk, desk, nobodyIsShutOut, phone, Resident } from "../people.ts";
import { photo } from "../photo.ts";
import { type District, startDistrict } from "../start.ts";

// A photo that staff took reaches a resident only as a copy: somebody at the desk
// looks at it, marks what is to be blurred, with the keyboard too, and releases it.
test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

test("a desk marks faces on a photo and releases it; the resident sees the copy", async ({ browser }) => {
  const resident = await Resident.comes(browser, district.url);
  await resident.reports({ what: "垃圾", village: /^西梁村/, text: "巷口垃圾桶满了两天" });
  const village = await Colleague.of(district.url, "village");
  const officer = await Colleague.of(district.url, "officer");
  const department = await Colleague.of(district.url, "department");
  const { id } = await village.finds(resident.number);
  await village.moves(id, "accept");
  const verify = (await village.sees(id)).tasks.find((k) => k.task === "verify");
  if (verify) await officer.moves(verify.id, "verify", { result: "pass", note: "属实" });
  await village.moves(id, "file");
  await village.moves(id, "dispatch", { to: "城市管理经办 1" });
  await department.moves(id, "take");
  await department.moves(id, "handle");
  const after = await department.sends("after.png", photo(120, 150, 120), "after");
  await department.moves(id, "done", { note: "清完了", resident_text: "已经清走。", file_ids: [after] });
  const check = (await village.sees(id)).tasks.find((k) => k.task === "check" && k.state !== "closed");
  if (check) await officer.moves(check.id, "check", { result: "pass", note: "干净了" });
  await village.moves(id, "close");

  // Closed, answered, and still no photo by staff outside.
  await resident.looks();
  await expect(resident.page.getByRole("main")).toContainText("已经清走。");
  await expect(resident.page.getByRole("img", { name: "办好以后" })).toHaveCount(0);

  const clerk = await Clerk.of(browser, district.url, "village");
  const page = clerk.page;
  await page.goto(`${district.url}/desk/work/${id}?view=closed`);
  await page.getByRole("button", { name: /放大照片：处置后/ }).click();
  const sheet = page.getByRole("dialog");
  await sheet.getByRole("button", { name: "给居民看…" }).click();
  const review = sheet.getByRole("region", { name: "给居民看的照片" });
  await expect(review.getByRole("status")).toContainText("还没有放行，居民看不到这张照片");
  await nobodyIsShutOut(page, "photo to release");

  // By keyboard: add a place, move it, make it larger; add another and take it away.
  await review.getByRole("button", { name: "加一处" }).focus();
  await page.keyboard.press("Enter");
  const spot = review.getByRole("button", { name: "打码的地方 1，共 1 处" });
  await expect(spot).toBeFocused();
  const before = await spot.boundingBox();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowDown");
  const moved = await spot.boundingBox();
  expect(moved!.x).toBeGreaterThan(before!.x);
  expect(moved!.height).toBeGreaterThan(before!.height);
  await review.getByRole("button", { name: "加一处" }).click();
  await page.keyboard.press("Delete");
  await expect(review.getByRole("button", { name: /^打码的地方/ })).toHaveCount(1);

  // By pointer: draw one.
  const picture = (await review.getByRole("img").boundingBox())!;
  await page.mouse.move(picture.x + 30, picture.y + 30);
  await page.mouse.down();
  await page.mouse.move(picture.x + 130, picture.y + 120, { steps: 4 });
  await page.mouse.up();
  await expect(review.getByRole("button", { name: /^打码的地方/ })).toHaveCount(2);
  await nobodyIsShutOut(page, "photo with marks");
  for (const size of [desk, phone]) {
    await page.setViewportSize(size);
    if (process.env.ONEGRID_SHOTS) await page.screenshot({ path: `${process.env.ONEGRID_SHOTS}/photo-${size.width}.png` });
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), `fits ${size.width}`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize(desk);
  await review.getByRole("button", { name: "放行，2 处打码" }).click();
  await expect(review.getByRole("status")).toContainText("能看到打码的这一张");
  const made = review.getByRole("img", { name: /^打码后的照片/ });
  await expect.poll(() => made.evaluate((i) => (i as HTMLImageElement).naturalWidth), { message: "the copy is shown" }).toBe(320);
  await nobodyIsShutOut(page, "released photo");
  if (process.env.ONEGRID_SHOTS) await page.screenshot({ path: `${process.env.ONEGRID_SHOTS}/photo-released.png` });

  await resident.looks();
  await expect(resident.page.getByRole("img", { name: "办好以后" })).toBeVisible();
  await resident.isNotShutOut("report with a released photo");

  // Taken back, it is gone at once, and both acts stand on the timeline.
  await review.getByRole("button", { name: "收回，不再给居民看" }).click();
  await expect(review.getByRole("status")).toContainText("决定不给居民看");
  await resident.looks();
  await expect(resident.page.getByRole("img", { name: "办好以后" })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await clerk.seesInHistory({ number: resident.number }, "放行了打码后的照片");
  await clerk.seesInHistory({ number: resident.number }, "决定照片不给居民看");
});

test("the look at a photo speaks English", async ({ browser }) => {
  const village = await Colleague.of(district.url, "village");
  const own = await village.reports("a photo to look at");
  const before = await village.sends("before.png", photo(150, 140, 110), "before");
  await village.comments(own.id, "before the work", [before]);
  const page = (await Clerk.of(browser, district.url, "village")).page;
  await page.addInitScript(() => localStorage.setItem("onegrid.language", "en"));
  await page.goto(`${district.url}/desk/work/${own.id}?view=open`);
  await page.getByRole("button", { name: /^Open photo: Before/i }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "For residents…" }).click();
  const review = page.getByRole("region", { name: "Photo for residents" });
  await expect(review.getByRole("status")).toContainText("Not released");
  for (const size of [desk, phone]) {
    await page.setViewportSize(size);
    await nobodyIsShutOut(page, `photo in English at ${size.width}`);
    if (process.env.ONEGRID_SHOTS) await page.screenshot({ path: `${process.env.ONEGRID_SHOTS}/photo-en-${size.width}.png` });
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), `fits ${size.width}`).toBeLessThanOrEqual(0);
  }
  await review.getByRole("button", { name: "Keep it from residents" }).click();
  await expect(review.getByRole("status")).toContainText("kept it from residents");
});
