package town_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"onegrid/internal/app"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
	"onegrid/internal/town"
)

// bad is one request that must be refused.
type bad struct {
	what         string
	method, path string
	body         any
	headers      []string
	want         string
	where        string // of the first field that is wrong
}

// jsonOf is a body that is sent as it stands.
func jsonOf(s string) town.Raw { return town.Raw{Type: "application/json", Body: []byte(s)} }

// changed is a good report with something bad in it.
func changed(k string, v any) town.With { return town.Report("东门外垃圾", town.With{k: v}) }

// at is a place with something changed.
func at(k string, v any) town.With {
	p := town.At("G1")
	if p[k] = v; v == nil {
		delete(p, k)
	}
	return p
}

// bomb is a small file that says it is a picture of 3.6 billion points.
func bomb() []byte {
	b := bytes.NewBufferString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		_ = binary.Write(b, binary.BigEndian, uint32(len(data))) // into memory
		body := append([]byte(kind), data...)
		b.Write(body)
		_ = binary.Write(b, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(nil, 60_000)
	head = binary.BigEndian.AppendUint32(head, 60_000)
	chunk("IHDR", append(head, 8, 2, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01})
	chunk("IEND", nil)
	return b.Bytes()
}

func badRequests(w *town.Town, mine, theirs town.Case) []bad {
	cases, moves := "/api/cases", "/api/cases/"+mine.ID.String()+"/moves"
	post := func(what string, body any, want, where string) bad {
		return bad{what, "POST", cases, body, nil, want, where}
	}
	move := func(what string, body any, want, where string, headers ...string) bad {
		return bad{what, "POST", moves, body, headers, want, where}
	}
	get := func(what, path, want, where string) bad { return bad{what, "GET", path, nil, nil, want, where} }
	file := func(what string, body town.Raw, want string) bad {
		return bad{what, "POST", "/api/files", body, nil, want, ""}
	}
	far := town.With{"lon": 121.47, "lat": 31.23, "datum": "wgs84"} // Shanghai
	return []bad{
		post("half a JSON", jsonOf(`{"item":"cleanliness",`), "400 request.malformed", ""),
		post("no JSON at all", jsonOf(`item=cleanliness`), "400 request.malformed", ""),
		post("bytes that are no text", jsonOf("{\"item\":\"cleanliness\",\"text\":\"\xff\xfe\",\"place\":{}}"), "422 case.place_needed", "body.place"),
		post("another media type", town.Raw{Type: "text/plain", Body: []byte("东门外")}, "415 request.media_type", ""),
		post("an unknown key", changed("colour", "red"), "422 request.invalid", "body.colour"),
		post("a key of the wrong kind", changed("text", 7), "422 request.invalid", "body.text"),
		post("a missing key", town.With{"text": "没有事项"}, "422 request.invalid", "body.item"),
		post("a body of two megabytes", changed("text", strings.Repeat("长", 700_000)), "413 request.too_large", ""),
		post("a text too long", changed("text", strings.Repeat("长", 4001)), "422 request.invalid", "body.text"),
		post("a wrong datum", changed("place", at("datum", "mars")), "422 case.bad_datum", "body.place.datum"),
		post("a point without a datum", changed("place", at("datum", nil)), "422 case.bad_datum", "body.place.datum"),
		post("half a point", changed("place", at("lat", nil)), "422 case.place_needed", "body.place.lon"),
		post("a point on no globe", changed("place", at("lat", 91)), "422 request.invalid", "body.place.lat"),
		post("a point outside every grid", changed("place", far), "422 case.outside", "body.place"),
		post("a grid that is none", changed("place", town.With{"grid_id": id.ID{9}}), "422 case.place_needed", "body.place.grid_id"),
		post("an unknown item", changed("item", "dragons"), "422 case.item_unknown", "body.item"),
		post("an unknown condition", changed("condition", "dragons"), "422 case.invalid", "body.condition"),
		post("a form with an unknown answer", changed("form", town.With{"problem": "dragons"}), "422 catalog.form_answer", ""),
		post("a clock set to 2099", changed("occurred_at", "2099-01-01T00:00:00Z"), "422 case.future", "body.occurred_at"),
		post("a time that is none", changed("occurred_at", "yesterday"), "422 request.invalid", "body.occurred_at"),
		post("a file that is nobody's", changed("file_ids", []id.ID{{9}}), "422 case.file_unknown", "body.file_ids"),
		post("an id that is none", changed("id", "1"), "422 request.invalid", "body.id"),
		{"an id of a command that is none", "POST", cases, town.Report("东门"), []string{"Idempotency-Key", "seven"}, "422 request.invalid", "header.Idempotency-Key"},
		move("a version that is out of date", town.With{"move": "accept"}, "412 request.changed", "", "If-Match", `"7"`),
		move("a version that is none", town.With{"move": "accept"}, "422 request.invalid", "header.If-Match", "If-Match", `"new"`),
		move("after a command that never was", town.With{"move": "accept"}, "412 receipt.not_accepted", "", "After-Command", id.ID{9}.String()),
		move("an unknown move", town.With{"move": "explode"}, "422 case.no_move", ""),
		move("a move of another state", town.With{"move": "close"}, "409 case.wrong_state", ""),
		move("an unknown reason", town.With{"move": "refuse", "reason": "dragons", "note": "有龙"}, "422 case.reason_unknown", ""),
		move("a result that is none", town.With{"move": "verify", "result": "maybe"}, "422 request.invalid", "body.result"),
		{"a case out of scope", "POST", cases + "/" + theirs.ID.String() + "/comments", town.With{"text": "看到了", "internal": true}, nil, "404 case.missing", ""},
		{"a case that is none", "POST", cases + "/" + id.ID{9}.String() + "/comments", town.With{"text": "看到了", "internal": true}, nil, "404 case.missing", ""},
		{"a case number with a slip", "GET", "/api/case-numbers/20261124-AAAAAAA-A", nil, nil, "422 case.bad_number", ""},
		get("an id in a path that is none", cases+"/seven", "422 request.invalid", "path.id"),
		get("an unknown filter", cases+"?colour=red", "422 request.invalid", "query.colour"),
		get("a view that is none", cases+"?view=dragons", "422 request.invalid", "query.view"),
		get("a state that is none", cases+"?state=dragons", "422 case.filter", "query.state"),
		get("a cursor that is none", cases+"?cursor=dragons", "422 request.cursor", ""),
		get("figures of a day that is none", "/api/figures?from=someday", "422 figures.bad_date", ""),
		get("no such page", "/api/dragons", "404 request.no_such_page", ""),
		{"a method that is none", "PATCH", cases, nil, nil, "405 request.method", ""},
		file("a photo that is no photo", town.Form([]byte("这不是照片")), "422 blob.not_a_picture"),
		file("a photo that ends early", town.Form(town.Picture()[:200]), "422 blob.picture_broken"),
		file("a pixel bomb", town.Form(bomb()), "413 blob.too_many_pixels"),
		file("a photo of twenty megabytes", town.Form(append(town.Picture(), make([]byte, 20<<20)...)), "413 blob.too_large"),
		file("a form without a file", town.Raw{Type: "multipart/form-data; boundary=b", Body: []byte("--b--\r\n")}, "422 request.invalid"),
		file("a form that breaks off", town.Raw{Type: "multipart/form-data; boundary=b", Body: []byte("--b\r\nContent-Dispo")}, "400 request.malformed"),
	}
}

// Whatever is malformed, oversized, out of scope, out of date or plainly wrong
// is refused with a stable code and a sentence in the reader's language, and
// leaves nothing behind: no row, no journal entry.
func TestBadRequests(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		mine := w.As("village desk 1").Reports("自己的事")
		theirs := w.As("village desk 2").Reports("别处的事", town.With{"place": town.At("G4")})
		p := w.As("village desk 1")
		requests := badRequests(w, mine, theirs)
		for _, language := range words.Languages {
			if a := p.Do("PUT", "/api/session/language", town.With{"language": language}); a.Status >= 300 {
				t.Fatalf("choose %s: %s", language, a)
			}
			rows, head := w.Rows(), w.Head()
			for _, b := range requests {
				a := p.Do(b.method, b.path, b.body, b.headers...)
				if a.String() != b.want {
					t.Errorf("%s: %s, want %s: %s", b.what, a, b.want, a.Body)
					continue
				}
				readable(t, b, language, a.Body)
				if w.Head() != head {
					t.Fatalf("%s stands in the journal", b.what)
				}
			}
			if now := w.Rows(); !maps.Equal(now, rows) {
				t.Errorf("refused requests left rows behind: %v, before %v", now, rows)
			}
		}
		w.Verified()
	})
}

var han = regexp.MustCompile(`\p{Han}`)

// readable demands a sentence for people, without holes, in their language.
func readable(t *testing.T, b bad, language words.Language, body []byte) {
	t.Helper()
	var p struct {
		Detail string
		Where  []struct{ Path, Code, Detail string }
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	sentences := []string{p.Detail}
	for _, w := range p.Where {
		sentences = append(sentences, w.Detail)
	}
	for _, s := range sentences {
		if len([]rune(s)) < 4 || strings.ContainsAny(s, "{}") || han.MatchString(s) != (language == words.Chinese) || strings.ContainsFunc(s, unicode.IsControl) {
			t.Errorf("%s: %q is no sentence in %s", b.what, s, language)
		}
	}
	if b.where != "" && (len(p.Where) == 0 || p.Where[0].Path != b.where) {
		t.Errorf("%s: %+v, want it at %s", b.what, p.Where, b.where)
	}
}

// The same command again has the same outcome and is done once; the same id
// with other content, or by somebody else, is refused.
func TestRepeatedCommands(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		p := w.As("village desk 1")
		key := []string{"Idempotency-Key", "01a20b48-0900-7000-8000-000000000001"}
		body := town.Report("按了两次")
		first := p.Do("POST", "/api/cases", body, key...)
		rows, head := w.Rows(), w.Head()
		again := p.Do("POST", "/api/cases", body, key...)
		if first.Status != 201 || again.Status != 201 || !bytes.Equal(bytes.TrimSpace(first.Body), bytes.TrimSpace(again.Body)) || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Fatalf("again: %s %s\nfirst: %s %s", again, again.Body, first, first.Body)
		}
		for what, a := range map[string]town.Answer{
			"other content":  p.Do("POST", "/api/cases", town.Report("别的话"), key...),
			"another person": w.As("village desk 2").Do("POST", "/api/cases", body, key...),
			"another act":    p.Do("PUT", "/api/items/cleanliness", town.With{}, key...),
		} {
			if a.Status != 409 && what != "another act" || what == "another act" && a.Status < 400 || a.Status == 409 && a.Code != "receipt.other_content" {
				t.Errorf("the same id with %s: %s", what, a)
			}
		}
		now := w.Rows()
		if now["cases"] != rows["cases"] || now["http_receipt"] != rows["http_receipt"] {
			t.Errorf("repeating left rows behind: %v, before %v", now, rows)
		}
		var c town.Case
		if err := json.Unmarshal(first.Body, &c); err != nil {
			t.Fatal(err)
		}
		if kinds := p.Page(c).Timeline; len(kinds) != 1 {
			t.Errorf("the case was reported %d times; the journal went from %d to %d", len(kinds), head, w.Head())
		}
		// An id of one's own makes the same case again, whatever the command's id.
		own := town.Report("自己的编号", town.With{"id": "01a20b48-0900-7000-8000-0000000000aa"})
		one, two := p.Do("POST", "/api/cases", own), p.Do("POST", "/api/cases", own)
		if one.Status != 201 || two.Status != 201 {
			t.Errorf("the same report by its own id: %s, %s %s", one, two, two.Body)
		}
		own["text"] = "别的话"
		if a := p.Do("POST", "/api/cases", own); a.String() != "409 case.id_taken" {
			t.Errorf("another report under the same id: %s", a)
		}
	})
}

// A data folder that is not as it must be is refused with a reason and left as
// it was, to the byte.
func TestBadFolders(t *testing.T) {
	whole := town.New(t, db.SQLite)
	whole.As("village desk 1").Reports("在这里")
	whole.Stop()
	database := func(dir string) string { return filepath.Join(dir, "onegrid.db") }
	spoil := func(t *testing.T, dir, statement string) {
		t.Helper()
		d, err := sql.Open("sqlite", database(dir))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Exec(statement); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for what, one := range map[string]struct {
		do   func(t *testing.T, dir string)
		want string
	}{
		"an empty folder": {func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)); must(t, os.Mkdir(dir, 0o700)) }, "app.no_folder"},
		"no keys":         {func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "keys"))) }, "app.no_keys"},
		"a database of words": {func(t *testing.T, dir string) {
			must(t, os.WriteFile(database(dir), []byte(strings.Repeat("这不是数据库。", 500)), 0o600))
		}, "db.broken"},
		"a database cut off": {func(t *testing.T, dir string) { must(t, os.Truncate(database(dir), 40_000)) }, "db.broken"},
		"somebody else's database": {func(t *testing.T, dir string) {
			must(t, os.Remove(database(dir)))
			spoil(t, dir, `CREATE TABLE recipes (name TEXT)`)
		}, "db.foreign"},
		"data of a newer program": {func(t *testing.T, dir string) {
			spoil(t, dir, `INSERT INTO migration_casework (version_id, is_applied) VALUES (9999, 1)`)
		}, "db.newer"},
	} {
		t.Run(strings.ReplaceAll(what, " ", "-"), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			must(t, os.CopyFS(dir, os.DirFS(whole.Dir)))
			for _, key := range []string{"fields.json", "push.json"} { // copies are open to all
				must(t, os.Chmod(filepath.Join(dir, "keys", key), 0o600))
			}
			one.do(t, dir)
			before := sums(t, dir)
			config, err := app.LoadConfig(dir, nil, nil)
			must(t, err)
			a, err := app.Open(context.Background(), config, app.Ports{Now: whole.Clock.Now})
			if err == nil {
				a.Close()
			}
			f := &fault.Fault{}
			if !errors.As(err, &f) || f.Code != one.want {
				t.Fatalf("%v, want %s", err, one.want)
			}
			catalogue, err := app.Words()
			must(t, err)
			for _, l := range words.Languages {
				if s := catalogue.Say(l, f.Code, f.Args); len(s) < 10 || strings.ContainsAny(s, "{}") {
					t.Errorf("in %s it is said as %q", l, s)
				}
			}
			if after := sums(t, dir); !maps.Equal(before, after) {
				t.Errorf("the folder was changed: %v, before %v", after, before)
			}
		})
	}
}

// sums are the digests of all files of a folder; what SQLite keeps beside an
// open database comes and goes.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.Walk(dir, func(file string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || strings.HasSuffix(file, "-wal") || strings.HasSuffix(file, "-shm") {
			return err
		}
		raw, err := os.ReadFile(file)
		rel, _ := filepath.Rel(dir, file)
		out[rel] = fmt.Sprintf("%x", sha256.Sum256(raw))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
