// Package portal is the public door: residents report something and follow it
// here, without an account and without script (DESIGN.md sections 6, 9 and 11). The
// one script there is offers what can't be done without: to be told of news.
//
// It has no tables and no rules of its own: what a resident may do and see is
// decided by core/casework; this door turns it into pages that an old phone can
// show, in both languages, and into a small JSON API of the same. Everything a
// resident can reach is in this one folder, to be reviewed as one surface:
//
//	home.go    the first page, with the own reports
//	page.go    the frame of every page, language, size of type, faults
//	form.go    how a form is read, and the key that makes pressing twice harmless
//	report.go  the report form
//	send.go    taking a report, and the link that is shown once
//	link.go    opening a link, getting a lost one back, changing it
//	items.go   the public list of work items
//	services.go what one can apply for, what is needed, how long it may take
//	question.go the fields of an application form, from the item's JSON Schema
//	apply.go   the application form
//	application.go the applicant's page: supplement, decision, appeal
//	posting.go what is posted, and objecting to it
//	my.go      following one's own report and acting on it
//	follow.go  from a link or cookie to the report
//	steps.go   what a report looks like to the resident
//	photo.go   photos, into the quarantine
//	limit.go   how often the door may be used
//	news.js    the one script: to be told of news in this browser
//	api.go     the same as JSON
//	api_apply.go applications and postings as JSON
//
// Promises callers rely on: a number alone opens nothing, and a wrong number
// looks the same as somebody else's; a preview of a link does not use it up;
// whatever is refused comes back with everything that was typed; a full
// quarantine or a busy machine never keeps a report out, only its photos.
package portal

import (
	"net/http"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/notice"
	"onegrid/internal/core/org"
	"onegrid/internal/core/place"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Options are what app passes in.
type Options struct {
	DB         *db.DB
	Cases      *casework.Desk
	Catalog    *catalog.Catalog
	Org        *org.Org
	Places     Places     // nil: villages only, no search for an address
	Quarantine *blob.Area // with its cap; the same that Cases reads photos from
	Words      *words.Catalogue
	Zone       *time.Location   // of the district; default Asia/Shanghai
	Now        func() time.Time // default time.Now
	Demo       bool             // says on every page that the district is made up
	Rates      *Rates           // default DefaultRates
	OpenData   bool             // the district publishes open data: the first page leads to it
	Texts      Texts            // nil: this installation sends no text messages
	News       News             // nil: no browser is told of news
}

// News is who tells a browser that there is news of a matter. *notice.Notices is
// one.
type News interface {
	NewsKey() string // to subscribe with; empty: it can't
	HasNews(tx *db.Tx, caseID id.ID, cookie string) (bool, error)
	GiveNews(tx *db.Tx, caseID id.ID, cookie string, to notice.Subscription, l words.Language) error
	EndNews(tx *db.Tx, caseID id.ID, cookie string) error // no cookie: all browsers
}

// Texts is who sends text messages to a reporter who wants them. core/notice is
// one, through app.
type Texts interface {
	// Choice is what the reporter of a case chose: none, important or every; ""
	// when she left no number and there is nothing to choose.
	Choice(tx *db.Tx, caseID id.ID) (string, error)
	Choose(tx *db.Tx, caseID id.ID, choice string, l words.Language) error
}

// Places finds the addresses and facilities that the public may find;
// *place.Places does.
type Places interface {
	SearchPublic(tx *db.Tx, a place.Ask) ([]place.Hit, error)
	PublicOne(tx *db.Tx, v id.ID) (place.Spot, bool, error)
}

// Portal is the public door (居民端).
type Portal struct {
	db         *db.DB
	cases      *casework.Desk
	catalog    *catalog.Catalog
	org        *org.Org
	places     Places
	quarantine *blob.Area
	words      *words.Catalogue
	zone       *time.Location
	now        func() time.Time
	demo       bool
	limits     *limits
	slots      *slots
	repeats    *repeats[struct{}]
	opened     *repeats[fresh]
	pages      pages
	edge       *httpx.Edge
	texts      Texts
	news       News
	openData   bool
}

// New puts the door together.
func New(o Options) *Portal {
	p := &Portal{
		db: o.DB, cases: o.Cases, catalog: o.Catalog, org: o.Org, places: o.Places, quarantine: o.Quarantine, words: o.Words,
		zone: o.Zone, now: o.Now, demo: o.Demo, texts: o.Texts, news: o.News, openData: o.OpenData, slots: newSlots(), repeats: newRepeats[struct{}](10_000), opened: newRepeats[fresh](1000), pages: readPages(),
	}
	if p.news != nil && p.news.NewsKey() == "" {
		p.news = nil
	}
	if p.zone == nil {
		p.zone = time.FixedZone("CST", 8*3600)
	}
	if p.now == nil {
		p.now = time.Now
	}
	rates := DefaultRates
	if o.Rates != nil {
		rates = *o.Rates
	}
	p.limits = newLimits(rates, p.now)
	return p
}

// handler is one page or form.
type handler func(w http.ResponseWriter, r *http.Request, _ any) error

var tags = []string{"portal"}

// Routes mounts the pages and the operations of this door.
func (p *Portal) Routes(e *httpx.Edge) {
	p.edge = e
	get := func(id, path, summary string, h handler) {
		httpx.Page(e, httpx.Op{ID: id, Method: "GET", Path: path, Public: true, Crowd: true, Summary: summary, Tags: tags}, h)
	}
	post := func(id, path, summary string, limit int64, h handler) {
		httpx.Page(e, httpx.Op{ID: id, Method: "POST", Path: path, Public: true, Crowd: true, Summary: summary, Tags: tags, MaxBody: limit}, h)
	}
	get("portal.home", "/{$}", "The first page", p.getHome)
	get("portal.display", "/display", "Language and size of type", p.display)
	get("portal.form", "/report", "The report form", p.getReport)
	post("portal.send", "/report", "Send a report", maxFormBytes, p.postReport)
	get("portal.items", "/items", "The public list of work items", p.getItems)
	get("portal.services", "/apply", "What one can apply for", p.getServices)
	get("portal.service", "/apply/{item}", "What is needed to apply for it", p.getService)
	get("portal.apply_form", "/apply/{item}/form", "The application form", p.getApply)
	post("portal.apply", "/apply/{item}/form", "Hand in an application", maxFormBytes, p.postApply)
	get("portal.postings", "/postings", "What is posted before it is decided", p.getPostings)
	get("portal.posting", "/postings/{id}", "One posting", p.getPosting)
	post("portal.posting_object", "/postings/{id}", "Object to a posting", maxPlainBytes, p.postPosting)
	get("portal.link", "/r/{secret}", "A private link", p.getLink)
	get("portal.link_ask", "/r", "Ask before a private link is used up", p.getOpen)
	post("portal.link_open", "/r", "Open a private link", maxPlainBytes, p.postOpen)
	get("portal.recover_form", "/recover", "The form to get a link back", p.getRecover)
	post("portal.recover", "/recover", "Get a link back", maxPlainBytes, p.postRecover)
	get("portal.follow", "/my/{number}", "Follow one's own report", p.getMy)
	post("portal.rate", "/my/{number}/rate", "Rate the outcome", maxPlainBytes, p.postRate)
	post("portal.object", "/my/{number}/object", "Say that it is not solved", maxPlainBytes, p.postObject)
	post("portal.withdraw", "/my/{number}/withdraw", "Take a report back", maxPlainBytes, p.postWithdraw)
	post("portal.confirm", "/my/{number}/confirm", "Say whether it is solved", maxPlainBytes, p.postConfirm)
	post("portal.comment", "/my/{number}/comments", "Add words or a photo", maxFormBytes, p.postComment)
	post("portal.supplement", "/my/{number}/supplement", "Hand in what was missing", maxFormBytes, p.postSupplement)
	post("portal.appeal", "/my/{number}/appeal", "Ask for a decision to be looked at again", maxFormBytes, p.postAppeal)
	get("portal.record", "/my/{number}/record", "Who read my data", p.getRecord)
	post("portal.copy", "/my/{number}/record.json", "Take a copy of one's own data", maxPlainBytes, p.postCopy)
	post("portal.request", "/my/{number}/requests", "Ask to correct, erase or stop", maxPlainBytes, p.postRequest)
	post("portal.messages", "/my/{number}/messages", "Say which text messages one wants", maxPlainBytes, p.postMessages)
	post("portal.news_end", "/my/{number}/news", "Be told of news no more", maxPlainBytes, p.postNewsEnd)
	post("portal.revoke", "/my/{number}/revoke", "Change the link", maxPlainBytes, p.postRevoke)
	p.assets(e)
	p.api(e)
}
