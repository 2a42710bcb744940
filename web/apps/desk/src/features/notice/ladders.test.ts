import { describe, expect, it } from "vitest";
import { type Rung, withOneMore, wrongWith } from "./ladders";

const rung = (channel: Rung["channel"], after_minutes: number): Rung => ({ channel, after_minutes });

describe("a ladder", () => {
  it("rises, uses each channel once and ends with the next post", () => {
    expect(wrongWith("urgent", [rung("push", 0), rung("mail", 0), rung("sms", 3), rung("next", 10)])).toBeUndefined();
    expect(wrongWith("urgent", [])).toBeUndefined();
    expect(wrongWith("urgent", [rung("push", 5), rung("mail", 4)])).toBe("bad_minutes");
    expect(wrongWith("urgent", [rung("push", 10081)])).toBe("bad_minutes");
    expect(wrongWith("urgent", [rung("push", 0.5)])).toBe("bad_minutes");
    expect(wrongWith("urgent", [rung("push", 0), rung("push", 1)])).toBe("bad_channel");
    expect(wrongWith("urgent", [rung("next", 0), rung("mail", 5)])).toBe("bad_next");
    expect(wrongWith("resident", [rung("mail", 0)])).toBe("bad_channel");
  });
  it("gets one more rung where it may stand", () => {
    expect(withOneMore("must_act", [rung("push", 0), rung("next", 30)])).toEqual([rung("push", 0), rung("mail", 0), rung("next", 30)]);
    expect(withOneMore("resident", [rung("sms", 0)])).toEqual([rung("sms", 0)]);
    expect(wrongWith("ordinary", withOneMore("ordinary", [rung("push", 0), rung("mail", 30)]))).toBeUndefined();
  });
});
