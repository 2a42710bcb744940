package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// own is a report that this browser holds the cookie of.
type own struct {
	id     id.ID
	number string
}

// myCookie is the name of the cookie of a report: one each, so that two tabs
// never overwrite each other's.
func myCookie(number string) string {
	return "onegrid_my_" + strings.ReplaceAll(number, "-", "")
}

// cookieOf gives the number of the address and the cookie that goes with it;
// both are empty when there is none.
func (p *Portal) cookieOf(r *http.Request) (number, token string) {
	number, err := casework.ParseNumber(r.PathValue("number"))
	if err != nil {
		return "", ""
	}
	c, err := r.Cookie(myCookie(number))
	if err != nil {
		return "", ""
	}
	return number, c.Value
}

// mine finds the report of the address, if this browser may see it. A wrong
// number, somebody else's and a cookie that was revoked are all the same.
// Code: portal.not_found.
func (p *Portal) mine(r *http.Request) (own, error) {
	number, token := p.cookieOf(r)
	return p.held(r.Context(), number, token)
}

// followPage is what the page of a report shows.
type followPage struct {
	Number, Title, What, Place, Text string
	Promise, PromiseHint             string
	Late                             bool
	Steps                            []step
	Photos                           []shownPhoto
	Added                            []added
	Rating, RatingWords              string
	Scores                           []Choice
	CanRate, CanObject               bool
	CanComment, CanWithdraw          bool
	CanConfirm                       bool
	Reasons                          []Choice // to take it back
	Reads                            []readBy
	Done                             string // what was just done
	Key                              string // of the forms on the page
	Typed                            map[string]string
	Kept                             []string
	Open                             string   // the form that was refused
	Applied                          *applied // of an application
	Texts                            string   // which text messages she gets; "" when there is nothing to choose
	TextChoices                      []Choice
	News                             string // "on" or "off" for this browser; "" where it can't be told of news
	NewsKey                          string
}

// step is one stage in the vertical form.
type step struct {
	Class            string // "past", "now", "next"
	Mark, Name, Text string
	When             string
	Said             []string
}

type shownPhoto struct {
	View, Thumb, Caption string
	Paper                bool // a PDF: to be saved
}

type added struct{ Text, When string }

type readBy struct{ Post, When, Purpose string }

// getMy shows a report to whoever made it.
func (p *Portal) getMy(w http.ResponseWriter, r *http.Request, _ any) error {
	o, err := p.mine(r)
	if err != nil {
		return p.refuse(w, r, err)
	}
	g, d, err := p.follow(w, r, o)
	if err != nil {
		return p.refuse(w, r, err)
	}
	if done := r.URL.Query().Get("done"); slices.Contains([]string{"rate", "object", "comment", "withdraw", "confirm", "messages", "news", "news_on", "supplement", "appeal"}, done) {
		d.Done = g.Say("portal.done_" + done)
	}
	return p.show(w, g, "my", http.StatusOK)
}

// follow prepares the page of a report.
func (p *Portal) follow(w http.ResponseWriter, r *http.Request, o own) (*page, *followPage, error) {
	g := p.page(w, r, "portal.see_report")
	var view *casework.PublicCase
	var texts string
	var told bool
	_, token := p.cookieOf(r)
	err := p.db.Read(r.Context(), func(tx *db.Tx) (err error) {
		if view, err = p.cases.PublicView(tx, o.id); err == nil && p.texts != nil {
			texts, err = p.texts.Choice(tx, o.id)
		}
		if err == nil && p.news != nil {
			told, err = p.news.HasNews(tx, o.id, token)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	d := g.followPage(view)
	switch {
	case told:
		d.News = "on"
	case p.news != nil && view.Stage != "closed":
		d.News, d.NewsKey, g.Script = "off", p.news.NewsKey(), true
	}
	if d.Texts = texts; texts != "" {
		for _, c := range textChoices {
			d.TextChoices = append(d.TextChoices, Choice{Key: c, Name: g.Say("portal.texts_" + c)})
		}
	}
	d.Key = p.newKey()
	g.Title, g.Data, g.Back = d.Title, d, "/my/"+o.number
	return g, d, nil
}

// act carries out one of the forms on the page of a report: once for a key,
// however often the button is pressed, and leads back to the page. What is
// refused shows the page with what was typed.
func (p *Portal) act(w http.ResponseWriter, r *http.Request, name string, fields []string, do func(tx *db.Tx, o own, v map[string]string, files files) error) error {
	o, err := p.mine(r)
	if err != nil {
		return p.refuse(w, r, err)
	}
	refused := p.limits.try(p.senderOf(r))
	shots := &photos{portal: p, ctx: r.Context(), most: maxPhotos}
	if name == "supplement" || name == "appeal" {
		shots.most, shots.kind = maxPapers, paperKind
	}
	take := shots.take
	if refused != nil || name != "comment" && shots.kind == "" {
		take = discardPhoto
	}
	v, err := readForm(r, take)
	if err != nil {
		return p.refuse(w, r, err)
	}
	typed := map[string]string{}
	for _, k := range fields {
		typed[k] = field(v, k)
	}
	key := field(v, "key")
	kept := keptFiles(v, shots.most) // that an earlier try left
	if _, err := reportID(key); err != nil {
		key, kept = p.newKey(), nil
	}
	if refused == nil {
		refused = shots.refuse
	}
	if refused == nil && len(shots.kept)+len(kept) > shots.most {
		refused = ErrPhotoMany.With("n", shots.most)
		shots.kept = shots.kept[:max(0, shots.most-len(kept))]
	}
	if refused == nil {
		_, refused = p.repeats.once(o.number+" "+name+" "+key, func() (struct{}, error) {
			return struct{}{}, p.db.WriteFor(r.Context(), o.id, func(tx *db.Tx) error {
				some, err := p.gather(tx, ownerOf(key), kept, shots.kept)
				if err != nil {
					return err
				}
				return do(tx, o, typed, files{some, ownerOf(key)})
			})
		})
	}
	if refused == nil {
		return p.goTo(w, r, "/my/"+o.number+"?done="+name)
	}
	fl := fault.Of(refused)
	if fl.Kind == fault.Internal {
		return refused
	}
	if len(shots.kept) > 0 {
		ids, err := p.keepLoose(r.Context(), ownerOf(key), shots.kept)
		if err != nil {
			return err
		}
		for _, v := range ids {
			kept = append(kept, v.String())
		}
	}
	g, d, err := p.follow(w, r, o)
	if err != nil {
		return p.refuse(w, r, err)
	}
	g.blame(fl, followFields)
	g.FaultTitle = g.Say("portal.fault_title_my")
	if isPhotoFault(fl) {
		g.Wrong["photos"] = g.Fault
	}
	d.Typed, d.Open, d.Key, d.Kept = typed, openOf[name], key, kept
	waitHeader(w, fl)
	return p.show(w, g, "my", httpx.Status(fl))
}

// files are the photos that come with a form, and under whose name they lie.
type files struct {
	ids   []id.ID
	owner string
}

// followFields says which field of the forms on the page a path of the rooms
// below is.
var followFields = map[string]string{"body.text": "text", "body.note": "object", "body.file_ids": "photos", "body.reason": "reason", "body.score": "score"}

// keptFiles are the ids of files that an earlier try of a form left.
func keptFiles(v url.Values, most int) (out []string) {
	for _, s := range v["file"] {
		if _, err := id.Parse(s); err == nil && len(out) < most {
			out = append(out, s)
		}
	}
	return out
}

// openOf is the folded form on the page that belongs to an act.
var openOf = map[string]string{"comment": "comments", "object": "object", "withdraw": "withdraw", "supplement": "supplement", "appeal": "appeal"}

func (p *Portal) postRate(w http.ResponseWriter, r *http.Request, _ any) error {
	return p.act(w, r, "rate", []string{"score", "words"}, func(tx *db.Tx, o own, v map[string]string, _ files) error {
		score, err := strconv.Atoi(v["score"])
		if err != nil || score < 1 || score > 5 {
			return ErrCheck.At("form.score", "portal.need_score")
		}
		if tooLong(v["words"], maxWords) {
			return ErrCheck.At("form.words", "portal.too_long", "most", maxWords)
		}
		_, err = p.cases.ActAsReporter(tx, nobody, o.id, casework.Act{Move: "rate", Score: score, Note: v["words"]}, "")
		return err
	})
}

func (p *Portal) postObject(w http.ResponseWriter, r *http.Request, _ any) error {
	return p.act(w, r, "object", []string{"object"}, func(tx *db.Tx, o own, v map[string]string, _ files) error {
		switch {
		case v["object"] == "":
			return ErrCheck.At("form.object", "portal.need_reason")
		case tooLong(v["object"], maxComment):
			return ErrCheck.At("form.object", "portal.too_long", "most", maxComment)
		}
		_, err := p.cases.ActAsReporter(tx, nobody, o.id, casework.Act{Move: "object", Note: v["object"]}, "")
		return err
	})
}

func (p *Portal) postWithdraw(w http.ResponseWriter, r *http.Request, _ any) error {
	return p.act(w, r, "withdraw", []string{"reason"}, func(tx *db.Tx, o own, v map[string]string, _ files) error {
		if v["reason"] == "" || tooLong(v["reason"], 60) {
			return ErrCheck.At("form.reason", "portal.need_choice")
		}
		_, err := p.cases.ActAsReporter(tx, nobody, o.id, casework.Act{Move: "withdraw", Reason: v["reason"], Note: p.words.Say(words.Chinese, "portal.withdrawn_note", nil)}, "")
		return err
	})
}

// postConfirm is the reporter's word whether it is solved, where the item's
// check is the resident's.
func (p *Portal) postConfirm(w http.ResponseWriter, r *http.Request, _ any) error {
	return p.act(w, r, "confirm", []string{"solved", "why"}, func(tx *db.Tx, o own, v map[string]string, _ files) error {
		switch {
		case v["solved"] != "yes" && v["solved"] != "no":
			return ErrCheck.At("form.solved", "portal.need_choice")
		case v["solved"] == "no" && v["why"] == "":
			return ErrCheck.At("form.why", "portal.need_reason")
		case tooLong(v["why"], maxComment):
			return ErrCheck.At("form.why", "portal.too_long", "most", maxComment)
		}
		_, err := p.cases.ConfirmAsReporter(tx, nobody, o.id, v["solved"] == "yes", v["why"], "")
		return err
	})
}

func (p *Portal) postComment(w http.ResponseWriter, r *http.Request, _ any) error {
	return p.act(w, r, "comment", []string{"text"}, func(tx *db.Tx, o own, v map[string]string, files files) error {
		switch {
		case v["text"] == "" && len(files.ids) == 0:
			return ErrCheck.At("form.text", "portal.need_comment")
		case tooLong(v["text"], maxComment):
			return ErrCheck.At("form.text", "portal.too_long", "most", maxComment)
		}
		_, err := p.cases.CommentAsReporter(tx, nobody, o.id, casework.Comment{Text: v["text"], Files: files.ids}, files.owner)
		return err
	})
}

// textChoices are which text messages a reporter may want.
var textChoices = []string{"none", "important", "every"}

// postMessages keeps which text messages the reporter wants; she may change her
// mind at any time.
func (p *Portal) postMessages(w http.ResponseWriter, r *http.Request, _ any) error {
	return p.act(w, r, "messages", []string{"texts"}, func(tx *db.Tx, o own, v map[string]string, _ files) error {
		if p.texts == nil || !slices.Contains(textChoices, v["texts"]) {
			return ErrCheck.At("form.texts", "portal.need_choice")
		}
		return p.texts.Choose(tx, o.id, v["texts"], httpx.Language(r.Context()))
	})
}

// postNewsEnd stops telling this browser of news.
func (p *Portal) postNewsEnd(w http.ResponseWriter, r *http.Request, _ any) error {
	_, token := p.cookieOf(r)
	return p.act(w, r, "news", nil, func(tx *db.Tx, o own, _ map[string]string, _ files) error {
		if p.news == nil {
			return nil
		}
		return p.news.EndNews(tx, o.id, token)
	})
}

// isPhotoFault says whether a fault is about the photos of a form.
func isPhotoFault(f *fault.Fault) bool {
	for _, known := range []*fault.Fault{ErrPhotoLarge, ErrPhotoMany, ErrPhotoBad, ErrPhotoPixels, ErrPhotosFull, ErrPhotosBusy, ErrPaperBad, ErrPaperLocked, ErrPaperRuns} {
		if f.Code == known.Code {
			return true
		}
	}
	return false
}
