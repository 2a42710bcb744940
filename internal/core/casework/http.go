package casework

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

type caseOut struct {
	ETag string `header:"ETag"`
	Body View
}

type caseIn struct {
	ID id.ID `path:"id"`
}

type reportIn struct {
	Body Report
}

type moveIn struct {
	httpx.Precondition
	ID   id.ID `path:"id"`
	Body Act
}

type commentIn struct {
	ID   id.ID `path:"id"`
	Body Comment
}

type revealIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Purpose string   `json:"purpose" maxLength:"60" doc:"a key of the register of purposes"`
		Why     string   `json:"why" minLength:"2" maxLength:"500"`
		Fields  []string `json:"fields,omitempty" maxItems:"50" doc:"keys of the register of fields; absent: all that the purpose covers"`
	}
}

type revealOut struct {
	Body Revealed
}

type listIn struct {
	httpx.Paging
	View       string `query:"view" enum:"mine,open,closed,all,watched" default:"open"`
	State      string `query:"state" maxLength:"200" doc:"one or more states, with commas"`
	Stage      string `query:"stage" enum:"reported,accepted,assigned,in_hand,done,closed"`
	Item       string `query:"item" maxLength:"60"`
	Street     id.ID  `query:"street"`
	Platform   id.ID  `query:"platform"`
	Grid       id.ID  `query:"grid"`
	Department id.ID  `query:"department"`
	Late       bool   `query:"late"`
	Near       bool   `query:"near"`
	Channel    string `query:"channel" maxLength:"30"`
	Q          string `query:"q" maxLength:"60"`
}

func (in listIn) filter() Filter {
	f := Filter{View: in.View, Stage: in.Stage, Item: in.Item, Street: in.Street, Platform: in.Platform, Grid: in.Grid,
		Department: in.Department, Late: in.Late, Near: in.Near, Channel: in.Channel, Query: strings.TrimSpace(in.Q)}
	for s := range strings.SplitSeq(in.State, ",") {
		if s = strings.TrimSpace(s); s != "" {
			f.States = append(f.States, State(s))
		}
	}
	return f
}

// ListPage is one page of a list, with the journal number it is of: the live
// feed goes on from there.
type ListPage struct {
	Items []View    `json:"items"`
	Next  string    `json:"next,omitempty"`
	AsOf  time.Time `json:"as_of"`
	Head  int64     `json:"head"`
}

type listOut struct{ Body ListPage }

type countsOut struct{ Body Counts }

type pageOut struct {
	ETag string `header:"ETag"`
	Body Page
}

type numberIn struct {
	Number string `path:"number" maxLength:"40"`
}

type duplicatesIn struct {
	Item  string    `query:"item" required:"true" maxLength:"60"`
	Lon   float64   `query:"lon" minimum:"-180" maximum:"180"`
	Lat   float64   `query:"lat" minimum:"-90" maximum:"90"`
	Datum string    `query:"datum" maxLength:"20" default:"wgs84"`
	At    time.Time `query:"at"`
	Form  string    `query:"form" maxLength:"4000" doc:"answers so far, as JSON"`
}

type duplicatesOut struct {
	Body struct {
		Items []Duplicate `json:"items"`
	}
}

type redatedIn struct{ httpx.Paging }

type redatedOut struct {
	Body struct {
		Items []Redated `json:"items"`
		Next  string    `json:"next,omitempty"`
	}
}

type fileIn struct{}

type fileOut struct{ Body File }

type fileGetIn struct {
	ID   id.ID  `path:"id"`
	Size string `query:"size" enum:"thumb,view" default:"view"`
}

type reviewIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Decision string `json:"decision" enum:"accept,discard"`
	}
}

type quarantineIn struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type quarantineOut struct {
	Body struct {
		Items []File `json:"items"`
	}
}

// Routes mounts the operations of this room.
func (d *Desk) Routes(e *httpx.Edge) {
	tags := []string{"cases"}
	byCase := func(in *moveIn) id.ID { return in.ID }

	httpx.Read(e, httpx.Op{ID: "case.list", Method: "GET", Path: "/api/cases", Permission: "case.view", Summary: "Worklists and search", Tags: tags}, d.getList)
	httpx.Read(e, httpx.Op{ID: "case.counts", Method: "GET", Path: "/api/cases/counts", Permission: "case.view", Summary: "How many cases wait where", Tags: tags},
		func(tx *db.Tx, by *access.Actor, _ *struct{}) (*countsOut, error) {
			n, err := d.Counts(tx, by)
			return &countsOut{n}, err
		})
	httpx.Read(e, httpx.Op{ID: "case.duplicates", Method: "GET", Path: "/api/cases/duplicates", Permission: "case.report", Summary: "Cases that may be the same matter", Tags: tags}, d.getDuplicates)
	httpx.Read(e, httpx.Op{ID: "case.rehoming", Method: "GET", Path: "/api/acts/{id}/rehoming", Permission: "org.edit", Summary: "How far the open cases of a reorganisation have been brought to where they belong", Tags: tags}, d.getRehoming)
	httpx.Read(e, httpx.Op{ID: "case.redated", Method: "GET", Path: "/api/deadline-changes", Permission: "case.view", Summary: "Deadlines that a changed calendar moved", Tags: tags}, d.getRedated)
	httpx.Read(e, httpx.Op{ID: "case.view", Method: "GET", Path: "/api/cases/{id}", Permission: "case.view", Summary: "A case with its timeline, clocks and moves", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *caseIn) (*pageOut, error) {
			return paged(d.View(tx, by, in.ID))
		})
	httpx.Read(e, httpx.Op{ID: "case.by_number", Method: "GET", Path: "/api/case-numbers/{number}", Permission: "case.view", Summary: "A case by its number", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *numberIn) (*pageOut, error) {
			return paged(d.ByNumber(tx, by, in.Number))
		})
	httpx.Write(e, httpx.Op{ID: "case.report", Method: "POST", Path: "/api/cases", Permission: "case.report", Summary: "Report", Tags: tags, Status: 201},
		func(tx *db.Tx, by *access.Actor, in *reportIn) (*caseOut, error) {
			c, err := d.Report(tx, by, in.Body)
			return d.dressed(tx, by, c, err)
		})
	httpx.WriteFor(e, httpx.Op{ID: "case.move", Method: "POST", Path: "/api/cases/{id}/moves", SignedIn: true, Summary: "Make a move", Tags: tags}, byCase,
		func(tx *db.Tx, by *access.Actor, in *moveIn) (*caseOut, error) {
			c, err := d.Move(tx, by, in.ID, in.Body, in.Precondition)
			return d.dressed(tx, by, c, err)
		})
	httpx.WriteFor(e, httpx.Op{ID: "case.comment", Method: "POST", Path: "/api/cases/{id}/comments", Permission: "case.comment", Summary: "Add words or photos", Tags: tags},
		func(in *commentIn) id.ID { return in.ID },
		func(tx *db.Tx, by *access.Actor, in *commentIn) (*caseOut, error) {
			c, err := d.Comment(tx, by, in.ID, in.Body)
			return d.dressed(tx, by, c, err)
		})
	httpx.WriteFor(e, httpx.Op{ID: "case.claim", Method: "POST", Path: "/api/cases/{id}/claim", SignedIn: true, Summary: "Claim for ten minutes", Tags: tags},
		func(in *caseIn) id.ID { return in.ID },
		func(tx *db.Tx, by *access.Actor, in *caseIn) (*caseOut, error) {
			c, _, err := d.Claim(tx, by, in.ID)
			return d.dressed(tx, by, c, err)
		})
	httpx.WriteFor(e, httpx.Op{ID: "case.release", Method: "DELETE", Path: "/api/cases/{id}/claim", SignedIn: true, Summary: "End one's claim", Tags: tags},
		func(in *caseIn) id.ID { return in.ID },
		func(tx *db.Tx, by *access.Actor, in *caseIn) (*caseOut, error) {
			c, err := d.Release(tx, by, in.ID)
			return d.dressed(tx, by, c, err)
		})
	httpx.WriteFor(e, httpx.Op{ID: "case.reveal", Method: "POST", Path: "/api/cases/{id}/reveal", SignedIn: true, Summary: "Open the reporter's contact, or an application, for a purpose", Tags: tags, NoReceipt: true},
		func(in *revealIn) id.ID { return in.ID },
		func(tx *db.Tx, by *access.Actor, in *revealIn) (*revealOut, error) {
			r, err := d.Reveal(tx, by, in.ID, in.Body.Purpose, in.Body.Why, in.Body.Fields...)
			return &revealOut{r}, err
		})
	d.manyRoutes(e, tags)
	d.consentRoutes(e, tags)
	d.copyRoutes(e, tags)
	d.mapRoutes(e, tags)
	httpx.Upload(e, httpx.Op{ID: "case.file_add", Path: "/api/files", SignedIn: true, Summary: "Upload a photo", Tags: tags, MaxBody: maxUpload + 1<<16, Status: 201}, d.keepFile, d.putFile)
	httpx.Download(e, httpx.Op{ID: "case.file", Method: "GET", Path: "/api/files/{id}", SignedIn: true, Summary: "A photo", Tags: tags}, d.getFile)
	httpx.Write(e, httpx.Op{ID: "case.file_review", Method: "POST", Path: "/api/files/{id}/review", Permission: "case.quarantine", Summary: "Let a public photo through, or not", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *reviewIn) (*fileOut, error) {
			f, err := d.Review(tx, by, in.ID, in.Body.Decision == "accept")
			return &fileOut{f}, err
		})
	httpx.Read(e, httpx.Op{ID: "case.quarantine", Method: "GET", Path: "/api/quarantine", Permission: "case.quarantine", Summary: "Public photos that wait for a look", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *quarantineIn) (*quarantineOut, error) {
			fs, err := d.Quarantine(tx, by, in.Limit)
			out := &quarantineOut{}
			out.Body.Items = append([]File{}, fs...)
			return out, err
		})
}

// dressed answers a command with the case as it is now, if the actor still sees
// it: a return may take it out of sight, and then the answer says only what.
func (d *Desk) dressed(tx *db.Tx, by *access.Actor, c Case, err error) (*caseOut, error) {
	if err != nil {
		return nil, err
	}
	v, err := d.One(tx, by, c)
	if err != nil {
		return nil, err
	}
	if !sees(by, c) {
		v.Text, v.Place = "", PlaceView{}
	}
	return &caseOut{ETag: httpx.ETag(c.Version), Body: v}, nil
}

func paged(p *Page, err error) (*pageOut, error) {
	if err != nil {
		return nil, err
	}
	return &pageOut{ETag: httpx.ETag(p.Case.Version), Body: *p}, nil
}

func (d *Desk) getList(tx *db.Tx, by *access.Actor, in *listIn) (*listOut, error) {
	var after *Cursor
	if in.Cursor != "" {
		after = &Cursor{}
		if err := in.Read(after); err != nil {
			return nil, err
		}
	}
	cs, next, err := d.List(tx, by, in.filter(), after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &listOut{ListPage{AsOf: tx.Now(), Items: []View{}}}
	if out.Body.Items, err = d.views(tx, by, cs); err != nil {
		return nil, err
	}
	if next != nil {
		if out.Body.Next, err = httpx.Cursor(next); err != nil {
			return nil, err
		}
	}
	out.Body.Head, err = journal.Head(tx)
	return out, err
}

type rehomingIn struct {
	ID id.ID `path:"id" doc:"Of the act"`
}

func (d *Desk) getRehoming(tx *db.Tx, _ *access.Actor, in *rehomingIn) (*struct{ Body Rehoming }, error) {
	at, ok, err := d.RehomedBy(tx, in.ID)
	if err == nil && !ok {
		err = ErrMissing
	}
	return &struct{ Body Rehoming }{at}, err
}

func (d *Desk) getRedated(tx *db.Tx, by *access.Actor, in *redatedIn) (*redatedOut, error) {
	var after *Cursor
	if in.Cursor != "" {
		after = &Cursor{}
		if err := in.Read(after); err != nil {
			return nil, err
		}
	}
	some, next, err := d.Redated(tx, by, after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &redatedOut{}
	out.Body.Items = append([]Redated{}, some...)
	if next != nil {
		out.Body.Next, err = httpx.Cursor(next)
	}
	return out, err
}

func (d *Desk) getDuplicates(tx *db.Tx, by *access.Actor, in *duplicatesIn) (*duplicatesOut, error) {
	p := Probe{Item: in.Item, Lon: in.Lon, Lat: in.Lat, Datum: in.Datum, At: in.At}
	if in.Form != "" {
		p.Form = json.RawMessage(in.Form)
	}
	found, err := d.Duplicates(tx, by, p)
	out := &duplicatesOut{}
	out.Body.Items = append([]Duplicate{}, found...)
	return out, err
}

// keepFile reads an upload as a picture and stores the original, the one to
// show and the small one.
func (d *Desk) keepFile(ctx context.Context, by *access.Actor, _ *fileIn, p *httpx.Part) (File, error) {
	if by == nil || by.Anonymous {
		return File{}, access.ErrSignIn
	}
	return d.KeepPicture(ctx, p.Body, d.files)
}

func (d *Desk) putFile(tx *db.Tx, by *access.Actor, _ *fileIn, f File, values url.Values) (*fileOut, error) {
	f.Kind = values.Get("kind")
	f, err := d.AddFile(tx, by, f, "")
	return &fileOut{f}, err
}

func (d *Desk) getFile(tx *db.Tx, by *access.Actor, in *fileGetIn) (*httpx.Content, error) {
	f, err := d.FileFor(tx, by, in.ID)
	if err != nil {
		return nil, err
	}
	return d.content(f, in.Size)
}
