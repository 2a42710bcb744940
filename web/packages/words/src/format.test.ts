import { describe, expect, it } from "vitest";
import { clockTime, day, daysBetween, duration, fromLocal, moment, number, say, toLocal } from "./format";

const at = (s: string) => Date.parse(s);
const now = at("2026-11-24T09:42:00+08:00"); // a Tuesday

describe("moment", () => {
  it("tells the day in the district's zone, wherever the machine stands", () => {
    expect(process.env.TZ).toBe("America/New_York");
    expect(moment(at("2026-11-24T16:55:00+08:00"), now, "zh-CN")).toBe("今天 16:55");
    expect(moment(at("2026-11-24T00:05:00+08:00"), now, "zh-CN")).toBe("今天 0:05");
    expect(moment(at("2026-11-23T23:59:00+08:00"), now, "zh-CN")).toBe("昨天 23:59");
    expect(moment(at("2026-11-25T08:30:00+08:00"), now, "en")).toBe("tomorrow 8:30");
    expect(moment(at("2026-11-26T11:00:00+08:00"), now, "zh-CN")).toBe("周四 11:00");
    expect(moment(at("2026-12-01T11:00:00+08:00"), now, "en")).toBe("1 Dec 11:00");
    expect(day(at("2027-01-04T11:00:00+08:00"), now, "zh-CN")).toBe("2027年1月4日");
    expect(day(at("2025-12-31T11:00:00+08:00"), now, "en")).toBe("31 Dec 2025");
  });
  it("counts days by the calendar, not by 24 hours", () => {
    expect(daysBetween(at("2026-11-24T23:59:00+08:00"), at("2026-11-25T00:01:00+08:00"))).toBe(1);
    expect(clockTime(at("2026-11-23T16:05:00Z"))).toBe("0:05");
  });
});

describe("duration", () => {
  it("gives the two largest units", () => {
    const h = 3_600_000;
    expect(duration(26 * h, "zh-CN")).toBe("1 天 2 时");
    expect(duration(5 * h + 43 * 60_000, "zh-CN", { long: true })).toBe("5 小时 43 分");
    expect(duration(5 * h + 43 * 60_000, "en")).toBe("5 h 43 min");
    expect(duration(h + 5 * 60_000, "zh-CN")).toBe("1 时 05 分");
    expect(duration(6 * 60_000, "zh-CN")).toBe("6 分");
    expect(duration(59_000, "en")).toBe("under 1 min");
    expect(duration(48 * h, "en")).toBe("2 d");
    expect(duration(-3 * h, "zh-CN")).toBe("3 时");
  });
  it("keeps working time in hours", () => {
    expect(duration(26 * 3_600_000, "zh-CN", { long: true, hoursOnly: true })).toBe("26 小时");
  });
});

describe("small things", () => {
  it("writes numbers with commas and a true minus", () => {
    expect(number(121145, "zh-CN")).toBe("121,145");
    expect(number(-4, "en")).toBe("−4");
  });
  it("falls back to the other language", () => {
    expect(say({ "zh-CN": "", en: "Hub" }, "zh-CN")).toBe("Hub");
    expect(say("柳溪", "en")).toBe("柳溪");
  });
  it("reads a local field as the district's time", () => {
    expect(fromLocal("2026-11-24T09:42")).toBe("2026-11-24T01:42:00.000Z");
    expect(toLocal(now)).toBe("2026-11-24T09:42");
    expect(fromLocal("soon")).toBeUndefined();
  });
});
