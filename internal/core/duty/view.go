package duty

import (
	"cmp"
	"slices"
	"time"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// RosterView is a roster with who is on duty.
type RosterView struct {
	Roster
	UnitName words.Text `json:"unit_name"`
	OnDuty   []Named    `json:"on_duty"`
}

// Named is a person by name.
type Named struct {
	ID   id.ID  `json:"id"`
	Name string `json:"name"`
}

// TurnView is a turn with the person's name.
type TurnView struct {
	Turn
	Name string `json:"name"`
}

// ShiftView is a shift with who is on it and what it handed over.
type ShiftView struct {
	Shift
	Name  words.Text `json:"name"`
	Turns []TurnView `json:"turns"`
	Open  int        `json:"open" doc:"places nobody has"`
	Note  *NoteView  `json:"note,omitempty"`
}

// NoteView is a note with names.
type NoteView struct {
	Note
	AuthorName      string `json:"author_name"`
	ConfirmedByName string `json:"confirmed_by_name,omitempty"`
}

// SwapView is a swap with names and times.
type SwapView struct {
	Swap
	AskerName  string     `json:"asker_name"`
	OtherName  string     `json:"other_name"`
	RosterName words.Text `json:"roster_name"`
	From       time.Time  `json:"from" doc:"the turn that is given away"`
	To         time.Time  `json:"to"`
	ForFrom    time.Time  `json:"for_from,omitzero" doc:"the turn taken in exchange"`
	ForTo      time.Time  `json:"for_to,omitzero"`
}

// Week is a roster over some days (排班周视图).
type Week struct {
	Roster RosterView         `json:"roster"`
	Days   []calendar.DayInfo `json:"days"`
	Shifts []ShiftView        `json:"shifts"`
	Swaps  []SwapView         `json:"swaps" doc:"those still open"`
	Crews  [][]Named          `json:"crews" doc:"names of the crews, in their order"`
	Mates  []Named            `json:"mates" doc:"who may take a turn: the crews and the unit's people"`
	Plans  bool               `json:"plans" doc:"whether the reader may plan here"`
}

// OnDutyView is one person on duty.
type OnDutyView struct {
	Person     id.ID      `json:"person_id"`
	Name       string     `json:"name"`
	Roster     id.ID      `json:"roster_id"`
	RosterName words.Text `json:"roster_name"`
	Unit       id.ID      `json:"unit_id"`
	UnitName   words.Text `json:"unit_name"`
	From       time.Time  `json:"from"`
	To         time.Time  `json:"to"`
}

// Mine is what concerns the reader himself.
type Mine struct {
	Turns []OnDutyView `json:"turns" doc:"running and coming ones, four weeks ahead"`
	Swaps []SwapView   `json:"swaps" doc:"open ones that he asked or is asked"`
	Notes []NoteView   `json:"notes" doc:"notes he may confirm"`
}

func nameOf(s *org.Snapshot, person id.ID) string {
	p, _ := s.Person(person)
	return p.Name
}

func unitName(s *org.Snapshot, unit id.ID) words.Text {
	u, _ := s.Unit(unit)
	return u.Name
}

func (d *Duty) viewRoster(tx *db.Tx, s *org.Snapshot, r Roster) (RosterView, error) {
	v := RosterView{Roster: r, UnitName: unitName(s, r.Unit), OnDuty: []Named{}}
	if v.Crews == nil {
		v.Crews = []Crew{}
	}
	now, err := d.Now(tx, r.ID, tx.Now())
	for _, t := range now {
		v.OnDuty = append(v.OnDuty, Named{t.Person, nameOf(s, t.Person)})
	}
	return v, err
}

// list gives the rosters that the reader may see.
func (d *Duty) list(tx *db.Tx, by journal.Who, unit id.ID, closed bool) ([]RosterView, error) {
	s, err := d.units.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	rs, err := rosters(tx)
	if err != nil {
		return nil, err
	}
	out := []RosterView{}
	for _, r := range rs {
		if !unit.IsZero() && r.Unit != unit || !closed && !r.Open(tx.Now()) || !d.sees(tx, by, s, r) {
			continue
		}
		v, err := d.viewRoster(tx, s, r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (d *Duty) week(tx *db.Tx, by journal.Who, roster id.ID, from calendar.Date, days int) (Week, error) {
	r, s, at, err := d.seen(tx, by, roster)
	if err != nil {
		return Week{}, err
	}
	c, err := d.calendars.For(tx, r.Calendar)
	if err != nil {
		return Week{}, err
	}
	w := Week{Shifts: []ShiftView{}, Swaps: []SwapView{}, Crews: [][]Named{}, Mates: []Named{}, Plans: by.Check(permPlan, at) == nil}
	if w.Roster, err = d.viewRoster(tx, s, r); err != nil {
		return w, err
	}
	if from == 0 {
		today := c.DateOn(tx.Now())
		from = today - calendar.Date(today.Weekday()-1)
	}
	to := from + calendar.Date(days)
	for day := from; day < to; day++ {
		w.Days = append(w.Days, c.Day(day))
	}
	begin, end := c.Instant(from, 0), c.Instant(to, 0)
	shifts, err := shiftsIn(tx, r.ID, begin, end)
	if err != nil {
		return w, err
	}
	turns, err := turnsIn(tx, r.ID, begin, end)
	if err != nil {
		return w, err
	}
	notes, err := all(tx, `SELECT n.id, n.roster, n.shift, n.author, n.body, n.written, n.confirmed, n.confirmed_by, n.remark, n.version
		FROM duty_note n JOIN duty_shift s ON s.id = n.shift WHERE s.roster = $1 AND s.starts >= $2 AND s.starts < $3`, noteFields, r.ID, db.Millis(begin), db.Millis(end))
	if err != nil {
		return w, err
	}
	for _, x := range shifts {
		v := ShiftView{Shift: x, Turns: []TurnView{}, Open: x.Need}
		for _, k := range r.Kinds {
			if k.Key == x.Kind {
				v.Name = k.Name
			}
		}
		for _, t := range turns {
			if t.Shift == x.ID {
				v.Turns = append(v.Turns, TurnView{t, nameOf(s, t.Person)})
				v.Open--
			}
		}
		if v.Open = max(0, v.Open); x.Cancelled {
			v.Open = 0
		}
		for _, n := range notes {
			if n.Shift == x.ID {
				view := viewNote(s, n)
				v.Note = &view
			}
		}
		w.Shifts = append(w.Shifts, v)
	}
	open, err := all(tx, `SELECT `+swapColumns+` FROM duty_swap WHERE roster = $1 AND state IN ('asked', 'agreed') ORDER BY asked`, swapFields, r.ID)
	if err != nil {
		return w, err
	}
	if w.Swaps, err = d.viewSwaps(tx, s, open); err != nil {
		return w, err
	}
	w.name(s, r, tx.Now())
	return w, nil
}

// name fills in the people of the crews and of the unit.
func (w *Week) name(s *org.Snapshot, r Roster, at time.Time) {
	seen := map[id.ID]bool{}
	add := func(person id.ID) {
		if !seen[person] {
			seen[person] = true
			w.Mates = append(w.Mates, Named{person, nameOf(s, person)})
		}
	}
	for _, crew := range r.Crews {
		names := []Named{}
		for _, p := range crew.Persons {
			names = append(names, Named{p, nameOf(s, p)})
			add(p)
		}
		w.Crews = append(w.Crews, names)
	}
	for _, p := range s.Posts {
		if p.Unit != r.Unit || !p.Open(at) {
			continue
		}
		if who, _, ok := s.Occupant(p.ID, at); ok {
			add(who)
		}
		if holder, ok := s.HolderOf(p.ID, at); ok {
			add(holder)
		}
	}
	slices.SortFunc(w.Mates, func(a, b Named) int { return cmp.Or(cmp.Compare(a.Name, b.Name), a.ID.Compare(b.ID)) })
}

func viewNote(s *org.Snapshot, n Note) NoteView {
	return NoteView{Note: n, AuthorName: nameOf(s, n.Author), ConfirmedByName: nameOf(s, n.ConfirmedBy)}
}

func (d *Duty) viewSwaps(tx *db.Tx, s *org.Snapshot, list []Swap) ([]SwapView, error) {
	out := []SwapView{}
	for _, x := range list {
		v := SwapView{Swap: x, AskerName: nameOf(s, x.Asker), OtherName: nameOf(s, x.Other)}
		r, err := rosterByID(tx, x.Roster)
		if err != nil {
			return nil, err
		}
		v.RosterName = r.Name
		t, err := turnByID(tx, x.Turn)
		if err != nil {
			return nil, err
		}
		v.From, v.To = t.From, t.To
		if !x.ForTurn.IsZero() {
			if t, err = turnByID(tx, x.ForTurn); err != nil {
				return nil, err
			}
			v.ForFrom, v.ForTo = t.From, t.To
		}
		out = append(out, v)
	}
	return out, nil
}

// onDuty lists who is on duty now, as far as the reader may see the team there.
func (d *Duty) onDuty(tx *db.Tx, by journal.Who, unit id.ID) ([]OnDutyView, error) {
	s, err := d.units.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	turns, err := d.Now(tx, id.ID{}, tx.Now())
	if err != nil {
		return nil, err
	}
	return d.viewTurns(tx, s, turns, func(r Roster) bool {
		return (unit.IsZero() || r.Unit == unit) && d.sees(tx, by, s, r)
	})
}

func (d *Duty) viewTurns(tx *db.Tx, s *org.Snapshot, turns []Turn, show func(Roster) bool) ([]OnDutyView, error) {
	out := []OnDutyView{}
	known := map[id.ID]Roster{}
	shown := map[id.ID]bool{}
	for _, t := range turns {
		r, ok := known[t.Roster]
		if !ok {
			var err error
			if r, err = rosterByID(tx, t.Roster); err != nil {
				return nil, err
			}
			known[t.Roster], shown[t.Roster] = r, show(r)
		}
		if shown[t.Roster] {
			out = append(out, OnDutyView{Person: t.Person, Name: nameOf(s, t.Person), Roster: r.ID, RosterName: r.Name, Unit: r.Unit,
				UnitName: unitName(s, r.Unit), From: t.From, To: t.To})
		}
	}
	return out, nil
}

// mine gathers what concerns one person.
func (d *Duty) mine(tx *db.Tx, me id.ID) (Mine, error) {
	m := Mine{Turns: []OnDutyView{}, Swaps: []SwapView{}, Notes: []NoteView{}}
	s, err := d.units.Snapshot(tx)
	if err != nil || me.IsZero() {
		return m, err
	}
	now := tx.Now()
	turns, err := turnsOfPerson(tx, me, now, now.AddDate(0, 0, 28))
	if err != nil {
		return m, err
	}
	if m.Turns, err = d.viewTurns(tx, s, turns, func(Roster) bool { return true }); err != nil {
		return m, err
	}
	asked, err := all(tx, `SELECT `+swapColumns+` FROM duty_swap WHERE (asker = $1 OR other = $1) AND state IN ('asked', 'agreed') ORDER BY asked`, swapFields, me)
	if err != nil {
		return m, err
	}
	if m.Swaps, err = d.viewSwaps(tx, s, asked); err != nil {
		return m, err
	}
	seen := map[id.ID]bool{}
	for _, t := range turns {
		if seen[t.Roster] || t.From.After(now.Add(early)) {
			continue
		}
		seen[t.Roster] = true
		notes, err := all(tx, `SELECT `+noteColumns+` FROM duty_note WHERE roster = $1 AND confirmed IS NULL AND author <> $2 ORDER BY written LIMIT 20`, noteFields, t.Roster, me)
		if err != nil {
			return m, err
		}
		for _, n := range notes {
			shift, err := shiftByID(tx, n.Shift)
			if err != nil {
				return m, err
			}
			next, err := d.follows(tx, shift, me)
			if err != nil {
				return m, err
			}
			if next {
				m.Notes = append(m.Notes, viewNote(s, n))
			}
		}
	}
	return m, nil
}
