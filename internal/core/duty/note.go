package duty

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

const (
	// lateNote is how long after a shift its note may still be written.
	lateNote = 24 * time.Hour
	// early is how long before the own shift one may confirm what the shift
	// before hands over: people come a little earlier.
	early = 2 * time.Hour
)

// HandOver writes what a shift tells the next one, or changes it as long as
// nobody has confirmed it (写交接班记录). Who was on that shift may write it, and
// whoever plans the roster. Codes: duty.missing, duty.not_yours, duty.invalid,
// duty.over, duty.note_confirmed.
func (d *Duty) HandOver(tx *db.Tx, by journal.Who, shift id.ID, in Told) (Note, error) {
	s, err := shiftByID(tx, shift)
	if err != nil {
		return Note{}, err
	}
	_, _, at, err := d.seen(tx, by, s.Roster)
	if err != nil {
		return Note{}, err
	}
	turns, err := turnsOf(tx, s.ID)
	if err != nil {
		return Note{}, err
	}
	me, now := by.By().Person, tx.Now()
	mine := !me.IsZero() && slices.ContainsFunc(turns, func(t Turn) bool { return t.Person == me })
	if !mine && by.Check(permPlan, at) != nil || me.IsZero() {
		return Note{}, ErrNotYours
	}
	if now.Before(s.Starts) || s.Cancelled || now.After(s.Ends.Add(lateNote)) {
		return Note{}, ErrOver
	}
	if in, err = in.tidy(); err != nil {
		return Note{}, err
	}
	n := Note{ID: tx.NewID(), Roster: s.Roster, Shift: s.ID, Version: 1}
	there, err := all(tx, `SELECT `+noteColumns+` FROM duty_note WHERE shift = $1`, noteFields, s.ID)
	if err != nil {
		return Note{}, err
	}
	if len(there) > 0 {
		if n = there[0]; !n.Confirmed.IsZero() {
			return Note{}, ErrConfirmed
		}
		n.Version++
	}
	n.Author, n.Told, n.Written = me, in, now
	if err := putNote(tx, n); err != nil {
		return Note{}, err
	}
	wrote(tx, by, "duty.hand_over", n.ID, n.Version, at, classNote, n)
	return n, nil
}

func (in Told) tidy() (Told, error) {
	f := ErrInvalid
	in.Text = strings.TrimSpace(in.Text)
	if n := utf8.RuneCountInString(in.Text); n < 1 || n > 4000 {
		f = f.At("body.text", "duty.note_text")
	}
	if len(in.Items) > 50 {
		f = f.At("body.items", "duty.note_items")
	}
	in.Items = slices.Clone(in.Items)
	for i := range in.Items {
		it := &in.Items[i]
		it.Text, it.Number = strings.TrimSpace(it.Text), strings.TrimSpace(it.Number)
		if n := utf8.RuneCountInString(it.Text); n < 1 || n > 300 || len(it.Number) > 40 {
			f = f.At("body.items", "duty.note_items")
		}
	}
	if len(f.Where) > 0 {
		return in, f
	}
	return in, nil
}

// TakeOver confirms a note (接班确认): somebody of a following shift says that it
// was read, with a remark where something does not fit. Who wrote it does not
// confirm it. Codes: duty.missing, duty.not_yours, duty.own_note,
// duty.note_confirmed, duty.invalid.
func (d *Duty) TakeOver(tx *db.Tx, by journal.Who, note id.ID, remark string) (Note, error) {
	n, err := noteByID(tx, note)
	if err != nil {
		return Note{}, err
	}
	_, _, at, err := d.seen(tx, by, n.Roster)
	if err != nil {
		return Note{}, err
	}
	me := by.By().Person
	if me == n.Author {
		return Note{}, ErrOwnNote
	}
	if !n.Confirmed.IsZero() {
		return Note{}, ErrConfirmed
	}
	s, err := shiftByID(tx, n.Shift)
	if err != nil {
		return Note{}, err
	}
	if next, err := d.follows(tx, s, me); err != nil || !next {
		return Note{}, errOr(err, ErrNotYours)
	}
	remark = strings.TrimSpace(remark)
	if utf8.RuneCountInString(remark) > 1000 {
		return Note{}, ErrInvalid.At("body.remark", "duty.too_long")
	}
	n.Confirmed, n.ConfirmedBy, n.Remark = tx.Now(), me, remark
	n.Version++
	if err := putNote(tx, n); err != nil {
		return Note{}, err
	}
	wrote(tx, by, "duty.take_over", n.ID, n.Version, at, classNote, n)
	return n, nil
}

// follows says whether a person takes over from a shift: has a turn of the same
// roster that began after the shift began, ends after it, and has begun or
// begins within the next two hours.
func (d *Duty) follows(tx *db.Tx, s Shift, person id.ID) (bool, error) {
	if person.IsZero() {
		return false, nil
	}
	now := tx.Now()
	list, err := all(tx, `SELECT `+turnColumns+` FROM duty_turn WHERE person = $1 AND valid_to > $2 AND valid_from <= $3 AND roster = $4 AND shift <> $5
		AND valid_from > $6`, turnFields, person, db.Millis(s.Ends), db.Millis(now.Add(early)), s.Roster, s.ID, db.Millis(s.Starts))
	return len(list) > 0, err
}
