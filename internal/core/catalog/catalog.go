// Package catalog owns the register of work items (工作事项): what somebody may
// ask OneGrid to act on, with the form it needs, the limits it runs under, the
// way it takes and what closing demands; and beside it the reasons, stages and
// clocks that every flow shares.
//
// Everything here is data that an office may edit; data/defaults is only what a
// new installation starts with. An item is never changed in place: an edit makes
// a new version, and a case keeps the version under which it was reported, so
// that a limit changed today never moves yesterday's deadline.
//
// Its tables: catalog_item (one row a version) and catalog_entry (functions,
// reasons, stages, flows, clocks, dictionaries). Nothing else writes them.
// Callers may rely on: a value taken from a Snapshot never changes, and the same
// key and version always mean the same item.
package catalog

import (
	"encoding/json"
	"slices"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/kit/words"
)

// Flow is the way a case of an item goes (流程).
type Flow string

const (
	Handling Flow = "handling" // 处置流程: something to be fixed or answered
	Approval Flow = "approval" // 申请流程: something applied for, reviewed and given
	Task     Flow = "task"     // 任务流程: something planned and done
)

// Priority is how soon a case must be looked at (优先级).
type Priority string

const (
	Low    Priority = "low"    // 不急
	Normal Priority = "normal" // 一般
	High   Priority = "high"   // 优先
	Urgent Priority = "urgent" // 紧急
)

// Confidentiality says who may see the cases of an item (保密级别).
type Confidentiality string

const (
	Open  Confidentiality = "open"  // 公开: staff in scope
	Desk  Confidentiality = "desk"  // 平台: desks and the posts on the route
	Named Confidentiality = "named" // 专人: only persons named on the case
)

// Source is who may raise an item (来源).
type Source string

const (
	FromResident   Source = "resident"
	FromOfficer    Source = "officer"
	FromDesk       Source = "desk"
	FromDepartment Source = "department"
	FromSensor     Source = "sensor"
)

// Item is one version of a work item (工作事项).
type Item struct {
	Key             string          `json:"key" pattern:"^[a-z][a-z0-9_]*$" maxLength:"60"`
	Code            string          `json:"code" maxLength:"20"`     // shown; may change
	Function        string          `json:"function" maxLength:"60"` // 职能
	Name            words.Text      `json:"name"`
	Description     words.Text      `json:"description"`
	Public          bool            `json:"public"` // a resident may raise it
	RaisedBy        []Source        `json:"raised_by" enum:"resident,officer,desk,department,sensor" maxItems:"5"`
	Flow            Flow            `json:"flow" enum:"handling,approval,task"`
	Priority        Priority        `json:"priority" enum:"low,normal,high,urgent"`
	Confidentiality Confidentiality `json:"confidentiality,omitempty" enum:"open,desk,named"` // absent means open
	ResidentVisible string          `json:"resident_visible" enum:"none,own,public"`
	Form            json.RawMessage `json:"form"` // JSON Schema 2020-12, closed
	Conditions      []Condition     `json:"conditions" minItems:"1" maxItems:"40"`
	Route           []Stop          `json:"route" minItems:"1" maxItems:"20"`
	MaySettleOnSpot bool            `json:"may_settle_on_spot"`
	Verify          Inspection      `json:"verify"`
	Check           Inspection      `json:"check"`
	Evidence        []Evidence      `json:"evidence" maxItems:"20"`
	Duplicates      Duplicates      `json:"duplicates"`
	Consent         Consent         `json:"consent"`
	Retention       string          `json:"retention" maxLength:"60"` // class in data/defaults/retention.json
	Indices         []string        `json:"indices" maxItems:"60"`
	Closing         words.Text      `json:"closing"` // when it may be closed, in words
	Admission       Admission       `json:"admission"`
	Note            *words.Text     `json:"note,omitempty"`
	Purpose         *words.Text     `json:"purpose,omitempty"`     // 处理目的
	LegalBasis      *words.Text     `json:"legal_basis,omitempty"` // 法律依据
}

// Condition is a lighter or heavier form of an item with its own limits (立案条件).
type Condition struct {
	Key      string     `json:"key" pattern:"^[a-z][a-z0-9_]*$" maxLength:"60"`
	Name     words.Text `json:"name"`
	When     words.Text `json:"when"` // what one sees
	Priority Priority   `json:"priority" enum:"low,normal,high,urgent"`
	Limits   Limits     `json:"limits"`
	Staff    bool       `json:"staff,omitempty"` // only staff choose it; an applicant is not asked
}

// Limits are the times of one condition (时限). None means that this stage has
// no clock of its own; accept, dispatch and check then fall to the stage clocks.
type Limits struct {
	Accept    *calendar.Limit `json:"accept,omitempty"`
	Dispatch  *calendar.Limit `json:"dispatch,omitempty"`
	Handle    *calendar.Limit `json:"handle,omitempty"`
	Check     *calendar.Limit `json:"check,omitempty"`
	Publicise *calendar.Limit `json:"publicise,omitempty"`
	Give      *calendar.Limit `json:"give,omitempty"`
}

// Stop is one post on an item's route (派遣路线): who gets the case in turn.
type Stop struct {
	Level      string `json:"level" enum:"grid,village,street,hub,department"`
	Role       string `json:"role" maxLength:"60"`
	Department string `json:"department,omitempty" maxLength:"60"`
}

// Inspection is a look at the place: verify (核实) before filing or check (核查)
// before closing. By lists the roles, nearest suitable post first; "resident"
// means that the resident's own confirmation serves.
type Inspection struct {
	Required string   `json:"required" enum:"always,public_reports,sample,never"`
	By       []string `json:"by" maxItems:"20"`
	NeverBy  string   `json:"never_by" enum:"handler"`
}

// When an inspection is required.
const (
	Always        = "always"
	PublicReports = "public_reports" // reports by residents and sensors
	Sample        = "sample"
	Never         = "never"
)

// Evidence is something that closing needs (办结材料).
type Evidence struct {
	Kind string `json:"kind" enum:"photo_before,photo_after,signature,record,measurement,consent,reply,track_summary"`
	Min  int    `json:"min" minimum:"1" maximum:"50"`
	By   string `json:"by" enum:"reporter,handler,resident"`
	When string `json:"when,omitempty" maxLength:"60"` // only if that holds; a dictionary word
}

// Duplicates says how repeats are looked for at intake (查重). A duplicate is
// suggested; a person merges.
type Duplicates struct {
	By      string   `json:"by" enum:"place,applicant,none"`
	RadiusM int      `json:"radius_m,omitempty" minimum:"0" maximum:"500"`
	WindowH int      `json:"window_h,omitempty" minimum:"0" maximum:"8760"`
	Same    []string `json:"same,omitempty" maxItems:"20"` // form fields that must be equal; "item" is the item itself
}

// Consent is what the person concerned must agree to (同意).
type Consent struct {
	Kind string     `json:"kind" enum:"none,consent,separate,guardian"`
	Text words.Text `json:"text"`
}

// Admission is the state of the register entry (准入). What is not admitted must
// not be handed to grid staff. (notes/domain.md 2b)
type Admission struct {
	Status     string    `json:"status" enum:"default,proposed,admitted,declined,ended"`
	Version    int64     `json:"version"`
	TermMonths int       `json:"term_months,omitempty" minimum:"0" maximum:"120"`
	ProposedBy string    `json:"proposed_by" maxLength:"60"`
	From       time.Time `json:"from,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	Urgent     bool      `json:"urgent,omitempty"`                 // admitted for a stated time only
	Why        string    `json:"why,omitempty" maxLength:"500"`    // what the applicant says for it (申请理由)
	Answer     string    `json:"answer,omitempty" maxLength:"500"` // what was said to it, or why it was withdrawn (决定说明)
}

// States of a register entry.
const (
	StatusDefault  = "default"  // 默认: shipped with the program
	StatusProposed = "proposed" // 申请中
	StatusAdmitted = "admitted" // 已准入
	StatusDeclined = "declined" // 未准入
	StatusEnded    = "ended"    // 已退出
)

// Admitted says whether the item may be used at a time.
func (i Item) Admitted(at time.Time) bool {
	a := i.Admission
	if a.Status != StatusDefault && a.Status != StatusAdmitted {
		return false
	}
	return !at.Before(a.From) && (a.Until.IsZero() || at.Before(a.Until))
}

// MayRaise says whether a source may raise the item.
func (i Item) MayRaise(s Source) bool { return slices.Contains(i.RaisedBy, s) }

// Condition finds a condition by its key. An empty key gives the item's
// ordinary condition.
func (i Item) Condition(key string) (Condition, bool) {
	if key == "" {
		return i.Ordinary()
	}
	for _, c := range i.Conditions {
		if c.Key == key {
			return c, true
		}
	}
	return Condition{}, false
}

// Ordinary is the condition taken while nobody has chosen one: the first that
// has the item's own priority, else the first that is not urgent, else the
// first. Choosing a heavier one is a person's decision.
func (i Item) Ordinary() (Condition, bool) {
	for _, c := range i.Conditions {
		if c.Priority == i.Priority {
			return c, true
		}
	}
	for _, c := range i.Conditions {
		if c.Priority != Urgent {
			return c, true
		}
	}
	if len(i.Conditions) == 0 {
		return Condition{}, false
	}
	return i.Conditions[0], true
}

// Kind is the confidentiality with absent read as open.
func (c Confidentiality) Kind() Confidentiality {
	if c == "" {
		return Open
	}
	return c
}

// Function is one of the functions of full-time grid officers (网格员职能).
type Function struct {
	Key         string     `json:"key" maxLength:"60"`
	Code        string     `json:"code" maxLength:"20"`
	Name        words.Text `json:"name"`
	Description words.Text `json:"description"`
}

// Reason is why somebody returns, refuses, suspends … a case, and what follows
// from it (理由).
type Reason struct {
	Key          string      `json:"key" pattern:"^[a-z][a-z0-9_]*$" maxLength:"60"`
	Kind         string      `json:"kind" maxLength:"60"`
	Name         words.Text  `json:"name"`                    // for staff
	ResidentText *words.Text `json:"resident_text,omitempty"` // what the person reads; none when nothing is sent
	NeedsNote    bool        `json:"needs_note"`
	Effect       Effect      `json:"effect"`
}

// Kinds of reasons.
const (
	ReasonReturn          = "return"           // 退回
	ReasonRefuse          = "refuse"           // 不予受理
	ReasonSuspend         = "suspend"          // 挂账
	ReasonExtend          = "extend"           // 延期
	ReasonVoid            = "void"             // 作废
	ReasonMerge           = "merge"            // 并案
	ReasonWithdraw        = "withdraw"         // 撤回
	ReasonCooperateRefuse = "cooperate_refuse" // 不予协办
	ReasonEscalate        = "escalate"         // 升级
	ReasonReopen          = "reopen"           // 重开
	ReasonSupervise       = "supervise"        // 督办
	ReasonDecline         = "decline"          // 不予批准
	ReasonCorrect         = "correct"          // 补正
	ReasonRework          = "rework"           // 返工
)

// Effect is what a reason does to a case. An empty State leaves it where it is.
type Effect struct {
	State     string          `json:"state,omitempty" maxLength:"60"`
	Owner     string          `json:"owner" maxLength:"60"`              // unchanged, sender, next_level or a kind of post
	Clock     string          `json:"clock" maxLength:"60"`              // word in the dictionary of clock effects
	Approval  string          `json:"approval,omitempty" maxLength:"60"` // role that must agree
	MaxTimes  int             `json:"max_times,omitempty" minimum:"0"`   // 0: no bound
	MaxLength *calendar.Limit `json:"max_length,omitempty"`
	Evidence  []string        `json:"evidence,omitempty" maxItems:"20"`
	Tells     []string        `json:"tells,omitempty" maxItems:"40"`
}

// Stage is what the resident sees of a case (办理阶段).
type Stage struct {
	Key             string     `json:"key" maxLength:"60"`
	Order           int        `json:"order" minimum:"1" maximum:"20"`
	Name            words.Text `json:"name"`
	Text            words.Text `json:"text"`
	TextApplication words.Text `json:"text_application"`
}

// FlowWords gives the states of a flow their words (流程状态). The moves belong
// to the program.
type FlowWords struct {
	Key    string      `json:"key" maxLength:"60"`
	Name   words.Text  `json:"name"`
	For    words.Text  `json:"for"`
	States []State     `json:"states"`
	Tasks  []TaskWords `json:"tasks"`
}

// State is one inner state with its stage, the clock that runs in it and the
// kind of post that owns the case there. Stage is empty for drafts.
type State struct {
	Key   string     `json:"key"`
	Name  words.Text `json:"name"`
	Stage string     `json:"stage,omitempty"`
	Clock string     `json:"clock"`
	Owner string     `json:"owner"`
	Final bool       `json:"final"`
}

// TaskWords names a task beside the states: verify, check, home check.
type TaskWords struct {
	Key    string     `json:"key"`
	Name   words.Text `json:"name"`
	During string     `json:"during"`
	Clock  string     `json:"clock"`
}

// StageClock is the default time for one step, used where the item's own
// condition has no limit (环节计时).
type StageClock struct {
	Key     string         `json:"key" maxLength:"60"`
	Name    words.Text     `json:"name"`
	Default calendar.Limit `json:"default"`
	Urgent  calendar.Limit `json:"urgent"`
}

// For gives the limit for a priority.
func (s StageClock) For(p Priority) calendar.Limit {
	if p == Urgent {
		return s.Urgent
	}
	return s.Default
}

// Warn says when a running case counts as due soon and to whom a late one
// escalates (预警).
type Warn struct {
	BeforeDueShare float64    `json:"before_due_share"`
	Colours        []Colour   `json:"colours"`
	Escalate       []Escalate `json:"escalate"`
}

// Colour is the mark of a running clock from a share of its limit on.
type Colour struct {
	Key       string  `json:"key"`
	FromShare float64 `json:"from_share"`
}

// Escalate says who is told after how many times the limit.
type Escalate struct {
	AfterShare float64 `json:"after_share"`
	To         string  `json:"to"`
}

// Term is one word of a closed list, in both languages (字典项).
type Term struct {
	Key  string     `json:"key"`
	Name words.Text `json:"name"`
}
