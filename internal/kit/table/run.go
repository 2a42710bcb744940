package table

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"onegrid/internal/kit/fault"
)

// ErrStopped says that an import was stopped by its operator. What was taken
// before stays taken.
var ErrStopped = fault.New(fault.Conflict, "table.stopped")

// Result is what became of a row that was not refused.
type Result int

const (
	Taken    Result = iota // it is new, or brought something new
	Repeated               // exactly this is there already
)

// Note is a remark on a row that was taken all the same, such as a case closed
// before it was opened.
type Note struct {
	Field string
	Code  string
	Args  map[string]any
}

// Outcome is what became of one row. A row that was judged together with others
// and found wrong has Refused set.
type Outcome struct {
	Result  Result
	Notes   []Note
	Refused *fault.Fault
}

// Batch takes some rows together, all or none: on an error nothing of them may
// stay. Refusing a row is a fault of any kind but internal and busy; those two
// end the import, for the next row would meet them too.
type Batch func(ctx context.Context, rows []Row) ([]Outcome, error)

// Each makes a Batch of a function that takes one row within a transaction.
// write runs a function in one write transaction, such as (*db.DB).Write.
func Each[T any](write func(context.Context, func(T) error) error, take func(T, Row) (Outcome, error)) Batch {
	return func(ctx context.Context, rows []Row) ([]Outcome, error) {
		var out []Outcome
		err := write(ctx, func(tx T) error {
			out = out[:0] // a write function may run twice
			for _, row := range rows {
				o, err := take(tx, row)
				if err != nil {
					return err
				}
				out = append(out, o)
			}
			return nil
		})
		return out, err
	}
}

// Report accounts for every row: Read = Taken + Repeated + Refused.
type Report struct {
	Read        int64  `json:"read"`
	Taken       int64  `json:"taken"`
	Repeated    int64  `json:"repeated"`
	Refused     int64  `json:"refused"`
	Noted       int64  `json:"noted,omitempty"`
	RefusedFile string `json:"refused_file,omitempty"`
	NotedFile   string `json:"noted_file,omitempty"`
}

// Line is the report in one line.
func (r Report) Line() string {
	return fmt.Sprintf("read %d / taken %d / repeated %d / refused %d", r.Read, r.Taken, r.Repeated, r.Refused)
}

// Job is one import.
type Job struct {
	Rows     *Reader
	Take     Batch
	Size     int                       // rows of one batch; default 200
	Whole    bool                      // the rows belong together: none is taken of a file that breaks off before a batch is full
	Beside   string                    // refused and noted rows go to files beside this one; "" keeps none
	Say      func(*fault.Fault) string // the reason in the operator's words; default its code
	Tell     func(Note) string         // a remark in the operator's words; default its code
	Progress io.Writer                 // a line now and then; nil tells nothing
	Now      func() time.Time          // for the progress alone; nil tells nothing
	Refuse   func(Row, *fault.Fault)   // also told of each refusal; may be nil
}

// Run reads all rows and takes them. The report is right whatever happens; the
// error says why the rest was not read: the file is broken from here on, the
// operator stopped it (ErrStopped), or the program failed.
func (j Job) Run(ctx context.Context) (Report, error) {
	r := &run{Job: j}
	if r.Size <= 0 {
		r.Size = 200
	}
	if r.Say == nil {
		r.Say = func(f *fault.Fault) string { return f.Code }
	}
	if r.Tell == nil {
		r.Tell = func(n Note) string { return n.Code }
	}
	if r.Now == nil {
		r.Progress = nil
	}
	if r.Progress != nil {
		r.told = r.Now()
	}
	err := r.all(ctx)
	return r.report, errors.Join(err, r.close())
}

type run struct {
	Job
	report  Report
	refused *aside
	noted   *aside
	told    time.Time
	batch   []Row
}

func (r *run) all(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return ErrStopped // rows read but not tried are not counted
		}
		row, err := r.Rows.Next()
		var bad *RowFault
		switch {
		case err == nil:
			r.batch = append(r.batch, row)
			if len(r.batch) < r.Size {
				continue
			}
			if err := r.flush(ctx); err != nil {
				return err
			}
		case errors.As(err, &bad):
			// Rows before it first, so that the refused file is in order.
			if !r.Whole {
				if err := r.flush(ctx); err != nil {
					return err
				}
			}
			r.report.Read++
			if err := r.refuse(bad.Row, bad.Fault); err != nil {
				return err
			}
		case r.Whole && !errors.Is(err, io.EOF):
			return err
		default:
			if ferr := r.flush(ctx); ferr != nil {
				return ferr
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		r.tell()
	}
}

// flush takes the waiting rows: together, and where that fails one by one, so
// that a bad row costs no other.
func (r *run) flush(ctx context.Context) error {
	rows := r.batch
	r.batch = nil
	if len(rows) == 0 {
		return nil
	}
	out, err := r.Take(ctx, rows)
	if err == nil && len(out) != len(rows) {
		return fmt.Errorf("%d rows have %d outcomes", len(rows), len(out))
	}
	if err == nil {
		for i, row := range rows {
			if err := r.count(row, out[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(rows) > 1 && !ends(ctx, err) {
		for _, row := range rows {
			out, err := r.Take(ctx, []Row{row})
			if err == nil {
				err = r.count(row, out[0])
			} else if !ends(ctx, err) {
				r.report.Read++
				err = r.refuse(row, fault.Of(err))
			} else {
				err = r.end(ctx, row, err)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if ends(ctx, err) {
		return r.end(ctx, rows[0], err)
	}
	r.report.Read++
	return r.refuse(rows[0], fault.Of(err))
}

// ends says whether an error is no row's fault.
func ends(ctx context.Context, err error) bool {
	k := fault.Of(err).Kind
	return ctx.Err() != nil || k == fault.Internal || k == fault.Busy
}

func (r *run) end(ctx context.Context, row Row, err error) error {
	if ctx.Err() != nil {
		return ErrStopped
	}
	return fmt.Errorf("row %d: %w", row.Number, err)
}

func (r *run) count(row Row, o Outcome) error {
	r.report.Read++
	if o.Refused != nil {
		return r.refuse(row, o.Refused)
	}
	switch o.Result {
	case Taken:
		r.report.Taken++
	case Repeated:
		r.report.Repeated++
	default:
		return fmt.Errorf("row %d: unknown result %d", row.Number, o.Result)
	}
	// A repeated row was remarked on when it was taken.
	if len(o.Notes) == 0 || o.Result == Repeated {
		return nil
	}
	r.report.Noted++
	if r.Beside == "" {
		return nil
	}
	if r.noted == nil {
		var err error
		if r.noted, err = newAside(r.Beside, "noted", CSV, []string{"row", "field", "code", "remark"}); err != nil {
			return err
		}
		r.report.NotedFile = r.noted.path
	}
	for _, n := range o.Notes {
		if err := r.noted.csv.Write([]string{fmt.Sprint(row.Number), n.Field, n.Code, r.Tell(n)}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) refuse(row Row, f *fault.Fault) error {
	r.report.Refused++
	if r.Refuse != nil {
		r.Refuse(row, f)
	}
	if r.Beside == "" {
		return nil
	}
	if r.refused == nil {
		var err error
		if r.refused, err = newAside(r.Beside, "refused", r.Rows.Format(), append(append([]string{}, extraColumns...), r.Rows.Header()...)); err != nil {
			return err
		}
		r.report.RefusedFile = r.refused.path
	}
	return r.refused.row(row, f, r.Say(f))
}

// tell says how far it is, at most once in two seconds.
func (r *run) tell() {
	if r.Progress == nil || r.Now().Sub(r.told) < 2*time.Second {
		return
	}
	r.told = r.Now()
	fmt.Fprintln(r.Progress, r.report.Line())
}

func (r *run) close() error {
	return errors.Join(r.refused.close(), r.noted.close())
}
