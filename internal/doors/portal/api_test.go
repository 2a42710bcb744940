package portal

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
)

// call sends JSON and reads JSON.
func (b *browser) call(method, path string, in any, out any) int {
	b.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		b.must(err)
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(b.ctx, method, b.server.URL+path, body)
	b.must(err)
	req.Header.Set("Content-Type", "application/json")
	a := b.send(req)
	if out != nil && a.body != "" {
		if err := json.Unmarshal([]byte(a.body), out); err != nil {
			b.Fatalf("%s: %v: %s", path, err, a.body)
		}
	}
	return a.status
}

type problem struct {
	Code  string `json:"code"`
	Where []struct{ Path, Code string }
}

func (b *browser) sends(path, key string, raw []byte) (id string, status int) {
	b.Helper()
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	b.must(m.WriteField("key", key))
	w, err := m.CreateFormFile("file", "a.jpg")
	b.must(err)
	_, err = w.Write(raw)
	b.must(err)
	b.must(m.Close())
	a := b.do("POST", path, m.FormDataContentType(), &buf)
	var out struct{ ID string }
	_ = json.Unmarshal([]byte(a.body), &out) // a refusal has no id
	return out.ID, a.status
}

// The same door as JSON: report with a photo, follow, add, take back.
func TestJSONDoor(t *testing.T) {
	each(t, plan{}, func(h *house) {
		b := h.browser()
		var choices struct {
			What    []Choice
			Streets []Street
		}
		if s := b.call("GET", "/api/public/choices", nil, &choices); s != 200 || len(choices.What) < 7 || len(choices.Streets) != 2 || choices.What[0].Name != "垃圾" {
			h.Fatalf("%d %+v", s, choices)
		}
		key := h.portal.newKey()
		file, s := b.sends("/api/public/files", key, photo(t, 1))
		if s != 201 || file == "" {
			h.Fatalf("upload: %d", s)
		}
		if _, s := b.sends("/api/public/files", key, []byte("no photo")); s != 422 {
			h.Errorf("a photo that is none: %d", s)
		}
		if _, s := b.sends("/api/public/files", key, bomb()); s != 413 {
			h.Errorf("a pixel bomb: %d", s)
		}
		if _, s := b.sends("/api/public/files", "", photo(t, 2)); s != 422 {
			h.Errorf("an upload without a key: %d", s)
		}
		in := map[string]any{"key": key, "what": "rubbish", "village": "P1", "near": "东门外", "text": "堆了三天", "phone": "13700000023", "file_ids": []string{file}}
		var sent struct {
			Report casework.PublicCase
			Secret string
		}
		if s := b.call("POST", "/api/public/reports", in, &sent); s != 200 || len(sent.Secret) != 22 || len(sent.Report.Photos) != 1 {
			h.Fatalf("%d %+v", s, sent)
		}
		number := sent.Report.Number
		again := sent
		if s := b.call("POST", "/api/public/reports", in, &again); s != 200 || again.Report.Number != number || again.Secret == sent.Secret || h.cases() != 1 {
			h.Fatalf("sent again: %d %+v", s, again)
		}
		in["text"] = "别的话"
		var p problem
		if s := b.call("POST", "/api/public/reports", in, &p); s != 409 || p.Code != "portal.already" {
			h.Fatalf("other words: %d %+v", s, p)
		}
		in["key"], in["village"], in["file_ids"] = h.portal.newKey(), "nowhere", nil
		p = problem{}
		if s := b.call("POST", "/api/public/reports", in, &p); s != 422 || len(p.Where) == 0 {
			h.Fatalf("an unknown village: %d %+v", s, p)
		}
		in["village"], in["file_ids"] = "P1", []string{file}
		if s := b.call("POST", "/api/public/reports", in, &p); s != 422 {
			h.Fatalf("the photo of another report: %d %+v", s, p)
		}

		path := "/api/public/reports/" + number
		var view casework.PublicCase
		if s := b.call("GET", path, nil, &view); s != 200 || view.Number != number || view.Text != "堆了三天" {
			h.Fatalf("%d %+v", s, view)
		}
		stranger := h.browser()
		for _, theirs := range []string{path, "/api/public/reports/20261124-2222222-2", "/api/public/reports/x"} {
			p = problem{}
			if s := stranger.call("GET", theirs, nil, &p); s != 404 || p.Code != "portal.not_found" {
				h.Errorf("%s for a stranger: %d %+v", theirs, s, p)
			}
		}
		for _, act := range []string{"rate", "object", "withdraw", "confirm", "comments", "link"} {
			body := map[string]any{"rate": map[string]any{"score": 1}, "object": map[string]any{"text": "x"}, "withdraw": map[string]any{"reason": "withdraw_solved"},
				"confirm": map[string]any{"solved": true}, "comments": map[string]any{"text": "x"}, "link": map[string]any{}}[act]
			if s := stranger.call("POST", path+"/"+act, body, &p); s != 404 {
				h.Errorf("%s by a stranger: %d", act, s)
			}
		}
		var opened struct{ Number string }
		if s := stranger.call("POST", "/api/public/links/exchange", map[string]any{"secret": sent.Secret}, &opened); s != 200 || opened.Number != number {
			h.Fatalf("exchange: %d", s)
		}
		if s := h.browser().call("POST", "/api/public/links/exchange", map[string]any{"secret": sent.Secret}, &p); s != 404 {
			h.Fatalf("exchanged twice: %d", s)
		}
		if s := b.call("POST", path+"/comments", map[string]any{"text": "又多了"}, nil); s != 204 {
			h.Fatalf("comment: %d", s)
		}
		var renewed struct{ Number, Secret string }
		if s := b.call("POST", path+"/link", map[string]any{}, &renewed); s != 200 || renewed.Secret == "" {
			h.Fatalf("renew: %d", s)
		}
		if s := stranger.call("GET", path, nil, &p); s != 404 {
			h.Fatalf("the old cookie still opens: %d", s)
		}
		lost := h.browser()
		if s := lost.call("POST", "/api/public/links/recover", map[string]any{"number": number, "phone": "13700000099"}, &p); s != 422 {
			h.Fatalf("recovered with a wrong phone: %d", s)
		}
		if s := lost.call("POST", "/api/public/links/recover", map[string]any{"number": number, "phone": "13700000023"}, &renewed); s != 200 {
			h.Fatalf("recover: %d", s)
		}
		if s := lost.call("POST", path+"/withdraw", map[string]any{"reason": "withdraw_mistake"}, nil); s != 204 {
			h.Fatalf("withdraw: %d", s)
		}
		view = casework.PublicCase{}
		if s := lost.call("GET", path, nil, &view); s != 200 || !view.Ended || len(view.Messages) == 0 {
			h.Fatalf("%d %+v", s, view)
		}
		h.secretsStayOut(sent.Secret, again.Secret, renewed.Secret, "13700000023")
	})
}

// secretsStayOut looks for what must not be stored readably.
func (h *house) secretsStayOut(secrets ...string) {
	h.Helper()
	h.must(h.db.Read(h.ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT result FROM http_receipt WHERE result IS NOT NULL`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(db.Text(&s)); err != nil {
				return err
			}
			for _, secret := range secrets {
				if strings.Contains(s, secret) {
					h.Errorf("a receipt holds %q", secret)
				}
			}
			if strings.Contains(s, "堆了三天") {
				h.Errorf("a receipt holds the report: %s", s)
			}
		}
		return rows.Err()
	}))
}
