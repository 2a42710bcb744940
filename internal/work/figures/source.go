package figures

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// ErrMeasure says that there is no such measure or stage to list the acts of.
var ErrMeasure = fault.New(fault.Invalid, "figures.no_measure")

// Wanted are the acts that a number counts: those of some measures, or those that
// ended a stage.
type Wanted struct {
	Measures []Measure
	Stage    string
}

// mask is the measures as bits; stars are counted on ratings.
func (w Wanted) mask() (mask int64, err error) {
	for _, m := range w.Measures {
		if m == Stars {
			m = Rated
		}
		i := slices.Index(bits, m)
		if i < 0 {
			return 0, ErrMeasure.With("measure", string(m))
		}
		mask |= 1 << i
	}
	if mask == 0 && w.Stage == "" {
		return 0, ErrMeasure.With("measure", "")
	}
	return mask, nil
}

func (w Wanted) takes(a Act, mask int64) bool {
	if w.Stage != "" {
		return a.What.Stage == w.Stage
	}
	return a.Measures&mask != 0
}

// of gives an act the unit that it counts for here: a stage's time that of who
// answers for it.
func (w Wanted) of(a Act) Act {
	if w.Stage != "" {
		a.What.Unit = a.What.Answers
	}
	return a
}

// unit is the column of that unit.
func (w Wanted) unit() string {
	if w.Stage != "" {
		return "w.answers"
	}
	return "w.unit"
}

// ActCursor is where a page of acts ended.
type ActCursor struct {
	Day    int64 `json:"d"`
	Number int64 `json:"n"`
}

func (c ActCursor) before(a Act) bool {
	return a.Day < c.Day || a.Day == c.Day && a.Number < c.Number
}

// Source is one act behind a number, and the case it was done on as far as the
// reader may see it (数据来源).
type Source struct {
	Number   int64           `json:"number" doc:"of the journal's entry"`
	Day      string          `json:"day"`
	Measures []Measure       `json:"measures"`
	Item     string          `json:"item"`
	Channel  string          `json:"channel"`
	Unit     words.Text      `json:"unit,omitzero" doc:"name of the unit that it counts for"`
	CaseID   id.ID           `json:"case_id,omitzero"`
	Case     *casework.Brief `json:"case,omitempty" doc:"absent where the case is outside of what the reader may see by now"`
	Main     *casework.Brief `json:"main,omitempty" doc:"the case that it was merged into, where the reader may see only that"`
	Score    int64           `json:"score,omitempty" doc:"of a rating"`
}

// Acts lists the acts behind a number, the latest first, and where the next page
// begins. What it lists, page after page, is as many as the number. Codes:
// figures.no_measure, figures.span.
func (f *Figures) Acts(tx *db.Tx, q Question, w Wanted, after *ActCursor, limit int) ([]Act, *ActCursor, error) {
	if q.To < q.From || q.To-q.From > 3660 {
		return nil, nil, ErrSpan
	}
	mask, err := w.mask()
	if err != nil {
		return nil, nil, err
	}
	q = q.plain()
	r, err := f.read(tx)
	if err != nil {
		return nil, nil, err
	}
	start := ActCursor{Day: q.To + 1}
	if after != nil {
		start = *after
	}
	var out []Act
	for _, a := range r.tail.Acts {
		if a = w.of(a); a.Day >= q.From && a.Day <= q.To && start.before(a) && q.lies(a.Place) && q.takes(a.What) && w.takes(a, mask) {
			out = append(out, a)
		}
	}
	stored, err := r.stored(q, w, mask, start, limit+1)
	if err != nil {
		return nil, nil, err
	}
	out = append(out, stored...)
	slices.SortFunc(out, latestFirst)
	if len(out) <= limit {
		return out, nil, nil
	}
	out = out[:limit]
	last := out[limit-1]
	return out, &ActCursor{last.Day, last.Number}, nil
}

func latestFirst(a, b Act) int {
	return cmp.Or(cmp.Compare(b.Day, a.Day), cmp.Compare(b.Number, a.Number))
}

// stored reads at least limit acts if there are as many, from the latest days
// back in growing steps: a page costs what its days hold, not what the span does.
func (r *reading) stored(q Question, w Wanted, mask int64, start ActCursor, limit int) ([]Act, error) {
	places := r.placesOf(q)
	var out []Act
	step := int64(1)
	for to := min(q.To, start.Day); to >= q.From && len(out) < limit; step *= 4 {
		from := max(q.From, to-step+1)
		for chunk := range slices.Chunk(places, 200) {
			some, err := r.storedOn(q, w, mask, start, chunk, from, to, limit)
			if err != nil {
				return nil, err
			}
			out = append(out, some...)
		}
		to = from - 1
	}
	return out, nil
}

func (r *reading) storedOn(q Question, w Wanted, mask int64, start ActCursor, places []int64, from, to int64, limit int) ([]Act, error) {
	args := []any{from, to, start.Day, start.Number}
	var sql strings.Builder
	sql.WriteString(`SELECT a.place, a.day, a.number, a.measures, a.case_id, w.item, w.channel, w.unit, w.stage, w.answers
		FROM fig_act a JOIN fig_what w ON w.id = a.what
		WHERE a.day >= $1 AND a.day <= $2 AND (a.day < $3 OR a.day = $3 AND a.number < $4) AND a.place IN ` + in(&args, places))
	and := func(condition string, arg any) {
		args = append(args, arg)
		fmt.Fprintf(&sql, " AND "+condition+"$%d", len(args))
	}
	if w.Stage != "" {
		and("w.stage = ", w.Stage)
	} else {
		fmt.Fprintf(&sql, " AND (a.measures & %d) <> 0", mask)
	}
	if q.Item != "" {
		and("w.item = ", q.Item)
	}
	if q.Channel != "" {
		and("w.channel = ", q.Channel)
	}
	if !q.Unit.IsZero() {
		and(w.unit()+" = ", q.Unit)
	}
	if q.Without == CutUnit {
		sql.WriteString(" AND " + w.unit() + " IS NULL")
	}
	if q.Most != nil {
		and("w.secrecy <= ", int64(*q.Most))
	}
	fmt.Fprintf(&sql, " ORDER BY a.day DESC, a.number DESC LIMIT %d", limit)
	rows, err := r.tx.Query(sql.String(), args...)
	if err != nil {
		return nil, fmt.Errorf("read acts: %w", err)
	}
	var out []Act
	for rows.Next() {
		var a Act
		var place int64
		if err := rows.Scan(&place, &a.Day, &a.Number, &a.Measures, &a.Case, &a.What.Item, &a.What.Channel, &a.What.Unit, &a.What.Stage, &a.What.Answers); err != nil {
			return nil, errors.Join(fmt.Errorf("read acts: %w", err), rows.Close())
		}
		a.Place = r.places[place]
		out = append(out, w.of(a))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("read acts: %w", err)
	}
	return out, nil
}

// sources tells acts with their cases, as far as the reader may see those now.
func (f *Figures) sources(tx *db.Tx, by *access.Actor, acts []Act) ([]Source, error) {
	out := make([]Source, 0, len(acts))
	var ids []id.ID
	for _, a := range acts {
		if !slices.Contains(ids, a.Case) {
			ids = append(ids, a.Case)
		}
	}
	known, mains, err := f.cases.AmongOrMain(tx, by, ids)
	if err != nil {
		return nil, err
	}
	units, err := f.units.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	for _, a := range acts {
		s := Source{Number: a.Number, Day: Date(a.Day), Item: a.What.Item, Channel: a.What.Channel, Measures: []Measure{}, Score: a.has(Stars)}
		for _, m := range bits {
			if a.has(m) > 0 {
				s.Measures = append(s.Measures, m)
			}
		}
		if u, ok := units.Unit(a.What.Unit); ok {
			s.Unit = u.Name
		}
		if c, ok := known[a.Case]; ok {
			s.Case, s.CaseID = &c, a.Case
		} else if m, ok := mains[a.Case]; ok {
			s.Main = &m
		}
		out = append(out, s)
	}
	return out, nil
}
