package calendar

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"onegrid/data"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/words"
)

func subFS(t *testing.T) fs.FS {
	t.Helper()
	folder, err := fs.Sub(data.FS, "holidays")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// front is the real edge with this room behind it. The header "May" is who may
// edit.
func front(t *testing.T, d *db.DB, s *Calendars) (*httptest.Server, *httpx.Edge) {
	t.Helper()
	catalogue, err := words.New(words.Source{Room: "httpx", Files: httpx.Words}, words.Source{Room: Room, Files: Words})
	if err != nil {
		t.Fatal(err)
	}
	e, err := httpx.New(httpx.Options{Title: "Test", Version: "1", DB: d, Words: catalogue,
		Who: func(r *http.Request, _ httpx.Op) (httpx.Caller, error) {
			return httpx.Caller{By: journal.Who(clerk{r.Header.Get("May") != ""}), Key: "clerk"}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	s.Routes(e)
	server := httptest.NewServer(e.Handler())
	t.Cleanup(server.Close)
	return server, e
}

// asks sends a request and demands a status; into takes the answer.
func asks(t *testing.T, server *httptest.Server, method, path, body, want string, into any, headers ...string) {
	t.Helper()
	r, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("May", "yes")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(res.StatusCode)
	if res.StatusCode >= 400 {
		var p struct {
			Code   string `json:"code"`
			Detail string `json:"detail"`
		}
		if err := json.Unmarshal(raw, &p); err != nil || p.Detail == "" || strings.Contains(p.Detail, "–{") {
			t.Fatalf("no problem: %s", raw)
		}
		got += " " + p.Code
	}
	if got != want {
		t.Fatalf("%s %s: %s, want %s\n%s", method, path, got, want, raw)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	}
}

func TestOverHTTP(t *testing.T) {
	seeded(t, func(t *testing.T, d *db.DB, s *Calendars) {
		server, _ := front(t, d, s)
		var list struct{ Items []Sheet }
		asks(t, server, "GET", "/api/calendars", "", "200", &list)
		if len(list.Items) != 4 {
			t.Fatalf("%d calendars", len(list.Items))
		}
		var village Sheet
		asks(t, server, "GET", "/api/calendars/village_hall", "", "200", &village)
		asks(t, server, "GET", "/api/calendars/nowhere", "", "404 calendar.missing", nil)

		edit, err := json.Marshal(editOf(village))
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(edit), `"14:00"`, `"13:00"`, 1)
		asks(t, server, "PUT", "/api/calendars/village_hall", changed, "403 test.denied", nil, "May", "")
		asks(t, server, "PUT", "/api/calendars/village_hall", changed, "412 calendar.stale", nil, "If-Match", `"9"`)
		asks(t, server, "PUT", "/api/calendars/village_hall", strings.Replace(changed, `"13:00"`, `"8 am"`, 1), "422 request.invalid", nil)
		asks(t, server, "PUT", "/api/calendars/village_hall", strings.Replace(changed, `"13:00"`, `"18:00"`, 1), "422 calendar.period_order", nil)
		asks(t, server, "PUT", "/api/calendars/village_hall", strings.Replace(changed, `2014-01-01`, `2014-13-01`, 1), "422 request.invalid", nil)
		var after Sheet
		asks(t, server, "PUT", "/api/calendars/village_hall", changed, "200", &after, "If-Match", `"1"`)
		if after.Version != 2 || after.Schedules[0].Periods[1].From != 13*60 {
			t.Errorf("after the edit %+v", after)
		}
		asks(t, server, "POST", "/api/calendars", `{"key":"office",`+string(edit)[1:], "409 calendar.key_taken", nil)
		asks(t, server, "POST", "/api/calendars", `{"key":"market",`+string(edit)[1:], "201", nil)
	})
}

func TestHolidaysOverHTTP(t *testing.T) {
	seeded(t, func(t *testing.T, d *db.DB, s *Calendars) {
		server, _ := front(t, d, s)
		var years struct {
			Items    []Announced
			LastYear int `json:"last_year"`
		}
		asks(t, server, "GET", "/api/holidays", "", "200", &years)
		if len(years.Items) != 13 || years.LastYear != 2026 {
			t.Fatalf("%d years, last %d", len(years.Items), years.LastYear)
		}
		asks(t, server, "GET", "/api/holidays/2027", "", "404 calendar.year_missing", nil)
		// The file of the public source is taken as it is, with its "$schema".
		file, err := os.ReadFile("../../../data/holidays/2026.json")
		if err != nil {
			t.Fatal(err)
		}
		next := strings.ReplaceAll(strings.ReplaceAll(string(file), "2026", "2027"), "202511", "202611")
		asks(t, server, "PUT", "/api/holidays/2028", next, "422 calendar.bad_holiday_year", nil)
		asks(t, server, "PUT", "/api/holidays/2027", next, "403 test.denied", nil, "May", "")
		asks(t, server, "PUT", "/api/holidays/2027", `{"year":2027,"days":[]}`, "422 calendar.bad_holiday_year", nil)
		var loaded Announced
		asks(t, server, "PUT", "/api/holidays/2027", next, "200", &loaded)
		if loaded.Version != 1 || len(loaded.Days) != 39 || len(loaded.Papers) != 1 {
			t.Errorf("loaded %+v", loaded)
		}
		asks(t, server, "GET", "/api/holidays", "", "200", &years)
		if years.LastYear != 2027 {
			t.Errorf("last year %d", years.LastYear)
		}
	})
}

func TestPreviewOverHTTP(t *testing.T) {
	seeded(t, func(t *testing.T, d *db.DB, s *Calendars) {
		server, _ := front(t, d, s)
		var e Explanation
		body := `{"limit":{"clock":"working-day","units":1},"start":"2026-11-23T16:35:00+08:00","as_of":"2026-11-24T09:42:00+08:00",
			"pauses":[{"from":"2026-11-23T17:05:00+08:00","to":"2026-11-23T17:25:00+08:00"}]}`
		asks(t, server, "POST", "/api/calendars/office/preview", body, "200", &e)
		if !e.DueAt.Equal(at(t, "2026-11-24 16:55:00")) || e.Used != 107*60_000 || len(e.Segments) != 7 {
			t.Errorf("preview %+v", e)
		}
		if e.Sentence.Chinese != "时限 1 个工作日（8 小时）。已用 1 小时 47 分，停表 20 分，夜里和午休不计。" {
			t.Errorf("sentence %s", e.Sentence.Chinese)
		}
		tried := `{"limit":{"clock":"working-hour","units":1},"start":"2026-11-23T16:35:00+08:00",
			"schedules":[{"valid_from":"2026-01-01","weekdays":[1],"periods":[{"from":"00:00","to":"24:00"}],"follows_holidays":true}]}`
		asks(t, server, "POST", "/api/calendars/office/preview", tried, "200", &e)
		if !e.DueAt.Equal(at(t, "2026-11-23 17:35:00")) {
			t.Errorf("with hours to be tried: %v", e.DueAt)
		}
		asks(t, server, "POST", "/api/calendars/office/preview", `{"limit":{"clock":"hour","units":1},"start":"2026-11-23T16:35:00+08:00"}`, "422 request.invalid", nil)
		asks(t, server, "POST", "/api/calendars/office/preview", `{"limit":{"clock":"statutory-day","units":1.5},"start":"2026-11-23T16:35:00+08:00"}`, "422 calendar.limit_not_whole", nil)
		asks(t, server, "POST", "/api/calendars/nowhere/preview", body, "404 calendar.missing", nil)
	})
}

// The specification knows the closed lists, so that the web client does.
func TestSpecification(t *testing.T) {
	_, e := front(t, nil, NewCalendars())
	raw, err := e.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"CalendarClock"`, `"statutory-working-day"`, `"CalendarReason"`, `"make_up_day"`, `"x-permission": "system.calendar_edit"`, `"format": "date"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the specification lacks %s", want)
		}
	}
	for _, op := range e.Ops() {
		if !strings.HasPrefix(op.ID, "calendar.") {
			continue
		}
		write := op.Kind == "write"
		if write != (op.Permission == permEdit) {
			t.Errorf("%s is a %s with permission %q", op.ID, op.Kind, op.Permission)
		}
	}
}

// A broken row is a fault of ours, not of whoever asks.
func TestBrokenRowIsInternal(t *testing.T) {
	seeded(t, func(t *testing.T, d *db.DB, s *Calendars) {
		write(t, d, func(tx *db.Tx) error {
			if _, err := tx.Exec(`UPDATE cal_schedule SET periods = '[]'`); err != nil {
				return err
			}
			return db.Bump(tx, Room)
		})
		err := d.Read(t.Context(), func(tx *db.Tx) error {
			_, err := s.For(tx, "office")
			return err
		})
		if f := fault.Of(err); f == nil || f.Kind != fault.Internal {
			t.Errorf("a broken row gives %v", err)
		}
	})
}
