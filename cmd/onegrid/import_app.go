package main

import (
	"context"
	"fmt"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/grid"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/table"
)

// openImporter opens the data folder and gives the importers of its rooms. They
// act as the operator on this host.
func openImporter(ctx context.Context, set settings, s streams) (*importer, error) {
	config, err := set.load()
	if err != nil {
		return nil, err
	}
	a, err := app.Open(ctx, config, app.Ports{Log: newLog(config, s), Version: version})
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
		units: each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
			return a.Org.ImportUnit(tx, by, row)
		}),
		items: each(func(tx *db.Tx, by *access.Actor, row table.Row) (table.Outcome, error) {
			return a.Catalog.ImportItem(tx, by, row)
		}),
		grids: func(ctx context.Context, rows []table.Row, datum string) ([]table.Outcome, error) {
			return importGrids(ctx, a, s, rows, datum)
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
