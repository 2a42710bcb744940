package org

import (
	"net/http"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// ActView is an act with the words that a reader needs: which post did it, what
// the nodes of it are called.
type ActView struct {
	Act
	PostName *words.Text `json:"post_name,omitempty"`
}

// ViewAct puts an act into what readers get. Persons stay in the journal.
func (s *Snapshot) ViewAct(a Act) ActView {
	v := ActView{Act: a}
	if p, ok := s.Post(a.By.Post); ok {
		v.PostName = &p.Name
	}
	return v
}

// ViewActs is ViewAct for a list.
func (s *Snapshot) ViewActs(acts []Act) []ActView {
	out := make([]ActView, len(acts))
	for i, a := range acts {
		out[i] = s.ViewAct(a)
	}
	return out
}

// History is what became of a unit or a statistical division (沿革).
type History struct {
	Unit      *Unit      `json:"unit,omitempty"`
	Division  *Division  `json:"division,omitempty"`
	Past      []PastUnit `json:"past"`
	Acts      []ActView  `json:"acts"`
	Heirs     []Heritage `json:"heirs"`
	Forebears []Heritage `json:"forebears"`
	Covers    []Covered  `json:"covers,omitempty"` // divisions a platform covers or covered
}

// Covered is a division that a platform covers for a period.
type Covered struct {
	Code string    `json:"code"`
	Name string    `json:"name"`
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// HistoryOf tells what became of a unit or division. Code: org.missing.
func (o *Org) HistoryOf(tx *db.Tx, node id.ID) (History, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return History{}, err
	}
	h := History{Past: []PastUnit{}, Heirs: []Heritage{}, Forebears: []Heritage{}}
	if u, ok := s.Unit(node); ok {
		h.Unit = &u
		h.Past = append(h.Past, s.Past(node)...)
	} else if i := slices.IndexFunc(s.Divisions, func(d Division) bool { return d.ID == node }); i >= 0 {
		h.Division = &s.Divisions[i]
	} else {
		return h, ErrMissing
	}
	acts, err := o.ActsOn(tx, node)
	if err != nil {
		return h, err
	}
	h.Acts = s.ViewActs(acts)
	heirs, forebears := s.Heirs(node)
	h.Heirs, h.Forebears = append(h.Heirs, heirs...), append(h.Forebears, forebears...)
	for _, v := range s.Villages {
		if v.Platform != node {
			continue
		}
		if i := slices.IndexFunc(s.Divisions, func(d Division) bool { return d.ID == v.Village }); i >= 0 {
			h.Covers = append(h.Covers, Covered{Code: s.Divisions[i].Code, Name: s.Divisions[i].Name, From: v.From, To: v.To})
		}
	}
	slices.SortFunc(h.Covers, func(a, b Covered) int { return a.From.Compare(b.From) })
	return h, nil
}

// Found by a code.
type Hits struct {
	Units     []Unit     `json:"units"`
	Divisions []Division `json:"divisions"`
}

type reorganiseIn struct{ Body ReorganiseIn }
type recodeIn struct{ Body RecodeIn }
type reorganisedOut struct{ Body Reorganised }
type actsIn struct {
	Tree   string    `query:"tree" enum:"unit,division,grid"`
	Before time.Time `query:"before" doc:"Recorded before; for the next page"`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
}
type actsOut struct {
	Body struct {
		Items []ActView `json:"items"`
	}
}
type historyOut struct{ Body History }
type findIn struct {
	Code string `query:"code" required:"true" minLength:"1" maxLength:"40"`
}
type findOut struct{ Body Hits }

func (o *Org) historyRoutes(e *httpx.Edge) {
	tags := []string{"org"}
	httpx.Write(e, httpx.Op{ID: "org.reorganise", Method: http.MethodPost, Path: "/api/org/acts", Permission: permEdit, Tags: tags,
		Summary: "Found, rename, recode, move, merge, split or close units; with dry_run only say what would follow"},
		func(tx *db.Tx, by journal.Who, in *reorganiseIn) (*reorganisedOut, error) {
			r, err := o.Reorganise(tx, by, in.Body)
			return &reorganisedOut{r}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.recode", Method: http.MethodPost, Path: "/api/org/divisions/acts", Permission: permEdit, Tags: tags,
		Summary: "Begin, recode, rename, merge or end divisions of the statistical list"},
		func(tx *db.Tx, by journal.Who, in *recodeIn) (*reorganisedOut, error) {
			r, err := o.Recode(tx, by, in.Body)
			return &reorganisedOut{r}, err
		})
	httpx.Read(e, httpx.Op{ID: "org.acts", Method: http.MethodGet, Path: "/api/org/acts", Permission: permEdit, Tags: tags,
		Summary: "Acts of reorganisation, newest first"}, o.getActs)
	httpx.Read(e, httpx.Op{ID: "org.history", Method: http.MethodGet, Path: "/api/org/units/{id}/history", SignedIn: true, Tags: tags,
		Summary: "What a unit or division was, and what became of it"},
		func(tx *db.Tx, _ journal.Who, in *idIn) (*historyOut, error) {
			h, err := o.HistoryOf(tx, in.ID)
			return &historyOut{h}, err
		})
	httpx.Read(e, httpx.Op{ID: "org.find", Method: http.MethodGet, Path: "/api/org/find", SignedIn: true, Tags: tags,
		Summary: "Units and divisions that have or had a code"}, o.getFind)
}

func (o *Org) getActs(tx *db.Tx, by journal.Who, in *actsIn) (*actsOut, error) {
	if err := by.Check(permEdit, journal.Sight{}); err != nil {
		return nil, err
	}
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	acts, err := o.Acts(tx, Tree(in.Tree), in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &actsOut{}
	out.Body.Items = s.ViewActs(acts)
	return out, nil
}

func (o *Org) getFind(tx *db.Tx, _ journal.Who, in *findIn) (*findOut, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := &findOut{Hits{Units: []Unit{}, Divisions: []Division{}}}
	if u, ok := s.UnitByAnyCode(in.Code); ok {
		out.Body.Units = append(out.Body.Units, u)
	}
	if d, ok := s.Division(in.Code); ok {
		out.Body.Divisions = append(out.Body.Divisions, d)
	}
	return out, nil
}
