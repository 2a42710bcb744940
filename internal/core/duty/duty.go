// Package duty owns who is on duty when (排班): rosters with their kinds of shift
// and their crews, the shifts planned from them, turns, swaps and what one shift
// hands over to the next.
//
// It does not own posts and who holds them (core/org), nor working time
// (core/calendar), whose days it reads: a kind of shift may take place on
// working days, make-up days, days off or holidays.
//
// Tables: duty_roster, duty_shift, duty_turn, duty_swap, duty_note.
//
// Promises callers rely on:
//   - On duty (在岗) at an instant is exactly: a turn of a person covers it. It
//     can be asked for any instant, past or future (OnDuty, Now). It gives no
//     rights; posts do. Whether a roster speaks for a person at all is another
//     question (Rostered).
//   - Planning is a pure function of the roster and the calendar: planning the
//     same days again makes the same shifts and nothing twice.
//   - Nobody is on two shifts at once, and a turn that began is never rewritten:
//     it can only end early.
//   - A swap takes three: who asks, who agrees, and a lead who is neither.
package duty

import (
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// room is the name under which versions and migrations of this room are kept.
const room = "duty"

var (
	// ErrMissing says that there is no such roster, shift, turn, swap or note,
	// or none this actor may see.
	ErrMissing = fault.New(fault.Missing, "duty.missing")
	// ErrInvalid carries the wrong fields of an input.
	ErrInvalid = fault.New(fault.Invalid, "duty.invalid")
	// ErrChanged says that somebody changed the row since it was read.
	ErrChanged = fault.New(fault.Changed, "duty.changed")
	// ErrBusy says that the person is on another shift at that time.
	ErrBusy = fault.New(fault.Conflict, "duty.busy")
	// ErrNotStaff says that the person holds no post that fits.
	ErrNotStaff = fault.New(fault.Invalid, "duty.not_staff")
	// ErrBegan says that the shift has begun: it can end early, not change.
	ErrBegan = fault.New(fault.Conflict, "duty.began")
	// ErrOver says that the shift is over.
	ErrOver = fault.New(fault.Conflict, "duty.over")
	// ErrNotYours says that only somebody else may do this here.
	ErrNotYours = fault.New(fault.Forbidden, "duty.not_yours")
	// ErrOwnSwap says that a lead does not decide a swap of his own.
	ErrOwnSwap = fault.New(fault.Forbidden, "duty.own_swap")
	// ErrSwapState says that the swap is past this step.
	ErrSwapState = fault.New(fault.Conflict, "duty.swap_state")
	// ErrSwapOpen says that the turn is already offered.
	ErrSwapOpen = fault.New(fault.Conflict, "duty.swap_open")
	// ErrConfirmed says that the next shift has confirmed the note.
	ErrConfirmed = fault.New(fault.Conflict, "duty.note_confirmed")
	// ErrOwnNote says that nobody confirms his own note.
	ErrOwnNote = fault.New(fault.Forbidden, "duty.own_note")
)

// Roster is one desk or team that somebody must be on duty for (值班表). Unit is
// the body it belongs to, which decides who may see and plan it.
type Roster struct {
	ID       id.ID      `json:"id"`
	Unit     id.ID      `json:"unit_id"`
	Name     words.Text `json:"name"`
	Calendar string     `json:"calendar,omitempty" doc:"whose days decide; absent: the standard calendar"`
	Pattern
	From    time.Time `json:"from"`
	To      time.Time `json:"to,omitzero"`
	Version int64     `json:"version"`
}

// Open says whether the roster is in use at an instant.
func (r Roster) Open(at time.Time) bool {
	return !at.Before(r.From) && (r.To.IsZero() || at.Before(r.To))
}

// Pattern is how shifts repeat and who takes them in turn (排班规则).
type Pattern struct {
	Kinds  []ShiftKind   `json:"kinds" minItems:"1" maxItems:"8"`
	Crews  []Crew        `json:"crews" maxItems:"60"`
	Turn   Rotation      `json:"rotation" enum:"shift,day,week" doc:"how long a crew stays before the next one takes over"`
	Anchor calendar.Date `json:"anchor" doc:"the day on which the first crew begins"`
}

// ShiftKind is a shift that repeats (班次): its hours on the clock of the
// calendar and the kinds of days on which it takes place. A shift whose end is
// not after its beginning ends on the next day.
type ShiftKind struct {
	Key  string             `json:"key" maxLength:"20" pattern:"^[a-z][a-z0-9_]*$" patternDescription:"small letters, digits and _"`
	Name words.Text         `json:"name"`
	From calendar.TimeOfDay `json:"from"`
	To   calendar.TimeOfDay `json:"to"`
	Days []calendar.DayKind `json:"days" minItems:"1" maxItems:"4"`
	Need int                `json:"need" minimum:"1" maximum:"50" doc:"how many people"`
}

// Crew is people who are on duty together (班组).
type Crew struct {
	Name    string  `json:"name,omitempty" maxLength:"40"`
	Persons []id.ID `json:"person_ids" minItems:"1" maxItems:"50"`
}

// Rotation is how long a crew stays.
type Rotation string

const (
	EachShift Rotation = "shift" // the next crew takes the next shift
	EachDay   Rotation = "day"   // all shifts of a day are one crew's
	EachWeek  Rotation = "week"  // all shifts from Monday to Sunday are one crew's
)

// Shift is one shift of a roster (一班). Kind is the key of its kind; "extra" for
// one that was added by hand.
type Shift struct {
	ID        id.ID     `json:"id"`
	Roster    id.ID     `json:"roster_id"`
	Kind      string    `json:"kind"`
	Starts    time.Time `json:"starts"`
	Ends      time.Time `json:"ends"`
	Need      int       `json:"need"`
	Cancelled bool      `json:"cancelled,omitempty"`
	Version   int64     `json:"version"`
}

// extra is the kind of a shift that no pattern made.
const extra = "extra"

// Turn says that a person is on duty in a period (值班人次).
type Turn struct {
	ID      id.ID     `json:"id"`
	Shift   id.ID     `json:"shift_id"`
	Roster  id.ID     `json:"roster_id"`
	Person  id.ID     `json:"person_id"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Version int64     `json:"version"`
}

// SwapState is how far a swap is (换班进度).
type SwapState string

const (
	Asked     SwapState = "asked"     // 等对方答应
	Agreed    SwapState = "agreed"    // 等负责人同意
	Done      SwapState = "done"      // 已换
	Declined  SwapState = "declined"  // 对方没答应
	Refused   SwapState = "refused"   // 负责人没同意
	Withdrawn SwapState = "withdrawn" // 自己收回
)

// Swap asks somebody to take a turn (换班), in exchange for one of his own or for
// nothing.
type Swap struct {
	ID       id.ID     `json:"id"`
	Roster   id.ID     `json:"roster_id"`
	Turn     id.ID     `json:"turn_id"`
	Asker    id.ID     `json:"asker_id"`
	Other    id.ID     `json:"other_id"`
	ForTurn  id.ID     `json:"for_turn_id,omitzero"`
	Why      string    `json:"why,omitempty"`
	State    SwapState `json:"state" enum:"asked,agreed,done,declined,refused,withdrawn"`
	Asked    time.Time `json:"asked"`
	Answered time.Time `json:"answered,omitzero"`
	Decided  time.Time `json:"decided,omitzero"`
	Decider  id.ID     `json:"decider_id,omitzero"`
	Version  int64     `json:"version"`
}

func (s Swap) open() bool { return s.State == Asked || s.State == Agreed }

// Note is what a shift hands over to the next (交接班记录): words, and what is
// still open. It names cases by number, no residents.
type Note struct {
	ID     id.ID `json:"id"`
	Roster id.ID `json:"roster_id"`
	Shift  id.ID `json:"shift_id"`
	Author id.ID `json:"author_id"`
	Told
	Written     time.Time `json:"written"`
	Confirmed   time.Time `json:"confirmed,omitzero"`
	ConfirmedBy id.ID     `json:"confirmed_by_id,omitzero"`
	Remark      string    `json:"remark,omitempty"`
	Version     int64     `json:"version"`
}

// Told is the content of a note.
type Told struct {
	Text  string     `json:"text" minLength:"1" maxLength:"4000"`
	Items []NoteItem `json:"items,omitempty" maxItems:"50" doc:"what the next shift must go on with"`
}

// NoteItem is one thing that is still open.
type NoteItem struct {
	Text   string `json:"text" minLength:"1" maxLength:"300"`
	Number string `json:"number,omitempty" maxLength:"40" doc:"number of the case it is about"`
}
