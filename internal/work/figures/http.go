package figures

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/words"
)

var (
	// ErrNode says that the node is not known or not in the reader's scope.
	ErrNode = fault.New(fault.Missing, "figures.no_node")
	// ErrDate says that a date can't be read.
	ErrDate = fault.New(fault.Invalid, "figures.bad_date")
)

// defaultDays is the span when none is asked for: four weeks.
const defaultDays = 28

// permCounts lets somebody read counts where he holds it.
const permCounts = "figures.counts"

// Asked is what every question about figures may say.
type Asked struct {
	Node    id.ID  `query:"node" doc:"unit or grid; the acting post's own node when absent"`
	By      string `query:"by" enum:"item,channel,unit,street,platform,grid" default:"item"`
	From    string `query:"from" doc:"first day, YYYY-MM-DD in the district's time zone; four weeks ago when absent"`
	To      string `query:"to" doc:"last day; today when absent"`
	Own     bool   `query:"own" doc:"Without what the node inherited at a reorganisation: figures of neighbours then add up"`
	Item    string `query:"item" maxLength:"60" doc:"only this work item"`
	Channel string `query:"channel" maxLength:"30" doc:"only this source"`
	Unit    id.ID  `query:"unit" doc:"only what counts for this unit"`
	At      id.ID  `query:"at" doc:"only what lies in this node too: a row of a table by nodes"`
	Without string `query:"without" enum:"street,platform,grid,unit" doc:"only what lies in no node of this level, or counts for no unit"`
}

// TableAsked is what a table may be asked.
type TableAsked struct {
	Asked
	Compare bool `query:"compare" doc:"with the period before and the same a year earlier"`
}

type exportIn struct {
	TableAsked
	Format   sheet.Format   `query:"format" enum:"xlsx,csv" default:"xlsx"`
	Language words.Language `query:"language" enum:"zh-CN,en" doc:"of the file; the reader's own when absent"`
}

type sourceIn struct {
	Asked
	httpx.Paging
	Measures string `query:"measures" maxLength:"200" doc:"one or more measures, with commas"`
	Stage    string `query:"stage" enum:"accept,verify,dispatch,handle,check,publicise,give" doc:"the acts that ended this stage, instead of measures"`
}

type readOut struct{ Body Table }

// SourcePage is one page of the acts behind a number.
type SourcePage struct {
	Total int64    `json:"total" doc:"the number itself"`
	Items []Source `json:"items"`
	Next  string   `json:"next,omitempty"`
}

// Definition is a measure or a rate in words.
type Definition struct {
	Key  string     `json:"key"`
	Name words.Text `json:"name"`
	Is   words.Text `json:"is,omitzero" doc:"what it means, in the reader's words"`
	Rate *Rate      `json:"rate,omitempty"`
}

// Definitions are all measures and rates in words.
type Definitions struct {
	Measures []Definition `json:"measures"`
	Rates    []Definition `json:"rates"`
}

// Routes registers the operations of this room.
func (f *Figures) Routes(e *httpx.Edge) {
	tags := []string{"figures"}
	httpx.Read(e, httpx.Op{ID: "figures.read", Method: http.MethodGet, Path: "/api/figures", Permission: permCounts,
		Summary: "Counts, shares and stage times of a node", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *TableAsked) (*readOut, error) {
			t, _, err := f.tableFor(tx, by, in)
			return &readOut{t}, err
		})
	httpx.Read(e, httpx.Op{ID: "figures.sources", Method: http.MethodGet, Path: "/api/figures/sources", Permission: permCounts,
		Summary: "The acts and cases behind a number", Tags: tags}, f.getSources)
	httpx.Read(e, httpx.Op{ID: "figures.definitions", Method: http.MethodGet, Path: "/api/figures/definitions", Permission: permCounts,
		Summary: "What is counted, in words", Tags: tags},
		func(*db.Tx, *access.Actor, *struct{}) (*struct{ Body Definitions }, error) {
			return &struct{ Body Definitions }{f.definitions()}, nil
		})
	httpx.Issue(e, httpx.Op{ID: "figures.export", Method: http.MethodPost, Path: "/api/figures/export", Permission: permCounts,
		Summary: "The table as a spreadsheet or CSV", Tags: tags}, f.getExport)
	f.roundRoutes(e)
	f.openRoutes(e)
}

// tableFor answers a reader's question.
func (f *Figures) tableFor(tx *db.Tx, by *access.Actor, in *TableAsked) (Table, Question, error) {
	q, err := f.question(tx, by, &in.Asked)
	if err != nil {
		return Table{}, q, err
	}
	t, err := f.answer(tx, q, in.Compare)
	if err != nil {
		return t, q, err
	}
	if t.Place, err = f.standing(tx, by, q); err != nil {
		return t, q, err
	}
	return t, q, f.name(tx, q.plain().Cut, &t)
}

// standing names what a question is about, and the way up from it.
func (f *Figures) standing(tx *db.Tx, by *access.Actor, q Question) (Standing, error) {
	units, err := f.units.Snapshot(tx)
	if err != nil {
		return Standing{}, err
	}
	if q.Node.IsZero() {
		u, _ := units.Unit(q.Unit)
		return Standing{ID: u.ID, Level: "unit", Name: u.Name}, nil
	}
	nodes := units.Nodes(q.Node)
	if _, ok := units.Unit(q.Node); !ok {
		if nodes, err = f.grids.NodesOf(tx, q.Node); err != nil {
			return Standing{}, ErrNode.Because(err)
		}
	}
	var line []Standing
	for _, step := range []struct {
		level string
		node  id.ID
		at    journal.Nodes
	}{
		{"district", nodes.Hub, journal.Nodes{Hub: nodes.Hub}},
		{"street", nodes.Street, journal.Nodes{Hub: nodes.Hub, Street: nodes.Street}},
		{"platform", nodes.Platform, journal.Nodes{Hub: nodes.Hub, Street: nodes.Street, Platform: nodes.Platform}},
		{"grid", nodes.Grid, journal.Nodes{Hub: nodes.Hub, Street: nodes.Street, Platform: nodes.Platform, Grid: nodes.Grid}},
		{"grid", nodes.Micro, nodes},
	} {
		if step.node.IsZero() {
			continue
		}
		if _, ok := ceiling(by, journal.Sight{Nodes: step.at}); !ok && step.node != q.Node {
			continue
		}
		s := Standing{ID: step.node, Level: step.level}
		if u, ok := units.Unit(step.node); ok {
			s.Name = u.Name
		} else if g, ok, err := f.grids.ByID(tx, step.node); err != nil {
			return s, err
		} else if ok {
			s.Name = plainly(g)
		}
		line = append(line, s)
		if step.node == q.Node {
			break
		}
	}
	if len(line) == 0 {
		return Standing{ID: q.Node, Level: "district"}, nil
	}
	here := line[len(line)-1]
	here.Up = line[:len(line)-1]
	return here, nil
}

// plainly is a grid's name and code, the same in every language.
func plainly(g grid.Grid) words.Text {
	s := strings.TrimSpace(g.Name + " " + g.Code)
	return words.Text{Chinese: s, English: s}
}

// name gives rows of units and grids their names.
func (f *Figures) name(tx *db.Tx, cut Cut, t *Table) error {
	if cut != CutUnit && !cut.level() {
		return nil
	}
	units, err := f.units.Snapshot(tx)
	if err != nil {
		return err
	}
	all := [][]Row{t.Rows}
	for i := range t.Earlier {
		all = append(all, t.Earlier[i].Rows)
	}
	for _, rows := range all {
		for i := range rows {
			v, err := id.Parse(rows[i].Key)
			if err != nil {
				continue // what lies in no node
			}
			if u, ok := units.Unit(v); ok {
				rows[i].Name = u.Name
			} else if g, ok, err := f.grids.ByID(tx, v); err != nil {
				return err
			} else if ok {
				rows[i].Name = plainly(g)
			}
		}
	}
	return nil
}

func (f *Figures) definitions() Definitions {
	var out Definitions
	for _, m := range Measures {
		out.Measures = append(out.Measures, Definition{Key: string(m), Name: f.words.Text("figures.measure."+string(m), nil)})
	}
	for _, r := range Rates {
		out.Rates = append(out.Rates, Definition{Key: r.Key, Name: f.words.Text("figures.rate."+r.Key, nil), Is: f.words.Text("figures.rate."+r.Key+".is", nil), Rate: &r})
	}
	return out
}

func (f *Figures) getSources(tx *db.Tx, by *access.Actor, in *sourceIn) (*struct{ Body SourcePage }, error) {
	q, err := f.question(tx, by, &in.Asked)
	if err != nil {
		return nil, err
	}
	w := Wanted{Stage: in.Stage}
	for m := range strings.SplitSeq(in.Measures, ",") {
		if m = strings.TrimSpace(m); m != "" {
			w.Measures = append(w.Measures, Measure(m))
		}
	}
	var after *ActCursor
	if in.Cursor != "" {
		after = &ActCursor{}
		if err := in.Read(after); err != nil {
			return nil, err
		}
	}
	acts, next, err := f.Acts(tx, q, w, after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body SourcePage }{}
	if out.Body.Items, err = f.sources(tx, by, acts); err != nil {
		return nil, err
	}
	if next != nil {
		if out.Body.Next, err = httpx.Cursor(next); err != nil {
			return nil, err
		}
	}
	out.Body.Total, err = f.number(tx, q, w)
	return out, err
}

// number is the figure whose acts are listed.
func (f *Figures) number(tx *db.Tx, q Question, w Wanted) (int64, error) {
	t, err := f.Answer(tx, q)
	if err != nil {
		return 0, err
	}
	var n int64
	if w.Stage != "" {
		for _, s := range t.Stages {
			if s.Stage == w.Stage {
				n = s.N
			}
		}
		return n, nil
	}
	for _, m := range w.Measures {
		if m == Stars {
			m = Rated
		}
		n += t.Totals[m]
	}
	return n, nil
}

func (f *Figures) getExport(tx *db.Tx, by *access.Actor, in *exportIn) (*httpx.Content, error) {
	t, q, err := f.tableFor(tx, by, &in.TableAsked)
	if err != nil {
		return nil, err
	}
	l := in.Language
	if l == "" {
		l = by.Language
	}
	place, err := f.placeName(tx, l, q)
	if err != nil {
		return nil, err
	}
	items, err := f.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	key := func(r Row) string {
		switch {
		case r.Name.Chinese != "":
			return r.Name.In(l)
		case r.Key == "":
			return f.words.Say(l, "figures.export.nowhere", nil)
		case q.plain().Cut == CutItem:
			if vs := items.Versions(r.Key); len(vs) > 0 {
				return vs[len(vs)-1].Name.In(l)
			}
		case q.plain().Cut == CutChannel:
			if k := "figures.channel." + r.Key; f.words.Has(k) {
				return f.words.Say(l, k, nil)
			}
		}
		return r.Key
	}
	columns, rows := f.sheetOf(t, q, place, key, l)
	at := q.Node
	if at.IsZero() {
		at = q.Unit
	}
	journal.Add(tx, journal.Entry{Kind: "figures.export", Subject: at, By: by.By(), Sight: journal.Sight{Secrecy: journal.Named}, Class: "access_log",
		Body: map[string]any{"by": q.plain().Cut, "from": t.From, "to": t.To, "rows": len(rows), "format": in.Format}})
	return &httpx.Content{Type: in.Format.ContentType(), Name: fileName(q, in.Format), Write: func(w io.Writer) error {
		out, err := sheet.NewOut(in.Format, w, t.From+" "+t.To, columns)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := out.Write(row); err != nil {
				return err
			}
		}
		return out.Close()
	}}, nil
}

// placeName says what a question is about, for a file.
func (f *Figures) placeName(tx *db.Tx, l words.Language, q Question) (string, error) {
	units, err := f.units.Snapshot(tx)
	if err != nil {
		return "", err
	}
	q = q.plain()
	var parts []string
	if u, ok := units.Unit(q.Node); ok {
		parts = append(parts, u.Name.In(l))
	} else if g, ok, err := f.grids.ByID(tx, q.Node); err != nil {
		return "", err
	} else if ok {
		parts = append(parts, plainly(g).In(l))
	}
	if u, ok := units.Unit(q.Unit); ok {
		parts = append(parts, u.Name.In(l))
	}
	for _, part := range []string{q.Item, q.Channel} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " · "), nil
}

// question reads what was asked, and holds it against what the reader may see:
// the node by his scope, the matters by his role's confidentiality.
func (f *Figures) question(tx *db.Tx, by *access.Actor, in *Asked) (Question, error) {
	today := f.zone.Day(tx.Now())
	q := Question{Node: in.Node, Cut: Cut(in.By), From: today - defaultDays + 1, To: today, Item: in.Item, Channel: in.Channel, Unit: in.Unit, At: in.At, Without: Cut(in.Without)}
	var err error
	if q.From, err = parseDay(in.From, q.From); err != nil {
		return q, err
	}
	if q.To, err = parseDay(in.To, q.To); err != nil {
		return q, err
	}
	snapshot, err := f.units.Snapshot(tx)
	if err != nil {
		return q, err
	}
	if q.Node.IsZero() {
		q.Node = snapshot.HubID()
		if post, ok := snapshot.Post(by.Post); ok && !post.Node.IsZero() {
			q.Node = post.Node
		}
	}
	if !in.Own {
		q.Taken = snapshot.Inherited(q.Node, tx.Now())
	}
	var sight journal.Sight
	if unit, ok := snapshot.Unit(q.Node); ok {
		sight = snapshot.SightOfUnit(unit.ID)
		if unit.Kind != org.Hub && unit.Kind != org.Street && unit.Kind != org.Platform {
			// A department is no place: its figures are what counts for it, anywhere.
			q.Unit, q.Node, q.Taken = unit.ID, id.ID{}, nil
		}
	} else {
		nodes, err := f.grids.NodesOf(tx, q.Node)
		if err != nil {
			return q, ErrNode.Because(err)
		}
		sight = journal.Sight{Nodes: nodes}
	}
	most, ok := ceiling(by, sight)
	if !ok {
		return q, ErrNode
	}
	q.Most = &most
	return q, nil
}

// ceiling is the most confidential matter that somebody may count at a place; ok
// is false where he may count none.
func ceiling(by *access.Actor, at journal.Sight) (most journal.Secrecy, ok bool) {
	for _, s := range slices.Backward([]journal.Secrecy{journal.Open, journal.Desk, journal.Named}) {
		at.Secrecy = s
		if by.Sees(permCounts, at) {
			return s, true
		}
	}
	return 0, false
}

func parseDay(text string, fallback int64) (int64, error) {
	if text == "" {
		return fallback, nil
	}
	t, err := time.Parse(time.DateOnly, strings.TrimSpace(text))
	if err != nil {
		return 0, ErrDate.With("date", text)
	}
	return t.Unix() / 86400, nil
}
