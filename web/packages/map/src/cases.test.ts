import { expect, test } from "vitest";
import { caseLayers, cellBounds } from "./cases";

test("a cell's corners are those of its tile", () => {
  expect(cellBounds("0/0/0")).toEqual([-180, expect.closeTo(-85.0511, 3), 180, expect.closeTo(85.0511, 3)]);
  expect(cellBounds("1/1/0")).toEqual([0, expect.closeTo(0, 6), 180, expect.closeTo(85.0511, 3)]);
  for (const bad of ["", "1/2", "a/b/c", "1/2/x"]) expect(cellBounds(bad)).toBeUndefined();
});

test("what is late is told by a sign, not by colour alone", () => {
  const [, words] = caseLayers((name) => name);
  expect(JSON.stringify(words.layout!["text-field"])).toContain("!");
});
