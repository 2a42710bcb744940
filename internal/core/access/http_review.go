package access

import (
	"io"
	"net/http"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/words"
)

type reviewsOut struct {
	Body struct {
		Items []Review `json:"items"`
	}
}
type reviewIn struct{ Body ReviewIn }
type reviewOut struct{ Body Review }
type reviewRowsIn struct {
	ID     id.ID  `path:"id"`
	Kind   string `query:"kind" enum:"account,grant,holding,stand_in,delegation"`
	State  string `query:"state" enum:"open,decided"`
	Unused bool   `query:"unused" doc:"only what was there and not used in the 90 days before the round"`
	Query  string `query:"q" maxLength:"60" doc:"part of the person's name"`
	After  int64  `query:"after" minimum:"0" doc:"go on behind this number"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
}
type reviewRowsOut struct {
	Body struct {
		Items []ReviewRow `json:"items"`
		Next  int64       `json:"next,omitempty" doc:"number to go on behind; absent at the end"`
	}
}
type reviewFileIn struct {
	ID     id.ID        `path:"id"`
	Format sheet.Format `query:"format" enum:"xlsx,csv" default:"xlsx"`
}
type decideIn struct {
	ID   id.ID `path:"id"`
	Row  id.ID `path:"row"`
	Body struct {
		Decision string `json:"decision" enum:"keep,end"`
		Why      string `json:"why,omitempty" maxLength:"800" doc:"needed to end"`
	}
}
type reviewRowOut struct{ Body ReviewRow }
type keepIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Kind string  `json:"kind" enum:"account,grant,holding,stand_in,delegation"`
		Rows []id.ID `json:"rows" minItems:"1" maxItems:"500"`
	}
}
type keptOut struct{ Body ReviewKept }

func (a *Access) reviewRoutes(e *httpx.Edge) {
	tags := []string{"access"}
	httpx.Read(e, httpx.Op{ID: "access.reviews", Method: http.MethodGet, Path: "/api/access-reviews", SignedIn: true, Tags: tags,
		Summary: "Rounds in which rights are reviewed; for those who decide in them and the auditor"},
		func(tx *db.Tx, by *Actor, _ *none) (*reviewsOut, error) {
			list, err := a.Reviews(tx, by)
			out := &reviewsOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Write(e, httpx.Op{ID: "access.review_open", Method: http.MethodPost, Path: "/api/access-reviews", Permission: permRevoke, Tags: tags,
		Summary: "Open a round over everything in force", Status: http.StatusCreated},
		func(tx *db.Tx, by *Actor, in *reviewIn) (*reviewOut, error) {
			v, err := a.OpenReview(tx, by, in.Body)
			return &reviewOut{v}, err
		})
	httpx.Read(e, httpx.Op{ID: "access.review", Method: http.MethodGet, Path: "/api/access-reviews/{id}", SignedIn: true, Tags: tags,
		Summary: "One round and how far it is"},
		func(tx *db.Tx, by *Actor, in *idIn) (*reviewOut, error) {
			v, err := a.ReviewOf(tx, by, in.ID)
			return &reviewOut{v}, err
		})
	httpx.Read(e, httpx.Op{ID: "access.review_rows", Method: http.MethodGet, Path: "/api/access-reviews/{id}/rows", SignedIn: true, Tags: tags,
		Summary: "What a round goes over, unused for the longest first"},
		func(tx *db.Tx, by *Actor, in *reviewRowsIn) (*reviewRowsOut, error) {
			out := &reviewRowsOut{}
			var err error
			out.Body.Items, out.Body.Next, err = a.ReviewRows(tx, by, in.ID,
				ReviewQuery{Kind: in.Kind, State: in.State, Unused: in.Unused, Text: in.Query, After: in.After, Limit: in.Limit})
			return out, err
		})
	httpx.Issue(e, httpx.Op{ID: "access.review_file", Method: http.MethodPost, Path: "/api/access-reviews/{id}/file", SignedIn: true, Tags: tags,
		Summary: "A round as a spreadsheet or CSV"},
		func(tx *db.Tx, by *Actor, in *reviewFileIn) (*httpx.Content, error) {
			rows, _, err := a.ReviewRows(tx, by, in.ID, ReviewQuery{})
			if err != nil {
				return nil, err
			}
			noted(tx, by, "access.export", in.ID, map[string]any{"rows": len(rows), "format": in.Format})
			return a.reviewFile(rows, in.Format, by.Language), nil
		})
	httpx.Write(e, httpx.Op{ID: "access.review_decide", Method: http.MethodPost, Path: "/api/access-reviews/{id}/rows/{row}", SignedIn: true, Tags: tags,
		Summary: "Keep what a row is about, or end it; never about oneself"},
		func(tx *db.Tx, by *Actor, in *decideIn) (*reviewRowOut, error) {
			v, err := a.DecideReview(tx, by, in.ID, in.Row, in.Body.Decision == reviewEnd, in.Body.Why)
			return &reviewRowOut{v}, err
		})
	httpx.Write(e, httpx.Op{ID: "access.review_keep", Method: http.MethodPost, Path: "/api/access-reviews/{id}/keep", SignedIn: true, Tags: tags,
		Summary: "Keep several of one kind"},
		func(tx *db.Tx, by *Actor, in *keepIn) (*keptOut, error) {
			v, err := a.KeepMany(tx, by, in.ID, in.Body.Kind, in.Body.Rows)
			return &keptOut{v}, err
		})
	httpx.Write(e, httpx.Op{ID: "access.review_close", Method: http.MethodPost, Path: "/api/access-reviews/{id}/close", Permission: permRevoke, Tags: tags,
		Summary: "Close a round in which nothing waits"},
		func(tx *db.Tx, by *Actor, in *idIn) (*reviewOut, error) {
			v, err := a.CloseReview(tx, by, in.ID)
			return &reviewOut{v}, err
		})
}

// The heads of the columns and the values of a round's file.
var (
	reviewHeads = []words.Text{
		{Chinese: "序号", English: "Number"}, {Chinese: "姓名", English: "Person"}, {Chinese: "类别", English: "Kind"}, {Chinese: "角色", English: "Role"},
		{Chinese: "岗位", English: "Post"}, {Chinese: "单位", English: "Unit"}, {Chinese: "范围", English: "Place"}, {Chinese: "从哪天起", English: "Since"},
		{Chinese: "到哪天", English: "Until"}, {Chinese: "最近使用", English: "Last used"}, {Chinese: "决定", English: "Decision"}, {Chinese: "理由", English: "Reason"},
		{Chinese: "谁决定", English: "Decided by"}, {Chinese: "什么时候决定", English: "Decided at"},
	}
	reviewSays = map[string]words.Text{
		reviewsAccount: {Chinese: "账号", English: "Account"}, reviewsGrant: {Chinese: "授权", English: "Grant"}, reviewsHolding: {Chinese: "任职", English: "Holding"},
		reviewsStandIn: {Chinese: "代班", English: "Stand-in"}, reviewsDelegation: {Chinese: "委托", English: "Delegation"},
		reviewKeep: {Chinese: "保留", English: "Kept"}, reviewEnd: {Chinese: "结束", English: "Ended"}, reviewGone: {Chinese: "已不在", English: "Over already"},
	}
)

// reviewFile writes rows on the district's clock, in the reader's language.
func (a *Access) reviewFile(rows []ReviewRow, f sheet.Format, l words.Language) *httpx.Content {
	heads := make([]string, len(reviewHeads))
	for i, h := range reviewHeads {
		heads[i] = h.In(l)
	}
	day := func(t time.Time) sheet.Cell {
		if t.IsZero() {
			return sheet.Cell{}
		}
		return sheet.D(t.In(a.o.Zone))
	}
	return &httpx.Content{Type: f.ContentType(), Name: "access-review." + string(f), Write: func(w io.Writer) error {
		out, err := sheet.NewOut(f, w, "review", heads)
		if err != nil {
			return err
		}
		for _, r := range rows {
			decided := sheet.Cell{}
			if !r.Decided.IsZero() {
				decided = sheet.M(r.Decided.In(a.o.Zone))
			}
			if err := out.Write([]sheet.Cell{sheet.I(r.Number), sheet.T(r.PersonName), sheet.T(reviewSays[r.Kind].In(l)), sheet.T(r.RoleName.In(l)),
				sheet.T(r.PostName.In(l)), sheet.T(r.UnitName.In(l)), sheet.T(r.NodeName.In(l)), day(r.Since), day(r.Until), sheet.T(r.Used),
				sheet.T(reviewSays[r.Decision].In(l)), sheet.T(r.Why), sheet.T(r.DecidedByName), decided}); err != nil {
				return err
			}
		}
		return out.Close()
	}}
}
