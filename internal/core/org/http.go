package org

import (
	"cmp"
	"embed"
	"net/http"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Words are the sentences this room says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// UnitView is a unit in the tree.
type UnitView struct {
	Unit
	Villages []string `json:"villages,omitempty"` // codes of the divisions a platform covers
}

// PostView is a post with who is there now (岗位及在岗情况).
type PostView struct {
	Post
	UnitName      words.Text  `json:"unit_name"`
	Holder        *PersonRef  `json:"holder,omitempty"`
	StandIn       *PersonRef  `json:"stand_in,omitempty"`
	Asked         *PersonRef  `json:"asked,omitempty"`     // asked to stand in, has not answered
	Delegates     []PersonRef `json:"delegates,omitempty"` // who may do a part of it for the holder
	Vacant        bool        `json:"vacant"`
	VacantSince   time.Time   `json:"vacant_since,omitzero"`
	VacantTooLong bool        `json:"vacant_too_long,omitempty"` // longer than staffing.json warns after
	CoveredBy     *words.Text `json:"covered_by,omitempty"`      // the post that answers while it is vacant
	Skills        []string    `json:"skills,omitempty"`
}

// PersonRef names a person at a post.
type PersonRef struct {
	HoldingID id.ID     `json:"holding_id"`
	ID        id.ID     `json:"id"`
	Name      string    `json:"name"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to,omitzero"`
}

// View describes a post as it is at an instant.
func (s *Snapshot) View(p Post, at time.Time) PostView {
	v := PostView{Post: p, Vacant: s.Vacant(p.ID, at), Skills: s.skills[p.ID]}
	if u, ok := s.Unit(p.Unit); ok {
		v.UnitName = u.Name
	}
	last := p.From
	for _, h := range s.ofPost[p.ID] {
		ref := &PersonRef{HoldingID: h.ID, ID: h.Person, From: h.From, To: h.To}
		if person, ok := s.person[h.Person]; ok {
			ref.Name = person.Name
		}
		switch {
		case h.Kind == Delegate:
			if h.On(at) && v.Holder != nil && v.Holder.ID == h.Principal {
				v.Delegates = append(v.Delegates, *ref)
			}
			continue
		case h.On(at) && h.Kind == Holder:
			v.Holder = ref
		case h.On(at):
			v.StandIn = ref
		case h.Accepted.IsZero() && (h.To.IsZero() || at.Before(h.To)):
			v.Asked = ref
		}
		if !h.Accepted.IsZero() && !h.To.IsZero() && !h.To.After(at) && h.To.After(last) {
			last = h.To
		}
	}
	if v.Vacant {
		v.VacantSince = last
		v.VacantTooLong = !last.IsZero() && s.rules.VacancyWarn > 0 && at.Sub(last) > s.rules.VacancyWarn
		if by := s.Effective(p.ID, at); by.ID != p.ID && !by.ID.IsZero() {
			v.CoveredBy = &by.Name
		}
	}
	return v
}

type none struct{}

type unitsOut struct {
	Body struct {
		Items []UnitView `json:"items"`
	}
}

type divisionsIn struct {
	Parent string `query:"parent" maxLength:"12" doc:"code of the division whose children are wanted; absent: the highest level"`
	Ended  bool   `query:"ended" doc:"also divisions that ended"`
}

type divisionsOut struct {
	Body struct {
		Items []Division `json:"items"`
	}
}

type postsIn struct {
	Unit   id.ID     `query:"unit"`
	Node   id.ID     `query:"node"`
	Role   string    `query:"role" maxLength:"40"`
	Person id.ID     `query:"person"`
	Vacant bool      `query:"vacant"`
	At     time.Time `query:"at"`
	httpx.Paging
}

type postsOut struct{ Body httpx.List[PostView] }

type personsIn struct {
	Query string `query:"q" maxLength:"60"`
	httpx.Paging
}

// PersonView is a person with the posts the reader may see.
type PersonView struct {
	ID     id.ID     `json:"id"`
	Name   string    `json:"name"`
	MadeUp bool      `json:"made_up,omitempty"`
	Posts  []PostRef `json:"posts"`
	Skills []string  `json:"skills,omitempty"`
}

// PostRef names a post of a person.
type PostRef struct {
	HoldingID id.ID       `json:"holding_id"`
	ID        id.ID       `json:"id"`
	Name      words.Text  `json:"name"`
	Kind      HoldingKind `json:"kind" enum:"holder,stand_in"`
	To        time.Time   `json:"to,omitzero"`
}

type personsOut struct{ Body httpx.List[PersonView] }

type unitIn struct{ Body UnitIn }
type unitEditIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
	Body UnitEdit
}
type unitOut struct{ Body Unit }
type postIn struct{ Body PostIn }
type postEditIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
	Body PostEdit
}
type postOut struct{ Body Post }
type personIn struct{ Body PersonIn }
type personOut struct{ Body Person }
type onPostIn struct {
	ID   id.ID `path:"id"`
	Body HoldingIn
}
type holdingOut struct{ Body Holding }
type idIn struct {
	ID id.ID `path:"id"`
}
type endIn struct {
	ID id.ID     `path:"id"`
	At time.Time `query:"at" doc:"when it ends; absent: now"`
	httpx.Precondition
}

// Routes mounts the operations of this room.
func (o *Org) Routes(e *httpx.Edge) {
	o.staffingRoutes(e)
	o.groupRoutes(e)
	o.delegationRoutes(e)
	o.tableRoutes(e)
	tags := []string{"org"}
	httpx.Read(e, httpx.Op{ID: "org.units", Method: http.MethodGet, Path: "/api/org/units", SignedIn: true, Tags: tags,
		Summary: "The managing organisation and the departments"}, o.getUnits)
	httpx.Read(e, httpx.Op{ID: "org.divisions", Method: http.MethodGet, Path: "/api/org/divisions", SignedIn: true, Tags: tags,
		Summary: "The statistical divisions under one of them"}, o.getDivisions)
	httpx.Read(e, httpx.Op{ID: "org.posts", Method: http.MethodGet, Path: "/api/org/posts", Permission: permTeam, Tags: tags,
		Summary: "Posts in scope, and who is there at a time"}, o.getPosts)
	httpx.Read(e, httpx.Op{ID: "org.persons", Method: http.MethodGet, Path: "/api/org/persons", Permission: permTeam, Tags: tags,
		Summary: "People who hold a post in scope"}, o.getPersons)
	httpx.Write(e, httpx.Op{ID: "org.unit_create", Method: http.MethodPost, Path: "/api/org/units", Permission: permEdit, Tags: tags,
		Summary: "Add a unit", Status: http.StatusCreated},
		func(tx *db.Tx, by journal.Who, in *unitIn) (*unitOut, error) {
			u, err := o.CreateUnit(tx, by, in.Body)
			return &unitOut{u}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.unit_edit", Method: http.MethodPut, Path: "/api/org/units/{id}", Permission: permEdit, Tags: tags,
		Summary: "Rename a unit, change its calendars, end it"},
		func(tx *db.Tx, by journal.Who, in *unitEditIn) (*unitOut, error) {
			u, err := o.EditUnit(tx, by, in.ID, in.Match, in.Body)
			return &unitOut{u}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.post_create", Method: http.MethodPost, Path: "/api/org/posts", Permission: permEdit, Tags: tags,
		Summary: "Add a post", Status: http.StatusCreated},
		func(tx *db.Tx, by journal.Who, in *postIn) (*postOut, error) {
			p, err := o.CreatePost(tx, by, in.Body)
			return &postOut{p}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.post_edit", Method: http.MethodPut, Path: "/api/org/posts/{id}", Permission: permEdit, Tags: tags,
		Summary: "Rename a post, name its fallback, end it"},
		func(tx *db.Tx, by journal.Who, in *postEditIn) (*postOut, error) {
			p, err := o.EditPost(tx, by, in.ID, in.Match, in.Body)
			return &postOut{p}, err
		})
	// Signed in: who assigns posts, and the system administrator, who adds the
	// first people of a new installation. The act itself asks.
	httpx.Write(e, httpx.Op{ID: "org.person_create", Method: http.MethodPost, Path: "/api/org/persons", SignedIn: true, Tags: tags,
		Summary: "Add a person", Status: http.StatusCreated},
		func(tx *db.Tx, by journal.Who, in *personIn) (*personOut, error) {
			p, err := o.CreatePerson(tx, by, in.Body)
			return &personOut{p}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.hold", Method: http.MethodPost, Path: "/api/org/posts/{id}/holder", Permission: permAssign, Tags: tags,
		Summary: "Give a post to a person", Status: http.StatusCreated},
		func(tx *db.Tx, by journal.Who, in *onPostIn) (*holdingOut, error) {
			in.Body.Post = in.ID
			h, err := o.Assign(tx, by, in.Body)
			return &holdingOut{h}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.stand_in", Method: http.MethodPost, Path: "/api/org/posts/{id}/stand-in", Permission: permStandIn, Tags: tags,
		Summary: "Ask a person to stand in for a post", Status: http.StatusCreated},
		func(tx *db.Tx, by journal.Who, in *onPostIn) (*holdingOut, error) {
			in.Body.Post = in.ID
			h, err := o.Deputise(tx, by, in.Body)
			return &holdingOut{h}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.accept_stand_in", Method: http.MethodPost, Path: "/api/org/holdings/{id}/accept", SignedIn: true, Tags: tags,
		Summary: "Accept to stand in"},
		func(tx *db.Tx, by journal.Who, in *idIn) (*holdingOut, error) {
			h, err := o.Accept(tx, by, in.ID)
			return &holdingOut{h}, err
		})
	httpx.Write(e, httpx.Op{ID: "org.end_holding", Method: http.MethodDelete, Path: "/api/org/holdings/{id}", SignedIn: true, Tags: tags,
		Summary: "End a holding or a stand-in, or decline one", Status: http.StatusOK},
		func(tx *db.Tx, by journal.Who, in *endIn) (*holdingOut, error) {
			h, err := o.End(tx, by, in.ID, in.Match, in.At)
			return &holdingOut{h}, err
		})
	o.historyRoutes(e)
}

func (o *Org) getUnits(tx *db.Tx, _ journal.Who, _ *none) (*unitsOut, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	code := make(map[id.ID]string, len(s.Divisions))
	for _, d := range s.Divisions {
		code[d.ID] = d.Code
	}
	villages := map[id.ID][]string{}
	for _, v := range s.Villages {
		if within(v.From, v.To, tx.Now()) {
			villages[v.Platform] = append(villages[v.Platform], code[v.Village])
		}
	}
	out := &unitsOut{}
	out.Body.Items = []UnitView{}
	for _, u := range s.Units {
		slices.Sort(villages[u.ID])
		out.Body.Items = append(out.Body.Items, UnitView{Unit: u, Villages: villages[u.ID]})
	}
	return out, nil
}

func (o *Org) getDivisions(tx *db.Tx, _ journal.Who, in *divisionsIn) (*divisionsOut, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var parent id.ID
	if in.Parent != "" {
		d, ok := s.Division(in.Parent)
		if !ok {
			return nil, ErrMissing
		}
		parent = d.ID
	}
	out := &divisionsOut{}
	out.Body.Items = []Division{}
	for _, d := range s.Divisions {
		if d.Parent == parent && (in.Ended || within(d.From, d.To, tx.Now())) {
			out.Body.Items = append(out.Body.Items, d)
		}
	}
	slices.SortFunc(out.Body.Items, func(a, b Division) int { return cmp.Compare(a.Code, b.Code) })
	return out, nil
}

func (o *Org) getPosts(tx *db.Tx, by journal.Who, in *postsIn) (*postsOut, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	at := in.At
	if at.IsZero() {
		at = tx.Now()
	}
	var after id.ID
	if err := in.Paging.Read(&after); err != nil {
		return nil, err
	}
	out := &postsOut{}
	for _, p := range s.Posts {
		switch {
		case p.ID.Compare(after) <= 0 && !after.IsZero(),
			!in.Unit.IsZero() && p.Unit != in.Unit, !in.Node.IsZero() && p.Node != in.Node,
			in.Role != "" && p.Role != in.Role, !p.Open(at), in.Vacant && !s.Vacant(p.ID, at),
			!in.Person.IsZero() && !s.holds(in.Person, p.ID, at),
			!by.Sees(permTeam, s.SightOf(p)):
			continue
		}
		if len(out.Body.Items) == in.Limit {
			out.Body.Next, err = httpx.Cursor(out.Body.Items[in.Limit-1].ID)
			return out, err
		}
		out.Body.Items = append(out.Body.Items, s.View(p, at))
	}
	return out, nil
}

func (s *Snapshot) holds(person, post id.ID, at time.Time) bool {
	return slices.ContainsFunc(s.ofPerson[person], func(h *Holding) bool { return h.Post == post && h.Kind != Delegate && h.On(at) })
}

// unseated says whether a person may be named to somebody although no post of
// his is seen: he has none at all yet, his whole name was given, and who asks
// fills posts. Otherwise the first people of a new installation could never be
// seated.
func (s *Snapshot) unseated(p Person, name string, by journal.Who, now time.Time) bool {
	fills, ok := by.(interface{ Has(permission string) bool })
	return name == p.Name && p.To.IsZero() && ok && fills.Has(permAssign) && len(s.HoldingsOf(p.ID, now)) == 0
}

// getPersons names people only through posts that the reader may see; whoever
// holds none there is not named (DESIGN.md section 3, rule 8).
func (o *Org) getPersons(tx *db.Tx, by journal.Who, in *personsIn) (*personsOut, error) {
	s, err := o.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	now := tx.Now()
	var after id.ID
	if err := in.Paging.Read(&after); err != nil {
		return nil, err
	}
	out := &personsOut{}
	for _, p := range s.Persons {
		if p.ID.Compare(after) <= 0 && !after.IsZero() || in.Query != "" && !strings.Contains(p.Name, in.Query) {
			continue
		}
		v := PersonView{ID: p.ID, Name: p.Name, MadeUp: p.MadeUp, Posts: []PostRef{}, Skills: s.skills[p.ID]}
		for _, h := range s.HoldingsOf(p.ID, now) {
			if post, ok := s.Post(h.Post); ok && by.Sees(permTeam, s.SightOf(post)) {
				v.Posts = append(v.Posts, PostRef{HoldingID: h.ID, ID: post.ID, Name: post.Name, Kind: h.Kind, To: h.To})
			}
		}
		if len(v.Posts) == 0 && !s.unseated(p, in.Query, by, now) {
			continue
		}
		if len(out.Body.Items) == in.Limit {
			out.Body.Next, err = httpx.Cursor(out.Body.Items[in.Limit-1].ID)
			return out, err
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}
