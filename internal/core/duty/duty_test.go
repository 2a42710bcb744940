package duty_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"onegrid/data"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/duty"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

type operator struct{}

func (operator) By() journal.By                    { return journal.By{Via: "import"} }
func (operator) Check(string, journal.Sight) error { return nil }
func (operator) Sees(string, journal.Sight) bool   { return true }
func (operator) Trusted() bool                     { return true }

var errDenied = fault.New(fault.Forbidden, "test.denied")

// clerk may do some things in one unit's street, and always what is his own.
type clerk struct {
	person, stands id.ID // stands in for
	street         id.ID
	may            []string
}

func (c clerk) By() journal.By { return journal.By{Person: c.person, For: c.stands, Via: "desk"} }
func (c clerk) Check(p string, at journal.Sight) error {
	if at.Street == c.street && slices.Contains(c.may, p) {
		return nil
	}
	return errDenied
}
func (c clerk) Sees(p string, at journal.Sight) bool { return c.Check(p, at) == nil }

type noGuard struct{}

func (noGuard) Delegable(*db.Tx, string) ([]string, error)                { return nil, nil }
func (noGuard) MayHold(*db.Tx, id.ID, string, time.Time, time.Time) error { return nil }
func (noGuard) Changed(*db.Tx, id.ID)                                     {}

var shanghai = time.FixedZone("CST", 8*3600)

// at is an instant on the district's clock in 2026.
func at(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2026, month, day, hour, minute, 0, 0, shanghai)
}

func date(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// house is a street with a duty desk of four people and a lead, and somebody of
// another street.
type house struct {
	*testing.T
	db    *db.DB
	org   *org.Org
	duty  *duty.Duty
	clock *dbtest.Clock

	street, elsewhere            id.ID
	an, bo, cai, da, lead, third id.ID // third is of the other street
}

func each(t *testing.T, story func(h *house)) {
	t.Helper()
	rules, err := org.LoadRules(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	clock := dbtest.NewClock(at(9, 14, 6, 0)) // a Monday
	rooms := []db.Room{journal.Room(), org.Room(), calendar.Tables(), duty.Room()}
	dbtest.EachWith(t, func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() }, rooms, func(t *testing.T, d *db.DB) {
		clock.Set(at(9, 14, 6, 0))
		calendars := calendar.NewCalendars()
		h := &house{T: t, db: d, org: org.New(rules), clock: clock}
		h.org.Guarded(noGuard{})
		h.duty = duty.New(h.org, calendars)
		h.must(func(tx *db.Tx) error { return calendars.Seed(tx, journal.By{Via: "import"}, data.FS) })
		h.must(h.build)
		story(h)
	})
}

func both(s string) words.Text { return words.Text{Chinese: s, English: s} }

func (h *house) build(tx *db.Tx) error {
	unit := func(kind org.UnitKind, code string, parent id.ID) id.ID {
		u, err := h.org.CreateUnit(tx, operator{}, org.UnitIn{Kind: kind, Code: code, Name: both(code), Parent: parent})
		if err != nil {
			h.Fatal(err)
		}
		return u.ID
	}
	hub := unit(org.Hub, "QBQ", id.ID{})
	h.street, h.elsewhere = unit(org.Street, "DQ", hub), unit(org.Street, "SG", hub)
	seat := func(role, name string, street id.ID) id.ID {
		p, err := h.org.CreatePerson(tx, operator{}, org.PersonIn{Name: name})
		if err == nil {
			var post org.Post
			post, err = h.org.CreatePost(tx, operator{}, org.PostIn{Role: role, Name: both(name), Unit: street, Level: org.AtStreet, Node: street})
			if err == nil {
				_, err = h.org.Assign(tx, operator{}, org.HoldingIn{Post: post.ID, Person: p.ID})
			}
		}
		if err != nil {
			h.Fatal(err)
		}
		return p.ID
	}
	h.an, h.bo, h.cai, h.da = seat("street_desk", "安", h.street), seat("street_desk", "博", h.street), seat("street_desk", "蔡", h.street), seat("street_desk", "达", h.street)
	h.lead, h.third = seat("street_leader", "领导", h.street), seat("street_desk", "外人", h.elsewhere)
	return nil
}

func (h *house) must(fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.db.Write(context.Background(), fn); err != nil {
		h.Fatal(err)
	}
}

func (h *house) refuses(want error, fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.db.Write(context.Background(), fn); !errors.Is(err, want) {
		h.Fatalf("got %v, want %v", err, want)
	}
}

func (h *house) as(person id.ID, may ...string) clerk {
	return clerk{person: person, street: h.street, may: may}
}

func (h *house) leader() clerk { return h.as(h.lead, "duty.plan", "org.team_view") }

var (
	workdays = []calendar.DayKind{calendar.Workday, calendar.MakeUpDay}
	restdays = []calendar.DayKind{calendar.OffDay, calendar.Holiday}
	always   = append(slices.Clone(workdays), restdays...)
)

func hours(key string, from, to int, days []calendar.DayKind) duty.ShiftKind {
	return duty.ShiftKind{Key: key, Name: both(key), From: calendar.TimeOfDay(from * 60), To: calendar.TimeOfDay(to * 60), Days: days, Need: 1}
}

// dayAndNight is two shifts a day, four people of one each in turn.
func (h *house) dayAndNight() duty.RosterEdit {
	return duty.RosterEdit{Name: both("街道值班"), Pattern: duty.Pattern{
		Kinds: []duty.ShiftKind{hours("day", 8, 20, always), hours("night", 20, 8, always)},
		Crews: []duty.Crew{{Persons: []id.ID{h.an}}, {Persons: []id.ID{h.bo}}, {Persons: []id.ID{h.cai}}, {Persons: []id.ID{h.da}}},
		Turn:  duty.EachShift, Anchor: date("2026-09-14"),
	}}
}

func (h *house) roster(e duty.RosterEdit) duty.Roster {
	h.Helper()
	var r duty.Roster
	h.must(func(tx *db.Tx) (err error) {
		r, err = h.duty.CreateRoster(tx, h.leader(), duty.RosterIn{Unit: h.street, RosterEdit: e})
		return err
	})
	return r
}

func (h *house) plan(r duty.Roster, from, to string) duty.Plan {
	h.Helper()
	var p duty.Plan
	h.must(func(tx *db.Tx) (err error) {
		p, err = h.duty.PlanDays(tx, h.leader(), r.ID, date(from), date(to))
		return err
	})
	return p
}

func (h *house) on(person id.ID, when time.Time) bool {
	h.Helper()
	var on bool
	h.must(func(tx *db.Tx) (err error) { on, err = h.duty.OnDuty(tx, person, when); return err })
	return on
}

// turn is the turn of a person that covers an instant.
func (h *house) turn(person id.ID, when time.Time) (t duty.Turn) {
	h.Helper()
	h.must(func(tx *db.Tx) error {
		now, err := h.duty.Now(tx, id.ID{}, when)
		i := slices.IndexFunc(now, func(t duty.Turn) bool { return t.Person == person })
		if err == nil && i < 0 {
			h.Fatalf("nobody of that name is on duty at %v: %+v", when, now)
		}
		if err == nil {
			t = now[i]
		}
		return err
	})
	return t
}

// A week is planned, and who is on duty follows from it at any instant, to the
// minute, through midnight.
func TestOnDutyFollowsTheRoster(t *testing.T) {
	each(t, func(h *house) {
		r := h.roster(h.dayAndNight())
		h.clock.Set(at(9, 14, 7, 0))
		if p := h.plan(r, "2026-09-14", "2026-09-20"); p.Made != 14 || p.Open != 0 || p.Kept != 0 || p.Provisional {
			h.Fatalf("a week: %+v", p)
		}
		if p := h.plan(r, "2026-09-14", "2026-09-21"); p.Made != 2 || p.Kept != 14 {
			h.Fatalf("the same week again: %+v", p)
		}
		for _, c := range []struct {
			when time.Time
			who  id.ID
		}{
			{at(9, 14, 8, 0), h.an}, {at(9, 14, 19, 59), h.an}, {at(9, 14, 20, 0), h.bo}, {at(9, 15, 7, 59), h.bo},
			{at(9, 15, 8, 0), h.cai}, {at(9, 15, 20, 0), h.da}, {at(9, 16, 8, 0), h.an},
		} {
			for _, p := range []id.ID{h.an, h.bo, h.cai, h.da} {
				if got := h.on(p, c.when); got != (p == c.who) {
					h.Fatalf("at %v: on duty %v", c.when, got)
				}
			}
		}
		if h.on(h.an, at(9, 14, 7, 59)) || h.on(h.lead, at(9, 14, 9, 0)) {
			h.Fatal("somebody is on duty who is not")
		}
	})
}

// A roster speaks for those who have turns in it, from its first shift to the
// last that is planned, between their own shifts too; for nobody else.
func TestWhomARosterSpeaksFor(t *testing.T) {
	each(t, func(h *house) {
		rostered := func(person id.ID, when time.Time) (yes bool) {
			h.must(func(tx *db.Tx) (err error) { yes, err = h.duty.Rostered(tx, person, when); return err })
			return yes
		}
		r := h.roster(h.dayAndNight())
		if rostered(h.an, at(9, 14, 9, 0)) {
			h.Fatal("nothing is planned, and the roster speaks for somebody")
		}
		h.plan(r, "2026-09-14", "2026-09-15") // An by day, Bo by night, Cai by day, Da by night until Wednesday 08:00
		for _, c := range []struct {
			who  id.ID
			when time.Time
			want bool
		}{
			{h.an, at(9, 14, 7, 59), false}, {h.an, at(9, 14, 8, 0), true}, {h.an, at(9, 15, 23, 0), true}, {h.da, at(9, 14, 9, 0), true},
			{h.an, at(9, 16, 7, 59), true}, {h.an, at(9, 16, 8, 0), false}, {h.lead, at(9, 14, 9, 0), false}, {h.third, at(9, 14, 9, 0), false},
		} {
			if got := rostered(c.who, c.when); got != c.want {
				h.Errorf("at %v the roster speaks for %v: %t", c.when, c.who, got)
			}
		}
	})
}

// Around the Mid-Autumn and National days of 2026: the working days' desk works
// on the make-up Sunday, the holiday watch on days off and holidays only, and
// nobody loses a turn to a day on which nothing takes place.
func TestDutyOnMakeUpDaysAndHolidays(t *testing.T) {
	each(t, func(h *house) {
		e := h.dayAndNight()
		e.Kinds = []duty.ShiftKind{hours("desk", 8, 18, workdays), hours("watch", 9, 17, restdays)}
		e.Turn = duty.EachDay
		r := h.roster(e)
		h.plan(r, "2026-09-15", "2026-10-12")
		order := []id.ID{h.an, h.bo, h.cai, h.da}
		for day := date("2026-09-15"); day <= date("2026-10-12"); day++ {
			begin := time.Unix(int64(day)*86400, 0).Add(-8 * time.Hour)
			who := order[int(day-date("2026-09-14"))%4]
			early, late := h.on(who, begin.Add(8*time.Hour+30*time.Minute)), h.on(who, begin.Add(17*time.Hour+30*time.Minute))
			want := day.Weekday() <= 5
			switch s := day.String(); {
			case s == "2026-09-20" || s == "2026-10-10": // 调休上班
				want = true
			case s >= "2026-09-25" && s <= "2026-09-27", s >= "2026-10-01" && s <= "2026-10-07":
				want = false
			}
			if early != want || late != want || !h.on(who, begin.Add(12*time.Hour)) {
				h.Fatalf("%s: desk hours %v %v, want %v", day, early, late, want)
			}
		}
	})
}

// 换班: asked, agreed by the other, confirmed by a lead who is neither; then the
// turns have changed hands, and only then.
func TestASwapTakesThree(t *testing.T) {
	each(t, func(h *house) {
		h.clock.Set(at(9, 14, 7, 0))
		r := h.roster(h.dayAndNight())
		h.plan(r, "2026-09-14", "2026-09-20")
		h.clock.Set(at(9, 14, 9, 0))
		mine, theirs := h.turn(h.bo, at(9, 14, 21, 0)), h.turn(h.cai, at(9, 15, 9, 0))
		ask := func(by clerk, turn duty.Turn, in duty.SwapIn) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.duty.AskSwap(tx, by, turn.ID, in); return err }
		}
		h.refuses(duty.ErrNotYours, ask(h.as(h.an), mine, duty.SwapIn{Other: h.cai}))
		h.refuses(duty.ErrNotStaff, ask(h.as(h.bo), mine, duty.SwapIn{Other: h.third}))
		h.refuses(duty.ErrNotStaff, ask(h.as(h.bo), mine, duty.SwapIn{Other: h.bo}))
		h.refuses(duty.ErrMissing, ask(h.as(h.third), mine, duty.SwapIn{Other: h.cai}))
		h.refuses(duty.ErrBegan, ask(h.as(h.an), h.turn(h.an, at(9, 14, 10, 0)), duty.SwapIn{Other: h.lead}))
		h.refuses(duty.ErrNotStaff, ask(h.as(h.bo), mine, duty.SwapIn{Other: h.cai, ForTurn: h.turn(h.da, at(9, 15, 21, 0)).ID}))

		var s duty.Swap
		h.must(func(tx *db.Tx) (err error) {
			s, err = h.duty.AskSwap(tx, h.as(h.bo), mine.ID, duty.SwapIn{Other: h.cai, ForTurn: theirs.ID, Why: "孩子家长会"})
			return err
		})
		h.refuses(duty.ErrSwapOpen, ask(h.as(h.bo), mine, duty.SwapIn{Other: h.da}))
		answer := func(by clerk, a duty.Answer) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.duty.AnswerSwap(tx, by, s.ID, a); return err }
		}
		h.refuses(duty.ErrSwapState, answer(h.leader(), duty.Confirm)) // the other has not agreed
		h.refuses(duty.ErrNotYours, answer(h.as(h.da), duty.Agree))
		h.refuses(duty.ErrMissing, answer(h.as(h.third), duty.Agree))
		h.must(answer(h.as(h.cai), duty.Agree))
		h.refuses(errDenied, answer(h.as(h.da), duty.Confirm))
		h.refuses(duty.ErrOwnSwap, answer(h.as(h.cai, "duty.plan", "org.team_view"), duty.Confirm))
		standIn := h.leader()
		standIn.stands = h.bo
		h.refuses(duty.ErrOwnSwap, answer(standIn, duty.Confirm))
		if !h.on(h.bo, at(9, 14, 21, 0)) {
			h.Fatal("the turn moved before the lead agreed")
		}
		h.must(answer(h.leader(), duty.Confirm))
		if h.on(h.bo, at(9, 14, 21, 0)) || !h.on(h.cai, at(9, 14, 21, 0)) || !h.on(h.bo, at(9, 15, 9, 0)) || h.on(h.cai, at(9, 15, 9, 0)) {
			h.Fatal("the turns did not change hands")
		}
		h.refuses(duty.ErrSwapState, answer(h.as(h.bo), duty.Withdraw))
	})
}

// A swap that no longer fits when the lead comes to it is refused, and one whose
// turn is taken off falls away.
func TestASwapThatNoLongerFits(t *testing.T) {
	each(t, func(h *house) {
		h.clock.Set(at(9, 14, 7, 0))
		r := h.roster(h.dayAndNight())
		h.plan(r, "2026-09-14", "2026-09-20")
		swap := func(turn duty.Turn, asker, other id.ID) (s duty.Swap) {
			h.must(func(tx *db.Tx) (err error) {
				if s, err = h.duty.AskSwap(tx, h.as(asker), turn.ID, duty.SwapIn{Other: other}); err == nil {
					_, err = h.duty.AnswerSwap(tx, h.as(other), s.ID, duty.Agree)
				}
				return err
			})
			return s
		}
		confirm := func(s duty.Swap) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.duty.AnswerSwap(tx, h.leader(), s.ID, duty.Confirm); return err }
		}
		late := swap(h.turn(h.bo, at(9, 14, 21, 0)), h.bo, h.da)
		gone := swap(h.turn(h.da, at(9, 15, 21, 0)), h.da, h.bo)
		busy := swap(h.turn(h.an, at(9, 16, 9, 0)), h.an, h.cai)
		h.must(func(tx *db.Tx) error {
			_, err := h.duty.Unseat(tx, h.leader(), gone.Turn)
			if err != nil {
				return err
			}
			x, err := h.duty.AddShift(tx, h.leader(), r.ID, duty.ShiftIn{Starts: at(9, 16, 10, 0), Ends: at(9, 16, 12, 0), Need: 2})
			if err != nil {
				return err
			}
			_, err = h.duty.Seat(tx, h.leader(), x.ID, h.cai)
			return err
		})
		h.refuses(duty.ErrSwapState, confirm(gone))
		h.refuses(duty.ErrBusy, confirm(busy))
		h.clock.Set(at(9, 14, 20, 0))
		h.refuses(duty.ErrBegan, confirm(late))
	})
}

// 交接班: who was on the shift writes, somebody of the next one confirms with a
// remark, and from then on nothing of it changes.
func TestHandOver(t *testing.T) {
	each(t, func(h *house) {
		h.clock.Set(at(9, 14, 7, 0))
		r := h.roster(h.dayAndNight())
		h.plan(r, "2026-09-14", "2026-09-20")
		h.clock.Set(at(9, 14, 19, 30))
		shift := h.turn(h.an, at(9, 14, 9, 0)).Shift
		told := duty.Told{Text: "两件待派，水位正常。", Items: []duty.NoteItem{{Text: "等城管答复", Number: "20260914-0000001-7"}}}
		write := func(by clerk, in duty.Told) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.duty.HandOver(tx, by, shift, in); return err }
		}
		h.refuses(duty.ErrNotYours, write(h.as(h.cai), told))
		h.refuses(duty.ErrMissing, write(h.as(h.third), told))
		h.refuses(duty.ErrInvalid, write(h.as(h.an), duty.Told{Text: "  "}))
		h.refuses(duty.ErrInvalid, write(h.as(h.an), duty.Told{Text: "有", Items: []duty.NoteItem{{Text: ""}}}))
		var n duty.Note
		h.must(func(tx *db.Tx) (err error) { n, err = h.duty.HandOver(tx, h.as(h.an), shift, told); return err })
		h.must(write(h.as(h.an), told)) // still open to correction
		take := func(by clerk) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.duty.TakeOver(tx, by, n.ID, "已看"); return err }
		}
		h.refuses(duty.ErrOwnNote, take(h.as(h.an)))
		h.refuses(duty.ErrNotYours, take(h.as(h.cai))) // his shift is tomorrow
		h.refuses(duty.ErrNotYours, take(h.leader()))
		h.must(take(h.as(h.bo))) // comes half an hour early
		h.refuses(duty.ErrConfirmed, take(h.as(h.bo)))
		h.refuses(duty.ErrConfirmed, write(h.as(h.an), told))
		h.clock.Set(at(9, 16, 21, 0))
		long := h.turn(h.cai, at(9, 15, 9, 0)).Shift
		h.refuses(duty.ErrOver, func(tx *db.Tx) error {
			_, err := h.duty.HandOver(tx, h.as(h.cai), long, told)
			return err
		})
	})
}

// What has begun is only ended, never unmade: the roster of yesterday stays
// true.
func TestARunningTurnEndsNow(t *testing.T) {
	each(t, func(h *house) {
		h.clock.Set(at(9, 14, 7, 0))
		r := h.roster(h.dayAndNight())
		h.plan(r, "2026-09-14", "2026-09-16")
		h.clock.Set(at(9, 14, 12, 0))
		running, next := h.turn(h.an, at(9, 14, 9, 0)), h.turn(h.bo, at(9, 14, 21, 0))
		h.must(func(tx *db.Tx) error { _, err := h.duty.Unseat(tx, h.leader(), running.ID); return err })
		h.must(func(tx *db.Tx) error { _, err := h.duty.Seat(tx, h.leader(), running.Shift, h.da); return err })
		if !h.on(h.an, at(9, 14, 11, 59)) || h.on(h.an, at(9, 14, 12, 0)) || h.on(h.da, at(9, 14, 11, 0)) || !h.on(h.da, at(9, 14, 12, 0)) {
			h.Fatal("the morning is not as it was")
		}
		h.refuses(duty.ErrBusy, func(tx *db.Tx) error { _, err := h.duty.Seat(tx, h.leader(), running.Shift, h.da); return err })
		h.refuses(duty.ErrNotStaff, func(tx *db.Tx) error { _, err := h.duty.Seat(tx, h.leader(), running.Shift, h.third); return err })
		h.must(func(tx *db.Tx) error { _, err := h.duty.CancelShift(tx, h.leader(), next.Shift, 0); return err })
		h.must(func(tx *db.Tx) error { _, err := h.duty.CancelShift(tx, h.leader(), running.Shift, 0); return err })
		if h.on(h.bo, at(9, 14, 21, 0)) || h.on(h.da, at(9, 14, 13, 0)) || !h.on(h.an, at(9, 14, 9, 0)) {
			h.Fatal("a cancelled shift still counts, or the past was rewritten")
		}
		h.refuses(duty.ErrOver, func(tx *db.Tx) error { _, err := h.duty.CancelShift(tx, h.leader(), next.Shift, 0); return err })
		if p := h.plan(r, "2026-09-14", "2026-09-16"); p.Made != 0 {
			h.Fatalf("planning again brings a cancelled shift back: %+v", p)
		}
		h.clock.Set(at(9, 15, 21, 0))
		gone := h.turn(h.cai, at(9, 15, 9, 0))
		h.refuses(duty.ErrOver, func(tx *db.Tx) error {
			_, err := h.duty.Unseat(tx, h.leader(), gone.ID)
			return err
		})
	})
}

// Who is busy or gone leaves an open place, not a broken plan.
func TestPlanningAroundThoseWhoAreNotFree(t *testing.T) {
	each(t, func(h *house) {
		h.clock.Set(at(9, 14, 7, 0))
		first, second := h.roster(h.dayAndNight()), h.roster(h.dayAndNight())
		h.plan(first, "2026-09-14", "2026-09-14")
		if p := h.plan(second, "2026-09-14", "2026-09-14"); p.Made != 2 || p.Open != 2 {
			h.Fatalf("the same people twice: %+v", p)
		}
		h.must(func(tx *db.Tx) error { _, err := h.org.Leave(tx, operator{}, h.cai); return err })
		if p := h.plan(first, "2026-09-15", "2026-09-15"); p.Made != 2 || p.Open != 1 {
			h.Fatalf("after somebody left: %+v", p)
		}
		if p := h.plan(second, "2026-12-14", "2026-12-14"); p.Provisional {
			h.Fatalf("2026 is announced: %+v", p)
		}
		h.clock.Set(at(12, 28, 7, 0))
		if p := h.plan(second, "2027-01-04", "2027-01-04"); !p.Provisional {
			h.Fatalf("2027 is not announced: %+v", p)
		}
	})
}

// What does not fit is refused with its field, and nothing is made.
func TestBadRosters(t *testing.T) {
	each(t, func(h *house) {
		for name, spoil := range map[string]func(e *duty.RosterEdit){
			"no name":             func(e *duty.RosterEdit) { e.Name.English = " " },
			"no shift":            func(e *duty.RosterEdit) { e.Kinds = nil },
			"a key twice":         func(e *duty.RosterEdit) { e.Kinds[1].Key = "day" },
			"the key of extras":   func(e *duty.RosterEdit) { e.Kinds[1].Key = "extra" },
			"no days":             func(e *duty.RosterEdit) { e.Kinds[0].Days = nil },
			"a day nobody knows":  func(e *duty.RosterEdit) { e.Kinds[0].Days = []calendar.DayKind{"doomsday"} },
			"nobody needed":       func(e *duty.RosterEdit) { e.Kinds[0].Need = 0 },
			"a crew of nobody":    func(e *duty.RosterEdit) { e.Crews[0].Persons = nil },
			"one person twice":    func(e *duty.RosterEdit) { e.Crews[0].Persons = []id.ID{h.an, h.an} },
			"a stranger":          func(e *duty.RosterEdit) { e.Crews[0].Persons = []id.ID{h.third} },
			"a rotation by moon":  func(e *duty.RosterEdit) { e.Turn = "moon" },
			"an anchor of 1990":   func(e *duty.RosterEdit) { e.Anchor = date("1990-01-01") },
			"an unknown calendar": func(e *duty.RosterEdit) { e.Calendar = "lunar" },
		} {
			h.Run(name, func(t *testing.T) {
				e := h.dayAndNight()
				spoil(&e)
				h.refuses(duty.ErrInvalid, func(tx *db.Tx) error {
					_, err := h.duty.CreateRoster(tx, h.leader(), duty.RosterIn{Unit: h.street, RosterEdit: e})
					return err
				})
			})
		}
		h.refuses(errDenied, func(tx *db.Tx) error {
			_, err := h.duty.CreateRoster(tx, h.as(h.an, "org.team_view"), duty.RosterIn{Unit: h.street, RosterEdit: h.dayAndNight()})
			return err
		})
		r := h.roster(h.dayAndNight())
		plan := func(by clerk, from, to string) func(tx *db.Tx) error {
			return func(tx *db.Tx) error { _, err := h.duty.PlanDays(tx, by, r.ID, date(from), date(to)); return err }
		}
		h.refuses(duty.ErrInvalid, plan(h.leader(), "2026-09-13", "2026-09-20"))
		h.refuses(duty.ErrInvalid, plan(h.leader(), "2026-09-20", "2026-09-19"))
		h.refuses(duty.ErrInvalid, plan(h.leader(), "2026-09-14", "2026-12-15"))
		h.refuses(errDenied, plan(h.as(h.an), "2026-09-14", "2026-09-20"))
		h.refuses(duty.ErrMissing, plan(h.as(h.third), "2026-09-14", "2026-09-20"))
		shift := func(from, to time.Time, need int) func(tx *db.Tx) error {
			return func(tx *db.Tx) error {
				_, err := h.duty.AddShift(tx, h.leader(), r.ID, duty.ShiftIn{Starts: from, Ends: to, Need: need})
				return err
			}
		}
		h.refuses(duty.ErrInvalid, shift(at(9, 15, 9, 0), at(9, 15, 9, 0), 1))
		h.refuses(duty.ErrInvalid, shift(at(9, 15, 9, 0), at(9, 18, 9, 0), 1))
		h.refuses(duty.ErrInvalid, shift(at(9, 13, 9, 0), at(9, 13, 10, 0), 1))
		h.refuses(duty.ErrInvalid, shift(at(9, 15, 9, 0), at(9, 15, 10, 0), 0))
		h.must(shift(at(9, 15, 9, 0), at(9, 15, 10, 0), 1))
		h.refuses(duty.ErrInvalid, shift(at(9, 15, 9, 0), at(9, 15, 11, 0), 1))
		h.refuses(duty.ErrChanged, func(tx *db.Tx) error {
			_, err := h.duty.EditRoster(tx, h.leader(), r.ID, 9, h.dayAndNight())
			return err
		})
		h.must(func(tx *db.Tx) error {
			e := h.dayAndNight()
			e.Close = true
			_, err := h.duty.EditRoster(tx, h.leader(), r.ID, 1, e)
			return err
		})
		h.refuses(duty.ErrInvalid, plan(h.leader(), "2026-09-14", "2026-09-20"))
	})
}
