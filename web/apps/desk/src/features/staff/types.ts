import type { Schemas as S } from "@onegrid/api";

export type Unit = S["OrgUnitView"];
export type Post = S["OrgPostView"];
export type Person = S["OrgPersonView"];
export type Staffing = S["OrgStaffing"];
export type StaffCount = S["OrgStaffCount"];
export type StaffingRule = S["OrgStaffingRule"];
export type Term = S["OrgTerm"];
export type Group = S["OrgGroupView"];
export type Skilled = S["OrgSkilled"];
export type Brought = S["OrgBrought"];
export type RosterView = S["DutyRosterView"];
export type Week = S["DutyWeek"];
export type Shift = S["DutyShiftView"];
export type Swap = S["DutySwapView"];
export type Mine = S["DutyMine"];
export type ShiftKind = S["DutyShiftKind"];
export type Role = S["AccessRole"];

export interface Page<T> {
  items: T[];
  next?: string;
}
