package duty

import (
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// longestShift bounds one shift.
const longestShift = 48 * time.Hour

// ShiftIn is a shift that is added by hand.
type ShiftIn struct {
	ID     id.ID     `json:"id,omitzero"`
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends"`
	Need   int       `json:"need" minimum:"1" maximum:"50"`
}

// AddShift adds a shift that no pattern makes: a flood watch tonight. Permission
// duty.plan. Codes: duty.missing, duty.invalid.
func (d *Duty) AddShift(tx *db.Tx, by journal.Who, roster id.ID, in ShiftIn) (Shift, error) {
	r, _, at, err := d.planned(tx, by, roster)
	if err != nil {
		return Shift{}, err
	}
	s := Shift{ID: in.ID, Roster: r.ID, Kind: extra, Starts: in.Starts.UTC().Truncate(time.Minute), Ends: in.Ends.UTC().Truncate(time.Minute), Need: in.Need, Version: 1}
	f := ErrInvalid
	if !r.Open(tx.Now()) {
		f = f.At("body.starts", "duty.closed")
	}
	if !s.Ends.After(s.Starts) || s.Ends.Sub(s.Starts) > longestShift {
		f = f.At("body.ends", "duty.shift_hours", "most", int(longestShift.Hours()))
	}
	if !s.Ends.After(tx.Now()) || s.Starts.Sub(tx.Now()) > longestPlan*24*time.Hour {
		f = f.At("body.starts", "duty.plan_past")
	}
	if in.Need < 1 || in.Need > 50 {
		f = f.At("body.need", "duty.bad_need")
	}
	if len(f.Where) > 0 {
		return Shift{}, f
	}
	there, err := all(tx, `SELECT `+shiftColumns+` FROM duty_shift WHERE roster = $1 AND starts = $2 AND kind = $3`, shiftFields, r.ID, db.Millis(s.Starts), s.Kind)
	if err != nil {
		return Shift{}, err
	}
	if len(there) > 0 {
		return Shift{}, ErrInvalid.At("body.starts", "duty.shift_there")
	}
	if s.ID.IsZero() {
		s.ID = tx.NewID()
	}
	if err := insertShift(tx, s); err != nil {
		return Shift{}, err
	}
	wrote(tx, by, "duty.shift_add", s.ID, s.Version, at, classDuty, s)
	return s, nil
}

// CancelShift calls a shift off; its turns go with it. A shift that has begun
// ends now instead: who was on duty stays known. Permission duty.plan. Codes:
// duty.missing, duty.over, duty.changed.
func (d *Duty) CancelShift(tx *db.Tx, by journal.Who, shift id.ID, version int64) (Shift, error) {
	s, err := shiftByID(tx, shift)
	if err != nil {
		return Shift{}, err
	}
	_, _, at, err := d.planned(tx, by, s.Roster)
	if err != nil {
		return Shift{}, err
	}
	if version != 0 && version != s.Version {
		return Shift{}, ErrChanged.With("version", s.Version)
	}
	if s.Cancelled || !tx.Now().Before(s.Ends) {
		return Shift{}, ErrOver
	}
	turns, err := turnsOf(tx, s.ID)
	if err != nil {
		return Shift{}, err
	}
	for _, t := range turns {
		if err := d.end(tx, t); err != nil {
			return Shift{}, err
		}
	}
	s.Cancelled = true
	if err := updateShift(tx, s); err != nil {
		return Shift{}, err
	}
	s.Version++
	wrote(tx, by, "duty.shift_cancel", s.ID, s.Version, at, classDuty, s)
	return s, nil
}

// end takes a turn that has not begun out of the roster; one that runs ends now;
// one that is over stays. What was asked about it falls away.
func (d *Duty) end(tx *db.Tx, t Turn) error {
	if err := d.dropSwaps(tx, t.ID); err != nil {
		return err
	}
	now := tx.Now()
	switch {
	case !now.After(t.From):
		return deleteTurn(tx, t)
	case now.Before(t.To):
		t.To = now
		return updateTurn(tx, t)
	}
	return nil
}

// Seat puts a person on a shift. Permission duty.plan. Codes: duty.missing,
// duty.over, duty.busy, duty.not_staff.
func (d *Duty) Seat(tx *db.Tx, by journal.Who, shift, person id.ID) (Turn, error) {
	s, err := shiftByID(tx, shift)
	if err != nil {
		return Turn{}, err
	}
	r, units, at, err := d.planned(tx, by, s.Roster)
	if err != nil {
		return Turn{}, err
	}
	now := tx.Now()
	if s.Cancelled || !now.Before(s.Ends) {
		return Turn{}, ErrOver
	}
	t := Turn{ID: tx.NewID(), Shift: s.ID, Roster: r.ID, Person: person, From: s.Starts, To: s.Ends, Version: 1}
	if now.After(t.From) {
		t.From = now // nobody was there before he came
	}
	if !d.fits(units, by, r, person, t.From) {
		return Turn{}, ErrNotStaff.At("body.person_id", "duty.not_staff")
	}
	if free, err := d.free(tx, person, t.From, t.To, id.ID{}); err != nil || !free {
		return Turn{}, errOr(err, ErrBusy)
	}
	turns, err := turnsOf(tx, s.ID)
	if err != nil {
		return Turn{}, err
	}
	if len(turns) >= 50 {
		return Turn{}, ErrInvalid.At("body.person_id", "duty.bad_need")
	}
	if err := insertTurn(tx, t); err != nil {
		return Turn{}, err
	}
	wrote(tx, by, "duty.seat", t.ID, t.Version, at, classDuty, t)
	return t, nil
}

// Unseat takes a person off a shift; a turn that has begun ends now. Permission
// duty.plan. Codes: duty.missing, duty.over.
func (d *Duty) Unseat(tx *db.Tx, by journal.Who, turn id.ID) (Turn, error) {
	t, err := turnByID(tx, turn)
	if err != nil {
		return Turn{}, err
	}
	_, _, at, err := d.planned(tx, by, t.Roster)
	if err != nil {
		return Turn{}, err
	}
	if !tx.Now().Before(t.To) {
		return Turn{}, ErrOver
	}
	if err := d.end(tx, t); err != nil {
		return Turn{}, err
	}
	t.Version++
	wrote(tx, by, "duty.unseat", t.ID, t.Version, at, classDuty, t)
	return t, nil
}

// SwapIn asks somebody to take a turn.
type SwapIn struct {
	ID      id.ID  `json:"id,omitzero"`
	Other   id.ID  `json:"other_id" doc:"who shall take the turn"`
	ForTurn id.ID  `json:"for_turn_id,omitzero" doc:"a turn of the other that one takes in exchange"`
	Why     string `json:"why,omitempty" maxLength:"300"`
}

// AskSwap offers an own turn to somebody of the same roster. Codes:
// duty.missing, duty.not_yours, duty.began, duty.not_staff, duty.busy,
// duty.swap_open.
func (d *Duty) AskSwap(tx *db.Tx, by journal.Who, turn id.ID, in SwapIn) (Swap, error) {
	t, err := turnByID(tx, turn)
	if err != nil {
		return Swap{}, err
	}
	r, units, at, err := d.seen(tx, by, t.Roster)
	if err != nil {
		return Swap{}, err
	}
	me := by.By().Person
	if me.IsZero() || me != t.Person {
		return Swap{}, ErrNotYours
	}
	s := Swap{ID: in.ID, Roster: r.ID, Turn: t.ID, Asker: me, Other: in.Other, ForTurn: in.ForTurn, Why: in.Why, State: Asked, Asked: tx.Now(), Version: 1}
	if utf8.RuneCountInString(s.Why) > 300 {
		return Swap{}, ErrInvalid.At("body.why", "duty.too_long")
	}
	if s.ID.IsZero() {
		s.ID = tx.NewID()
	}
	open, err := all(tx, `SELECT `+swapColumns+` FROM duty_swap WHERE turn = $1 AND state IN ('asked', 'agreed')`, swapFields, t.ID)
	if err != nil || len(open) > 0 {
		return Swap{}, errOr(err, ErrSwapOpen)
	}
	if in.Other == me || !d.mate(tx, units, r, in.Other) {
		return Swap{}, ErrNotStaff.At("body.other_id", "duty.not_staff")
	}
	if err := d.swappable(tx, s, t); err != nil {
		return Swap{}, err
	}
	if err := insertSwap(tx, s); err != nil {
		return Swap{}, err
	}
	wrote(tx, by, "duty.swap_ask", s.ID, s.Version, at, classDuty, s)
	return s, nil
}

// mate says whether a person may take turns of a roster: is of a crew, had a
// turn, or holds a post of its unit.
func (d *Duty) mate(tx *db.Tx, s *org.Snapshot, r Roster, person id.ID) bool {
	if d.belongs(tx, r, person) {
		return len(s.HoldingsOf(person, tx.Now())) > 0
	}
	for _, h := range s.HoldingsOf(person, tx.Now()) {
		if p, ok := s.Post(h.Post); ok && p.Unit == r.Unit {
			return true
		}
	}
	return false
}

// swappable says why the turns of a swap cannot change hands.
func (d *Duty) swappable(tx *db.Tx, s Swap, t Turn) error {
	now := tx.Now()
	if t.Person != s.Asker {
		return ErrSwapState
	}
	if !now.Before(t.From) {
		return ErrBegan
	}
	if free, err := d.free(tx, s.Other, t.From, t.To, s.ForTurn); err != nil || !free {
		return errOr(err, ErrBusy)
	}
	if s.ForTurn.IsZero() {
		return nil
	}
	back, err := turnByID(tx, s.ForTurn)
	if err != nil {
		return err
	}
	if back.Person != s.Other || back.Roster != s.Roster {
		return ErrNotStaff.At("body.for_turn_id", "duty.not_their_turn")
	}
	if !now.Before(back.From) {
		return ErrBegan
	}
	if free, err := d.free(tx, s.Asker, back.From, back.To, t.ID); err != nil || !free {
		return errOr(err, ErrBusy)
	}
	return nil
}

// Answer is what somebody says to a swap.
type Answer string

const (
	Agree    Answer = "agree"    // the other person
	Decline  Answer = "decline"  // the other person
	Withdraw Answer = "withdraw" // who asked
	Confirm  Answer = "confirm"  // a lead
	Refuse   Answer = "refuse"   // a lead
)

// AnswerSwap moves a swap on: the other agrees or declines, who asked may
// withdraw, and a lead (duty.plan at the roster's unit) who is neither of the
// two, nor stands in for one of them, confirms or refuses. With the confirmation
// the turns change hands. Codes: duty.missing, duty.not_yours, duty.own_swap,
// duty.swap_state, duty.began, duty.busy.
func (d *Duty) AnswerSwap(tx *db.Tx, by journal.Who, swap id.ID, answer Answer) (Swap, error) {
	s, err := swapByID(tx, swap)
	if err != nil {
		return Swap{}, err
	}
	_, _, at, err := d.seen(tx, by, s.Roster)
	if err != nil {
		return Swap{}, err
	}
	who := by.By()
	now := tx.Now()
	need := map[Answer]SwapState{Agree: Asked, Decline: Asked, Confirm: Agreed, Refuse: Agreed}[answer]
	switch answer {
	case Agree, Decline:
		if who.Person != s.Other {
			return Swap{}, ErrNotYours
		}
	case Withdraw:
		if who.Person != s.Asker {
			return Swap{}, ErrNotYours
		}
	case Confirm, Refuse:
		if err := by.Check(permPlan, at); err != nil {
			return Swap{}, err
		}
		for _, hand := range []id.ID{who.Person, who.For} {
			if !hand.IsZero() && (hand == s.Asker || hand == s.Other) {
				return Swap{}, ErrOwnSwap
			}
		}
	default:
		return Swap{}, ErrInvalid.At("body.answer", "duty.bad_answer")
	}
	if answer == Withdraw && !s.open() || answer != Withdraw && s.State != need {
		return Swap{}, ErrSwapState
	}
	switch answer {
	case Agree:
		s.State, s.Answered = Agreed, now
	case Decline:
		s.State, s.Answered = Declined, now
	case Withdraw:
		s.State = Withdrawn
	case Refuse:
		s.State, s.Decided, s.Decider = Refused, now, who.Person
	case Confirm:
		s.State, s.Decided, s.Decider = Done, now, who.Person
	}
	if answer == Agree || answer == Confirm {
		t, err := turnByID(tx, s.Turn)
		if err != nil {
			return Swap{}, err
		}
		if err := d.swappable(tx, s, t); err != nil {
			return Swap{}, err
		}
		if answer == Confirm {
			if err := d.exchange(tx, s, t); err != nil {
				return Swap{}, err
			}
		}
	}
	if err := updateSwap(tx, s); err != nil {
		return Swap{}, err
	}
	s.Version++
	wrote(tx, by, "duty.swap_"+string(answer), s.ID, s.Version, at, classDuty, s)
	return s, nil
}

// exchange gives the turns to their new people.
func (d *Duty) exchange(tx *db.Tx, s Swap, t Turn) error {
	t.Person = s.Other
	if err := updateTurn(tx, t); err != nil {
		return err
	}
	if s.ForTurn.IsZero() {
		return nil
	}
	back, err := turnByID(tx, s.ForTurn)
	if err != nil {
		return err
	}
	back.Person = s.Asker
	return updateTurn(tx, back)
}

// dropSwaps withdraws what is still asked about a turn that goes away.
func (d *Duty) dropSwaps(tx *db.Tx, turn id.ID) error {
	_, err := tx.Exec(`UPDATE duty_swap SET state = 'withdrawn', version = version + 1 WHERE (turn = $1 OR for_turn = $1) AND state IN ('asked', 'agreed')`, turn)
	return wrap(err, "swap")
}

// seen finds a roster for somebody who may see it; otherwise it is missing.
func (d *Duty) seen(tx *db.Tx, by journal.Who, roster id.ID) (Roster, *org.Snapshot, journal.Sight, error) {
	r, err := rosterByID(tx, roster)
	if err != nil {
		return r, nil, journal.Sight{}, err
	}
	s, at, err := d.place(tx, r.Unit)
	if err != nil {
		return r, nil, at, err
	}
	if !d.sees(tx, by, s, r) {
		return r, nil, at, ErrMissing
	}
	return r, s, at, nil
}

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
