package calendar

import (
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
)

// Enum lists the kinds for the specification.
func (Clock) Enum() []string {
	out := make([]string, len(Clocks))
	for i, k := range Clocks {
		out[i] = string(k)
	}
	return out
}

// Enum lists the reasons for the specification.
func (Reason) Enum() []string {
	return []string{string(ReasonWork), string(ReasonMakeUp), string(ReasonFirstDay), string(ReasonNight), string(ReasonLunch),
		string(ReasonOutside), string(ReasonOffDay), string(ReasonHoliday), string(ReasonPause), string(ReasonMovedLast)}
}

// Enum lists the kinds of days for the specification.
func (DayKind) Enum() []string {
	return []string{string(Workday), string(MakeUpDay), string(OffDay), string(Holiday)}
}

// Schema describes a time of day to clients.
func (TimeOfDay) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Pattern: `^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`, PatternDescription: "a time of day such as 08:30"}
	s.PrecomputeMessages()
	return s
}

// Schema describes a date to clients.
func (Date) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Format: "date"}
	s.PrecomputeMessages()
	return s
}

type none struct{}

type keyIn struct {
	Key string `path:"key" maxLength:"40"`
}

type sheetsOut struct {
	Body struct {
		Items []Sheet `json:"items"`
	}
}

type sheetOut struct{ Body Sheet }

type createIn struct {
	Body struct {
		Key string `json:"key" maxLength:"40"`
		SheetEdit
	}
}

type editIn struct {
	Key string `path:"key" maxLength:"40"`
	httpx.Precondition
	Body SheetEdit
}

type yearsOut struct {
	Body struct {
		Items []Announced `json:"items"`
		// LastYear is the last announced one: deadlines past it are provisional.
		LastYear int `json:"last_year"`
	}
}

type yearIn struct {
	Year int `path:"year" minimum:"1900" maximum:"2200"`
}

// yearFile is a year as the public source writes it; what else stands in the
// file is passed over.
type yearFile struct {
	_      struct{}     `json:"-" additionalProperties:"true"`
	Year   int          `json:"year"`
	Papers []string     `json:"papers,omitempty" maxItems:"20"`
	Days   []HolidayDay `json:"days" maxItems:"366"`
}

type loadIn struct {
	Year int `path:"year" minimum:"1900" maximum:"2200"`
	httpx.Precondition
	Body yearFile
}

type yearOut struct{ Body Announced }

type previewIn struct {
	Key  string `path:"key" maxLength:"40"`
	Body struct {
		Limit  Limit     `json:"limit"`
		Start  time.Time `json:"start"`
		Pauses []Pause   `json:"pauses,omitempty" maxItems:"200"`
		// AsOf is the moment for "used so far"; none for the whole way.
		AsOf time.Time `json:"as_of,omitzero"`
		// Schedules are tried in place of the calendar's own before it is edited.
		Schedules []Schedule `json:"schedules,omitempty" maxItems:"100"`
	}
}

type previewOut struct{ Body Explanation }

// Routes mounts the operations of this room.
func (s *Calendars) Routes(e *httpx.Edge) {
	tags := []string{"calendar"}
	httpx.Read(e, httpx.Op{ID: "calendar.list", Method: http.MethodGet, Path: "/api/calendars", SignedIn: true, Tags: tags,
		Summary: "All working calendars"}, s.getSheets)
	httpx.Read(e, httpx.Op{ID: "calendar.get", Method: http.MethodGet, Path: "/api/calendars/{key}", SignedIn: true, Tags: tags,
		Summary: "One working calendar"},
		func(tx *db.Tx, _ journal.Who, in *keyIn) (*sheetOut, error) {
			c, err := s.Get(tx, in.Key)
			return &sheetOut{c}, err
		})
	httpx.Write(e, httpx.Op{ID: "calendar.create", Method: http.MethodPost, Path: "/api/calendars", Permission: permEdit, Tags: tags,
		Summary: "Add a working calendar", Status: http.StatusCreated},
		func(tx *db.Tx, by journal.Who, in *createIn) (*sheetOut, error) {
			c, err := s.Create(tx, by, in.Body.Key, in.Body.SheetEdit)
			return &sheetOut{c}, err
		})
	httpx.Write(e, httpx.Op{ID: "calendar.edit", Method: http.MethodPut, Path: "/api/calendars/{key}", Permission: permEdit, Tags: tags,
		Summary: "Change a calendar's names, zone and hours"},
		func(tx *db.Tx, by journal.Who, in *editIn) (*sheetOut, error) {
			c, err := s.Edit(tx, by, in.Key, in.Match, in.Body)
			return &sheetOut{c}, err
		})
	httpx.Read(e, httpx.Op{ID: "calendar.preview", Method: http.MethodPost, Path: "/api/calendars/{key}/preview", SignedIn: true, Tags: tags,
		Summary: "When a limit would be due, and why"}, s.preview)
	httpx.Read(e, httpx.Op{ID: "calendar.years", Method: http.MethodGet, Path: "/api/holidays", SignedIn: true, Tags: tags,
		Summary: "The announced years of holidays and make-up days"}, s.getYears)
	httpx.Read(e, httpx.Op{ID: "calendar.year", Method: http.MethodGet, Path: "/api/holidays/{year}", SignedIn: true, Tags: tags,
		Summary: "One announced year"},
		func(tx *db.Tx, _ journal.Who, in *yearIn) (*yearOut, error) {
			y, err := s.Year(tx, in.Year)
			return &yearOut{y}, err
		})
	httpx.Write(e, httpx.Op{ID: "calendar.load_year", Method: http.MethodPut, Path: "/api/holidays/{year}", Permission: permEdit, Tags: tags,
		Summary: "Load an announced year, in the shape of the public source"}, s.putYear)
}

func (s *Calendars) getSheets(tx *db.Tx, _ journal.Who, _ *none) (*sheetsOut, error) {
	list, err := s.List(tx)
	out := &sheetsOut{}
	out.Body.Items = list
	if list == nil {
		out.Body.Items = []Sheet{}
	}
	return out, err
}

func (s *Calendars) getYears(tx *db.Tx, _ journal.Who, _ *none) (*yearsOut, error) {
	b, err := s.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	out := &yearsOut{}
	out.Body.Items = append([]Announced{}, b.years...)
	out.Body.LastYear = b.holidays.LastYear()
	return out, nil
}

func (s *Calendars) putYear(tx *db.Tx, by journal.Who, in *loadIn) (*yearOut, error) {
	if in.Body.Year != in.Year {
		return nil, ErrHolidayYear.With("year", strconv.Itoa(in.Body.Year)).At("body.year", ErrHolidayYear.Code)
	}
	y, err := s.LoadYear(tx, by, in.Match, HolidayYear{Year: in.Year, Papers: in.Body.Papers, Days: in.Body.Days})
	return &yearOut{y}, err
}

func (s *Calendars) preview(tx *db.Tx, _ journal.Who, in *previewIn) (*previewOut, error) {
	c, err := s.For(tx, in.Key)
	if err != nil {
		return nil, err
	}
	if len(in.Body.Schedules) > 0 {
		holidays, err := s.Holidays(tx)
		if err != nil {
			return nil, err
		}
		if c, err = New(c.Zone(), in.Body.Schedules, holidays); err != nil {
			return nil, err
		}
	}
	e, err := c.Explain(in.Body.Limit, in.Body.Start, in.Body.Pauses, in.Body.AsOf)
	return &previewOut{e}, err
}
