// The shapes of the API by the names the screens use. They come from the
// server's own description (schema.d.ts, made by `npm run gen`); a change there
// that a screen has not followed is a compile error here.
import type { components } from "./schema";

type S = components["schemas"];

/** Every shape by the name that the description gives it, for a screen's own short names. */
export type Schemas = S;

export type Language = "zh-CN" | "en";

/** One text in both languages. */
export type Text = S["WordsText"];

/** A name as the server gives it: in both languages, or a proper name. */
export type Name = Text | string;

/** One matter that somebody must act on (事件). */
export type Case = S["CaseworkView"];
export type CasePage = S["CaseworkListPage"];
export type CaseTilePage = S["CaseworkTilePage"];
export type CaseCounts = S["CaseworkCounts"];
export type CaseFile = S["CaseworkFile"];
/** A box on a photo that is made unrecognisable in its copy. */
export type CopyRegion = S["CaseworkRegion"];
export type Clock = S["CaseworkClockNow"];
export type ClockView = S["CaseworkClockView"];
/** An address or facility that a search found. */
export type PlaceHit = S["PlaceHit"];
export type PlaceView = S["PlaceView"];
export type PlaceDetail = S["PlaceDetail"];
export type PlaceKind = S["PlaceKind"];
export type PlaceIn = S["PlaceIn"];
export type PlaceImported = S["PlaceImported"];
export type PlacePins = S["PlacePins"];

export type StageKey = Case["stage"];

export type CaseView = "mine" | "open" | "closed" | "all" | "watched";

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

/** What must come along with a move; the last ones are evidence that is still missing. */
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
  | "track_summary"
  | "main";

/** One thing the acting post could do to the case, allowed or not. */
export type Offer = S["CaseworkOffer"];
/** One line of the timeline. */
export type TimelineEvent = S["CaseworkEvent"];
export type Segment = S["CalendarSegment"];
/** Why a deadline is when it is (为什么是这个时间). */
export type Explanation = S["CalendarExplanation"];
/** A case with everything on its page. */
export type CaseDetail = S["CaseworkPage"];
/** Another case, named to somebody who may see it. */
export type CaseRef = S["CaseworkRef"];
/** A post that can be chosen. */
export type PostChoice = S["CaseworkPostChoice"];
/** What may be done to one of several cases (批量). */
export type Choice = S["CaseworkChoice"];
/** What a machine source has sent so far. */
export type AlarmSource = S["CaseworkSourceView"];
/** How two cases belong together (关联). */
export type Relation = S["CaseworkRelation"];
export type MoveRequest = S["CaseworkAct"];
export type ReportRequest = S["CaseworkReport"];
export type Duplicate = S["CaseworkDuplicate"];
export type Reason = S["CatalogReason"];
export type StageWords = S["CatalogStageWords"];

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
  maxItems?: number;
  /** whether an answer says something about a person */
  "x-personal"?: "none" | "basic" | "sensitive";
  "x-i18n"?: { title?: Text; description?: Text; enum?: Record<string, Text> };
}

/** A work item (事项) with its form, which the description leaves open. */
export type Item = Omit<S["CatalogItem"], "form"> & {
  form: { properties?: Record<string, FormField>; required?: string[]; [keyword: string]: unknown };
};
/** One line of the register of work items (事项目录). */
export type ListedItem = S["CatalogListed"];
export type Register = S["ItemRegisterOutBody"];
export type Limit = S["CalendarLimit"];
export type Role = S["AccessRole"];

/** Who is signed in, and as which post. */
export type Session = S["AccessMe"];
export type DemoAccount = S["AccessDemoAccount"];
export type Enrolment = S["AccessEnrolment"];
export type Account = S["AccessAccount"];
export type Identity = S["AccessIdentity"];
export type IdentityProvider = S["AccessProviderView"];
export type Alarm = S["AccessAlarm"];
export type AlarmEntry = S["AccessAlarmEntry"];
export type AlarmRule = S["AccessAlarmRule"];
export type Review = S["AccessReview"];
export type ReviewRow = S["AccessReviewRow"];
export type ReviewKept = S["AccessReviewKept"];
export type SharedDevice = S["AccessShared"];
export type SharedEvent = S["AccessSharedEvent"];
export type SharedView = S["AccessSharedView"];
export type Unit = S["OrgUnitView"];
export type Delegation = S["OrgDelegationView"];
export type Delegable = S["OrgDelegable"];
export type Colleague = S["AccessColleague"];
export type GrantView = S["AccessGrantView"];
export type AccountLink = S["AccessLink"];
export type PlaceNode = S["AccessNode"];
export type Begun = S["AccessBegun"];
export type Passkey = S["AccessPasskey"];
export type Security = S["AccessSecurity"];
export type RoleBook = S["AccessRoleBook"];

/** A post and who fills it. */
export type PostView = S["OrgPostView"];

/** Counts, shares and stage times of a node (统计). */
export type Figures = S["FiguresTable"];
export type FiguresRow = S["FiguresRow"];
export type Ratio = S["FiguresRatio"];
/** What is counted, in words. */
export type FigureDefinition = S["FiguresDefinition"];
export type FigureDefinitions = S["FiguresDefinitions"];
/** The acts behind a number (数据来源). */
export type FigureSources = S["FiguresSourcePage"];
/** An evaluation of units (考评). */
export type Round = S["FiguresRound"];
export type RoundView = S["FiguresRoundView"];
export type RoundInput = S["FiguresRoundIn"];
export type UnitResult = S["FiguresUnitResult"];
export type Objection = S["FiguresObjection"];

export type GridProperties = S["GridView"] & {
  /** who looks after it; put in from the posts where the reader may see them */
  officer?: { state: "held" | "stand_in" | "vacant"; name?: string };
};
export type GridFeature = Omit<S["GridMapFeature"], "properties"> & { properties: GridProperties };
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

/** One notice in somebody's inbox (通知). */
export type Notice = S["NoticeView"];
export interface NoticePage {
  items: Notice[];
  next?: string;
}
export type NoticeCount = S["NoticeCount"];
export type Reaches = S["NoticeReaches"];
export type NoticeTemplate = S["NoticeTemplate"];
export type NoticeTemplateEdit = S["NoticeTemplateEdit"];
export type NoticeVariable = S["NoticeVariable"];
export type NoticePreview = S["NoticePreview"];
export type NoticeTrouble = S["NoticeTrouble"];
export type NoticeSettings = S["NoticeSettings"];
/** A message that somebody wrote to staff (手写通知). */
export type NoticeMessage = S["NoticeMessageView"];
export type NoticeMessageInput = S["NoticeMessageIn"];
export type NoticePlace = S["NoticeMessagePlace"];
export type NoticeAudience = S["NoticeAudience"];

/** One device of the register (设备). */
export type Device = S["DeviceView"];
export type DeviceKind = S["DeviceKind"];
export type DeviceInput = S["DeviceInput"];
