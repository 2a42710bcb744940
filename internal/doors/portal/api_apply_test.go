package portal

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

const paper = "%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\nstartxref\n9\n%%EOF\n"

// sendsPaper uploads a paper for an application.
func (b *browser) sendsPaper(key, raw string) (v string, status int, code string) {
	b.Helper()
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	for k, s := range map[string]string{"key": key, "kind": "paper"} {
		b.must(m.WriteField(k, s))
	}
	w, err := m.CreateFormFile("file", "income.jpg") // what it calls itself does not count
	b.must(err)
	_, err = io.WriteString(w, raw)
	b.must(err)
	b.must(m.Close())
	a := b.do("POST", "/api/public/files", m.FormDataContentType(), &buf)
	for _, f := range []string{`"id":"`, `"code":"`} {
		if _, rest, ok := strings.Cut(a.body, f); ok {
			v, _, _ = strings.Cut(rest, `"`)
			break
		}
	}
	return v, a.status, v
}

// An application through the JSON door: what is needed, what is wrong with every
// field named, a PDF that is judged by its bytes and only ever saved, missing
// papers, a posting with an objection, another look.
func TestApplyingAsJSON(t *testing.T) {
	each(t, plan{}, func(h *house) {
		h.counter()
		b := h.browser()
		var list struct{ Items []ServiceLine }
		if s := b.call("GET", "/api/public/services", nil, &list); s != 200 || len(list.Items) == 0 {
			h.Fatalf("%d %+v", s, list)
		}
		var service Service
		if s := b.call("GET", "/api/public/services/allowance", nil, &service); s != 200 || !service.Online || len(service.Form) == 0 || service.Consent == "" || len(service.Streets) != 2 {
			h.Fatalf("%d %+v", s, service)
		}
		if s := b.call("GET", "/api/public/services/rubbish", nil, nil); s != 404 {
			h.Errorf("what is no service: %d", s)
		}
		key := h.portal.newKey()
		if _, s, code := b.sendsPaper(key, "%PDF-1.7 cut off"); s != 422 || code != ErrPaperBad.Code {
			h.Errorf("a paper that is cut off: %d %s", s, code)
		}
		if _, s, code := b.sendsPaper(key, strings.Replace(paper, "/Catalog", "/Catalog /OpenAction <</S /JavaScript>>", 1)); s != 422 || code != ErrPaperRuns.Code {
			h.Errorf("a paper with a script: %d %s", s, code)
		}
		if _, s := b.sends("/api/public/files", key, []byte(paper)); s != 422 {
			h.Errorf("a paper as the photo of a report: %d", s)
		}
		if _, s, _ := b.sendsPaper(key, paper+strings.Repeat(" ", 10<<20)); s != 413 {
			h.Errorf("a paper that is too large: %d", s)
		}
		file, s, _ := b.sendsPaper(key, paper)
		if s != 201 {
			h.Fatalf("a paper: %d %s", s, file)
		}
		in := map[string]any{"key": key, "item": "allowance", "village": "nowhere", "form": map[string]any{"allowance": "temporary", "phone": "12"}, "file_ids": []string{file}}
		var wrong problem
		if s := b.call("POST", "/api/public/applications", in, &wrong); s != 422 {
			h.Fatalf("%d %+v", s, wrong)
		}
		fields := map[string]bool{}
		for _, w := range wrong.Where {
			fields[w.Path] = true
		}
		for _, want := range []string{"body.village", "body.agree", "body.condition", "body.form.reason", "body.form.applicant_name", "body.form.phone"} {
			if !fields[want] {
				h.Errorf("%s is not named in %+v", want, wrong.Where)
			}
		}
		in["village"], in["agree"], in["condition"] = "P1", true, "ordinary"
		in["form"] = map[string]any{"allowance": "temporary", "applicant_name": "演示申请人", "id_number": "370000190001010000", "phone": "159-0000-0031", "household_size": 2, "reason": "演示理由：家里有人住院。"}
		var sent struct {
			Report casework.PublicCase
			Secret string
		}
		if s := b.call("POST", "/api/public/applications", in, &sent); s != 200 || sent.Secret == "" || sent.Report.Application == nil {
			h.Fatalf("%d %+v", s, sent)
		}
		number := sent.Report.Number
		if s := b.call("POST", "/api/public/applications", in, &sent); s != 200 || sent.Report.Number != number || h.cases() != 1 {
			h.Errorf("the same again: %d, %d cases", s, h.cases())
		}
		// The paper is hers to save; in no page is it shown.
		own := "/api/public/reports/" + number
		var view casework.PublicCase
		b.call("GET", own, nil, &view)
		if len(view.Photos) != 1 || !view.Photos[0].Paper || !view.Photos[0].Waiting {
			h.Fatalf("%+v", view.Photos)
		}
		b.shows(b.get("/my/"+number), 200, `download>`, "(PDF)")
		got := b.get(own + "/files/" + view.Photos[0].ID.String() + "?size=thumb")
		if got.body != paper || got.header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") ||
			!strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") || got.header.Get("X-Content-Type-Options") != "nosniff" {
			h.Errorf("%v", got.header)
		}
		if s := h.browser().get(own + "/files/" + view.Photos[0].ID.String()).status; s != 404 {
			h.Errorf("a stranger: %d", s)
		}
		h.must(h.db.Read(h.ctx, func(tx *db.Tx) error {
			v, err := id.Parse(file)
			h.must(err)
			if _, err := h.desk.FileFor(tx, h.as(tx, "village2"), v); err == nil {
				h.Error("another village reads the paper")
			}
			return nil
		}))

		h.acts("clerk", number, casework.Act{Move: "accept"})
		h.acts("reviewer", number, casework.Act{Move: "review"})
		h.acts("reviewer", number, casework.Act{Move: "correct", Reason: "correct_papers", Note: "内部：缺收入证明", ResidentText: "请补近三个月的收入证明"})
		key = h.portal.newKey()
		more, s, _ := b.sendsPaper(key, paper+"second\nstartxref\n9\n%%EOF")
		if s != 201 {
			h.Fatalf("%d %s", s, more)
		}
		if s := b.call("POST", own+"/supplement", map[string]any{}, nil); s != 422 {
			h.Errorf("nothing handed in: %d", s)
		}
		if s := b.call("POST", own+"/supplement", map[string]any{"key": key, "file_ids": []string{more}}, nil); s != 204 {
			h.Errorf("handing in: %d", s)
		}
		h.acts("reviewer", number, casework.Act{Move: "review", Result: casework.Pass, Note: "内部：符合"})
		h.acts("reviewer", number, casework.Act{Move: "publicise", Note: "演**，鹊山东社区，临时救助"})
		stranger := h.browser()
		var posted struct{ Items []PostingView }
		if s := stranger.call("GET", "/api/public/postings", nil, &posted); s != 200 || len(posted.Items) != 1 || posted.Items[0].Text != "演**，鹊山东社区，临时救助" || strings.Contains(posted.Items[0].Text, number) {
			h.Fatalf("%d %+v", s, posted)
		}
		at := "/api/public/postings/" + posted.Items[0].ID.String() + "/objections"
		if s := stranger.call("POST", at, map[string]any{"text": "  "}, nil); s != 422 {
			h.Errorf("an empty objection: %d", s)
		}
		if s := stranger.call("POST", at, map[string]any{"text": "他家有两辆车"}, nil); s != 204 {
			h.Errorf("an objection: %d", s)
		}
		if p := h.page(number); p.Case.Posting == nil || p.Case.Posting.Objections != 1 {
			h.Errorf("%+v", p.Case.Posting)
		}
		if s := b.call("POST", own+"/appeal", map[string]any{"text": "不同意"}, nil); s != 409 {
			h.Errorf("an appeal before a decision: %d", s)
		}
	})
}

// A paper comes with the page's form, too, beside photos; what is no paper is
// refused alone and nothing that was typed is lost.
func TestPapersOnAForm(t *testing.T) {
	h := build(t, db.SQLite, plan{})
	h.counter()
	b := h.browser()
	a := b.upload("/apply/allowance/form", b.applies(nil), []byte("%PDF-1.4 no end"), []byte(paper))
	b.shows(a, httpx.Status(ErrPaperBad), "不完整", "演示理由", `name="file"`)
	v := b.applies(nil)
	v.Set("key", a.key())
	v["file"] = []string{a.hidden("file")}
	b.shows(b.upload("/apply/allowance/form", v, photo(t, 4)), 200, "收到了", "预计")
}
