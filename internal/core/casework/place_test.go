package casework

import (
	"testing"

	"onegrid/internal/core/grid"
	"onegrid/internal/core/org"
	"onegrid/internal/core/place"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
)

// addresses are known places.
type addresses map[id.ID]place.Spot

func (a addresses) Spot(_ *db.Tx, v id.ID) (place.Spot, error) {
	if s, ok := a[v]; ok {
		return s, nil
	}
	return place.Spot{}, place.ErrMissing
}

// Whoever names a village has named the grid where the village's platform has a
// single one. With several, the case stays at the platform's desk and says why.
func TestVillageWithOneGridMeansThatGrid(t *testing.T) {
	eachHouse(t, func(h *house) {
		one := h.reports("", Report{Place: PlaceIn{Platform: h.units["P1"], Words: "村口"}})
		if one.Grid != h.grids["G1"] || one.Located || one.Intake != h.posts["village"] {
			t.Errorf("%+v", one)
		}
		// Platform P3 has two grids and a desk of its own.
		h.write(func(tx *db.Tx) error {
			v, err := h.org.CreateUnit(tx, h.operator(), org.UnitIn{Kind: org.Platform, Code: "P3", Name: both("P3"), Parent: h.units["S1"], Calendar: "office", DutyCalendar: "office"})
			h.units["P3"] = v.ID
			return err
		})
		h.write(func(tx *db.Tx) error {
			r, err := h.desk.grids.Import(tx, h.operator(), []grid.ImportRow{
				{Number: 1, Code: "370115003202001", Name: "三号网格", Platform: "P3", Shape: square(117.00, 36.92)},
				{Number: 2, Code: "370115003202002", Name: "四号网格", Platform: "P3", Shape: square(117.02, 36.92)},
			}, grid.ImportOptions{Datum: geo.WGS84})
			if err == nil && r.Taken != 2 {
				t.Fatalf("%+v", r.Verdicts)
			}
			return err
		})
		h.seat("village3", "village_desk", "P3", org.AtVillage, "P3")
		several := h.reports("", Report{Place: PlaceIn{Platform: h.units["P3"], Words: "村口"}})
		if !several.Grid.IsZero() || several.Platform != h.units["P3"] || several.Intake != h.posts["village3"] {
			t.Errorf("%+v", several)
		}
		h.read(func(tx *db.Tx) error {
			for _, c := range []struct {
				of   Case
				want int
			}{{several, 2}, {one, 0}} {
				v, err := h.desk.One(tx, h.as(tx, "hub"), c.of)
				if err != nil {
					return err
				}
				if v.Place.Grids != c.want {
					t.Errorf("%+v, want %d grids", v.Place, c.want)
				}
			}
			return nil
		})
	})
}

// A known address brings its name, its position and its grid along; a road has
// no position of its own; a point that was told wins.
func TestReportAtAnAddress(t *testing.T) {
	eachHouse(t, func(h *house) {
		house, road, gone := id.Must("0190163d-8694-739b-aea5-966c26f8ad01"), id.Must("0190163d-8694-739b-aea5-966c26f8ad02"), id.Must("0190163d-8694-739b-aea5-966c26f8ad03")
		known := addresses{}
		h.read(func(tx *db.Tx) error {
			nodes, err := h.desk.grids.NodesOf(tx, h.grids["G2"])
			known[house] = place.Spot{ID: house, Label: "马店村幸福路12号", Located: true, Lon: 117.03, Lat: 36.91, Nodes: nodes}
			nodes.Grid = id.ID{}
			known[road] = place.Spot{ID: road, Label: "马店村幸福路", Nodes: nodes}
			return err
		})
		h.desk.addresses = known
		at := h.reports("hub", Report{Place: PlaceIn{Place: house, Words: "门口"}})
		if at.Where != "马店村幸福路12号 · 门口" || !at.Located || at.Lon != 117.03 || at.Grid != h.grids["G2"] {
			t.Errorf("%+v", at)
		}
		along := h.reports("hub", Report{Place: PlaceIn{Place: road}})
		if along.Where != "马店村幸福路" || along.Located || along.Grid != h.grids["G2"] { // its platform has one grid
			t.Errorf("%+v", along)
		}
		point := inG1
		point.Place, point.Words = road, ""
		if told := h.reports("hub", Report{Place: point}); told.Grid != h.grids["G1"] || told.Where != "马店村幸福路" || !told.Located {
			t.Errorf("%+v", told)
		}
		_, err := h.tryReport("hub", Report{Place: PlaceIn{Place: gone}})
		if f := fault.Of(err); err == nil || f.Code != "case.place_needed" || len(f.Where) != 1 || f.Where[0].Path != "body.place.place_id" {
			t.Errorf("%v", err)
		}
	})
}
