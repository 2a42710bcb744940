package calendar

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onegrid/data"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// clerk is who asks in these tests.
type clerk struct{ may bool }

var (
	errDenied = fault.New(fault.Forbidden, "test.denied")
	clerkID   = id.Must("0193b0a0-0000-7000-8000-000000000001")
)

func (c clerk) By() journal.By { return journal.By{Person: clerkID, Via: "desk"} }

func (c clerk) Check(permission string, _ journal.Sight) error {
	if c.may && permission == "system.calendar_edit" {
		return nil
	}
	return errDenied
}

func (c clerk) Sees(string, journal.Sight) bool { return c.may }

// seeded opens a database with the shipped calendars, once for each engine.
func seeded(t *testing.T, story func(t *testing.T, d *db.DB, s *Calendars)) {
	t.Helper()
	clock := dbtest.NewClock(time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC))
	set := func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() }
	dbtest.EachWith(t, set, []db.Room{httpx.Room(), journal.Room(), Tables()}, func(t *testing.T, d *db.DB) {
		s := NewCalendars()
		write(t, d, func(tx *db.Tx) error { return s.Seed(tx, journal.By{Via: "system"}, data.FS) })
		story(t, d, s)
	})
}

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func (s *Calendars) dueOf(t *testing.T, d *db.DB, key string, l Limit, start string) Due {
	t.Helper()
	var due Due
	read(t, d, func(tx *db.Tx) error {
		c, err := s.For(tx, key)
		if err != nil {
			return err
		}
		due, err = c.Due(l, at(t, start), nil)
		return err
	})
	return due
}

func entries(t *testing.T, d *db.DB) []journal.Entry {
	t.Helper()
	var all []journal.Entry
	read(t, d, func(tx *db.Tx) (err error) {
		all, err = journal.Since(tx, 0, 1000)
		return err
	})
	return all
}

func TestSeedBringsTheDefaultsOnce(t *testing.T) {
	seeded(t, func(t *testing.T, d *db.DB, s *Calendars) {
		var list []Sheet
		read(t, d, func(tx *db.Tx) (err error) { list, err = s.List(tx); return err })
		var keys []string
		for _, c := range list {
			keys = append(keys, c.Key)
		}
		if !slices.Equal(keys, []string{"duty_24h", "office", "service_hall", "village_hall"}) || !list[1].Standard {
			t.Fatalf("calendars %v", keys)
		}
		village := list[3]
		if h := village.Schedules[0]; h.NominalDayMinutes != 390 || len(h.PeriodsByWeekday["6"]) != 1 || !h.FollowsHolidays || h.ValidFrom.String() != "2014-01-01" {
			t.Errorf("the village hall's hours came back as %+v", h)
		}
		if village.Name.English == "" || village.Note.Chinese == "" {
			t.Errorf("the village hall's words came back as %+v", village)
		}
		if list[0].Schedules[0].FollowsHolidays {
			t.Error("the duty desk follows holidays")
		}
		before := entries(t, d)
		if len(before) != 13+4 {
			t.Errorf("%d entries for 13 years and 4 calendars", len(before))
		}

		// Every shipped year is there as it lies in the file.
		read(t, d, func(tx *db.Tx) error {
			years, err := ReadHolidays(subFS(t))
			if err != nil {
				return err
			}
			for _, y := range years {
				got, err := s.Year(tx, y.Year)
				if err != nil {
					return err
				}
				byDate := func(a, b HolidayDay) int { return int(a.Date) - int(b.Date) }
				slices.SortFunc(y.Days, byDate)
				if diff := cmp.Diff(y, got.HolidayYear); diff != "" {
					t.Errorf("%d (-file +database)\n%s", y.Year, diff)
				}
			}
			return nil
		})

		// A second start brings nothing twice and leaves what the office edited.
		write(t, d, func(tx *db.Tx) error {
			e := editOf(list[1])
			e.Name.Chinese = "本区机关"
			_, err := s.Edit(tx, clerk{true}, "office", 1, e)
			return err
		})
		write(t, d, func(tx *db.Tx) error { return s.Seed(tx, journal.By{Via: "system"}, data.FS) })
		read(t, d, func(tx *db.Tx) error {
			c, err := s.Get(tx, "office")
			if err == nil && (c.Name.Chinese != "本区机关" || c.Version != 2) {
				t.Errorf("the second start left %+v", c)
			}
			return err
		})
		if n := len(entries(t, d)); n != len(before)+1 {
			t.Errorf("%d entries after one edit and a second start, had %d", n, len(before))
		}
	})
}

func editOf(s Sheet) SheetEdit {
	return SheetEdit{Name: s.Name, Note: s.Note, TimeZone: s.TimeZone, Schedules: s.Schedules}
}

// Changed hours serve from the next question on, and leave a journal entry that
// says which calendar; a rolled back change leaves nothing.
func TestEditMovesDeadlines(t *testing.T) {
	seeded(t, func(t *testing.T, d *db.DB, s *Calendars) {
		day := Limit{Clock: WorkingDay, Units: 1}
		if due := s.dueOf(t, d, "office", day, "2026-11-23 16:35:00"); !due.At.Equal(at(t, "2026-11-24 16:35:00")) {
			t.Fatalf("due %v", due.At)
		}
		if due := s.dueOf(t, d, "", day, "2026-11-23 16:35:00"); !due.At.Equal(at(t, "2026-11-24 16:35:00")) {
			t.Fatalf("the standard calendar says %v", due.At)
		}
		var office Sheet
		read(t, d, func(tx *db.Tx) (err error) { office, err = s.Get(tx, "office"); return err })
		e := editOf(office)
		winter := e.Schedules[0]
		winter.ValidFrom = civil(2026, 11, 24)
		winter.Periods = []Period{{9 * 60, 12 * 60}, {13 * 60, 18 * 60}}
		e.Schedules = append([]Schedule{winter}, e.Schedules...)

		undone := errors.New("undone")
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			if _, err := s.Edit(tx, clerk{true}, "office", 0, e); err != nil {
				return err
			}
			c, err := s.For(tx, "office")
			if err != nil {
				return err
			}
			if due, err := c.Due(day, at(t, "2026-11-23 16:35:00"), nil); err != nil || !due.At.Equal(at(t, "2026-11-24 17:05:00")) {
				t.Errorf("inside the transaction due %v, %v", due.At, err)
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if due := s.dueOf(t, d, "office", day, "2026-11-23 16:35:00"); !due.At.Equal(at(t, "2026-11-24 16:35:00")) {
			t.Errorf("a rolled back edit moved the due to %v", due.At)
		}

		write(t, d, func(tx *db.Tx) error {
			after, err := s.Edit(tx, clerk{true}, "office", office.Version, e)
			if err == nil && (after.Version != 2 || after.Schedules[0].ValidFrom.String() != "2014-01-01") {
				t.Errorf("after the edit %+v", after)
			}
			return err
		})
		// 0:55 on Monday; Tuesday 09:00–12:00, then 13:00 + 4:05.
		if due := s.dueOf(t, d, "office", day, "2026-11-23 16:35:00"); !due.At.Equal(at(t, "2026-11-24 17:05:00")) {
			t.Errorf("after the edit due %v", due.At)
		}
		all := entries(t, d)
		last := all[len(all)-1]
		if last.Kind != Changed || last.Subject != office.ID || last.Version != 2 || last.By.Person != clerkID {
			t.Errorf("journal has %+v", last)
		}
		var body edited
		if ok, err := last.Decode(&body); !ok || err != nil || len(body.Before.Schedules) != 1 || len(body.After.Schedules) != 2 {
			t.Errorf("journal body %+v, %v", body, err)
		}
	})
}

func TestEditRefuses(t *testing.T) {
	seeded(t, func(t *testing.T, d *db.DB, s *Calendars) {
		var office Sheet
		read(t, d, func(tx *db.Tx) (err error) { office, err = s.Get(tx, "office"); return err })
		good := editOf(office)
		n := len(entries(t, d))
		for name, c := range map[string]struct {
			want *fault.Fault
			act  func(tx *db.Tx) error
		}{
			"not allowed": {errDenied, func(tx *db.Tx) error { _, err := s.Edit(tx, clerk{}, "office", 1, good); return err }},
			"may not add": {errDenied, func(tx *db.Tx) error { _, err := s.Create(tx, clerk{}, "night", good); return err }},
			"may not load": {errDenied, func(tx *db.Tx) error {
				_, err := s.LoadYear(tx, clerk{}, 0, HolidayYear{Year: 2027, Days: []HolidayDay{{"元旦", civil(2027, 1, 1), true}}})
				return err
			}},
			"unknown":     {ErrMissing, func(tx *db.Tx) error { _, err := s.Edit(tx, clerk{true}, "nowhere", 0, good); return err }},
			"unknown for": {ErrMissing, func(tx *db.Tx) error { _, err := s.For(tx, "nowhere"); return err }},
			"old version": {ErrStale, func(tx *db.Tx) error { _, err := s.Edit(tx, clerk{true}, "office", 7, good); return err }},
			"no hours": {ErrNoSchedule, func(tx *db.Tx) error {
				e := good
				e.Schedules = nil
				_, err := s.Edit(tx, clerk{true}, "office", 1, e)
				return err
			}},
			"zone": {ErrTimeZone, func(tx *db.Tx) error {
				e := good
				e.TimeZone = "Local"
				_, err := s.Edit(tx, clerk{true}, "office", 1, e)
				return err
			}},
			"no English name": {ErrName, func(tx *db.Tx) error {
				e := good
				e.Name.English = " "
				_, err := s.Edit(tx, clerk{true}, "office", 1, e)
				return err
			}},
			"key":       {ErrKey, func(tx *db.Tx) error { _, err := s.Create(tx, clerk{true}, "Night shift", good); return err }},
			"key taken": {ErrKeyTaken, func(tx *db.Tx) error { _, err := s.Create(tx, clerk{true}, "office", good); return err }},
			"empty year": {ErrHolidayYear, func(tx *db.Tx) error {
				_, err := s.LoadYear(tx, clerk{true}, 0, HolidayYear{Year: 2027})
				return err
			}},
			"old year version": {ErrStale, func(tx *db.Tx) error {
				_, err := s.LoadYear(tx, clerk{true}, 9, HolidayYear{Year: 2026, Days: []HolidayDay{{"元旦", civil(2026, 1, 1), true}}})
				return err
			}},
			"year not there": {ErrYearMissing, func(tx *db.Tx) error { _, err := s.Year(tx, 2027); return err }},
		} {
			if err := d.Write(context.Background(), c.act); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %s", name, err, c.want.Code)
			}
		}
		if m := len(entries(t, d)); m != n {
			t.Errorf("refusals left %d entries", m-n)
		}
	})
}

// Loading 2027 settles what was provisional; a second announcement replaces the
// first.
func TestLoadYear(t *testing.T) {
	seeded(t, func(t *testing.T, d *db.DB, s *Calendars) {
		two := Limit{Clock: WorkingHour, Units: 2}
		if due := s.dueOf(t, d, "office", two, "2026-12-31 16:30:00"); !due.Provisional || !due.At.Equal(at(t, "2027-01-01 09:30:00")) {
			t.Fatalf("before: %+v", due)
		}
		year := HolidayYear{Year: 2027, Papers: []string{"https://example.org/2027"}, Days: []HolidayDay{
			{"元旦", civil(2027, 1, 1), true}, {"元旦", civil(2027, 1, 2), true}, {"元旦", civil(2027, 1, 3), false}}}
		write(t, d, func(tx *db.Tx) error { _, err := s.LoadYear(tx, clerk{true}, 0, year); return err })
		if due := s.dueOf(t, d, "office", two, "2026-12-31 16:30:00"); due.Provisional || !due.At.Equal(at(t, "2027-01-03 09:30:00")) {
			t.Errorf("loaded: %+v", due)
		}
		year.Days = year.Days[:2]
		write(t, d, func(tx *db.Tx) error {
			y, err := s.LoadYear(tx, clerk{true}, 1, year)
			if err == nil && y.Version != 2 {
				t.Errorf("version %d", y.Version)
			}
			return err
		})
		if due := s.dueOf(t, d, "office", two, "2026-12-31 16:30:00"); due.Provisional || !due.At.Equal(at(t, "2027-01-04 09:30:00")) {
			t.Errorf("changed announcement: %+v", due)
		}
		all := entries(t, d)
		if last := all[len(all)-1]; last.Kind != Changed || last.Version != 2 {
			t.Errorf("journal has %+v", last)
		}
	})
}

func TestCreate(t *testing.T) {
	seeded(t, func(t *testing.T, d *db.DB, s *Calendars) {
		e := SheetEdit{Name: words.Text{Chinese: " 夜班 ", English: "Night shift"}, TimeZone: "Asia/Shanghai",
			Schedules: []Schedule{{ValidFrom: civil(2026, 1, 1), Weekdays: []int{1, 2, 3, 4, 5}, Periods: []Period{{0, 6 * 60}, {22 * 60, 24 * 60}}}}}
		write(t, d, func(tx *db.Tx) error {
			c, err := s.Create(tx, clerk{true}, "night", e)
			if err == nil && (c.Name.Chinese != "夜班" || c.Standard || c.Version != 1) {
				t.Errorf("created %+v", c)
			}
			return err
		})
		if due := s.dueOf(t, d, "night", Limit{Clock: WorkingHour, Units: 3}, "2026-11-23 23:00:00"); !due.At.Equal(at(t, "2026-11-24 02:00:00")) {
			t.Errorf("due %v", due.At)
		}
	})
}
