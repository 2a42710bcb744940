package main

import (
	"context"
	"fmt"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/place"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/table"
)

// openImporter opens the data folder and gives the importers of its rooms. They
// act as the operator on this host.
func openImporter(ctx context.Context, set settings, s streams) (*importer, error) {
	a, err := set.open(ctx, s)
	if err != nil {
		return nil, err
	}
	each := func(take func(*db.Tx, *access.Actor, table.Row) (table.Outcome, error)) table.Batch {
		return table.Each(a.DB.Write, func(tx *db.Tx, row table.Row) (table.Outcome, error) {
			by, err := a.Access.Operator(tx, app.Operator())
			if err != nil {
				return table.Outcome{}, err
			}
			return take(tx, by, row)
		})
	}
	return &importer{
		words: a.Words,
		close: a.Close,
		divisions: each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
			return a.Org.ImportDivision(tx, by, row)
		}),
		recoding: each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
			return a.Recode(tx, by, row, "统计区划代码变更 / recoding of the statistical list")
		}),
		units: each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
			return a.Org.ImportUnit(tx, by, row)
		}),
		posts: each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
			return a.Org.ImportPost(tx, by, row)
		}),
		people: each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
			return a.Org.ImportPerson(tx, by, row)
		}),
		items: each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
			return a.Catalog.ImportItem(tx, by, row)
		}),
		devices: func(datum string) table.Batch {
			return each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
				return a.Devices.Import(tx, by, row, datum)
			})
		},
		grids: func(ctx context.Context, rows []table.Row, datum string) ([]table.Outcome, error) {
			return importGrids(ctx, a, s, rows, datum)
		},
		places: func(datum, scheme string) table.Batch {
			return each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
				d, err := geo.ParseDatum(datum)
				if err != nil {
					return table.Outcome{}, err
				}
				return a.Places.Import(tx, by, row, place.ImportOptions{Datum: d, Scheme: scheme})
			})
		},
		cases: func(ctx context.Context, rows []table.Record) ([]table.Outcome, error) {
			all := make([]casework.Imported, len(rows))
			for n, r := range rows {
				var err error
				if all[n], err = importedCase(r); err != nil {
					return nil, err
				}
			}
			out := make([]table.Outcome, len(rows))
			return out, a.DB.Write(ctx, func(tx *db.Tx) error {
				by, err := a.Access.Operator(tx, "import")
				if err != nil {
					return err
				}
				for n, in := range all {
					_, again, err := a.Cases.Import(tx, by, in)
					if err != nil {
						return err
					}
					if out[n].Result = table.Taken; again {
						out[n].Result = table.Repeated
					}
				}
				return nil
			})
		},
	}, nil
}

// importGrids takes all grids of a file in one transaction and names the places
// where a layer has gaps or overlaps.
func importGrids(ctx context.Context, a *app.App, s streams, rows []table.Row, datum string) ([]table.Outcome, error) {
	d, err := geo.ParseDatum(datum)
	if err != nil {
		return nil, err
	}
	drawn := make([]grid.ImportRow, len(rows))
	for n, row := range rows {
		drawn[n] = grid.RowOf(row)
	}
	var report grid.Report
	err = a.DB.Write(ctx, func(tx *db.Tx) error {
		by, err := a.Access.Operator(tx, app.Operator())
		if err != nil {
			return err
		}
		report, err = a.Grids.Import(tx, by, drawn, grid.ImportOptions{Datum: d})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, f := range report.Flaws {
		fmt.Fprintf(s.err, "%s at %.7f,%.7f, %.2f m2, grids %v\n", f.Kind, f.Lon, f.Lat, f.SquareMetres, f.Codes)
	}
	byNumber := map[int64]grid.Verdict{}
	for _, v := range report.Verdicts {
		byNumber[v.Number] = v
	}
	out := make([]table.Outcome, len(rows))
	for n, row := range rows {
		v, ok := byNumber[row.Number]
		if !ok {
			return nil, fmt.Errorf("row %d was not judged", row.Number)
		}
		out[n] = v.Outcome
		out[n].Refused = v.Fault
	}
	return out, nil
}

// importedCase is a row of another system's table, as casework takes it.
func importedCase(r table.Record) (casework.Imported, error) {
	in := casework.Imported{
		Source: r.Text("source"), ExternalID: r.Text("external_id"), Closed: r.Time("closed_at"),
		Report: casework.Report{
			Item: r.Text("item"), Condition: r.Text("condition"), Title: r.Text("title"), Text: r.Text("text"), Form: r.JSON("form"),
			Channel: r.Text("channel"), Occurred: r.Time("opened_at"), Due: r.Time("due_at"), Untimed: r.Text("untimed") == "true",
			Place: casework.PlaceIn{Datum: r.Text("datum"), Words: r.Text("words")},
		},
	}
	switch state := r.Text("state"); state {
	case "open":
	case "closed":
		in.Shut = true
		if in.Closed.IsZero() {
			return in, table.ErrRow.At("closed_at", "table.value_missing")
		}
	default:
		return in, table.ErrRow.At("state", "table.value_unknown", "value", state)
	}
	if lon, ok := r.Float("lon"); ok {
		in.Report.Place.Lon = &lon
	}
	if lat, ok := r.Float("lat"); ok {
		in.Report.Place.Lat = &lat
	}
	return in, nil
}
