package town_test

import (
	"fmt"

	places "onegrid/internal/core/place"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// house is a made-up house in a scope: what people live in, so that scope says
// who sees it.
func (m *matrix) house(scope string) (v id.ID) {
	m.Helper()
	lon, lat := town.Middle(placeOf[scope].located)
	m.Write(func(tx *db.Tx) error {
		p, err := m.App.Places.Create(tx, m.Operator(tx), places.In{Kind: "building", Name: fmt.Sprintf("演示%d号", m.next()), Lon: &lon, Lat: &lat, Datum: "wgs84"})
		v = p.ID
		return err
	})
	return v
}

// placeIn is the body of a new or changed place in a scope.
func (m *matrix) placeIn(scope string) with {
	lon, lat := town.Middle(placeOf[scope].located)
	return with{"kind": "hall", "name": fmt.Sprintf("演示礼堂%d", m.next()), "lon": lon, "lat": lat, "datum": "wgs84"}
}

func placeSamples() []sample {
	one := func(op, path string, body func(m *matrix, scope string) any) sample {
		return sample{op: op, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/places/" + m.house(scope).String() + path, body: body(m, scope)}
		}}
	}
	none := func(*matrix, string) any { return nil }
	csv := "kind,name,lon,lat\nhall,演示厅,%f,%f\n"
	return []sample{
		fixed("place.search", "", "/api/places/search?q=yanshi", nil), fixed("place.list", "", "/api/places?class=facility", nil),
		fixed("place.map", "", "/api/map/places?west=116&south=36&east=118&north=37", nil), fixed("place.kinds", "", "/api/places/kinds", nil),
		one("place.get", "", none), one("place.end", "/end", none),
		one("place.change", "", func(m *matrix, scope string) any {
			b := m.placeIn(scope)
			b["kind"] = "building"
			return b
		}),
		{op: "place.create", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask { return ask{path: "/api/places", body: m.placeIn(scope)} }},
		{op: "place.import", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			lon, lat := town.Middle("G1")
			return ask{path: "/api/places/imports", body: with{"datum": "wgs84", "name": "a.csv", "text": fmt.Sprintf(csv, lon, lat), "dry_run": true}}
		}},
		{op: "place.set_kind", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: fmt.Sprintf("/api/places/kinds/demo_kind_%d", m.next()), body: with{"name": with{"zh-CN": "演示类", "en": "Demo kind"}}}
		}},
	}
}
