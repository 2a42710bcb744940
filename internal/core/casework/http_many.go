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

type alarmsIn struct{ Body AlarmsIn }

type alarmsOut struct{ Body AlarmsOut }

type sourcesOut struct {
	Body struct {
		Items []SourceView `json:"items"`
	}
}

type readersIn struct {
	ID id.ID  `path:"id"`
	Q  string `query:"q" maxLength:"60"`
}

type readersOut struct {
	Body struct {
		Items []PostChoice `json:"items"`
	}
}

type choicesIn struct {
	IDs string `query:"ids" required:"true" maxLength:"2000" doc:"up to 50 cases, with commas"`
}

type choicesOut struct {
	Body struct {
		Items []Choice `json:"items"`
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
	httpx.Write(e, httpx.Op{ID: "case.alarms", Method: "POST", Path: "/api/alarms", Permission: "exchange.send", Summary: "Rows of a machine source: a storm of them is one case", Tags: tags, MaxBody: 4 << 20},
		func(tx *db.Tx, by *access.Actor, in *alarmsIn) (*alarmsOut, error) {
			out, err := d.Alarms(tx, by, in.Body)
			return &alarmsOut{out}, err
		})
	httpx.Read(e, httpx.Op{ID: "case.alarm_sources", Method: "GET", Path: "/api/alarm-sources", Permission: "sensor.view", Summary: "What machine sources sent, each row accounted for", Tags: tags},
		func(tx *db.Tx, by *access.Actor, _ *struct{}) (*sourcesOut, error) {
			out := &sourcesOut{}
			var err error
			out.Body.Items, err = d.Sources(tx, by)
			return out, err
		})
	httpx.Issue(e, httpx.Op{ID: "case.print", Method: "POST", Path: "/api/cases/{id}/print", Permission: "case.view", Summary: "A case on paper, its reporter masked", Tags: tags}, func(tx *db.Tx, by *access.Actor, in *caseIn) (*httpx.Content, error) {
		return d.Print(tx, by, in.ID)
	})
	watch := func(op httpx.Op, on bool) {
		op.Path, op.Permission, op.Tags = "/api/cases/{id}/watch", "case.view", tags
		httpx.WriteFor(e, op, func(in *caseIn) id.ID { return in.ID }, func(tx *db.Tx, by *access.Actor, in *caseIn) (*caseOut, error) {
			c, err := d.Watch(tx, by, in.ID, on)
			return d.dressed(tx, by, c, err)
		})
	}
	watch(httpx.Op{ID: "case.watch", Method: "PUT", Summary: "Watch a case"}, true)
	watch(httpx.Op{ID: "case.unwatch", Method: "DELETE", Summary: "Watch a case no more"}, false)
	httpx.Read(e, httpx.Op{ID: "case.readers", Method: "GET", Path: "/api/cases/{id}/readers", Permission: "case.comment", Summary: "Posts that may read a case, to be mentioned", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *readersIn) (*readersOut, error) {
			out := &readersOut{}
			var err error
			out.Body.Items, err = d.Readers(tx, by, in.ID, in.Q)
			return out, err
		})
	httpx.Read(e, httpx.Op{ID: "case.choices", Method: "GET", Path: "/api/case-moves", Permission: "case.view", Summary: "What may be done to each of some cases", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *choicesIn) (*choicesOut, error) {
			out := &choicesOut{}
			var err error
			out.Body.Items, err = d.Choices(tx, by, in.IDs)
			return out, err
		})
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
