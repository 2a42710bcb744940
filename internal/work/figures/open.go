package figures

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/words"
)

// Open data (开放数据): how many reports of which item each street had in each
// month, for everybody. Small counts are held back with whatever would give them
// away (suppress.go); an item that is or ever was confidential is never in it.
// A month is published once, some days after it ended, and never changes: two
// editions of a month could be subtracted from each other.

// OpenOptions are what a district decides about its open data.
type OpenOptions struct {
	On        bool
	Threshold int64  // the smallest count that is shown
	Licence   string // name or address of the licence it is given under
}

// settled is how long after its end a month is published: phones that were out of
// reach have sent what they had.
const settled = 5 * 24 * time.Hour

// everything stands for all streets, or all items, in a line of totals.
const everything = "*"

// OpenPaths are where the files are; they stay.
const (
	OpenCSV  = "/open/reports-by-month.csv"
	OpenJSON = "/open/reports-by-month.json"
)

var (
	// ErrNoOpenData says that the district publishes none.
	ErrNoOpenData = fault.New(fault.Missing, "figures.no_open_data")
)

// OpenRow is one published count.
type OpenRow struct {
	Month  string     `json:"month"`
	Street string     `json:"street_code"`
	Item   string     `json:"item"`
	Labels openLabels `json:"names"`
	N      *int64     `json:"reported"` // nil: held back
}

type openLabels struct {
	Street words.Text `json:"street"`
	Item   words.Text `json:"item"`
}

// monthOf counts months since the year 0.
func monthOf(t time.Time) int64 { return int64(t.Year())*12 + int64(t.Month()) - 1 }

func monthName(month int64) string { return fmt.Sprintf("%04d-%02d", month/12, month%12+1) }

func monthDays(month int64) Period {
	first := time.Date(int(month/12), time.Month(month%12+1), 1, 0, 0, 0, 0, time.UTC)
	return Period{dayOf(first), dayOf(first.AddDate(0, 1, -1))}
}

// PublishOpen publishes the months that are due and gives their names. What is
// not folded yet is folded before, by whoever calls. Code: figures.no_open_data.
func (f *Figures) PublishOpen(tx *db.Tx) ([]string, error) {
	if !f.open.On {
		return nil, ErrNoOpenData
	}
	r, err := f.read(tx)
	if err != nil {
		return nil, err
	}
	begins, any, err := r.begins(nil)
	if err != nil || !any {
		return nil, err
	}
	out, err := openMonths(tx)
	if err != nil {
		return nil, err
	}
	last := monthOf(tx.Now().Add(-settled).In(f.zone.Location)) - 1
	var published []string
	for month := monthOf(dateOf(begins)); month <= last; month++ {
		if slices.Contains(out, month) {
			continue
		}
		if err := f.publishMonth(tx, r, month); err != nil {
			return published, err
		}
		published = append(published, monthName(month))
	}
	return published, nil
}

// OpenDue says whether a month waits to be published: a look that costs nothing.
func (f *Figures) OpenDue(tx *db.Tx) (bool, error) {
	if !f.open.On {
		return false, nil
	}
	out, err := openMonths(tx)
	if err != nil {
		return false, err
	}
	last := monthOf(tx.Now().Add(-settled).In(f.zone.Location)) - 1
	return len(out) == 0 || out[len(out)-1] < last, nil
}

// Publish publishes what is due, with everything that happened until now. It may
// run on several machines: a month has one edition.
func (f *Figures) Publish(ctx context.Context) (months []string, err error) {
	due := false
	if err := f.db.Read(ctx, func(tx *db.Tx) (err error) { due, err = f.OpenDue(tx); return err }); err != nil || !due {
		return nil, err
	}
	if _, err := f.Fold(ctx); err != nil {
		return nil, err
	}
	err = f.db.Write(ctx, func(tx *db.Tx) (err error) { months, err = f.PublishOpen(tx); return err })
	return months, err
}

func openMonths(tx *db.Tx) ([]int64, error) {
	rows, err := tx.Query(`SELECT month FROM fig_open_month ORDER BY month`)
	if err != nil {
		return nil, fmt.Errorf("read published months: %w", err)
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var m int64
		if err := rows.Scan(&m); err != nil {
			return nil, fmt.Errorf("read published months: %w", err)
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// openItems are the items that never were confidential, with their names.
func (f *Figures) openItems(tx *db.Tx) (map[string]words.Text, error) {
	cat, err := f.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := map[string]words.Text{}
	for _, l := range cat.Register(tx.Now()) {
		vs := cat.Versions(l.Key)
		if !slices.ContainsFunc(vs, func(i catalog.Item) bool { return i.Confidentiality.Kind() != catalog.Open }) {
			out[l.Key] = l.Name
		}
	}
	return out, nil
}

// reportsOf counts the reports of a month by item and street, of open matters.
func (r *reading) reportsOf(p Period, items map[string]words.Text) (map[string]map[id.ID]int64, error) {
	about, err := whats(r.tx)
	if err != nil {
		return nil, err
	}
	out := map[string]map[id.ID]int64{}
	for chunk := range slices.Chunk(r.placesOf(Question{}), 200) {
		args := []any{p.From, p.To}
		rows, err := r.tx.Query(fmt.Sprintf(`SELECT place, what, COUNT(*) FROM fig_act WHERE day >= $1 AND day <= $2 AND (measures & %d) <> 0 AND place IN `,
			maskOf(map[Measure]int64{Reported: 1}))+in(&args, chunk)+` GROUP BY place, what`, args...)
		if err != nil {
			return nil, fmt.Errorf("count reports: %w", err)
		}
		for rows.Next() {
			var place, what, n int64
			if err := rows.Scan(&place, &what, &n); err != nil {
				return nil, errors.Join(fmt.Errorf("count reports: %w", err), rows.Close())
			}
			w := about[what]
			if _, ok := items[w.Item]; !ok || w.Secrecy != journal.Open {
				continue
			}
			if out[w.Item] == nil {
				out[w.Item] = map[id.ID]int64{}
			}
			out[w.Item][r.places[place].Street] += n
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, fmt.Errorf("count reports: %w", err)
		}
	}
	return out, nil
}

// publishMonth stores one month as it is given out.
func (f *Figures) publishMonth(tx *db.Tx, r *reading, month int64) error {
	items, err := f.openItems(tx)
	if err != nil {
		return err
	}
	counts, err := r.reportsOf(monthDays(month), items)
	if err != nil {
		return err
	}
	units, err := f.units.Snapshot(tx)
	if err != nil {
		return err
	}
	// Two nodes of one code, such as a street before and after it was drawn anew,
	// are one street to the public.
	type column struct {
		code string
		name words.Text
	}
	columnOf := func(street id.ID) column {
		if u, ok := units.Unit(street); ok {
			return column{u.Code, u.Name}
		}
		return column{"", f.words.Text("figures.open.no_street", nil)}
	}
	var keys []string
	columns := map[string]words.Text{}
	for item, streets := range counts {
		keys = append(keys, item)
		for street := range streets {
			c := columnOf(street)
			columns[c.code] = c.name
		}
	}
	slices.Sort(keys)
	codes := make([]string, 0, len(columns))
	for code := range columns {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	values := make([][]int64, len(keys))
	for i, item := range keys {
		values[i] = make([]int64, len(codes))
		for street, n := range counts[item] {
			values[i][slices.Index(codes, columnOf(street).code)] += n
		}
	}
	if _, err := tx.Exec(`INSERT INTO fig_open_month (month, threshold, published_at) VALUES ($1, $2, $3)`, month, f.open.Threshold, db.Millis(tx.Now())); err != nil {
		return fmt.Errorf("publish a month: %w", err)
	}
	t, held := newTableau(values), Suppress(values, f.open.Threshold)
	all := f.words.Text("figures.open.all", nil)
	for i := range t.value {
		for j, v := range t.value[i] {
			street, item, labels := everything, everything, openLabels{Street: all, Item: all}
			if i > 0 {
				item, labels.Item = keys[i-1], items[keys[i-1]]
			}
			if j > 0 {
				street, labels.Street = codes[j-1], columns[codes[j-1]]
			}
			var n any
			if !held[i][j] {
				n = v
			}
			if _, err := tx.Exec(`INSERT INTO fig_open (month, street, item, labels, n) VALUES ($1, $2, $3, $4, $5)`, month, street, item, db.JSON(labels), n); err != nil {
				return fmt.Errorf("publish a count: %w", err)
			}
		}
	}
	journal.Add(tx, journal.Entry{Kind: "figures.publish", Subject: units.HubID(), By: journal.By{Via: "system"}, Sight: units.SightOfUnit(units.HubID()), Class: "journal",
		Body: map[string]any{"month": monthName(month), "threshold": f.open.Threshold, "items": len(keys), "streets": len(codes)}})
	return nil
}

// OpenRows are all published counts, the latest month first, totals before what
// they are of.
func OpenRows(tx *db.Tx) ([]OpenRow, error) {
	rows, err := tx.Query(`SELECT month, street, item, labels, n FROM fig_open ORDER BY month DESC, street, item`)
	if err != nil {
		return nil, fmt.Errorf("read open data: %w", err)
	}
	defer rows.Close()
	var out []OpenRow
	for rows.Next() {
		var month int64
		var r OpenRow
		if err := rows.Scan(&month, &r.Street, &r.Item, db.ScanJSON(&r.Labels), intPointer{&r.N}); err != nil {
			return nil, fmt.Errorf("read open data: %w", err)
		}
		r.Month = monthName(month)
		out = append(out, r)
	}
	return out, rows.Err()
}

// openColumns are the columns of the file; each is described in the words
// figures.open.column.NAME.
var openColumns = []string{"month", "street_code", "street_zh", "street_en", "item", "item_zh", "item_en", "reported", "held_back"}

// openDocument is the JSON file: the rows with all that is needed to read them.
type openDocument struct {
	Title       words.Text   `json:"title"`
	Description words.Text   `json:"description"`
	Licence     string       `json:"licence"`
	Columns     []openColumn `json:"columns"`
	Rows        []OpenRow    `json:"rows"`
}

type openColumn struct {
	Name string     `json:"name"`
	Is   words.Text `json:"is"`
}

// OpenCSVTo writes the file as CSV.
func OpenCSVTo(w io.Writer, rows []OpenRow) error {
	out, err := sheet.NewOut(sheet.CSV, w, "", openColumns)
	if err != nil {
		return err
	}
	for _, r := range rows {
		n, held := sheet.Cell{}, sheet.I(1)
		if r.N != nil {
			n, held = sheet.I(*r.N), sheet.I(0)
		}
		if err := out.Write([]sheet.Cell{sheet.T(r.Month), sheet.T(r.Street), sheet.T(r.Labels.Street.Chinese), sheet.T(r.Labels.Street.English),
			sheet.T(r.Item), sheet.T(r.Labels.Item.Chinese), sheet.T(r.Labels.Item.English), n, held}); err != nil {
			return err
		}
	}
	return out.Close()
}

// OpenJSONTo writes the file as JSON, with the description of its columns.
func (f *Figures) OpenJSONTo(w io.Writer, rows []OpenRow) error {
	if rows == nil {
		rows = []OpenRow{}
	}
	d := openDocument{Title: f.words.Text("figures.open.title", nil), Description: f.words.Text("figures.open.is", nil), Licence: f.open.Licence, Rows: rows}
	for _, c := range []string{"month", "street_code", "item", "names", "reported"} {
		d.Columns = append(d.Columns, openColumn{c, f.words.Text("figures.open.column."+c, nil)})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(d)
}

// openRoutes serves the files to everybody.
func (f *Figures) openRoutes(e *httpx.Edge) {
	give := func(contentType string, write func(w io.Writer, rows []OpenRow) error) func(w http.ResponseWriter, r *http.Request, _ *access.Actor) error {
		return func(w http.ResponseWriter, r *http.Request, _ *access.Actor) error {
			if !f.open.On {
				return ErrNoOpenData
			}
			var rows []OpenRow
			var edition string
			if err := f.db.Read(r.Context(), func(tx *db.Tx) (err error) {
				months, err := openMonths(tx)
				if err != nil {
					return err
				}
				if len(months) > 0 {
					edition = strconv.FormatInt(months[len(months)-1], 10) + "-" + strconv.Itoa(len(months))
				}
				rows, err = OpenRows(tx)
				return err
			}); err != nil {
				return err
			}
			h := w.Header()
			h.Set("Content-Type", contentType)
			h.Set("Cache-Control", "public, max-age=3600")
			if edition != "" {
				h.Set("ETag", `"`+edition+`"`)
				if strings.Contains(r.Header.Get("If-None-Match"), `"`+edition+`"`) {
					w.WriteHeader(http.StatusNotModified)
					return nil
				}
			}
			return write(w, rows)
		}
	}
	httpx.Page(e, httpx.Op{ID: "figures.open_csv", Method: http.MethodGet, Path: OpenCSV, Public: true, Summary: "Open data: reports by item, street and month"}, give("text/csv; charset=utf-8", OpenCSVTo))
	httpx.Page(e, httpx.Op{ID: "figures.open_json", Method: http.MethodGet, Path: OpenJSON, Public: true, Summary: "Open data with a description of its columns"}, give("application/json", f.OpenJSONTo))
}
