package figures

import (
	"net/http"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

// RoundView is a round as a reader sees it: results from when it is opened,
// objections as far as they are his business.
type RoundView struct {
	Round
	Results    []UnitResult `json:"results"`
	Objections []Objection  `json:"objections"`
	May        []string     `json:"may" doc:"what the reader may do now: open, drop, publish, object"`
	ObjectFor  id.ID        `json:"object_for,omitzero" doc:"the unit that the reader's post may object for"`
}

type roundIn struct {
	ID id.ID `path:"id"`
}

type roundOut struct {
	ETag string `header:"ETag"`
	Body RoundView
}

// RoundStep is a step of a round, if it still stands where the reader saw it.
type RoundStep struct {
	httpx.Precondition
	ID id.ID `path:"id"`
}

type roundOpen struct {
	RoundStep
	Body struct {
		Until time.Time `json:"until" doc:"objections are taken until then"`
	}
}

type roundDrop struct {
	RoundStep
	Body struct {
		Why string `json:"why" minLength:"2" maxLength:"500"`
	}
}

func (f *Figures) roundRoutes(e *httpx.Edge) {
	tags := []string{"evaluation"}
	httpx.Read(e, httpx.Op{ID: "evaluation.list", Method: http.MethodGet, Path: "/api/evaluations", Permission: permTeam, Summary: "Evaluation rounds of units", Tags: tags},
		func(tx *db.Tx, by *access.Actor, _ *struct{}) (*struct{ Body httpx.List[Round] }, error) {
			all, err := rounds(tx)
			out := &struct{ Body httpx.List[Round] }{}
			for _, r := range all {
				// A draft is nobody's business but of those who run it.
				if r.State != Draft || by.Has(permRun) {
					out.Body.Items = append(out.Body.Items, r)
				}
			}
			return out, err
		})
	httpx.Read(e, httpx.Op{ID: "evaluation.get", Method: http.MethodGet, Path: "/api/evaluations/{id}", Permission: permTeam, Summary: "A round with its results", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *roundIn) (*roundOut, error) {
			r, err := roundByID(tx, in.ID)
			if err == nil && r.State == Draft && !by.Has(permRun) {
				err = ErrNoRound
			}
			return f.roundShown(tx, by, r, err)
		})
	httpx.Write(e, httpx.Op{ID: "evaluation.make", Method: http.MethodPost, Path: "/api/evaluations", Permission: permRun, Summary: "Prepare a round", Tags: tags, Status: 201},
		func(tx *db.Tx, by *access.Actor, in *struct{ Body RoundIn }) (*roundOut, error) {
			r, err := f.MakeRound(tx, by, in.Body)
			return f.roundShown(tx, by, r, err)
		})
	httpx.Write(e, httpx.Op{ID: "evaluation.open", Method: http.MethodPost, Path: "/api/evaluations/{id}/open", Permission: permRun, Summary: "Show the provisional results and take objections", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *roundOpen) (*roundOut, error) {
			if err := f.roundAsRead(tx, in.RoundStep); err != nil {
				return nil, err
			}
			r, err := f.OpenRound(tx, by, in.ID, in.Body.Until)
			return f.roundShown(tx, by, r, err)
		})
	httpx.Write(e, httpx.Op{ID: "evaluation.drop", Method: http.MethodPost, Path: "/api/evaluations/{id}/drop", Permission: permRun, Summary: "End a round without a result", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *roundDrop) (*roundOut, error) {
			if err := f.roundAsRead(tx, in.RoundStep); err != nil {
				return nil, err
			}
			r, err := f.DropRound(tx, by, in.ID, in.Body.Why)
			return f.roundShown(tx, by, r, err)
		})
	httpx.Write(e, httpx.Op{ID: "evaluation.publish", Method: http.MethodPost, Path: "/api/evaluations/{id}/publish", Permission: permRun, Summary: "Publish the results: they never change again", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *RoundStep) (*roundOut, error) {
			if err := f.roundAsRead(tx, *in); err != nil {
				return nil, err
			}
			r, err := f.PublishRound(tx, by, in.ID)
			return f.roundShown(tx, by, r, err)
		})
	httpx.Write(e, httpx.Op{ID: "evaluation.object", Method: http.MethodPost, Path: "/api/evaluations/{id}/objections", Permission: permAppeal, Summary: "Object to a unit's result", Tags: tags, Status: 201},
		func(tx *db.Tx, by *access.Actor, in *struct {
			ID   id.ID `path:"id"`
			Body ObjectIn
		}) (*struct{ Body Objection }, error) {
			b, err := f.Object(tx, by, in.ID, in.Body)
			return &struct{ Body Objection }{b}, err
		})
	httpx.Write(e, httpx.Op{ID: "evaluation.decide", Method: http.MethodPost, Path: "/api/evaluations/{id}/objections/{objection}/decision", Permission: permDecide, Summary: "Decide an objection", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *struct {
			ID        id.ID `path:"id"`
			Objection id.ID `path:"objection"`
			Body      DecideIn
		}) (*struct{ Body Objection }, error) {
			b, err := f.Decide(tx, by, in.ID, in.Objection, in.Body)
			return &struct{ Body Objection }{b}, err
		})
}

func (f *Figures) roundAsRead(tx *db.Tx, in RoundStep) error {
	if !in.Given() {
		return nil
	}
	r, err := roundByID(tx, in.ID)
	if err != nil {
		return err
	}
	return in.Check(tx, r.ID, r.Version)
}

// roundShown is a round as somebody may see it.
func (f *Figures) roundShown(tx *db.Tx, by *access.Actor, r Round, err error) (*roundOut, error) {
	if err != nil {
		return nil, err
	}
	o, err := f.units.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	v := RoundView{Round: r, Results: []UnitResult{}, Objections: []Objection{}, May: []string{}}
	all, err := objectionsOf(tx, r.ID)
	if err != nil {
		return nil, err
	}
	switch r.State {
	case Published:
		v.Results = r.result
	case Provisional:
		if v.Results, err = f.judge(tx, o, r, all); err != nil {
			return nil, err
		}
	}
	if v.Objections, err = f.objectionsShown(tx, by, o, r, all); err != nil {
		return nil, err
	}
	v.May, v.ObjectFor = f.roundMoves(tx.Now(), by, o, r, all)
	return &roundOut{ETag: httpx.ETag(r.Version), Body: v}, nil
}

// roundMoves says what somebody may do with a round now.
func (f *Figures) roundMoves(now time.Time, by *access.Actor, o *org.Snapshot, r Round, all []Objection) (may []string, unit id.ID) {
	may = []string{}
	if by.Check(permRun, o.SightOfUnit(o.HubID())) == nil {
		waiting := false
		for _, b := range all {
			waiting = waiting || b.State == Waiting
		}
		switch {
		case r.State == Draft && f.zone.Day(now) > r.period.To:
			may = append(may, "open", "drop")
		case r.State == Draft:
			may = append(may, "drop")
		case r.State == Provisional && !waiting && !now.Before(r.ObjectUntil):
			may = append(may, "publish", "drop")
		case r.State == Provisional:
			may = append(may, "drop")
		}
	}
	post, ok := o.Post(by.Post)
	if ok && r.State == Provisional && now.Before(r.ObjectUntil) && by.Check(permAppeal, o.SightOfUnit(post.Unit)) == nil {
		for _, u := range r.Units {
			if u == post.Unit {
				return append(may, "object"), post.Unit
			}
		}
	}
	return may, unit
}

// objectionsShown are those of the reader's own unit, or all for whoever runs or
// decides. The case's number is told to whoever may see the case; of a merged
// report, that of its main case to whoever may see only that.
func (f *Figures) objectionsShown(tx *db.Tx, by *access.Actor, o *org.Snapshot, r Round, all []Objection) ([]Objection, error) {
	hub := o.SightOfUnit(o.HubID())
	wide := by.Sees(permRun, hub) || by.Sees(permDecide, hub)
	out := []Objection{}
	var ids []id.ID
	for _, b := range all {
		if wide || by.Sees(permAppeal, o.SightOfUnit(b.Unit)) {
			out = append(out, b)
			ids = append(ids, b.Case)
		}
	}
	known, mains, err := f.cases.AmongOrMain(tx, by, ids)
	if err != nil {
		return nil, err
	}
	for i, b := range out {
		if c, ok := known[b.Case]; ok {
			out[i].Number = c.Number
		} else {
			out[i].Case = id.ID{}
			if m, ok := mains[b.Case]; ok {
				out[i].Main, out[i].MainNo = m.ID, m.Number
			}
		}
		if r.State == Provisional && b.State == Waiting && by.Check(permDecide, hub) == nil && mayDecide(o, by, r, b) {
			out[i].May = []string{"decide"}
		}
	}
	return out, nil
}
