package table_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/table"
)

const small = `{
  "name": "small", "title": {"zh-CN": "小", "en": "small"}, "time_zone": "Asia/Shanghai",
  "fields": {
    "id": {"column": "no", "required": true, "longest": 8},
    "source": {"const": "small"},
    "opened_at": {"column": "opened", "kind": "time", "required": true},
    "closed_at": {"column": "closed", "kind": "time"},
    "lon": {"column": "x", "kind": "number", "min": -72, "max": -70},
    "lat": {"column": "y", "kind": "number"},
    "more": {"column": "more", "kind": "json"},
    "state": {"column": "state", "values": {"O": "open", "C": "closed"}, "required": true},
    "channel": {"column": "by", "values": {"tel": "phone"}, "unknown": "default", "default": "desk"}
  },
  "lookups": [{"column": "kind", "rows": {"lamp": {"item": "public_facility", "form": {"facility": "lamp"}}}}],
  "orders": [{"field": "closed_at", "not_before": "opened_at", "else": "equal", "note": "x.closed_early", "set": {"untimed": "true"}}],
  "move": {"from": [-72, 42, -70, 43], "to": [116, 36, 118, 37]}
}`

func mapping(t *testing.T, text string) *table.Mapping {
	t.Helper()
	m, err := table.ParseMapping([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func row(pairs ...string) table.Row {
	r := table.Row{Number: 7, Fields: map[string]string{
		"no": "1", "opened": "2026-02-03 08:30:00", "x": "-71", "y": "42.5", "state": "C", "kind": "lamp",
	}}
	for i := 0; i < len(pairs); i += 2 {
		r.Fields[pairs[i]] = pairs[i+1]
	}
	return r
}

// A good row: zone, constants, values, several fields from one column, and the
// position carried to the other box.
func TestMappingReadsARow(t *testing.T) {
	m := mapping(t, small)
	r, err := m.Read(row("closed", "2026-02-03T10:00:00+09:00", "by", "fax", "more", `{"a":[1]}`))
	if err != nil {
		t.Fatal(err)
	}
	lon, _ := r.Float("lon")
	lat, _ := r.Float("lat")
	if r.Number != 7 || r.Text("id") != "1" || r.Text("source") != "small" || r.Text("state") != "closed" || r.Text("channel") != "desk" ||
		r.Text("item") != "public_facility" || string(r.JSON("form")) != `{"facility": "lamp"}` || lon != 117 || string(r.JSON("more")) != `{"a":[1]}` || lat != 36.5 ||
		!r.Time("opened_at").Equal(time.Date(2026, 2, 3, 0, 30, 0, 0, time.UTC)) ||
		!r.Time("closed_at").Equal(time.Date(2026, 2, 3, 1, 0, 0, 0, time.UTC)) || len(r.Notes) != 0 {
		t.Fatalf("%+v", r)
	}
	if _, ok := r.Float("closed_at"); ok || r.Text("untimed") != "" {
		t.Fatalf("%+v", r)
	}
}

// A row closed before it was opened closes at its open time, is marked and
// remarked on.
func TestClosedBeforeOpened(t *testing.T) {
	r, err := mapping(t, small).Read(row("closed", "2026-02-03 08:29:59"))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Time("closed_at").Equal(r.Time("opened_at")) || r.Text("untimed") != "true" || len(r.Notes) != 1 ||
		r.Notes[0].Field != "closed" || r.Notes[0].Code != "x.closed_early" || r.Notes[0].Args["given"] != "2026-02-03 08:29:59" {
		t.Fatalf("%+v", r)
	}
	m := mapping(t, strings.Replace(small, `"else": "equal"`, `"else": "refuse"`, 1))
	if _, err := m.Read(row("closed", "2026-02-03 08:29:59")); !errors.Is(err, table.ErrRow) {
		t.Fatal(err)
	}
}

// All that is wrong with a row is said at once, under the operator's own column
// names.
func TestEveryWrongColumnIsNamed(t *testing.T) {
	_, err := mapping(t, small).Read(row("no", "", "opened", "yesterday", "x", "200", "y", "north", "state", "X", "kind", "boat", "more", "[1]"))
	got := map[string]string{}
	for _, w := range fault.Of(err).Where {
		got[w.Path] = w.Code
	}
	want := map[string]string{
		"no": "table.value_missing", "opened": "table.not_a_time", "x": "table.out_of_range", "y": "table.not_a_number",
		"more": "table.not_an_object", "state": "table.value_unknown", "kind": "table.value_unknown",
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %s, want %s", k, got[k], v)
		}
	}
	if len(got) != len(want) || !errors.Is(err, table.ErrRow) {
		t.Errorf("%v", err)
	}
	if _, err := mapping(t, small).Read(row("no", "123456789")); fault.Of(err).Where[0].Code != "table.value_long" {
		t.Error(err)
	}
	for _, bad := range []string{"NaN", "Inf", "1e999"} {
		if _, err := mapping(t, small).Read(row("y", bad)); fault.Of(err).Where[0].Code != "table.not_a_number" {
			t.Error(bad, err)
		}
	}
	if _, err := mapping(t, small).Read(row("opened", "9999-01-01 00:00")); fault.Of(err).Where[0].Code != "table.not_a_time" {
		t.Error(err)
	}
}

// A table that lacks a column is refused before its first row.
func TestFits(t *testing.T) {
	m := mapping(t, small)
	if err := m.Fits(append(m.Columns(), "more")); err != nil {
		t.Error(err)
	}
	err := m.Fits([]string{"no", "opened", "closed", "x", "y", "state", "kind", "more"})
	if w := fault.Of(err).Where; len(w) != 1 || w[0].Path != "by" || w[0].Code != "table.column_missing" {
		t.Error(err)
	}
}

// A mapping that cannot work is refused when it is read, not at row 70,000.
func TestBadMappings(t *testing.T) {
	for name, change := range map[string][2]string{
		"zone":             {`"Asia/Shanghai"`, `"Asia/Nowhere"`},
		"no zone":          {`"Asia/Shanghai"`, `""`},
		"machine's zone":   {`"Asia/Shanghai"`, `"Local"`},
		"unknown key":      {`"source":`, `"colour": {}, "source":`},
		"unknown in field": {`"longest": 8`, `"shortest": 8`},
		"kind":             {`"kind": "number"}`, `"kind": "colour"}`},
		"both":             {`{"const": "small"}`, `{"const": "small", "column": "a"}`},
		"neither":          {`{"const": "small"}`, `{}`},
		"unknown rule":     {`"unknown": "default"`, `"unknown": "drop"`},
		"values of a time": {`"kind": "time", "required": true`, `"kind": "time", "values": {"a": "b"}`},
		"order of texts":   {`"not_before": "opened_at"`, `"not_before": "id"`},
		"order's else":     {`"else": "equal"`, `"else": "drop"`},
		"empty lookup":     {`"rows": {"lamp": {"item": "public_facility", "form": {"facility": "lamp"}}}`, `"rows": {}`},
		"field twice":      {`{"item": "public_facility"`, `{"id": "public_facility"`},
		"text and object":  {`"rows": {"lamp"`, `"default": {"form": "x"}, "rows": {"lamp"`},
		"box":              {`[-72, 42, -70, 43]`, `[-70, 42, -72, 43]`},
		"move of texts":    {`"x", "kind": "number", "min": -72, "max": -70`, `"x"`},
		"cut off":          {`"move"`, `"mo`},
	} {
		text := strings.Replace(small, change[0], change[1], 1)
		if text == small {
			t.Errorf("%s changes nothing", name)
		}
		if _, err := table.ParseMapping([]byte(text)); !errors.Is(err, table.ErrMapping) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzMapping: no mapping and no row makes reading panic; what is read carries no
// field that the mapping does not give.
func FuzzMapping(f *testing.F) {
	f.Add([]byte(small), "1", "2026-02-03 08:30:00", "-71", "lamp")
	f.Add([]byte(`{"name":"a","time_zone":"UTC","fields":{"a":{"const":"1","kind":"number"}}}`), "", "", "", "")
	f.Fuzz(func(t *testing.T, text []byte, no, opened, x, kind string) {
		m, err := table.ParseMapping(text)
		if err != nil {
			if !errors.Is(err, table.ErrMapping) {
				t.Fatal(err)
			}
			return
		}
		r, err := m.Read(row("no", no, "opened", opened, "closed", opened, "x", x, "kind", kind))
		if err != nil && !errors.Is(err, table.ErrRow) {
			t.Fatal(err)
		}
		if v := r.JSON("form"); v != nil && !json.Valid(v) {
			t.Fatalf("not JSON: %s", v)
		}
	})
}
