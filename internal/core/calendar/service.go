package calendar

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// What can be wrong when calendars are kept.
var (
	ErrMissing     = fault.New(fault.Missing, "calendar.missing")
	ErrYearMissing = fault.New(fault.Missing, "calendar.year_missing")
	ErrKeyTaken    = fault.New(fault.Conflict, "calendar.key_taken")
	ErrStale       = fault.New(fault.Changed, "calendar.stale")
	ErrKey         = fault.New(fault.Invalid, "calendar.bad_key")
	ErrName        = fault.New(fault.Invalid, "calendar.no_name")
)

// permEdit is the permission of roles.json to edit calendars and holidays.
const permEdit = "system.calendar_edit"

// Changed is the kind of the journal entry that a changed calendar or a loaded
// year leaves; whoever keeps deadlines computes the open ones anew from it. Its
// facts are Change.
const Changed = "calendar.changed"

// Change says which calendar changed, or which year was loaded.
type Change struct {
	Calendar string `json:"calendar,omitempty"`
	Year     int    `json:"year,omitempty"`
}

// Sheet is a calendar as it is kept and edited (日历设置).
type Sheet struct {
	ID        id.ID      `json:"id"`
	Key       string     `json:"key"`
	Name      words.Text `json:"name"`
	Note      words.Text `json:"note,omitzero"`
	TimeZone  string     `json:"time_zone"`
	Standard  bool       `json:"standard" doc:"serves where no calendar is named"`
	Schedules []Schedule `json:"schedules"`
	Version   int64      `json:"version"`
}

// SheetEdit is what may change about a calendar.
type SheetEdit struct {
	Name      words.Text `json:"name"`
	Note      words.Text `json:"note,omitzero"`
	TimeZone  string     `json:"time_zone" maxLength:"60"`
	Schedules []Schedule `json:"schedules" minItems:"1" maxItems:"100"`
}

// Announced is a loaded year of holidays.
type Announced struct {
	ID id.ID `json:"id"`
	HolidayYear
	Version int64 `json:"version"`
}

var goodKey = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// ready checks a sheet and makes its calendar.
func (s Sheet) ready(h *Holidays) (*Calendar, error) {
	if !goodKey.MatchString(s.Key) {
		return nil, ErrKey
	}
	for _, name := range []string{s.Name.Chinese, s.Name.English} {
		if n := strings.TrimSpace(name); n == "" || len(n) > 200 {
			return nil, ErrName
		}
	}
	zone, err := zoneOf(s.TimeZone)
	if err != nil {
		return nil, err
	}
	return New(zone, s.Schedules, h)
}

// Calendars keeps the calendars and holidays of an installation. Its acts run
// in the caller's transaction, on the first writer.
type Calendars struct {
	cache *db.Cached[*book]
}

// NewCalendars is this room's service.
func NewCalendars() *Calendars {
	return &Calendars{cache: db.NewCached(Room, load)}
}

// For gives a calendar by its key, ready for counting; "" is the standard one.
// Code: calendar.missing.
func (s *Calendars) For(tx *db.Tx, key string) (*Calendar, error) {
	b, err := s.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	if key == "" {
		key = b.standard
	}
	c, ok := b.byKey[key]
	if !ok {
		return nil, ErrMissing.With("key", key)
	}
	return c, nil
}

// Holidays gives the table of announced years.
func (s *Calendars) Holidays(tx *db.Tx) (*Holidays, error) {
	b, err := s.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	return b.holidays, nil
}

// List gives all calendars, by key.
func (s *Calendars) List(tx *db.Tx) ([]Sheet, error) {
	b, err := s.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(b.list), nil
}

// Get gives one calendar. Code: calendar.missing.
func (s *Calendars) Get(tx *db.Tx, key string) (Sheet, error) {
	b, err := s.cache.Get(tx)
	if err != nil {
		return Sheet{}, err
	}
	i := slices.IndexFunc(b.list, func(c Sheet) bool { return c.Key == key })
	if i < 0 {
		return Sheet{}, ErrMissing.With("key", key)
	}
	return b.list[i], nil
}

// Year gives an announced year. Code: calendar.year_missing.
func (s *Calendars) Year(tx *db.Tx, year int) (Announced, error) {
	b, err := s.cache.Get(tx)
	if err != nil {
		return Announced{}, err
	}
	i := slices.IndexFunc(b.years, func(y Announced) bool { return y.Year == year })
	if i < 0 {
		return Announced{}, ErrYearMissing.With("year", strconv.Itoa(year))
	}
	return b.years[i], nil
}

// Create adds a calendar. Permission system.calendar_edit. Codes:
// calendar.key_taken and what can be wrong with a calendar.
func (s *Calendars) Create(tx *db.Tx, by journal.Who, key string, e SheetEdit) (Sheet, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return Sheet{}, err
	}
	c := Sheet{ID: tx.NewID(), Key: key, Version: 1}.with(e)
	if _, err := c.ready(nil); err != nil {
		return Sheet{}, err
	}
	if err := insert(tx, c); err != nil {
		return Sheet{}, err
	}
	return c, s.wrote(tx, by.By(), c.ID, c.Version, Change{Calendar: key}, edited{After: c})
}

// Edit changes a calendar's names, zone and hours; version is the one the
// editor knows, 0 for whatever it is. Deadlines that rest on it are computed
// anew by whoever keeps them. Permission system.calendar_edit. Codes:
// calendar.missing, calendar.stale and what can be wrong with a calendar.
func (s *Calendars) Edit(tx *db.Tx, by journal.Who, key string, version int64, e SheetEdit) (Sheet, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return Sheet{}, err
	}
	before, err := s.Get(tx, key)
	if err != nil {
		return Sheet{}, err
	}
	if version != 0 && version != before.Version {
		return Sheet{}, ErrStale.With("version", before.Version)
	}
	after := before.with(e)
	if _, err := after.ready(nil); err != nil {
		return Sheet{}, err
	}
	if err := update(tx, after); err != nil {
		return Sheet{}, err
	}
	after.Version++
	return after, s.wrote(tx, by.By(), after.ID, after.Version, Change{Calendar: key}, edited{Before: &before, After: after})
}

func (s Sheet) with(e SheetEdit) Sheet {
	s.Name = words.Text{Chinese: strings.TrimSpace(e.Name.Chinese), English: strings.TrimSpace(e.Name.English)}
	s.Note, s.TimeZone = e.Note, e.TimeZone
	s.Schedules = slices.Clone(e.Schedules)
	slices.SortFunc(s.Schedules, func(a, b Schedule) int { return int(a.ValidFrom) - int(b.ValidFrom) })
	return s
}

// LoadYear takes an announced year, or a changed announcement of one that is
// known (2020 was prolonged in January); version is the one the editor knows, 0
// for whatever it is. Permission system.calendar_edit. Codes: calendar.stale
// and what can be wrong with a year.
func (s *Calendars) LoadYear(tx *db.Tx, by journal.Who, version int64, y HolidayYear) (Announced, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return Announced{}, err
	}
	if err := y.Validate(); err != nil {
		return Announced{}, err
	}
	known, err := s.Year(tx, y.Year)
	var before *HolidayYear
	switch {
	case err == nil:
		before = &known.HolidayYear
	case fault.Of(err).Code == ErrYearMissing.Code:
		known = Announced{ID: tx.NewID()}
	default:
		return Announced{}, err
	}
	if version != 0 && version != known.Version {
		return Announced{}, ErrStale.With("version", known.Version)
	}
	after := Announced{ID: known.ID, HolidayYear: y, Version: known.Version + 1}
	if err := putYear(tx, after); err != nil {
		return Announced{}, err
	}
	return after, s.wrote(tx, by.By(), after.ID, after.Version, Change{Year: y.Year}, loaded{Before: before, After: y})
}

// edited and loaded are what the journal keeps of a change.
type edited struct {
	Before *Sheet `json:"before,omitempty"`
	After  Sheet  `json:"after"`
}

type loaded struct {
	Before *HolidayYear `json:"before,omitempty"`
	After  HolidayYear  `json:"after"`
}

// wrote journals a change and lets everybody compute from the new tables.
func (s *Calendars) wrote(tx *db.Tx, by journal.By, subject id.ID, version int64, what Change, body any) error {
	journal.Add(tx, journal.Entry{Kind: Changed, Subject: subject, By: by, Version: version, Class: "journal", Facts: what, Body: body})
	return db.Bump(tx, Room)
}

// Seed brings the shipped calendars and years (folders "defaults" and
// "holidays") into an installation. What is there already stays as the office
// left it, so Seed may run at every start and adds a newly shipped year.
func (s *Calendars) Seed(tx *db.Tx, by journal.By, shipped fs.FS) error {
	sheets, err := readSheets(shipped)
	if err != nil {
		return err
	}
	folder, err := fs.Sub(shipped, "holidays")
	if err != nil {
		return fmt.Errorf("shipped holidays: %w", err)
	}
	years, err := ReadHolidays(folder)
	if err != nil {
		return err
	}
	b, err := s.cache.Get(tx)
	if err != nil {
		return err
	}
	for _, y := range years {
		if b.holidays.years[y.Year] {
			continue
		}
		a := Announced{ID: tx.NewID(), HolidayYear: y, Version: 1}
		if err := putYear(tx, a); err != nil {
			return err
		}
		if err := s.wrote(tx, by, a.ID, a.Version, Change{Year: y.Year}, loaded{After: y}); err != nil {
			return err
		}
	}
	for _, c := range sheets {
		if b.byKey[c.Key] != nil {
			continue
		}
		c.ID, c.Version = tx.NewID(), 1
		c.Standard = c.Standard && b.standard == ""
		if err := insert(tx, c); err != nil {
			return err
		}
		if err := s.wrote(tx, by, c.ID, c.Version, Change{Calendar: c.Key}, edited{After: c}); err != nil {
			return err
		}
	}
	return nil
}

// readSheets reads the shipped calendars; each entry there is one schedule, and
// entries with the same key are one calendar.
func readSheets(shipped fs.FS) ([]Sheet, error) {
	raw, err := fs.ReadFile(shipped, path.Join("defaults", "calendar.json"))
	if err != nil {
		return nil, fmt.Errorf("shipped calendars: %w", err)
	}
	var file struct {
		Default   string `json:"default"`
		Calendars []struct {
			Key      string     `json:"key"`
			Name     words.Text `json:"name"`
			Note     words.Text `json:"note"`
			TimeZone string     `json:"time_zone"`
			Schedule
		} `json:"calendars"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("shipped calendars: %w", err)
	}
	var out []Sheet
	for _, c := range file.Calendars {
		i := slices.IndexFunc(out, func(s Sheet) bool { return s.Key == c.Key })
		if i < 0 {
			i = len(out)
			out = append(out, Sheet{Key: c.Key, Name: c.Name, Note: c.Note, TimeZone: c.TimeZone, Standard: c.Key == file.Default})
		}
		out[i].Schedules = append(out[i].Schedules, c.Schedule)
	}
	for _, s := range out {
		if _, err := s.ready(nil); err != nil {
			return nil, fmt.Errorf("shipped calendar %q: %w", s.Key, err)
		}
	}
	return out, nil
}
