package casework

import (
	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

type relationIn struct {
	ID   id.ID `path:"id"`
	Body RelationIn
}

type unrelateIn struct {
	ID       id.ID `path:"id"`
	Relation id.ID `path:"relation"`
}

type mergeIn struct {
	httpx.Precondition
	ID   id.ID `path:"id"`
	Body MergeIn
}

type mergeOut struct {
	ETag string `header:"ETag"`
	Body struct {
		Main   View  `json:"main"`
		Merged []Ref `json:"merged"`
	}
}

// manyRoutes mounts what concerns several cases together.
func (d *Desk) manyRoutes(e *httpx.Edge, tags []string) {
	// Two cases are touched, so both commands run on the first writer.
	httpx.Write(e, httpx.Op{ID: "case.relate", Method: "POST", Path: "/api/cases/{id}/relations", Permission: "case.comment", Summary: "Say that two cases belong together", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *relationIn) (*caseOut, error) {
			c, err := d.Relate(tx, by, in.ID, in.Body)
			return d.dressed(tx, by, c, err)
		})
	httpx.Write(e, httpx.Op{ID: "case.unrelate", Method: "DELETE", Path: "/api/cases/{id}/relations/{relation}", Permission: "case.comment", Summary: "End a relation", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *unrelateIn) (*caseOut, error) {
			c, err := d.Unrelate(tx, by, in.ID, in.Relation)
			return d.dressed(tx, by, c, err)
		})
	httpx.Write(e, httpx.Op{ID: "case.merge", Method: "POST", Path: "/api/cases/{id}/merges", Permission: "case.merge", Summary: "Merge duplicates into a case: all of them or none", Tags: tags}, d.postMerge)
}

func (d *Desk) postMerge(tx *db.Tx, by *access.Actor, in *mergeIn) (*mergeOut, error) {
	main, merged, err := d.Merge(tx, by, in.ID, in.Body, in.Precondition)
	if err != nil {
		return nil, err
	}
	out := &mergeOut{ETag: httpx.ETag(main.Version)}
	if out.Body.Main, err = d.One(tx, by, main); err != nil {
		return nil, err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return nil, err
	}
	out.Body.Merged = []Ref{}
	for _, c := range merged {
		out.Body.Merged = append(out.Body.Merged, d.ref(env, c))
	}
	return out, nil
}
