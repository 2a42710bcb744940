import { describe, expect, it } from "vitest";
import { readDays } from "./days";

describe("the holidays of a year", () => {
  it("reads lines, and says which it could not", () => {
    const p = readDays("2027-01-01 元旦 休\n2027-01-03 元旦 班\n\n2027-02-30 春节 休\n2027-02-06 春节 也许\n2027-01-01 元旦 休\nSpring festival off");
    expect(p.days).toEqual([
      { name: "元旦", date: "2027-01-01", isOffDay: true },
      { name: "元旦", date: "2027-01-03", isOffDay: false },
    ]);
    expect(p.wrong).toEqual([4, 5, 6, 7]);
  });
  it("reads the file of the public source", () => {
    const p = readDays('{"year":2027,"papers":["https://www.gov.cn/x"],"days":[{"name":"元旦","date":"2027-01-01","isOffDay":true},{"name":"?"}]}');
    expect(p).toEqual({ days: [{ name: "元旦", date: "2027-01-01", isOffDay: true }], papers: ["https://www.gov.cn/x"], wrong: [2] });
    expect(readDays("{broken").wrong).toEqual([1]);
  });
});
