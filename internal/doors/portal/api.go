package portal

import (
	"context"
	"io"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/notice"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// The same door as JSON, for an app or a kiosk. Whoever reports makes a key as
// newKey does and keeps it: it is what makes sending twice harmless. Secrets are
// answered once and leave no receipt.

// OwnReport names a report of one's own: the number, and the cookie that goes with it.
type OwnReport struct {
	Number string `path:"number" maxLength:"30" doc:"as given when it was reported; opens nothing without the cookie"`

	number, token string
}

// Resolve reads the cookie of that report.
func (in *OwnReport) Resolve(c huma.Context) []error {
	number, err := casework.ParseNumber(in.Number)
	if err != nil {
		return nil // it is as missing as any other
	}
	in.number, in.token = number, httpx.Cookie(c.Context(), myCookie(number))
	return nil
}

type choicesOut struct {
	Body struct {
		What    []Choice `json:"what" doc:"what it may be about: the common words first"`
		Streets []Street `json:"streets"`
		PhotoMB int      `json:"photo_mb" doc:"the largest photo, in MiB"`
		Photos  int      `json:"photos" doc:"how many at most"`
	}
}

// ReportIn is a report by a resident.
type ReportIn struct {
	Key     string   `json:"key" minLength:"30" maxLength:"30" doc:"made and kept by the sender: 6 bytes of Unix milliseconds and 16 random bytes, base64url; the same key again is the same report"`
	What    string   `json:"what" maxLength:"60" doc:"a key of the choices"`
	Village string   `json:"village,omitempty" maxLength:"30" doc:"a key of the choices; not needed with a point"`
	Near    string   `json:"near,omitempty" maxLength:"200"`
	Lon     *float64 `json:"lon,omitempty" minimum:"-180" maximum:"180"`
	Lat     *float64 `json:"lat,omitempty" minimum:"-90" maximum:"90"`
	Datum   string   `json:"datum,omitempty" maxLength:"20" doc:"of the point: wgs84 (default), gcj02 or bd09"`
	Text    string   `json:"text,omitempty" maxLength:"2000"`
	Phone   string   `json:"phone,omitempty" maxLength:"20"`
	Files   []id.ID  `json:"file_ids,omitempty" maxItems:"3" doc:"uploaded with the same key"`
}

type reportIn struct{ Body ReportIn }

type sentOut struct {
	Body struct {
		Report *casework.PublicCase `json:"report"`
		Secret string               `json:"secret" doc:"of the private link /r/{secret}; shown once"`
	}
}

type viewOut struct{ Body casework.PublicCase }

type uploadOut struct {
	Body struct {
		ID id.ID `json:"id"`
	}
}

type secretIn struct {
	Body struct {
		Secret string `json:"secret" minLength:"22" maxLength:"22"`
	}
}

type numberOut struct {
	Body struct {
		Number string `json:"number"`
	}
}

type recoverIn struct {
	Body struct {
		Number string `json:"number" maxLength:"30"`
		Phone  string `json:"phone" maxLength:"20"`
	}
}

type linkOut struct {
	Body struct {
		Number string `json:"number"`
		Secret string `json:"secret"`
	}
}

type rateIn struct {
	OwnReport
	Body struct {
		Score int    `json:"score" minimum:"1" maximum:"5"`
		Words string `json:"words,omitempty" maxLength:"500"`
	}
}

type objectIn struct {
	OwnReport
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"1000"`
	}
}

type confirmIn struct {
	OwnReport
	Body struct {
		Solved bool   `json:"solved"`
		Text   string `json:"text,omitempty" maxLength:"1000"`
	}
}

type withdrawIn struct {
	OwnReport
	Body struct {
		Reason string `json:"reason" maxLength:"60" doc:"one of withdraw_reasons"`
	}
}

type commentIn struct {
	OwnReport
	Body struct {
		Text  string  `json:"text,omitempty" maxLength:"1000"`
		Key   string  `json:"key,omitempty" maxLength:"30" doc:"the key of the uploads"`
		Files []id.ID `json:"file_ids,omitempty" maxItems:"3"`
	}
}

type photoIn struct {
	OwnReport
	File id.ID  `path:"file"`
	Size string `query:"size" enum:"thumb,view" default:"view"`
}

type newsIn struct {
	OwnReport
	Body struct {
		Endpoint string `json:"endpoint" maxLength:"1000" doc:"of the browser's push subscription (RFC 8030)"`
		P256dh   string `json:"p256dh" maxLength:"200"`
		Auth     string `json:"auth" maxLength:"100"`
	}
}

type noBody struct{}

func (p *Portal) api(e *httpx.Edge) {
	op := func(id, method, path, summary string) httpx.Op {
		return httpx.Op{ID: id, Method: method, Path: path, Public: true, Crowd: true, Summary: summary, Tags: tags}
	}
	secret := func(id, path, summary string) httpx.Op {
		o := op(id, "POST", path, summary)
		o.NoReceipt = true
		return o
	}
	const own = "/api/public/reports/{number}"
	httpx.Read(e, op("public.choices", "GET", "/api/public/choices", "What a resident may choose"), p.apiChoices)
	upload := op("public.file_add", "POST", "/api/public/files", "Upload a photo for a report that follows, or with kind=paper a photo or PDF for an application")
	upload.MaxBody, upload.Status = maxPhotoBytes+1<<16, 201
	httpx.Upload(e, upload, p.apiKeep, p.apiUpload)
	httpx.Act(e, secret("public.report", "/api/public/reports", "Report without an account"), p.apiReport)
	httpx.Act(e, secret("public.link_exchange", "/api/public/links/exchange", "Open a private link in this browser"), p.apiExchange)
	httpx.Act(e, secret("public.link_recover", "/api/public/links/recover", "Get a lost link back by number and phone"), p.apiRecover)
	httpx.Act(e, secret("public.link_renew", own+"/link", "Change the link"), p.apiRenew)
	httpx.Read(e, op("public.view", "GET", own, "One's own report"), p.apiView)
	httpx.Download(e, op("public.file", "GET", own+"/files/{file}", "A photo of one's own report"), p.apiPhoto)
	p.recordAPI(e, op, own)
	p.applyAPI(e, op, own)
	p.newsAPI(e, secret("public.news", own+"/news", "Be told in this browser that there is news"), op("public.news_end", "DELETE", own+"/news", "Be told of news no more"))
	httpx.Write(e, op("public.rate", "POST", own+"/rate", "Rate the outcome"), func(tx *db.Tx, _ any, in *rateIn) (*noBody, error) {
		return p.apiAct(tx, in.OwnReport, casework.Act{Move: "rate", Score: in.Body.Score, Note: in.Body.Words})
	})
	httpx.Write(e, op("public.object", "POST", own+"/object", "Say that it is not solved"), func(tx *db.Tx, _ any, in *objectIn) (*noBody, error) {
		return p.apiAct(tx, in.OwnReport, casework.Act{Move: "object", Note: in.Body.Text})
	})
	httpx.Write(e, op("public.withdraw", "POST", own+"/withdraw", "Take a report back"), func(tx *db.Tx, _ any, in *withdrawIn) (*noBody, error) {
		return p.apiAct(tx, in.OwnReport, casework.Act{Move: "withdraw", Reason: in.Body.Reason, Note: p.words.Say(words.Chinese, "portal.withdrawn_note", nil)})
	})
	httpx.Write(e, op("public.confirm", "POST", own+"/confirm", "Say whether it is solved"), func(tx *db.Tx, _ any, in *confirmIn) (*noBody, error) {
		o, err := p.holder(tx, in.number, in.token)
		if err != nil {
			return nil, err
		}
		_, err = p.cases.ConfirmAsReporter(tx, nobody, o.id, in.Body.Solved, in.Body.Text, "")
		return nil, err
	})
	httpx.Write(e, op("public.comment", "POST", own+"/comments", "Add words or photos"), func(tx *db.Tx, _ any, in *commentIn) (*noBody, error) {
		o, err := p.holder(tx, in.number, in.token)
		if err != nil {
			return nil, err
		}
		_, err = p.cases.CommentAsReporter(tx, nobody, o.id, casework.Comment{Text: in.Body.Text, Files: in.Body.Files}, ownerOf(in.Body.Key))
		return nil, err
	})
}

// newsAPI lets one browser be told that there is news of a report.
func (p *Portal) newsAPI(e *httpx.Edge, give, end httpx.Op) {
	httpx.Act(e, give, func(ctx context.Context, _ any, in *newsIn) (*noBody, error) {
		if err := p.limits.try(p.senderIn(ctx)); err != nil {
			return nil, err
		}
		return nil, p.db.Write(ctx, func(tx *db.Tx) error {
			o, err := p.holder(tx, in.number, in.token)
			if err != nil {
				return err
			}
			if p.news == nil {
				return notice.ErrOff.With("channel", string(notice.Push))
			}
			return p.news.GiveNews(tx, o.id, in.token, notice.Subscription{Endpoint: in.Body.Endpoint, P256dh: in.Body.P256dh, Auth: in.Body.Auth}, httpx.Language(ctx))
		})
	})
	httpx.Act(e, end, func(ctx context.Context, _ any, in *OwnReport) (*noBody, error) {
		return nil, p.db.Write(ctx, func(tx *db.Tx) error {
			o, err := p.holder(tx, in.number, in.token)
			if err != nil || p.news == nil {
				return err
			}
			return p.news.EndNews(tx, o.id, in.token)
		})
	})
}

// senderIn is senderOf for an operation.
func (p *Portal) senderIn(ctx context.Context) sender {
	s := sender{address: addressKey(p.edge.Address(ctx))}
	if c := httpx.Cookie(ctx, browserCookie); goodSecret(c) {
		s.browser = c
	}
	return s
}

// remember gives the browser the cookie of a report.
func (p *Portal) remember(ctx context.Context, l fresh) {
	httpx.SetCookie(ctx, p.cookie(p.edge.Address(ctx).Unmap().IsLoopback(), myCookie(l.number), l.token, year))
}

func (p *Portal) apiChoices(tx *db.Tx, _ any, in *choicesIn) (*choicesOut, error) {
	lang := words.Negotiate(in.Language)
	g := &page{portal: p, Lang: lang, now: p.now()}
	var f reportForm
	if err := p.offer(tx, g, &f); err != nil {
		return nil, err
	}
	out := &choicesOut{}
	out.Body.What, out.Body.Streets = append(f.Choices, f.More...), append([]Street{}, f.Streets...)
	out.Body.PhotoMB, out.Body.Photos = f.PhotoMB, maxPhotos
	return out, nil
}

type choicesIn struct {
	Language string `header:"Accept-Language" maxLength:"500"`
}

type uploadIn struct{}

func (p *Portal) apiKeep(ctx context.Context, _ any, _ *uploadIn, part *httpx.Part) (casework.File, error) {
	if _, err := reportID(part.Values.Get("key")); err != nil {
		return casework.File{}, err
	}
	if err := p.limits.try(p.senderIn(ctx)); err != nil {
		return casework.File{}, err
	}
	keep, kind := p.cases.KeepPicture, "before"
	if part.Values.Get("kind") == "paper" {
		keep, kind = p.cases.KeepPaper, paperKind
	}
	f, err := p.slots.keep(ctx, part.Body, func(file io.Reader) (casework.File, error) { return keep(ctx, file, p.quarantine) })
	f.Kind = kind
	return f, photoFault(err)
}

func (p *Portal) apiUpload(tx *db.Tx, _ any, _ *uploadIn, f casework.File, values url.Values) (*uploadOut, error) {
	f, err := p.cases.AddFile(tx, nobody, f, ownerOf(values.Get("key")))
	out := &uploadOut{}
	out.Body.ID = f.ID
	return out, err
}

func (p *Portal) apiReport(ctx context.Context, _ any, in *reportIn) (*sentOut, error) {
	from := p.senderIn(ctx)
	if err := p.limits.try(from); err != nil {
		return nil, err
	}
	b := in.Body
	f := &reportForm{Key: b.Key, What: b.What, Village: b.Village, Near: b.Near, Text: b.Text, Phone: b.Phone, Datum: b.Datum, Point: b.Lon != nil && b.Lat != nil}
	for _, v := range b.Files {
		f.Kept = append(f.Kept, v.String())
	}
	if f.Point {
		f.Lon, f.Lat = degrees(*b.Lon), degrees(*b.Lat)
	}
	f.cleanPoint()
	g := &page{portal: p, Lang: words.Chinese, now: p.now()} // only the keys are looked at
	if err := p.db.Read(ctx, func(tx *db.Tx) error { return p.offer(tx, g, f) }); err != nil {
		return nil, err
	}
	d, err := f.understand(0)
	if err != nil {
		return nil, err
	}
	t, err := p.send(ctx, from, d, nil)
	if err != nil {
		return nil, err
	}
	p.remember(ctx, t.link)
	out := &sentOut{}
	out.Body.Report, out.Body.Secret = t.view, t.link.secret
	return out, nil
}

func (p *Portal) apiExchange(ctx context.Context, _ any, in *secretIn) (*numberOut, error) {
	from := p.senderIn(ctx)
	if err := p.limits.open(from); err != nil {
		return nil, err
	}
	if !goodSecret(in.Body.Secret) {
		return nil, ErrLinkUsed
	}
	l, err := p.exchange(ctx, from, in.Body.Secret)
	if err != nil {
		return nil, err
	}
	p.remember(ctx, l)
	out := &numberOut{}
	out.Body.Number = l.number
	return out, nil
}

func (p *Portal) apiRecover(ctx context.Context, _ any, in *recoverIn) (*linkOut, error) {
	l, err := p.recover(ctx, p.senderIn(ctx), in.Body.Number, in.Body.Phone)
	return p.apiLink(ctx, l, err)
}

func (p *Portal) apiRenew(ctx context.Context, _ any, in *OwnReport) (*linkOut, error) {
	from := p.senderIn(ctx)
	if err := p.limits.try(from); err != nil {
		return nil, err
	}
	l, err := p.change(ctx, from, in.number, in.token)
	return p.apiLink(ctx, l, err)
}

func (p *Portal) apiLink(ctx context.Context, l fresh, err error) (*linkOut, error) {
	if err != nil {
		return nil, err
	}
	p.remember(ctx, l)
	out := &linkOut{}
	out.Body.Number, out.Body.Secret = l.number, l.secret
	return out, nil
}

func (p *Portal) apiView(tx *db.Tx, _ any, in *OwnReport) (*viewOut, error) {
	o, err := p.holder(tx, in.number, in.token)
	if err != nil {
		return nil, err
	}
	v, err := p.cases.PublicView(tx, o.id)
	if err != nil {
		return nil, err
	}
	return &viewOut{*v}, nil
}

func (p *Portal) apiPhoto(tx *db.Tx, _ any, in *photoIn) (*httpx.Content, error) {
	o, err := p.holder(tx, in.number, in.token)
	if err != nil {
		return nil, err
	}
	return p.cases.PublicFile(tx, o.id, in.File, in.Size)
}

// apiAct makes one of the reporter's moves. It answers nothing, so that the
// receipt holds nothing personal.
func (p *Portal) apiAct(tx *db.Tx, in OwnReport, act casework.Act) (*noBody, error) {
	o, err := p.holder(tx, in.number, in.token)
	if err != nil {
		return nil, err
	}
	_, err = p.cases.ActAsReporter(tx, nobody, o.id, act, "")
	return nil, err
}
