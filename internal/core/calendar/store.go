package calendar

import (
	"embed"
	"errors"
	"fmt"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Room is the name under which versions and migrations of this room are kept.
const Room = "calendar"

// Tables is what this room keeps in the database.
func Tables() db.Room { return db.RoomOf(Room, migrations) }

// book is everything this room knows, made ready for counting.
type book struct {
	list     []Sheet // by key
	byKey    map[string]*Calendar
	standard string
	years    []Announced
	holidays *Holidays
}

func load(tx *db.Tx) (*book, error) {
	b := &book{byKey: map[string]*Calendar{}}
	var err error
	if b.years, err = allYears(tx); err != nil {
		return nil, err
	}
	years := make([]HolidayYear, len(b.years))
	for i, y := range b.years {
		years[i] = y.HolidayYear
	}
	if b.holidays, err = NewHolidays(years); err != nil {
		return nil, broken("holidays", err)
	}
	if b.list, err = allSheets(tx); err != nil {
		return nil, err
	}
	for _, s := range b.list {
		c, err := s.ready(b.holidays)
		if err != nil {
			return nil, broken("calendar "+s.Key, err)
		}
		b.byKey[s.Key] = c
		if s.Standard {
			b.standard = s.Key
		}
	}
	return b, nil
}

// broken hides the fault in err: a wrong row in the database is not the wrong
// input of whoever asks.
func broken(what string, err error) error {
	return errors.New(what + " in the database: " + err.Error())
}

func allSheets(tx *db.Tx) ([]Sheet, error) {
	rows, err := tx.Query(`SELECT id, key, name_zh, name_en, note_zh, note_en, time_zone, standard, version FROM cal_calendar ORDER BY key`)
	if err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	defer rows.Close()
	var list []Sheet
	at := map[id.ID]int{}
	for rows.Next() {
		var s Sheet
		if err := rows.Scan(&s.ID, &s.Key, &s.Name.Chinese, &s.Name.English, &s.Note.Chinese, &s.Note.English, &s.TimeZone, db.ScanBool(&s.Standard), &s.Version); err != nil {
			return nil, fmt.Errorf("read calendars: %w", err)
		}
		at[s.ID] = len(list)
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	schedules, err := tx.Query(`SELECT calendar, valid_from, weekdays, periods, periods_by_weekday, nominal_day_minutes, follows_holidays
		FROM cal_schedule ORDER BY calendar, valid_from`)
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	defer schedules.Close()
	for schedules.Next() {
		var calendar id.ID
		var from string
		var s Schedule
		if err := schedules.Scan(&calendar, &from, db.ScanJSON(&s.Weekdays), db.ScanJSON(&s.Periods), db.ScanJSON(&s.PeriodsByWeekday), db.Int(&s.NominalDayMinutes), db.ScanBool(&s.FollowsHolidays)); err != nil {
			return nil, fmt.Errorf("read schedules: %w", err)
		}
		if s.ValidFrom, err = ParseDate(from); err != nil {
			return nil, fmt.Errorf("date %q of a schedule", from)
		}
		if i, ok := at[calendar]; ok {
			list[i].Schedules = append(list[i].Schedules, s)
		}
	}
	if err := schedules.Err(); err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return list, nil
}

func allYears(tx *db.Tx) ([]Announced, error) {
	rows, err := tx.Query(`SELECT id, year, papers, version FROM cal_holiday_year ORDER BY year`)
	if err != nil {
		return nil, fmt.Errorf("read holiday years: %w", err)
	}
	defer rows.Close()
	var years []Announced
	at := map[int]int{}
	for rows.Next() {
		var y Announced
		if err := rows.Scan(&y.ID, db.Int(&y.Year), db.ScanJSON(&y.Papers), &y.Version); err != nil {
			return nil, fmt.Errorf("read holiday years: %w", err)
		}
		at[y.Year] = len(years)
		years = append(years, y)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read holiday years: %w", err)
	}
	days, err := tx.Query(`SELECT year, date, name, is_off FROM cal_holiday ORDER BY year, date`)
	if err != nil {
		return nil, fmt.Errorf("read holidays: %w", err)
	}
	defer days.Close()
	for days.Next() {
		var year int
		var date string
		var d HolidayDay
		if err := days.Scan(db.Int(&year), &date, &d.Name, db.ScanBool(&d.IsOffDay)); err != nil {
			return nil, fmt.Errorf("read holidays: %w", err)
		}
		if d.Date, err = ParseDate(date); err != nil {
			return nil, fmt.Errorf("date %q of a holiday", date)
		}
		if i, ok := at[year]; ok {
			years[i].Days = append(years[i].Days, d)
		}
	}
	if err := days.Err(); err != nil {
		return nil, fmt.Errorf("read holidays: %w", err)
	}
	return years, nil
}

// insert stores a new calendar. Code: calendar.key_taken.
func insert(tx *db.Tx, s Sheet) error {
	n, err := tx.Exec(`INSERT INTO cal_calendar (id, key, name_zh, name_en, note_zh, note_en, time_zone, standard, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO NOTHING`,
		s.ID, s.Key, s.Name.Chinese, s.Name.English, s.Note.Chinese, s.Note.English, s.TimeZone, db.Bool(s.Standard), s.Version)
	if err != nil {
		return fmt.Errorf("write calendar %s: %w", s.Key, err)
	}
	if n == 0 {
		return ErrKeyTaken.With("key", s.Key)
	}
	return insertSchedules(tx, s)
}

// update stores a calendar if nobody changed it since it was read. Code:
// calendar.stale.
func update(tx *db.Tx, s Sheet) error {
	n, err := tx.Exec(`UPDATE cal_calendar SET name_zh = $1, name_en = $2, note_zh = $3, note_en = $4, time_zone = $5, version = version + 1
		WHERE id = $6 AND version = $7`,
		s.Name.Chinese, s.Name.English, s.Note.Chinese, s.Note.English, s.TimeZone, s.ID, s.Version)
	if err != nil {
		return fmt.Errorf("write calendar %s: %w", s.Key, err)
	}
	if n == 0 {
		return ErrStale
	}
	if _, err := tx.Exec(`DELETE FROM cal_schedule WHERE calendar = $1`, s.ID); err != nil {
		return fmt.Errorf("write calendar %s: %w", s.Key, err)
	}
	return insertSchedules(tx, s)
}

func insertSchedules(tx *db.Tx, s Sheet) error {
	for _, h := range s.Schedules {
		var other any
		if len(h.PeriodsByWeekday) > 0 {
			other = h.PeriodsByWeekday
		}
		if _, err := tx.Exec(`INSERT INTO cal_schedule (calendar, valid_from, weekdays, periods, periods_by_weekday, nominal_day_minutes, follows_holidays)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			s.ID, h.ValidFrom.String(), db.JSON(h.Weekdays), db.JSON(h.Periods), db.JSON(other), int64(h.NominalDayMinutes), db.Bool(h.FollowsHolidays)); err != nil {
			return fmt.Errorf("write schedule of %s: %w", s.Key, err)
		}
	}
	return nil
}

// putYear stores an announced year, anew or over the one that was known.
func putYear(tx *db.Tx, y Announced) error {
	if y.Papers == nil {
		y.Papers = []string{}
	}
	if _, err := tx.Exec(`INSERT INTO cal_holiday_year (id, year, papers, version) VALUES ($1, $2, $3, $4)
		ON CONFLICT (year) DO UPDATE SET papers = excluded.papers, version = excluded.version`,
		y.ID, int64(y.Year), db.JSON(y.Papers), y.Version); err != nil {
		return fmt.Errorf("write holidays of %d: %w", y.Year, err)
	}
	if _, err := tx.Exec(`DELETE FROM cal_holiday WHERE year = $1`, int64(y.Year)); err != nil {
		return fmt.Errorf("write holidays of %d: %w", y.Year, err)
	}
	for _, d := range y.Days {
		if _, err := tx.Exec(`INSERT INTO cal_holiday (year, date, name, is_off) VALUES ($1, $2, $3, $4)`,
			int64(y.Year), d.Date.String(), d.Name, db.Bool(d.IsOffDay)); err != nil {
			return fmt.Errorf("write holidays of %d: %w", y.Year, err)
		}
	}
	return nil
}

// zoneOf finds a time zone by its name. "Local" is none: a deadline must not
// depend on where the server stands.
func zoneOf(name string) (*time.Location, error) {
	if name == "" || name == "Local" || len(name) > 60 {
		return nil, ErrTimeZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, ErrTimeZone
	}
	return zone, nil
}
