package grid

import (
	"context"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/table"
)

// WholeFile is the Size of a table.Job that takes a file of grids.
const WholeFile = 1 << 30

// Batch takes the rows of a file as one drawing, for table.Job: give the job
// WholeFile as its Size. A row that cannot be read at all cuts the file in two
// drawings, the second judged together with the first; therefore Whole, which
// would end everything that a half does not have, is refused here
// (grid.whole_over_rows). told hears of each report, for the flaws.
func (g *Grids) Batch(write func(context.Context, func(*db.Tx) error) error, by journal.Who, o ImportOptions, told func(Report)) table.Batch {
	return func(ctx context.Context, rows []table.Row) ([]table.Outcome, error) {
		drawn := make([]ImportRow, len(rows))
		for i, r := range rows {
			drawn[i] = RowOf(r)
		}
		var report Report
		err := write(ctx, func(tx *db.Tx) (err error) {
			if o.Whole {
				return ErrInvalid.At("whole", "grid.whole_over_rows")
			}
			report, err = g.Import(tx, by, drawn, o)
			return err
		})
		out := make([]table.Outcome, len(rows))
		if f := fault.Of(err); err != nil {
			if f.Kind == fault.Internal || f.Kind == fault.Busy {
				return nil, err
			}
			// The drawing as a whole is refused: no row of it may get in by
			// being tried alone.
			for i := range out {
				out[i].Refused = f
			}
			return out, nil
		}
		for i, v := range report.Verdicts {
			out[i] = v.Outcome
			out[i].Refused = v.Fault
		}
		if told != nil {
			told(report)
		}
		return out, nil
	}
}
