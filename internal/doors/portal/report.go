package portal

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/place"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// What a report by a resident can be refused for at this door.
var (
	ErrCheck   = fault.New(fault.Invalid, "portal.check_fields")
	ErrAlready = fault.New(fault.Conflict, "portal.already")
)

// Bounds of what a resident writes, in characters.
const (
	maxText    = 2000
	maxNear    = 200
	maxComment = 1000
	maxWords   = 500
)

// reportForm is the report form as it was typed, and what there is to choose.
type reportForm struct {
	Key, What, Village, Near, Text, Phone string
	Lon, Lat, Datum                       string // given by a link such as a QR code on a lamp post
	Point                                 bool   // the place of that link is meant
	Find, Place                           string // what was looked for, and the id of what was chosen
	Chosen                                string // its name
	Finds                                 bool   // there is something to look in
	Matches                               []Match
	Looked                                bool // an answer of the search stands on the page
	Kept                                  []string
	Choices, More                         []Choice
	Streets                               []Street
	MoreOpen                              bool
	PhotoMB                               int
}

// Match is an address or facility that the search found.
type Match struct {
	ID, Name, More string
}

// mostMatches is how many of them a resident is shown.
const mostMatches = 8

// phoneForm is a loose look at a phone number; the room below judges it.
var phoneForm = regexp.MustCompile(`^\+?[0-9][0-9 ()（）－-]{4,18}$`)

// draft is a report form that was understood.
type draft struct {
	id     id.ID
	owner  string
	files  []id.ID // kept by an earlier try of this form
	report casework.Report
}

// offer fills in what there is to choose.
func (p *Portal) offer(tx *db.Tx, g *page, f *reportForm) error {
	o, err := p.org.Snapshot(tx)
	if err != nil {
		return err
	}
	c, err := p.catalog.Snapshot(tx)
	if err != nil {
		return err
	}
	f.Streets = streetsOf(o, g.Lang, tx.Now())
	f.Choices, f.More = choicesOf(c, func(k string) string { return g.Say(k) }, g.Lang, tx.Now())
	f.MoreOpen = slices.ContainsFunc(f.More, func(c Choice) bool { return c.Key == f.What })
	f.PhotoMB = maxPhotoBytes >> 20
	if f.Finds = p.places != nil; !f.Finds {
		f.Place = ""
	}
	if v, err := id.Parse(f.Place); err == nil {
		one, ok, err := p.places.PublicOne(tx, v)
		if err != nil {
			return err
		}
		if f.Chosen = one.Label; !ok {
			f.Place = ""
		}
	} else {
		f.Place = ""
	}
	return nil
}

// typed takes over what somebody filled in.
func (f *reportForm) typed(v url.Values) {
	f.Key, f.What, f.Village = field(v, "key"), field(v, "what"), field(v, "village")
	f.Near, f.Text, f.Phone = field(v, "near"), field(v, "text"), field(v, "phone")
	f.Find, f.Place = field(v, "find"), field(v, "place")
	f.Lon, f.Lat, f.Datum = field(v, "lon"), field(v, "lat"), field(v, "datum")
	f.Point = v.Get("point") != ""
	f.Kept = keptFiles(v, maxPhotos)
	f.cleanPoint()
}

// cleanPoint forgets a place that is none.
func (f *reportForm) cleanPoint() {
	lon, err := strconv.ParseFloat(f.Lon, 64)
	lat, err2 := strconv.ParseFloat(f.Lat, 64)
	if err != nil || err2 != nil || !(lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90) {
		f.Lon, f.Lat, f.Datum, f.Point = "", "", "", false
		return
	}
	if f.Datum == "" || len(f.Datum) > 20 {
		f.Datum = "wgs84"
	}
}

// understand checks the form and makes the report of it. photos is how many
// come along now. Code: portal.check_fields, with every field that is wrong.
func (f *reportForm) understand(photos int) (draft, error) {
	var d draft
	var err error
	if d.id, err = reportID(f.Key); err != nil {
		return d, err
	}
	d.owner = ownerOf(f.Key)
	wrong := ErrCheck
	what, ok := choiceOf(f.What, f.Choices, f.More)
	if !ok {
		wrong = wrong.At("form.what", "portal.need_what")
	}
	d.report = casework.Report{ID: d.id, Item: what.item, Condition: what.condition, Text: f.Text, Place: casework.PlaceIn{Words: f.Near}}
	if f.Point {
		lon, _ := strconv.ParseFloat(f.Lon, 64) // cleanPoint has read them before
		lat, _ := strconv.ParseFloat(f.Lat, 64)
		d.report.Place.Lon, d.report.Place.Lat, d.report.Place.Datum = &lon, &lat, f.Datum
	} else if v, err := id.Parse(f.Place); err == nil {
		d.report.Place.Place = v // offer has looked whether the public may name it
	} else if v, ok := villageOf(f.Streets, f.Village); ok {
		d.report.Place.Platform = v.platform
		d.report.Place.Words = strings.TrimSuffix(v.Name+" · "+f.Near, " · ")
	} else {
		wrong = wrong.At("form.village", "portal.need_village")
	}
	if f.Text == "" && photos+len(f.Kept) == 0 {
		wrong = wrong.At("form.text", "portal.need_words")
	}
	if tooLong(f.Text, maxText) {
		wrong = wrong.At("form.text", "portal.too_long", "most", maxText)
	}
	if tooLong(f.Near, maxNear) {
		wrong = wrong.At("form.near", "portal.too_long", "most", maxNear)
	}
	if f.Phone != "" {
		if !phoneForm.MatchString(f.Phone) {
			wrong = wrong.At("form.phone", "portal.bad_phone")
		}
		d.report.Reporter = &casework.PartyIn{Phone: f.Phone}
	}
	if d.files, err = fileIDs(f.Kept); err != nil {
		return d, err
	}
	if len(wrong.Where) > 0 {
		return d, wrong
	}
	return d, nil
}

// reportFields says which field of the form a path of the rooms below is.
var reportFields = map[string]string{
	"body.item": "what", "body.condition": "what", "body.text": "text", "body.title": "text",
	"body.place": "village", "body.place.platform_id": "village", "body.place.lon": "village", "body.place.datum": "village",
	"body.place.words": "near", "body.place.place_id": "village", "body.reporter.phone": "phone", "body.file_ids": "photos",
}

// getReport shows the empty form. A link may bring a place and a word along.
func (p *Portal) getReport(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.report")
	q := r.URL.Query()
	f := &reportForm{Key: p.newKey(), What: q.Get("what"), Village: q.Get("village"), Lon: q.Get("lon"), Lat: q.Get("lat"), Datum: q.Get("datum"), Point: true}
	f.cleanPoint()
	p.knowBrowser(w, r)
	if err := p.db.Read(r.Context(), func(tx *db.Tx) error { return p.offer(tx, g, f) }); err != nil {
		return err
	}
	g.Data = f
	return p.show(w, g, "report", http.StatusOK)
}

// postReport takes a report. Whatever is refused comes back with everything
// that was typed.
func (p *Portal) postReport(w http.ResponseWriter, r *http.Request, _ any) error {
	g := p.page(w, r, "portal.report")
	from := p.senderOf(r)
	refused := p.limits.try(from)
	shots := &photos{portal: p, ctx: r.Context(), most: maxPhotos}
	take := shots.take
	if refused != nil {
		take = discardPhoto
	}
	v, err := readForm(r, take)
	if err != nil {
		return p.refuse(w, r, err)
	}
	f := &reportForm{}
	f.typed(v)
	if _, err := reportID(f.Key); err != nil {
		f.Key = p.newKey() // an old or foreign page: what was typed still counts
		f.Kept = nil
	}
	if err := p.db.Read(r.Context(), func(tx *db.Tx) error { return p.offer(tx, g, f) }); err != nil {
		return err
	}
	// Enter in any field presses the form's first button, which is this one: with
	// nothing to look for, it sends.
	if v.Get("look") != "" && f.Find != "" && refused == nil {
		return p.look(w, r, g, f, shots)
	}
	if refused == nil {
		refused = shots.refuse
	}
	if refused == nil && len(shots.kept)+len(f.Kept) > maxPhotos {
		refused = ErrPhotoMany.With("n", shots.most)
		shots.kept = shots.kept[:max(0, maxPhotos-len(f.Kept))]
	}
	var d draft
	if refused == nil {
		d, refused = f.understand(len(shots.kept))
	}
	if refused == nil {
		sent, err := p.send(r.Context(), from, d, shots.kept)
		if err == nil {
			return p.showSent(w, r, g, sent)
		}
		refused = err
	}
	return p.again(w, r, g, f, shots, refused)
}

// look answers the search for an address on the form itself, so that it works
// without a script: everything typed stays, photos too.
func (p *Portal) look(w http.ResponseWriter, r *http.Request, g *page, f *reportForm, shots *photos) error {
	shots.kept = shots.kept[:max(0, min(len(shots.kept), maxPhotos-len(f.Kept)))]
	if len(shots.kept) > 0 {
		ids, err := p.keepLoose(r.Context(), ownerOf(f.Key), shots.kept)
		if err != nil {
			return err
		}
		for _, v := range ids {
			f.Kept = append(f.Kept, v.String())
		}
	}
	if shots.refuse != nil {
		if fl := fault.Of(shots.refuse); isPhotoFault(fl) {
			g.blame(fl, reportFields)
			g.Wrong["photos"], g.Fault = g.Fault, ""
		} else {
			return shots.refuse
		}
	}
	f.Looked, f.Place, f.Chosen = true, "", ""
	err := p.db.Read(r.Context(), func(tx *db.Tx) error {
		f.Matches = nil
		if p.places == nil || tooLong(f.Find, 60) {
			return nil
		}
		ask := place.Ask{Query: f.Find, Limit: mostMatches}
		if v, ok := villageOf(f.Streets, f.Village); ok {
			ask.Near.Platform = v.platform
		}
		hits, err := p.places.SearchPublic(tx, ask)
		if err != nil {
			return err
		}
		for _, h := range hits {
			m := Match{ID: h.ID.String(), Name: h.Label, More: h.KindName.In(g.Lang)}
			if h.StreetName != nil {
				m.More = everyday(h.StreetName.In(g.Lang)) + " · " + m.More
			}
			f.Matches = append(f.Matches, m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	g.Data = f
	return p.show(w, g, "report", http.StatusOK)
}

func discardPhoto(body io.Reader) error {
	_, err := io.Copy(io.Discard, body)
	return formFault(err)
}

// fileIDs reads the ids of files that came with a form before.
func fileIDs(kept []string) (files []id.ID, err error) {
	for _, s := range kept {
		v, err := id.Parse(s)
		if err != nil {
			return nil, ErrForm.Because(err)
		}
		files = append(files, v)
	}
	return files, nil
}

// keepFor keeps the photos that came with a form that was refused, so that
// nobody takes them again.
func (p *Portal) keepFor(ctx context.Context, key string, kept *[]string, came *photos, refused error) error {
	if len(came.kept) > 0 {
		ids, err := p.keepLoose(ctx, ownerOf(key), came.kept)
		if err != nil {
			return err
		}
		for _, v := range ids {
			*kept = append(*kept, v.String())
		}
	}
	if errors.Is(refused, casework.ErrBadFiles) {
		*kept = nil // they were swept or belong to another form
	}
	return nil
}

// again shows the form once more with what is wrong. Photos that came stay.
func (p *Portal) again(w http.ResponseWriter, r *http.Request, g *page, f *reportForm, shots *photos, refused error) error {
	fl := fault.Of(refused)
	if fl.Kind == fault.Internal {
		return refused
	}
	if err := p.keepFor(r.Context(), f.Key, &f.Kept, shots, refused); err != nil {
		return err
	}
	g.blame(fl, reportFields)
	if isPhotoFault(fl) {
		g.Wrong["photos"] = g.Fault
		g.Fault = g.Say("portal.check_fields")
	}
	if len(fl.Where) > 0 {
		g.Fault = g.Say("portal.check_fields")
	}
	g.Data = f
	waitHeader(w, fl)
	return p.show(w, g, "report", statusOf(fl))
}

var nobody = access.Nobody("portal", "")
