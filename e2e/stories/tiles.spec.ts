import { each } from "@mapbox/mvt-fixtures";
import { VectorTile } from "@mapbox/vector-tile";
import { expect, test, type APIRequestContext } from "@playwright/test";
import { PbfReader } from "pbf";
import { withMap } from "../browser.ts";
import { faultsOf } from "../mvt.ts";
import { Clerk, nobodyIsShutOut, phone } from "../people.ts";
import { type District, startDistrict } from "../start.ts";

test.use({ launchOptions: withMap });

let district: District;
test.beforeAll(async () => {
  district = await startDistrict("--requests", "200");
});
test.afterAll(({ browser }) => district.stop(browser));

interface Place { z: number; x: number; y: number }

/** The tiles of a zoom that lie in a tile above them. */
function below(t: Place, z: number): Place[] {
  const n = 2 ** (z - t.z);
  return Array.from({ length: n * n }, (_, i) => ({ z, x: t.x * n + (i % n), y: t.y * n + Math.floor(i / n) }));
}

async function read(http: APIRequestContext, what: "cases" | "grids", t: Place): Promise<Buffer> {
  const answer = await http.get(`${district.url}/api/map/${what}/${t.z}/${t.x}/${t.y}`);
  expect(answer.status(), `${what} ${t.z}/${t.x}/${t.y}`).toBe(200);
  return answer.body();
}

test("the checker of tiles knows every published fixture, right and wrong", () => {
  const seen = { right: 0, wrong: 0 };
  const mistaken: string[] = [];
  // 016: an unknown type is written as none at all, which 003 says is wrong.
  // 057: its points end early, which is wrong in 052; here only memory is meant.
  const unclear = ["016", "057"];
  each((f) => {
    if (unclear.includes(f.id)) return;
    const faults = faultsOf(f.buffer);
    seen[f.validity.v2 ? "right" : "wrong"]++;
    if ((faults.length === 0) !== f.validity.v2) mistaken.push(`${f.id} (${f.description}): ${faults.join()}`);
  });
  expect(mistaken).toEqual([]);
  expect(seen.right).toBeGreaterThan(40);
  expect(seen.wrong).toBeGreaterThan(20);
});

test("our tiles keep the specification, and their counts add up at every zoom", async ({ browser }) => {
  const clerk = await Clerk.of(browser, district.url, "hub");
  const http = clerk.page.request;
  const total = async () => ((await (await http.get(`${district.url}/api/map/cases/0/0/0/list?limit=1`)).json()) as { total: number }).total;
  expect(await total()).toBeGreaterThan(20);
  const features = new Map<number, number>();
  let tiles: Place[] = [{ z: 0, x: 0, y: 0 }];
  for (const z of [0, 4, 7, 9, 10, 11, 12, 13, 14]) {
    // The district lives on meanwhile: counted again when something came or went.
    await expect(async () => {
      const before = await total();
      const full: Place[] = [];
      let sum = 0;
      let drawn = 0;
      for (const t of tiles.flatMap((t) => below(t, z))) {
        const raw = await read(http, "cases", t);
        if (!raw.length) continue;
        expect(faultsOf(raw)).toEqual([]);
        const cases = new VectorTile(new PbfReader(raw)).layers.case!;
        expect([cases.version, cases.extent]).toEqual([2, 4096]);
        for (let i = 0; i < cases.length; i++, drawn++) sum += Number(cases.feature(i).properties.count);
        full.push(t);
      }
      expect([before, await total()], `cases at zoom ${z}`).toEqual([sum, sum]);
      features.set(z, drawn);
      tiles = full;
    }).toPass();
    for (const t of tiles) expect(faultsOf(await read(http, "grids", t)), `grids ${z}/${t.x}/${t.y}`).toEqual([]);
  }
  console.log(`features by zoom: ${[...features].map(([z, n]) => `${z}: ${n}`).join(", ")}; ${await total()} cases`);
  expect(features.get(14)).toBeGreaterThan(features.get(9)!);
});

test("the map draws the circles, a press lists what a circle stands for, and a case opens from there", async ({ browser }) => {
  const clerk = await Clerk.of(browser, district.url, "hub");
  const page = clerk.page;
  const drawn = page.waitForResponse((r) => r.url().includes("/api/map/cases/") && !r.url().includes("/list") && r.status() === 200);
  await page.goto(`${district.url}/desk/map`);
  await drawn;
  const list = page.getByRole("region", { name: "地图上的案件" });
  await expect(list.getByText("辖区内在办案件")).toBeVisible();
  await nobodyIsShutOut(page, "the case map");
  const canvas = page.locator("canvas.maplibregl-canvas");
  const box = (await canvas.boundingBox())!;
  await expect(async () => {
    // A circle is found by pressing outwards from the middle, as somebody does who looks around.
    for (let i = 0; i < 80 && !page.url().includes("cell="); i++) {
      const [turn, far] = [i * 0.9, 9 * i ** 0.8];
      await page.mouse.click(box.x + box.width / 2 + far * Math.cos(turn), box.y + box.height / 2 + far * Math.sin(turn));
    }
    expect(page.url()).toContain("cell=");
  }).toPass();
  const cell = new URL(page.url()).searchParams.get("cell")!;
  const said = (await (await page.request.get(`${district.url}/api/map/cases/${cell}/list`)).json()) as { total: number; items: { id: string }[] };
  expect(said.total).toBeGreaterThan(0);
  await expect(list.getByRole("heading", { name: "所点位置的案件" })).toContainText(String(said.total));
  await expect(list.locator("[data-case]")).toHaveCount(said.items.length);
  await list.getByRole("button", { name: "看全部" }).click();
  await expect(list.getByText("辖区内在办案件")).toBeVisible();
  await list.locator("[data-case]").first().click();
  await expect(page).toHaveURL(/\/desk\/work\//);

  await page.setViewportSize(phone);
  await page.goto(`${district.url}/desk/map`);
  await expect(list.locator("[data-case]").first()).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width);
  await nobodyIsShutOut(page, "the case map on a phone");
});
