package catalog

import (
	"encoding/json"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
)

type itemOut struct{ Body Item }

type itemsOut struct {
	Body struct {
		Items []Item `json:"items"`
	}
}

// Routes mounts the catalogue's operations.
func (c *Catalog) Routes(e *httpx.Edge) {
	tags := []string{"catalog"}
	httpx.Read(e, httpx.Op{ID: "item.list", Method: "GET", Path: "/api/items", SignedIn: true, Tags: tags,
		Summary: "Work items in force, with their forms and conditions"}, c.getItems)
	httpx.Read(e, httpx.Op{ID: "item.get", Method: "GET", Path: "/api/items/{key}", SignedIn: true, Tags: tags,
		Summary: "One work item; a past version with ?version="}, c.getItem)
	httpx.Read(e, httpx.Op{ID: "item.register", Method: "GET", Path: "/api/register", SignedIn: true, Tags: tags,
		Summary: "The whole register: what is in force, applied for, ending, ended"}, c.getRegister)
	httpx.Read(e, httpx.Op{ID: "item.versions", Method: "GET", Path: "/api/items/{key}/versions", SignedIn: true, Tags: tags,
		Summary: "All versions of a work item, oldest first"}, c.getVersions)
	httpx.Write(e, httpx.Op{ID: "item.edit", Method: "PUT", Path: "/api/items/{key}", Permission: "item.edit", Tags: tags,
		Summary: "Change a work item: a new version in force from now on"}, c.putItem)
	httpx.Write(e, httpx.Op{ID: "item.propose", Method: "POST", Path: "/api/items", Permission: "item.propose", Tags: tags,
		Summary: "Apply for the admission of a work item"}, c.postItem)
	httpx.Write(e, httpx.Op{ID: "item.decide", Method: "POST", Path: "/api/items/{key}/decision", Permission: "item.decide", Tags: tags,
		Summary: "Admit or decline a proposed work item"}, c.postDecision)
	httpx.Write(e, httpx.Op{ID: "item.end", Method: "POST", Path: "/api/items/{key}/end", Permission: "item.end", Tags: tags,
		Summary: "Withdraw a work item; open cases go on"}, c.postEnd)
	httpx.Read(e, httpx.Op{ID: "catalog.reasons", Method: "GET", Path: "/api/reasons", SignedIn: true, Tags: tags,
		Summary: "Reasons for returning, refusing, suspending, …"}, c.getReasons)
	httpx.Read(e, httpx.Op{ID: "catalog.stages", Method: "GET", Path: "/api/words/stages", Public: true, Tags: tags,
		Summary: "Words for stages and states"}, c.getStages)
	httpx.Read(e, httpx.Op{ID: "catalog.entries", Method: "GET", Path: "/api/catalog/{kind}", SignedIn: true, Tags: tags,
		Summary: "What all items share, of one kind, with versions"}, c.getEntries)
	httpx.Write(e, httpx.Op{ID: "catalog.edit", Method: "PUT", Path: "/api/catalog/{kind}/{key}", Permission: "item.edit", Tags: tags,
		Summary: "Change a function, reason, stage, clock or word"}, c.putEntry)
}

func (c *Catalog) getItems(tx *db.Tx, _ journal.Who, _ *struct{}) (*itemsOut, error) {
	var out itemsOut
	var err error
	out.Body.Items, err = c.Items(tx)
	return &out, err
}

type registerOut struct {
	Body struct {
		Items        []Listed          `json:"items"`
		Functions    []Function        `json:"functions"`
		Dictionaries map[string][]Term `json:"dictionaries"` // words of every closed list, by its name
		Retentions   []Term            `json:"retentions"`
	}
}

func (c *Catalog) getRegister(tx *db.Tx, _ journal.Who, _ *struct{}) (*registerOut, error) {
	s, err := c.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var out registerOut
	shared := s.Shared()
	out.Body.Items, out.Body.Functions, out.Body.Dictionaries = s.Register(tx.Now()), shared.Functions, shared.Dictionaries
	out.Body.Retentions = c.known.Retentions
	return &out, nil
}

type itemIn struct {
	Key     string `path:"key" maxLength:"60"`
	Version int64  `query:"version" minimum:"0"`
}

func (c *Catalog) getItem(tx *db.Tx, _ journal.Who, in *itemIn) (*itemOut, error) {
	var out itemOut
	var err error
	if in.Version > 0 {
		out.Body, err = c.ItemVersion(tx, in.Key, in.Version)
	} else {
		out.Body, err = c.Item(tx, in.Key)
	}
	return &out, err
}

// ItemKey names an item in a path.
type ItemKey struct {
	Key string `path:"key" maxLength:"60"`
}

func (c *Catalog) getVersions(tx *db.Tx, _ journal.Who, in *ItemKey) (*itemsOut, error) {
	s, err := c.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var out itemsOut
	if out.Body.Items = s.Versions(in.Key); len(out.Body.Items) == 0 {
		return nil, ErrItem.With("item", clip(in.Key))
	}
	return &out, nil
}

type putItemIn struct {
	ItemKey
	httpx.Precondition
	Body Item
}

func (c *Catalog) putItem(tx *db.Tx, by journal.Who, in *putItemIn) (*itemOut, error) {
	i, err := c.Edit(tx, by, in.Key, in.Match, in.Body)
	return &itemOut{i}, err
}

type postItemIn struct{ Body Item }

func (c *Catalog) postItem(tx *db.Tx, by journal.Who, in *postItemIn) (*itemOut, error) {
	i, err := c.Propose(tx, by, in.Body)
	return &itemOut{i}, err
}

type decisionIn struct {
	ItemKey
	Body Decision
}

func (c *Catalog) postDecision(tx *db.Tx, by journal.Who, in *decisionIn) (*itemOut, error) {
	i, err := c.Decide(tx, by, in.Key, in.Body)
	return &itemOut{i}, err
}

type endIn struct {
	ItemKey
	httpx.Precondition
	Body struct {
		Note string `json:"note" minLength:"1" maxLength:"500"`
	}
}

func (c *Catalog) postEnd(tx *db.Tx, by journal.Who, in *endIn) (*itemOut, error) {
	i, err := c.End(tx, by, in.Key, in.Match, in.Body.Note)
	return &itemOut{i}, err
}

type reasonsOut struct {
	Body struct {
		Items []Reason `json:"items"`
	}
}

func (c *Catalog) getReasons(tx *db.Tx, _ journal.Who, in *struct {
	Kind string `query:"kind" maxLength:"60"`
}) (*reasonsOut, error) {
	s, err := c.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	var out reasonsOut
	out.Body.Items = s.Reasons(in.Kind)
	return &out, nil
}

// StageWords is what screens call stages and states (阶段与状态的叫法).
type StageWords struct {
	Stages []Stage     `json:"stages"`
	Flows  []FlowWords `json:"flows"`
	Owners []Term      `json:"owners"`
}

func (c *Catalog) getStages(tx *db.Tx, _ journal.Who, _ *struct{}) (*struct{ Body StageWords }, error) {
	s, err := c.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	sh := s.Shared()
	return &struct{ Body StageWords }{StageWords{sh.Stages, sh.Flows, sh.Owners}}, nil
}

type entriesOut struct {
	Body struct {
		Items []Entry `json:"items"`
	}
}

func (c *Catalog) getEntries(tx *db.Tx, _ journal.Who, in *struct {
	Kind string `path:"kind" maxLength:"60"`
}) (*entriesOut, error) {
	list, err := c.Entries(tx, in.Kind)
	if err == nil && len(list) == 0 {
		err = ErrEntry.With("key", clip(in.Kind))
	}
	var out entriesOut
	out.Body.Items = list
	return &out, err
}

type putEntryIn struct {
	Kind string `path:"kind" maxLength:"60"`
	Key  string `path:"key" maxLength:"60"`
	httpx.Precondition
	Body struct {
		Content json.RawMessage `json:"content"`
	}
}

func (c *Catalog) putEntry(tx *db.Tx, by journal.Who, in *putEntryIn) (*struct{ Body Entry }, error) {
	e, err := c.EditEntry(tx, by, in.Kind, in.Key, in.Match, in.Body.Content)
	return &struct{ Body Entry }{e}, err
}
