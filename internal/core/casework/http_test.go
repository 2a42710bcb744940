package casework

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"testing"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

// serve puts the real edge before the house; who asks is named in a header.
func (h *house) serve() string {
	h.Helper()
	all, err := words.New(words.Source{Room: "httpx", Files: httpx.Words}, words.Source{Room: "casework", Files: Words}, words.Source{Room: "blob", Files: blob.Words},
		words.Source{Room: "access", Files: access.Words}, words.Source{Room: "org", Files: org.Words}, words.Source{Room: "seal", Files: seal.Words}, words.Source{Room: "catalog", Files: catalog.Words})
	h.must(err)
	edge, err := httpx.New(httpx.Options{DB: h.db, Now: h.clock.Now, Words: all, Log: slog.New(slog.NewTextHandler(h.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Who: func(r *http.Request, _ httpx.Op) (httpx.Caller, error) {
		name := r.Header.Get("Test-Who")
		var by *access.Actor
		err := h.db.Read(r.Context(), func(tx *db.Tx) error {
			by = h.as(tx, name)
			return nil
		})
		return httpx.Caller{By: by, Key: name, Language: words.Chinese}, err
	}})
	h.must(err)
	h.desk.Routes(edge)
	server := httptest.NewServer(edge.Handler())
	h.Cleanup(server.Close)
	return server.URL
}

// asks sends one request and reads the JSON answer.
func (h *house) asks(url, name, method, path string, header map[string]string, body, into any) int {
	h.Helper()
	var raw io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		h.must(err)
		raw = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, url+path, raw)
	h.must(err)
	r.Header.Set("Test-Who", name)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(r)
	h.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	h.must(err)
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			h.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
	return resp.StatusCode
}

// upload sends a file as a browser does.
func (h *house) upload(url, name, kind string, content []byte) (int, File) {
	h.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	h.must(w.WriteField("kind", kind))
	p, err := w.CreateFormFile("file", "a.jpg")
	h.must(err)
	_, err = p.Write(content)
	h.must(err)
	h.must(w.Close())
	r, err := http.NewRequest("POST", url+"/api/files", &buf)
	h.must(err)
	r.Header.Set("Test-Who", name)
	r.Header.Set("Content-Type", w.FormDataContentType())
	resp, err := http.DefaultClient.Do(r)
	h.must(err)
	defer resp.Body.Close()
	var f File
	b, err := io.ReadAll(resp.Body)
	h.must(err)
	if resp.StatusCode == 201 {
		h.must(json.Unmarshal(b, &f))
	}
	return resp.StatusCode, f
}

// problem is what a refusal says.
type problem struct {
	Code, Detail string
	Where        []struct{ Path, Code string }
}

// The whole way over HTTP, with a photo, and what is refused on it.
func TestOverHTTP(t *testing.T) {
	eachHouse(t, func(h *house) {
		url := h.serve()
		var v View
		report := map[string]any{
			"item": "cleanliness", "text": "东门外垃圾堆了三天", "reporter": map[string]any{"name": "李四", "phone": "13900000022"},
			"place": map[string]any{"lon": 117.01, "lat": 36.91, "datum": "wgs84", "words": "东门外"}, "form": map[string]any{"problem": "exposed_rubbish"},
		}
		var bad problem
		if code := h.asks(url, "village", "POST", "/api/cases", nil, report, &bad); code != 422 || len(bad.Where) == 0 {
			h.Fatalf("a wrong answer in the form: %d %+v", code, bad)
		}
		delete(report, "form")
		key := map[string]string{"Idempotency-Key": "0190163d-8694-739b-aea5-966c26f8ad01"}
		if code := h.asks(url, "village", "POST", "/api/cases", key, report, &v); code != 201 || v.State != Reported || v.Version != 1 {
			h.Fatalf("report: %d %+v", code, v)
		}
		again := View{}
		if code := h.asks(url, "village", "POST", "/api/cases", key, report, &again); code != 201 || again.ID != v.ID {
			h.Fatalf("the same command again: %d %s, want %s", code, again.ID, v.ID)
		}
		moves := func(name string, id id.ID, want int, body map[string]any) View {
			h.Helper()
			var out View
			if code := h.asks(url, name, "POST", fmt.Sprintf("/api/cases/%s/moves", id), nil, body, &out); code != want {
				h.Fatalf("%v by %s: %d, want %d", body, name, code, want)
			}
			return out
		}
		if code := h.asks(url, "village", "POST", fmt.Sprintf("/api/cases/%s/moves", v.ID), map[string]string{"If-Match": `"7"`}, map[string]any{"move": "accept"}, &bad); code != 412 {
			h.Fatalf("an old version: %d %+v", code, bad)
		}
		if code := h.asks(url, "officer2", "GET", "/api/cases/"+v.ID.String(), nil, nil, &bad); code != 404 || bad.Code != "case.missing" {
			h.Fatalf("out of scope: %d %+v", code, bad)
		}
		v = moves("village", v.ID, 200, map[string]any{"move": "accept"})
		var p Page
		h.asks(url, "village", "GET", "/api/cases/"+v.ID.String(), nil, nil, &p)
		if len(p.Tasks) != 1 || len(p.Moves) == 0 || p.Moves[0].Consequence.Chinese == "" {
			h.Fatalf("page %+v", p)
		}
		moves("officer", p.Tasks[0].ID, 200, map[string]any{"move": "verify", "result": "pass"})
		moves("village", v.ID, 200, map[string]any{"move": "file"})
		moves("village", v.ID, 200, map[string]any{"move": "dispatch", "post_id": h.posts["works"]})
		moves("works", v.ID, 200, map[string]any{"move": "take"})
		moves("works", v.ID, 200, map[string]any{"move": "handle"})
		moves("works", v.ID, 409, map[string]any{"move": "done", "note": "清完了"})
		if code, _ := h.upload(url, "works", "after", []byte("not a photo")); code != 422 {
			h.Fatalf("a photo that is none: %d", code)
		}
		var buf bytes.Buffer
		h.must(jpeg.Encode(&buf, image.NewRGBA(image.Rect(0, 0, 40, 30)), nil))
		code, f := h.upload(url, "works", "after", buf.Bytes())
		if code != 201 {
			h.Fatalf("upload: %d", code)
		}
		v = moves("works", v.ID, 200, map[string]any{"move": "done", "note": "清完了", "file_ids": []id.ID{f.ID}})
		for name, want := range map[string]int{"works": 200, "officer": 200, "officer2": 404} {
			if code := h.asks(url, name, "GET", "/api/files/"+f.ID.String()+"?size=thumb", nil, nil, nil); code != want {
				h.Errorf("the photo for %s: %d, want %d", name, code, want)
			}
		}
		h.asks(url, "village", "GET", "/api/cases/"+v.ID.String(), nil, nil, &p)
		moves("officer", p.Tasks[len(p.Tasks)-1].ID, 200, map[string]any{"move": "check", "result": "pass"})
		v = moves("village", v.ID, 200, map[string]any{"move": "close"})
		if v.State != Closed {
			h.Fatalf("closed as %+v", v)
		}
		var r Revealed
		if code := h.asks(url, "village", "POST", fmt.Sprintf("/api/cases/%s/reveal", v.ID), nil, map[string]any{"purpose": "contact", "why": "回访"}, &r); code != 200 || r.Name != "李四" || r.Phone != "13900000022" {
			h.Fatalf("reveal: %d %+v", code, r)
		}
		if code := h.asks(url, "leader", "POST", fmt.Sprintf("/api/cases/%s/reveal", v.ID), nil, map[string]any{"purpose": "contact", "why": "回访"}, &bad); code != 403 {
			h.Fatalf("reveal without the right: %d", code)
		}
		var l ListPage
		if code := h.asks(url, "village", "GET", "/api/cases?view=closed&q=%E5%9E%83%E5%9C%BE", nil, nil, &l); code != 200 || len(l.Items) != 1 || l.Head == 0 {
			h.Fatalf("search: %d %+v", code, l)
		}
		if h.asks(url, "village2", "GET", "/api/cases?view=closed&q=%E5%9E%83%E5%9C%BE", nil, nil, &l); len(l.Items) != 0 {
			h.Fatalf("another village finds %+v", l.Items)
		}
		var n Counts
		if code := h.asks(url, "village", "GET", "/api/cases/counts", nil, nil, &n); code != 200 {
			h.Fatalf("counts: %d", code)
		}
		var dups struct{ Items []Duplicate }
		if code := h.asks(url, "village", "GET", "/api/cases/duplicates?item=cleanliness&lon=117.0101&lat=36.91", nil, nil, &dups); code != 200 || len(dups.Items) != 1 || dups.Items[0].Distance == 0 {
			h.Fatalf("duplicates: %d %+v", code, dups)
		}
		if h.asks(url, "village2", "GET", "/api/cases/duplicates?item=cleanliness&lon=117.0101&lat=36.91", nil, nil, &dups); len(dups.Items) != 0 {
			h.Fatalf("another village is hinted at %+v", dups.Items)
		}
		var one Page
		if code := h.asks(url, "village", "GET", "/api/case-numbers/"+v.Number, nil, nil, &one); code != 200 || one.Case.ID != v.ID {
			h.Fatalf("by number: %d", code)
		}
	})
}
