package casework

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/pdf"
	"onegrid/internal/kit/words"
)

// A case on paper (打印) shows what its page shows to whoever prints it, with the
// reporter masked: opening a contact stays the reveal command's business. Who
// printed it and when, and the hash of the journal's head, stand on every page,
// and the journal notes it before the file is made.

// maxPrinted is how many photos one print has; the rest is named.
const maxPrinted = 60

// sheet is what a print shows, read in one transaction.
type sheet struct {
	page    *Page
	lang    words.Language
	answers []pdf.Field
	at      time.Time
	zone    *time.Location
	post    string
	person  string
	head    int64
	hash    string
}

// Print notes that somebody prints a case and gives the file, which is made
// after the transaction. Permission case.view. Code: case.missing.
func (d *Desk) Print(tx *db.Tx, by *access.Actor, caseID id.ID) (*httpx.Content, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return nil, err
	}
	p := sheet{at: tx.Now(), zone: d.zone, lang: by.Language}
	if p.page, err = d.page(tx, by, c); err != nil {
		return nil, err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return nil, err
	}
	if err := env.of(c); err != nil {
		return nil, err
	}
	who := env.who(by.By())
	if p.person = who.Person; who.Post != nil {
		p.post = who.Post.In(p.lang)
	}
	p.answers = answersOf(env.item, p.page.Form, p.lang)
	number, hash, err := journal.HeadHash(tx)
	if err != nil {
		return nil, err
	}
	p.head, p.hash = number, hex.EncodeToString(hash)
	note(env, by.By(), c, nil, "case.print", 0, &Body{Internal: true})
	return &httpx.Content{
		Type: "application/pdf", Name: c.Number + ".pdf",
		Write: func(w io.Writer) error {
			file, err := d.draw(p)
			if err != nil {
				return err
			}
			_, err = w.Write(file)
			return err
		},
	}, nil
}

// stamp writes a time as paper needs it: whole, in the district's zone.
func (p *sheet) stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(p.zone).Format("2006-01-02 15:04")
}

// draw lays the pages out.
func (d *Desk) draw(p sheet) ([]byte, error) {
	v := p.page.Case
	l := func(key string, args ...any) string {
		m := map[string]any{}
		for i := 0; i+1 < len(args); i += 2 {
			m[fmt.Sprint(args[i])] = args[i+1]
		}
		return d.words.Say(p.lang, "casework.print."+key, m)
	}
	in := func(t *words.Text) string {
		if t == nil {
			return ""
		}
		return t.In(p.lang)
	}
	doc, err := pdf.New(pdf.Meta{Title: v.Number + " " + v.Title, Author: p.post, Made: p.at})
	if err != nil {
		return nil, err
	}
	doc.Note(v.Number)
	doc.Title(v.Title)
	item := v.ItemName.In(p.lang)
	if v.ConditionName != nil {
		item += " · " + v.ConditionName.In(p.lang)
	}
	place := strings.Join(slices.DeleteFunc([]string{in(v.Place.Street), in(v.Place.Platform), v.Place.GridName, v.Place.Words}, func(s string) bool { return s == "" }), " ")
	post := v.PostName.In(p.lang)
	if v.ActingName != nil {
		post = l("acting", "post", post, "acting", v.ActingName.In(p.lang))
	}
	fields := []pdf.Field{
		{Name: l("item"), Value: item}, {Name: l("state"), Value: v.StateName.In(p.lang)}, {Name: l("place"), Value: place}, {Name: l("grid_code"), Value: v.Place.GridCode},
		{Name: l("post"), Value: post}, {Name: l("occurred"), Value: p.stamp(v.OccurredAt)}, {Name: l("recorded"), Value: p.stamp(v.RecordedAt)},
		{Name: l("due"), Value: p.stamp(v.DueAt)}, {Name: l("closed"), Value: p.stamp(v.ClosedAt)},
	}
	if r := p.page.Reporter; r != nil {
		fields = append(fields, pdf.Field{Name: l("reporter"), Value: l("masked", "who", strings.TrimSpace(r.Name+" "+r.Phone))})
	}
	if v.Secrecy != "open" {
		fields = append(fields, pdf.Field{Name: l("secrecy"), Value: l("secrecy_" + v.Secrecy)})
	}
	if a := p.page.Alarms; a != nil {
		fields = append(fields, pdf.Field{Name: l("alarms"), Value: l("alarms_n", "n", fmt.Sprint(a.Count), "first", p.stamp(a.First), "last", p.stamp(a.Last))})
	}
	if v.Rating != nil {
		fields = append(fields, pdf.Field{Name: l("rating"), Value: strings.TrimSpace(l("score", "score", fmt.Sprint(v.Rating.Score)) + " " + v.Rating.Words)})
	}
	doc.Fields(append(fields, p.answers...))
	if v.Text != "" && v.Text != v.Title {
		doc.Heading(l("text"))
		doc.Text(v.Text)
	}
	d.drawOthers(doc, p, l)
	if len(p.page.Clocks) > 0 {
		doc.Heading(l("clocks"))
		var clocks []pdf.Field
		for _, k := range p.page.Clocks {
			value := l("clock", "start", p.stamp(k.Started), "used", words.Duration(p.lang, time.Duration(k.Used)*time.Millisecond))
			if due := p.stamp(k.Due); due != "" {
				value += l("clock_due", "due", due)
			}
			if k.Late {
				value += l("clock_late")
			}
			clocks = append(clocks, pdf.Field{Name: d.words.Say(p.lang, "casework.clock."+string(k.Kind), nil), Value: value})
		}
		doc.Fields(clocks)
	}
	doc.Heading(l("timeline"))
	doc.Entries(d.printed(p, l))
	if err := d.drawPhotos(doc, p, l); err != nil {
		return nil, err
	}
	doc.Heading(l("source"))
	doc.Note(l("source_words", "number", fmt.Sprint(p.head), "hash", p.hash))
	if lacks := doc.Missing(); len(lacks) > 0 {
		var codes []string
		for _, r := range lacks {
			codes = append(codes, fmt.Sprintf("U+%04X", r))
		}
		doc.Note(l("missing", "codes", strings.Join(codes, " ")))
	}
	foot := l("foot", "post", strings.TrimSpace(p.post+" "+p.person), "at", p.stamp(p.at), "number", fmt.Sprint(p.head), "hash", p.hash[:min(16, len(p.hash))])
	return doc.Bytes(func(n, of int) (string, string) {
		return foot, l("page", "n", fmt.Sprint(n), "of", fmt.Sprint(of))
	})
}

// drawOthers names the cases that this one has to do with.
func (d *Desk) drawOthers(doc *pdf.Doc, p sheet, l func(string, ...any) string) {
	ref := func(r Ref) string { return r.Number + " " + r.Title + "（" + r.StateName.In(p.lang) + "）" }
	var lines []pdf.Field
	if m := p.page.Main; m != nil {
		lines = append(lines, pdf.Field{Name: l("main"), Value: ref(*m)})
	}
	for _, r := range p.page.Related {
		how := string(r.Kind)
		if r.Kind == RelationFollowUp {
			how = r.Direction
		}
		lines = append(lines, pdf.Field{Name: l("relation_" + how), Value: ref(r.Case)})
	}
	for _, r := range p.page.Merged {
		lines = append(lines, pdf.Field{Name: l("merged"), Value: ref(r)})
	}
	if len(lines) > 0 {
		doc.Heading(l("others"))
		doc.Fields(lines)
	}
}

// printed is the timeline, oldest first as paper is read.
func (d *Desk) printed(p sheet, l func(string, ...any) string) []pdf.Entry {
	var out []pdf.Entry
	for _, e := range p.page.Timeline {
		entry := pdf.Entry{When: p.stamp(e.At), What: e.Words.In(p.lang)}
		if e.Note != "" {
			entry.Said = append(entry.Said, e.Note)
		}
		if e.ResidentText != "" {
			entry.Said = append(entry.Said, l("told", "text", e.ResidentText))
		}
		var small []string
		if e.By.Post != nil {
			small = append(small, e.By.Post.In(p.lang))
		}
		if e.By.Person != "" {
			small = append(small, e.By.Person)
		}
		if e.By.For != "" {
			small = append(small, l("for", "name", e.By.For))
		}
		if k := e.Clock; k != nil && k.Used > 0 {
			small = append(small, l("used", "used", words.Duration(p.lang, time.Duration(k.Used)*time.Millisecond)))
		}
		if e.OccurredAt.Before(e.At.Add(-5 * time.Minute)) {
			small = append(small, l("happened", "at", p.stamp(e.OccurredAt)))
		}
		if e.Internal {
			small = append(small, l("internal"))
		}
		if e.Erased {
			small = append(small, l("erased"))
		}
		if n := len(e.Files); n > 0 {
			small = append(small, l("with_photos", "n", fmt.Sprint(n)))
		}
		entry.Small = strings.Join(small, " · ")
		out = append(out, entry)
	}
	return out
}

// drawPhotos sets the photos that staff took or let through.
func (d *Desk) drawPhotos(doc *pdf.Doc, p sheet, l func(string, ...any) string) error {
	var shown []File
	for _, f := range p.page.Files {
		if f.State == FileAttached && strings.HasPrefix(f.Media, "image/") {
			shown = append(shown, f)
		}
	}
	if len(shown) == 0 {
		return nil
	}
	doc.Heading(l("photos"))
	var pictures []pdf.Picture
	for _, f := range shown[:min(len(shown), maxPrinted)] {
		raw, err := d.read(f)
		if err != nil {
			return err
		}
		caption := []string{l("photo_" + photoKind(f.Kind)), p.stamp(f.Taken), f.By}
		if f.Taken.IsZero() {
			caption[1] = l("photo_sent", "at", p.stamp(f.At))
		}
		pictures = append(pictures, pdf.Picture{JPEG: raw, Caption: strings.Join(slices.DeleteFunc(caption, func(s string) bool { return s == "" }), " · ")})
	}
	doc.Pictures(pictures)
	if more := len(shown) - maxPrinted; more > 0 {
		doc.Note(l("photos_more", "n", fmt.Sprint(more)))
	}
	return nil
}

func photoKind(k string) string {
	if k == "before" || k == "after" {
		return k
	}
	return "other"
}

// read is a picture as it is shown.
func (d *Desk) read(f File) ([]byte, error) {
	c, err := d.content(f, "view")
	if err != nil {
		return nil, err
	}
	r, err := c.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	return b.Bytes(), nil
}

// answersOf names the answers to an item's form as its schema does; personal
// ones are sealed elsewhere and not among them.
func answersOf(item catalog.Item, form map[string]any, lang words.Language) []pdf.Field {
	type label struct {
		Title words.Text            `json:"title"`
		Enum  map[string]words.Text `json:"enum"`
	}
	var schema struct {
		Properties map[string]struct {
			Title string `json:"title"`
			I18n  label  `json:"x-i18n"`
		} `json:"properties"`
	}
	if json.Unmarshal(item.Form, &schema) != nil {
		return nil
	}
	var keys []string
	for k := range form {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var out []pdf.Field
	for _, k := range keys {
		p := schema.Properties[k]
		name := p.I18n.Title.In(lang)
		if name == "" {
			name = p.Title
		}
		if name == "" {
			name = k
		}
		one := func(v any) string {
			s := strings.TrimSpace(fmt.Sprint(v))
			if t, ok := p.I18n.Enum[s]; ok {
				return t.In(lang)
			}
			return s
		}
		value := ""
		switch v := form[k].(type) {
		case []any:
			var all []string
			for _, x := range v {
				all = append(all, one(x))
			}
			value = strings.Join(all, "、")
		case bool:
			value = map[bool]words.Text{true: {Chinese: "是", English: "yes"}, false: {Chinese: "否", English: "no"}}[v].In(lang)
		case nil:
		default:
			value = one(v)
		}
		out = append(out, pdf.Field{Name: name, Value: value})
	}
	return out
}
