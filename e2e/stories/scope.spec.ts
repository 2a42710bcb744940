import { expect, test } from "@playwright/test";
import { Colleague } from "../api.ts";
import { withoutMap } from "../browser.ts";
import { Clerk } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

// The second counts here, and drawing the map by the processor takes seconds.
test.use({ launchOptions: withoutMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "0");
});
test.afterAll(({ browser }) => district.stop(browser));

test("a case that leaves my scope leaves my open list within a second", async ({ browser }) => {
  const village = await Colleague.of(district.url, "village");
  const stays = await village.reports("还归我们办的一件");
  const goes = await village.reports("派错了的一件");
  for (const c of [stays, goes]) {
    await village.moves(c.id, "accept");
    await village.moves(c.id, "file");
    await village.moves(c.id, "dispatch", { to: "城市管理经办 1" });
  }

  const department = await Clerk.of(browser, district.url, "department");
  await department.goesTo("open");
  await department.row(goes.title).click();
  await department.seesState(goes, "已派遣");
  await expect(department.page.getByRole("status").filter({ hasText: /^实时/ })).toBeVisible();
  const loaded = department.loaded();

  // Another desk takes it back and gives it to another department.
  await village.moves(goes.id, "withdraw", { reason: "withdraw_dispatch", note: "派错了" });
  await expect(department.row(goes.title)).toBeHidden({ timeout: 1_000 });
  await expect(department.row(stays.title)).toBeVisible();
  await expect(department.page.getByText("这件已经转出你的范围")).toBeVisible();
  await village.moves(goes.id, "dispatch", { to: "住房和城乡建设经办 1" });
  expect(department.loaded()).toBe(loaded);

  // Reading it again finds nothing, and says so.
  await department.page.reload();
  await expect(department.page.getByText("看不到这件")).toBeVisible();
  await expect(department.row(stays.title)).toBeVisible();
  await expect(department.row(goes.title)).toBeHidden();
});

test("the grid map says where nobody holds the officer's post, and who covers it", async ({ browser }) => {
  const street = await Clerk.of(browser, district.url, "street2");
  await street.goesTo("mine");
  await street.page.getByRole("navigation").getByRole("link", { name: "网格地图" }).click();
  const vacant = street.page.getByRole("button", { name: /^空岗 [1-9]/ });
  await vacant.click();
  const rows = street.page.getByRole("main").getByRole("listitem");
  await expect(rows.first()).toBeVisible();
  for (const row of await rows.all()) await expect(row).toContainText(/代管|空岗/);
});
