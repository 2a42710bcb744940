import type { Case, Name, Offer, StageKey } from "@onegrid/api";
import type { Status } from "@onegrid/kit";
import { useWords } from "@onegrid/words";
import { useStageWords } from "../../desk/reference";
import { isMine, myTurn, type TimeLeft, timeLeft } from "./rows";

/** What the screens say about a case, in the reader's language. */
export function useCaseWords() {
  const w = useWords();
  const { stages, states } = useStageWords();

  const stageName = (key: StageKey) => w.say(stages.value.find((s) => s.key === key)?.name) || w.t(`casework.stage.${key}`);
  const stateName = (flow: string, state: string) => w.say(states.value.get(`${flow}.${state}`)?.name) || state;
  const stageOf = (flow: string) => (state: string) => states.value.get(`${flow}.${state}`)?.stage;

  /** Where it is, short: the grid, else the village, else the words. */
  function placeShort(c: Case): string {
    return w.say(c.place.grid_name) || w.say(c.place.platform_name) || w.say(c.place.street_name) || c.place.words || w.t("casework.no_place");
  }
  function placeLong(c: Case): string {
    const parts: (Name | undefined)[] = [c.place.street_name, c.place.platform_name, c.place.grid_name];
    const say = w.say;
    const tree = parts.map(say).filter((x, i, all) => x && all.indexOf(x) === i);
    const where = c.place.words;
    // a grid named after its village says both
    const stem = say(c.place.platform_name).replace(/(平台| desk| community)$/, "");
    if (stem.length > 1 && say(c.place.grid_name).startsWith(stem)) tree.splice(-2, 1);
    const sep = w.t("casework.comma");
    return [tree.join(" "), where].filter(Boolean).join(sep) || w.t("casework.no_place");
  }

  function whoseMove(c: Case, post: string | undefined): string {
    if (c.stage === "closed") return stateName(c.flow, c.state);
    if (isMine(c, post)) {
      const key = `casework.turn.${myTurn(c)}`;
      return w.te(key) ? w.t(key) : w.t("casework.turn.other");
    }
    return c.person_name && !w.say(c.post_name) ? c.person_name : w.say(c.post_name);
  }

  function left(c: Case, now: number): { kind: TimeLeft["kind"]; words: string } {
    const l = timeLeft(c, now);
    switch (l.kind) {
      case "over":
        return { kind: l.kind, words: w.t("casework.over", { time: w.duration(l.ms) }) };
      case "left":
        return { kind: l.kind, words: w.duration(l.ms) };
      case "due":
        return { kind: l.kind, words: w.moment(l.at, now) };
      case "paused":
        return { kind: l.kind, words: w.t("casework.clock_stopped") };
      case "closed":
        return { kind: l.kind, words: l.at === undefined ? "" : w.day(l.at, now) };
      case "none":
        return { kind: l.kind, words: w.t("casework.no_due") };
    }
  }

  const statusName = (s: Status) => w.t(`casework.status.${s}`);
  const moveName = (o: Offer) => w.say(o.name) || o.move;

  return { ...w, stages, stageName, stateName, stageOf, placeShort, placeLong, whoseMove, left, statusName, moveName };
}
