package figures

import (
	"net/http"
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
)

var (
	// ErrNode says that the node is not known or not in the reader's scope.
	ErrNode = fault.New(fault.Missing, "figures.no_node")
	// ErrDate says that a date can't be read.
	ErrDate = fault.New(fault.Invalid, "figures.bad_date")
)

// defaultDays is the span when none is asked for: four weeks.
const defaultDays = 28

type readIn struct {
	Node id.ID  `query:"node" doc:"unit or grid; the acting post's own node when absent"`
	By   string `query:"by" enum:"item,channel,unit" default:"item"`
	From string `query:"from" doc:"first day, YYYY-MM-DD in the district's time zone; four weeks ago when absent"`
	To   string `query:"to" doc:"last day; today when absent"`
	Own  bool   `query:"own" doc:"Without what the node inherited at a reorganisation: figures of neighbours then add up"`
}

type readOut struct{ Body Table }

// Routes registers the operations of this room.
func (f *Figures) Routes(e *httpx.Edge, units *org.Org, grids *grid.Grids) {
	op := httpx.Op{ID: "figures.read", Method: http.MethodGet, Path: "/api/figures", Permission: "figures.counts",
		Summary: "Counts, shares and stage times of a node", Tags: []string{"figures"}}
	httpx.Read(e, op, func(tx *db.Tx, by *access.Actor, in *readIn) (*readOut, error) {
		q, sight, err := f.question(tx, by, in, units, grids)
		if err != nil {
			return nil, err
		}
		if !by.Sees("figures.counts", sight) {
			return nil, ErrNode
		}
		table, err := f.Answer(tx, q)
		return &readOut{table}, err
	})
}

// question reads what was asked and where it lies.
func (f *Figures) question(tx *db.Tx, by *access.Actor, in *readIn, units *org.Org, grids *grid.Grids) (Question, journal.Sight, error) {
	today := f.zone.Day(tx.Now())
	q := Question{Node: in.Node, Cube: ByItem, From: today - defaultDays + 1, To: today}
	switch in.By {
	case "channel":
		q.Cube = ByChannel
	case "unit":
		q.Cube = ByUnit
	}
	var err error
	if q.From, err = parseDay(in.From, q.From); err != nil {
		return q, journal.Sight{}, err
	}
	if q.To, err = parseDay(in.To, q.To); err != nil {
		return q, journal.Sight{}, err
	}
	snapshot, err := units.Snapshot(tx)
	if err != nil {
		return q, journal.Sight{}, err
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
	if unit, ok := snapshot.Unit(q.Node); ok {
		sight := journal.Sight{Nodes: snapshot.Nodes(unit.ID)}
		if unit.Kind == org.Department {
			sight.Department = unit.ID
		}
		return q, sight, nil
	}
	nodes, err := grids.NodesOf(tx, q.Node)
	if err != nil {
		return q, journal.Sight{}, ErrNode.Because(err)
	}
	return q, journal.Sight{Nodes: nodes}, nil
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
