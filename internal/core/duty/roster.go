package duty

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// The permissions of roles.json that this room asks for.
const (
	permPlan = "duty.plan"
	permTeam = "org.team_view"
)

// classDuty is the retention class of who was on duty; classNote that of what
// one shift told the next.
const (
	classDuty = "post_holding"
	classNote = "work_record"
)

// Units tells the organisation as a transaction sees it; *org.Org does.
type Units interface {
	Snapshot(tx *db.Tx) (*org.Snapshot, error)
}

// Calendars gives a working calendar by its key; *calendar.Calendars does.
type Calendars interface {
	For(tx *db.Tx, key string) (*calendar.Calendar, error)
}

// Duty is the rosters of one installation. Its acts run in the caller's
// transaction, on the first writer.
type Duty struct {
	units     Units
	calendars Calendars
}

// New is the rosters of an organisation.
func New(units Units, calendars Calendars) *Duty { return &Duty{units, calendars} }

// OnDuty says whether a person is on duty at an instant (在岗).
func (d *Duty) OnDuty(tx *db.Tx, person id.ID, at time.Time) (bool, error) {
	list, err := all(tx, `SELECT `+turnColumns+` FROM duty_turn WHERE person = $1 AND valid_to > $2 AND valid_from <= $2 LIMIT 1`,
		turnFields, person, db.Millis(at))
	return len(list) > 0, err
}

// Rostered says whether a roster speaks for a person at an instant (已排班): one
// in which he has turns is planned up to it and beyond. Of whom none speaks this
// room does not know that he is off duty; whoever asks falls back on something
// else.
func (d *Duty) Rostered(tx *db.Tx, person id.ID, at time.Time) (bool, error) {
	var n int64
	err := tx.Row(`SELECT COUNT(*) FROM (SELECT DISTINCT roster FROM duty_turn WHERE person = $1) t
		WHERE EXISTS (SELECT 1 FROM duty_shift s WHERE s.roster = t.roster AND s.starts <= $2 AND s.cancelled = 0)
		AND EXISTS (SELECT 1 FROM duty_shift s WHERE s.roster = t.roster AND s.starts > $3 AND s.ends > $2 AND s.cancelled = 0)`,
		person, db.Millis(at), db.Millis(at.Add(-longestShift))).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("read whether somebody is on a roster: %w", err)
	}
	return n > 0, nil
}

// Now lists the turns that cover an instant, of one roster or of all (none
// named).
func (d *Duty) Now(tx *db.Tx, roster id.ID, at time.Time) ([]Turn, error) {
	if roster.IsZero() {
		return all(tx, `SELECT `+turnColumns+` FROM duty_turn WHERE valid_to > $1 AND valid_from <= $1 ORDER BY roster, valid_from, id`, turnFields, db.Millis(at))
	}
	return all(tx, `SELECT `+turnColumns+` FROM duty_turn WHERE valid_to > $1 AND valid_from <= $1 AND roster = $2 ORDER BY valid_from, id`,
		turnFields, db.Millis(at), roster)
}

// RosterIn is a roster as it is made.
type RosterIn struct {
	ID   id.ID `json:"id,omitzero"`
	Unit id.ID `json:"unit_id"`
	RosterEdit
}

// RosterEdit is what may change about a roster. A changed pattern holds for what
// is planned from then on; shifts that were planned stay.
type RosterEdit struct {
	Name     words.Text `json:"name"`
	Calendar string     `json:"calendar,omitempty" maxLength:"40"`
	Pattern
	Close bool `json:"close,omitempty" doc:"the roster is no longer used from now on"`
}

// CreateRoster makes a roster for a unit. Permission duty.plan at the unit.
// Codes: org.missing, duty.invalid, duty.not_staff.
func (d *Duty) CreateRoster(tx *db.Tx, by journal.Who, in RosterIn) (Roster, error) {
	r := Roster{ID: in.ID, Unit: in.Unit, From: tx.Now(), Version: 1}
	if r.ID.IsZero() {
		r.ID = tx.NewID()
	}
	s, at, err := d.place(tx, in.Unit)
	if err != nil {
		return Roster{}, err
	}
	if err := by.Check(permPlan, at); err != nil {
		return Roster{}, err
	}
	if r, err = d.edited(tx, by, s, r, in.RosterEdit); err != nil {
		return Roster{}, err
	}
	if err := insertRoster(tx, r); err != nil {
		return Roster{}, err
	}
	wrote(tx, by, "duty.roster_create", r.ID, r.Version, at, classDuty, r)
	return r, nil
}

// EditRoster changes or closes a roster. Permission duty.plan at its unit.
// Codes: duty.missing, duty.changed, duty.invalid, duty.not_staff.
func (d *Duty) EditRoster(tx *db.Tx, by journal.Who, roster id.ID, version int64, e RosterEdit) (Roster, error) {
	r, s, at, err := d.planned(tx, by, roster)
	if err != nil {
		return Roster{}, err
	}
	if version != 0 && version != r.Version {
		return Roster{}, ErrChanged.With("version", r.Version)
	}
	if r, err = d.edited(tx, by, s, r, e); err != nil {
		return Roster{}, err
	}
	if err := updateRoster(tx, r); err != nil {
		return Roster{}, err
	}
	r.Version++
	wrote(tx, by, "duty.roster_edit", r.ID, r.Version, at, classDuty, r)
	return r, nil
}

// edited lays an edit over a roster and checks it.
func (d *Duty) edited(tx *db.Tx, by journal.Who, s *org.Snapshot, r Roster, e RosterEdit) (Roster, error) {
	r.Name = words.Text{Chinese: strings.TrimSpace(e.Name.Chinese), English: strings.TrimSpace(e.Name.English)}
	r.Calendar, r.Pattern = e.Calendar, e.Pattern
	f := ErrInvalid
	for path, name := range map[string]string{"body.name.zh-CN": r.Name.Chinese, "body.name.en": r.Name.English} {
		if n := utf8.RuneCountInString(name); n < 1 || n > 60 {
			f = f.At(path, "duty.bad_name")
		}
	}
	c, err := d.calendars.For(tx, r.Calendar)
	switch {
	case err != nil && fault.Of(err).Kind == fault.Missing:
		return r, f.At("body.calendar", "calendar.missing", "key", r.Calendar)
	case err != nil:
		return r, err
	}
	f = r.Pattern.check(f, c.DateOn(tx.Now()))
	for _, crew := range r.Crews {
		for _, p := range crew.Persons {
			if !d.fits(s, by, r, p, tx.Now()) {
				f = f.At("body.crews", "duty.not_staff")
			}
		}
	}
	if len(f.Where) > 0 {
		return r, f
	}
	if e.Close && r.To.IsZero() {
		r.To = tx.Now()
	}
	return r, nil
}

// check says what is wrong with a pattern.
func (p Pattern) check(f *fault.Fault, today calendar.Date) *fault.Fault {
	if len(p.Kinds) == 0 || len(p.Kinds) > 8 {
		f = f.At("body.kinds", "duty.no_kind")
	}
	seen := map[string]bool{extra: true}
	for _, k := range p.Kinds {
		if seen[k.Key] || k.Key == "" || len(k.Key) > 20 {
			f = f.At("body.kinds", "duty.kind_key", "key", k.Key)
		}
		seen[k.Key] = true
		if utf8.RuneCountInString(k.Name.Chinese) < 1 || utf8.RuneCountInString(k.Name.Chinese) > 40 || utf8.RuneCountInString(k.Name.English) > 40 {
			f = f.At("body.kinds", "duty.bad_name")
		}
		if len(k.Days) == 0 || slices.ContainsFunc(k.Days, func(d calendar.DayKind) bool {
			return d != calendar.Workday && d != calendar.MakeUpDay && d != calendar.OffDay && d != calendar.Holiday
		}) {
			f = f.At("body.kinds", "duty.kind_days", "key", k.Key)
		}
		if k.Need < 1 || k.Need > 50 || k.From < 0 || k.From >= 24*60 || k.To < 0 || k.To > 24*60 {
			f = f.At("body.kinds", "duty.kind_hours", "key", k.Key)
		}
	}
	if p.Turn != EachShift && p.Turn != EachDay && p.Turn != EachWeek {
		f = f.At("body.rotation", "duty.bad_rotation")
	}
	if today-p.Anchor > oldestAnchor || p.Anchor-today > oldestAnchor {
		f = f.At("body.anchor", "duty.bad_anchor")
	}
	if len(p.Crews) > 60 {
		f = f.At("body.crews", "duty.bad_crew")
	}
	for _, c := range p.Crews {
		persons := slices.Clone(c.Persons)
		slices.SortFunc(persons, id.ID.Compare)
		if len(c.Persons) == 0 || len(c.Persons) > 50 || len(slices.Compact(persons)) != len(c.Persons) || utf8.RuneCountInString(c.Name) > 40 {
			f = f.At("body.crews", "duty.bad_crew")
		}
	}
	return f
}

// fits says whether a person may be on duty for a roster: holds a post of its
// unit, or one that whoever plans can see (a flood watch takes people of several
// bodies).
func (d *Duty) fits(s *org.Snapshot, by journal.Who, r Roster, person id.ID, at time.Time) bool {
	for _, h := range s.HoldingsOf(person, at) {
		p, ok := s.Post(h.Post)
		if ok && (p.Unit == r.Unit || by.Sees(permTeam, s.SightOf(p))) {
			return true
		}
	}
	return false
}

// Plan is what planning made of some days.
type Plan struct {
	Made        int  `json:"made" doc:"shifts that are new"`
	Kept        int  `json:"kept" doc:"shifts that were there, untouched"`
	Open        int  `json:"open" doc:"places of new shifts for which nobody is free"`
	Provisional bool `json:"provisional,omitempty" doc:"some day lies past the last announced year of holidays"`
}

// PlanDays makes the shifts of the days from a date to another, both included,
// and gives them to the crews whose turn it is. Who is on another shift then, or
// has no post any more, is left out and the place stays open. Permission
// duty.plan. Codes: duty.missing, duty.invalid.
func (d *Duty) PlanDays(tx *db.Tx, by journal.Who, roster id.ID, from, to calendar.Date) (Plan, error) {
	r, s, at, err := d.planned(tx, by, roster)
	if err != nil {
		return Plan{}, err
	}
	c, err := d.calendars.For(tx, r.Calendar)
	if err != nil {
		return Plan{}, err
	}
	f := ErrInvalid
	if !r.Open(tx.Now()) {
		f = f.At("body.from", "duty.closed")
	}
	if from < c.DateOn(tx.Now()) {
		f = f.At("body.from", "duty.plan_past")
	}
	if to < from || to-from >= longestPlan {
		f = f.At("body.to", "duty.plan_days", "most", longestPlan)
	}
	if from-r.Anchor > oldestAnchor {
		f = f.At("body.from", "duty.bad_anchor")
	}
	if len(f.Where) > 0 {
		return Plan{}, f
	}
	var out Plan
	for _, p := range r.Pattern.plan(c, from, to+1) {
		out.Provisional = out.Provisional || p.provisional
		there, err := all(tx, `SELECT `+shiftColumns+` FROM duty_shift WHERE roster = $1 AND starts = $2 AND kind = $3`, shiftFields, r.ID, db.Millis(p.Starts), p.Kind)
		if err != nil {
			return Plan{}, err
		}
		if len(there) > 0 || !p.Starts.After(tx.Now()) {
			out.Kept++
			continue
		}
		shift := p.Shift
		shift.ID, shift.Roster, shift.Version = tx.NewID(), r.ID, 1
		if err := insertShift(tx, shift); err != nil {
			return Plan{}, err
		}
		out.Made++
		seated := 0
		for _, person := range p.crew {
			if seated == shift.Need {
				break
			}
			free, err := d.free(tx, person, shift.Starts, shift.Ends, id.ID{})
			if err != nil {
				return Plan{}, err
			}
			if !free || !d.fits(s, by, r, person, shift.Starts) {
				continue
			}
			if err := insertTurn(tx, Turn{ID: tx.NewID(), Shift: shift.ID, Roster: r.ID, Person: person, From: shift.Starts, To: shift.Ends, Version: 1}); err != nil {
				return Plan{}, err
			}
			seated++
		}
		out.Open += shift.Need - seated
	}
	wrote(tx, by, "duty.plan", r.ID, 0, at, classDuty, map[string]any{"from": from, "to": to, "plan": out})
	return out, nil
}

// free says whether a person has no turn in a period, a certain one left out.
func (d *Duty) free(tx *db.Tx, person id.ID, from, to time.Time, but id.ID) (bool, error) {
	list, err := turnsOfPerson(tx, person, from, to)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(list, func(t Turn) bool { return t.ID != but }), nil
}

// place finds a unit and its place in the scope trees.
func (d *Duty) place(tx *db.Tx, unit id.ID) (*org.Snapshot, journal.Sight, error) {
	s, err := d.units.Snapshot(tx)
	if err != nil {
		return nil, journal.Sight{}, err
	}
	if _, ok := s.Unit(unit); !ok {
		return nil, journal.Sight{}, ErrInvalid.At("body.unit_id", "org.missing")
	}
	return s, s.SightOfUnit(unit), nil
}

// planned finds a roster for somebody who may plan it; to whoever may not even
// see it, it is missing.
func (d *Duty) planned(tx *db.Tx, by journal.Who, roster id.ID) (Roster, *org.Snapshot, journal.Sight, error) {
	r, err := rosterByID(tx, roster)
	if err != nil {
		return r, nil, journal.Sight{}, err
	}
	s, at, err := d.place(tx, r.Unit)
	if err != nil {
		return r, nil, at, err
	}
	if err := by.Check(permPlan, at); err != nil {
		if !d.sees(tx, by, s, r) {
			return r, nil, at, ErrMissing
		}
		return r, nil, at, err
	}
	return r, s, at, nil
}

// sees says whether somebody may see a roster: the team there, or as one who
// takes turns of it.
func (d *Duty) sees(tx *db.Tx, by journal.Who, s *org.Snapshot, r Roster) bool {
	at := s.SightOfUnit(r.Unit)
	return by.Sees(permTeam, at) || by.Sees(permPlan, at) || d.mate(tx, s, r, by.By().Person)
}

// belongs says whether a person is of a crew or has a turn of the roster.
func (d *Duty) belongs(tx *db.Tx, r Roster, person id.ID) bool {
	if person.IsZero() {
		return false
	}
	if slices.ContainsFunc(r.Crews, func(c Crew) bool { return slices.Contains(c.Persons, person) }) {
		return true
	}
	list, err := all(tx, `SELECT `+turnColumns+` FROM duty_turn WHERE person = $1 AND roster = $2 LIMIT 1`, turnFields, person, r.ID)
	return err == nil && len(list) > 0
}

func wrote(tx *db.Tx, by journal.Who, kind string, subject id.ID, version int64, at journal.Sight, class string, body any) {
	journal.Add(tx, journal.Entry{Kind: kind, Subject: subject, By: by.By(), Version: version, Sight: at, Class: class, Body: body})
}
