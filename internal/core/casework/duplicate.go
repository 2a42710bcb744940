package casework

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
)

// Duplicate is a case that may be the same matter (疑似重复). A duplicate is
// suggested; a person decides.
type Duplicate struct {
	Case     View `json:"case"`
	Distance int  `json:"distance_m"`
	Age      int  `json:"age_h"`
}

// Probe is what is about to be reported.
type Probe struct {
	Item     string
	Lon, Lat float64
	Datum    string
	At       time.Time
	Form     json.RawMessage // as far as it is filled in
	Phone    string          // of the reporter, for items that repeat by person
}

const maxDuplicates = 20

// Duplicates suggests cases of the same item near the same place and time, or
// by the same reporter, as the item's own rule says; only such that the actor
// may see. Codes: case.item_unknown, case.bad_datum.
func (d *Desk) Duplicates(tx *db.Tx, by *access.Actor, p Probe) ([]Duplicate, error) {
	env, err := d.env(tx, by)
	if err != nil {
		return nil, err
	}
	item, err := env.catalog.Item(p.Item, env.at)
	if err != nil {
		return nil, ErrItemUnknown.With("item", clip(p.Item, 60)).At("query.item", "case.item_unknown")
	}
	if p.At.IsZero() || p.At.After(tx.Now()) {
		p.At = tx.Now()
	}
	var cs []Case
	var place orb.Point
	switch rule := item.Duplicates; {
	case rule.By == "place" && (p.Lon != 0 || p.Lat != 0):
		datum, err := geo.ParseDatum(cmp.Or(p.Datum, "wgs84"))
		if err != nil {
			return nil, ErrDatum.With("datum", clip(p.Datum, 20)).At("query.datum", "case.bad_datum")
		}
		if place, err = datum.ToWGS84(orb.Point{p.Lon, p.Lat}); err != nil {
			return nil, ErrPlace.At("query.lon", "field.wrong")
		}
		if cs, err = near(tx, item, place, p.At); err != nil {
			return nil, err
		}
	case rule.By == "applicant" && p.Phone != "":
		if cs, err = d.samePhone(tx, item, p); err != nil {
			return nil, err
		}
	}
	var out []Duplicate
	var kept []Case
	for _, c := range cs {
		if !sees(by, c) || !sameAnswers(item, c, p.Form) {
			continue
		}
		dup := Duplicate{Age: int(p.At.Sub(c.Recorded).Hours())}
		if c.Located && place != (orb.Point{}) {
			dup.Distance = int(geo.Metres(place, orb.Point{c.Lon, c.Lat}) + 0.5)
			if dup.Distance > item.Duplicates.RadiusM {
				continue
			}
		}
		out, kept = append(out, dup), append(kept, c)
	}
	views, err := d.views(tx, by, kept)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Case = views[i]
	}
	slices.SortStableFunc(out, func(a, b Duplicate) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Age, b.Age))
	})
	return out[:min(len(out), maxDuplicates)], nil
}

// near reads cases of an item in the cells around a point.
func near(tx *db.Tx, item catalog.Item, p orb.Point, at time.Time) ([]Case, error) {
	var out []Case
	since := at.Add(-time.Duration(item.Duplicates.WindowH) * time.Hour)
	for _, cell := range cellsAround(p[0], p[1]) {
		some, err := many(tx, `SELECT `+caseColumns+` FROM cases WHERE item = $1 AND cell = $2 AND recorded_at >= $3 AND parent_id IS NULL ORDER BY recorded_at DESC LIMIT 200`,
			item.Key, cell, db.Millis(since))
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return alive(out), nil
}

// samePhone reads cases that came from one phone number, found by its blind
// index.
func (d *Desk) samePhone(tx *db.Tx, item catalog.Item, p Probe) ([]Case, error) {
	phone, err := tidyPhone(p.Phone)
	if err != nil || phone == "" {
		return nil, err
	}
	since := p.At.Add(-time.Duration(item.Duplicates.WindowH) * time.Hour)
	cs, err := many(tx, `SELECT `+prefixed+` FROM case_party p JOIN cases c ON c.id = p.case_id WHERE p.phone_index = $1 AND p.at >= $2 AND c.item = $3 ORDER BY p.at DESC LIMIT 200`,
		d.seal.Index(phoneKind, phone), db.Millis(since), item.Key)
	if err != nil {
		return nil, fmt.Errorf("cases of a phone: %w", err)
	}
	return alive(cs), nil
}

// alive leaves out what was refused, withdrawn, voided or merged: of the latter
// the main case is suggested.
func alive(cs []Case) []Case {
	return slices.DeleteFunc(cs, func(c Case) bool {
		return slices.Contains([]State{Refused, Withdrawn, Voided, Merged, Missed, Cancelled}, c.State)
	})
}

// sameAnswers compares the fields of the form that the item names. What is not
// filled in yet does not tell cases apart.
func sameAnswers(item catalog.Item, c Case, form json.RawMessage) bool {
	if len(form) == 0 || len(c.Form) == 0 {
		return true
	}
	var here, there map[string]json.RawMessage
	if json.Unmarshal(form, &here) != nil || json.Unmarshal(c.Form, &there) != nil {
		return true
	}
	for _, name := range item.Duplicates.Same {
		a, b := here[name], there[name]
		if name != "item" && a != nil && b != nil && strings.TrimSpace(string(a)) != strings.TrimSpace(string(b)) {
			return false
		}
	}
	return true
}
