// The shapes of the API that the screens use. Names are the server's (snake_case),
// times are RFC 3339, an absent value is left out.

export type Language = "zh-CN" | "en";

/** One text in both languages. */
export type Text = Record<Language, string>;

/** A name as the server gives it: in both languages, or a proper name. */
export type Name = Text | string;

export type StageKey = "reported" | "accepted" | "assigned" | "in_hand" | "done" | "closed";

export type ClockKind = "accept" | "verify" | "dispatch" | "handle" | "check";

/** A limit in the unit of its clock (时限). */
export interface Limit {
  clock: string;
  units?: number;
  minutes?: number;
}

/** The clock that runs on a case now. */
export interface Clock {
  kind: ClockKind;
  state: "running" | "paused" | "stopped";
  started_at: string;
  due_at?: string;
  provisional?: boolean;
  /** running time left, in the clock's own time */
  remaining_ms?: number;
  /** from here on the case counts as due soon */
  near_at?: string;
  late: boolean;
  limit?: Limit;
}

export interface Place {
  lon?: number;
  lat?: number;
  words?: string;
  grid_id?: string;
  grid_name?: Name;
  grid_code?: string;
  platform_name?: Name;
  street_name?: Name;
}

/** One matter that somebody must act on (事件). */
export interface Case {
  id: string;
  number: string;
  arrived: number;
  parent_id?: string;
  task?: "verify" | "check";
  flow: "handling" | "task";
  item: string;
  item_name: Name;
  condition?: string;
  condition_name?: Name;
  title: string;
  text: string;
  place: Place;
  hub_id?: string;
  street_id?: string;
  platform_id?: string;
  grid_id?: string;
  micro_id?: string;
  department_id?: string;
  department_name?: Name;
  state: string;
  stage: StageKey;
  priority: "low" | "normal" | "high" | "urgent";
  secrecy: "open" | "desk" | "named";
  channel: string;
  post_id: string;
  post_name: Name;
  acting_post_id?: string;
  acting_post_name?: Name;
  person_name?: string;
  claimed_by?: { post_name: Name; mine: boolean; until: string };
  clock?: Clock;
  due_at?: string;
  late: boolean;
  verify?: "open" | "pass" | "fail";
  check?: "open" | "pass" | "fail";
  returned?: { from_post_name: Name; reason: Name; note?: string };
  /** a request that waits for somebody's decision */
  asked?: { kind: "suspend" | "void"; reason: Name; note?: string; until?: string; post_name: Name };
  suspended?: { reason: Name; note?: string; until: string };
  rating?: { score: number; words?: string };
  occurred_at: string;
  recorded_at: string;
  closed_at?: string;
  version: number;
  made_up?: boolean;
}

export interface CasePage {
  items: Case[];
  next?: string;
  as_of: string;
  /** number of the last journal entry these items reflect */
  head?: number;
}

export interface CaseCounts {
  as_of: string;
  by_state: Record<string, number>;
  mine: number;
  overdue: number;
  near: number;
}

export type CaseView = "mine" | "open" | "closed" | "all";

export interface CaseFilter {
  view?: CaseView;
  state?: string;
  stage?: string;
  item?: string;
  street?: string;
  platform?: string;
  grid?: string;
  department?: string;
  channel?: string;
  late?: string;
  near?: string;
  q?: string;
}

/** A photo or paper on a case. */
export interface CaseFile {
  id: string;
  kind: string;
  media?: string;
  taken_at?: string;
  /** where it was taken; for staff only */
  lon?: number;
  lat?: number;
  state?: "loose" | "attached" | "quarantine" | "discarded";
  at?: string;
  person_name?: string;
}

export interface Reason {
  key: string;
  name: Name;
  needs_note?: boolean;
  resident_text?: Name;
  /** the latest day a suspension may last to */
  latest?: string;
}

export interface PostChoice {
  id: string;
  name: Name;
  vacant?: boolean;
  stand_in?: boolean;
}

/** What must come along with a move; the last nine are evidence that is still missing. */
export type Need =
  | "reason"
  | "note"
  | "post"
  | "result"
  | "resident_text"
  | "score"
  | "until"
  | "record"
  | "photo_before"
  | "photo_after"
  | "signature"
  | "consent"
  | "measurement"
  | "reply"
  | "track_summary";

/** One thing the acting post could do to the case, allowed or not. */
export interface Offer {
  move: string;
  name: Name;
  allowed: boolean;
  why?: { code: string; message?: Name };
  needs: Need[];
  reasons?: Reason[];
  posts?: PostChoice[];
  to_state?: string;
  next?: {
    post_id?: string;
    post_name?: Name;
    due_at?: string;
    clock?: string;
    resident_stage?: string;
  };
  /** who is told, by when, what the resident sees */
  consequence: Name;
}

/** One line of the timeline. */
export interface TimelineEvent {
  number: number;
  kind: string;
  at: string;
  occurred_at?: string;
  by: { person_name?: string; post_name?: Name; for_name?: string; via?: string };
  words: Name;
  note?: string;
  resident_text?: string;
  internal: boolean;
  from_state?: string;
  to_state?: string;
  stage_clock?: { kind: ClockKind; used_ms: number; limit_ms?: number; late?: boolean };
  task_id?: string;
  file_ids?: string[];
  /** its words were erased by law; that it happened stays */
  erased?: boolean;
}

/** A stretch of time that counts as a whole or not at all. */
export interface Segment {
  from: string;
  to?: string;
  counted: boolean;
  reason: string;
  holiday?: Text;
}

/** Why a deadline is when it is (为什么是这个时间). */
export interface Explanation {
  limit?: Limit;
  limit_ms: number;
  start: string;
  due_at?: string;
  provisional?: boolean;
  paused?: boolean;
  as_of?: string;
  used_ms: number;
  remaining_ms: number;
  stopped_ms: number;
  segments: Segment[];
  sentence: Text;
}

export interface ClockView extends Clock {
  used_ms?: number;
  stopped_at?: string;
  explanation?: Explanation;
}

export interface CaseDetail {
  case: Case;
  /** answers to the item's form that are not personal */
  form?: Record<string, unknown>;
  reporter?: { name_masked?: string; phone_masked?: string; can_reveal: boolean };
  files: CaseFile[];
  tasks: Case[];
  moves: Offer[];
  timeline: TimelineEvent[];
  clocks: ClockView[];
  head?: number;
}

export interface MoveRequest {
  move: string;
  reason?: string;
  note?: string;
  post_id?: string;
  result?: "pass" | "fail";
  resident_text?: string;
  file_ids?: string[];
  /** evidence that is on paper */
  evidence?: string[];
  score?: number;
  until?: string;
  item?: string;
  condition?: string;
}

export interface ReportRequest {
  id: string;
  item: string;
  condition?: string;
  text: string;
  title?: string;
  place: {
    lon?: number;
    lat?: number;
    datum: "wgs84" | "gcj02" | "bd09";
    words?: string;
    platform_id?: string;
    grid_id?: string;
  };
  form?: Record<string, unknown>;
  reporter?: { name?: string; phone?: string };
  channel?: string;
  priority?: string;
  file_ids?: string[];
  occurred_at?: string;
}

export interface Duplicate {
  case: Case;
  distance_m: number;
  age_h: number;
}

/** A field of an item's form, as its JSON Schema says it. */
export interface FormField {
  type: "string" | "integer" | "number" | "boolean" | "array" | "object";
  title?: string;
  format?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  items?: FormField;
  /** whether an answer says something about a person */
  "x-personal"?: "none" | "basic" | "sensitive";
  "x-i18n"?: { title?: Text; description?: Text; enum?: Record<string, Text> };
}

export interface Item {
  key: string;
  code?: string;
  function?: string;
  name: Name;
  description?: Name;
  flow?: string;
  raised_by?: string[];
  priority?: string;
  conditions?: { key: string; name: Name; when?: Name; priority?: string }[];
  form?: { properties?: Record<string, FormField>; required?: string[] };
}

export interface StageWords {
  stages: { key: StageKey; order: number; name: Text; text: Text }[];
  flows: { key: string; states: { key: string; name: Text; stage: StageKey | null }[] }[];
}

export interface SessionPost {
  id: string;
  name: Name;
  role: string;
  role_name?: Name;
  unit?: Name;
  stand_in?: boolean;
  /** name of the holder */
  stand_in_for?: string;
}

/** Who is signed in, and as which post. */
export interface Session {
  person: { id: string; name: string; language?: Language };
  posts: SessionPost[];
  post_id?: string;
  permissions: string[];
  until?: string;
  demo?: boolean;
}

export interface DemoAccount {
  account: string;
  name: string;
  role: Name;
  post: Name;
  app?: string;
}

export interface GridProperties {
  id: string;
  code: string;
  name: string;
  layer: "base" | "micro";
  kind?: "comprehensive" | "special";
  street_id?: string;
  street_name?: Text;
  platform_id?: string;
  platform_name?: Text;
  parent_id?: string;
  households?: number;
  made_up?: boolean;
  /** who looks after it; put in from the posts where the reader may see them */
  officer?: { state: "held" | "stand_in" | "vacant"; name?: string };
}

/** A post and who fills it. */
export interface PostView {
  id: string;
  role: string;
  name: Name;
  node_id?: string;
  holder?: { name: string };
  stand_in?: { name: string };
  vacant: boolean;
  covered_by?: Text;
}

export interface GridFeature {
  type: "Feature";
  geometry: { type: "Polygon" | "MultiPolygon"; coordinates: unknown };
  properties: GridProperties;
}

export interface GridCollection {
  type: "FeatureCollection";
  features: GridFeature[];
}

/** What the live feed says when something changed. It never carries personal data. */
export interface FeedEvent {
  number: number;
  /** absent from "gone", which says nothing but which thing it was */
  kind?: string;
  subject?: string;
  case?: string;
  version?: number;
  type: "change" | "gone";
}
