package httpx_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

func oneFile(name, text string) fstest.MapFS {
	return fstest.MapFS{name: {Data: []byte(text)}}
}

func twoFiles(chinese, english string) fstest.MapFS {
	return fstest.MapFS{"words.zh-CN.json": {Data: []byte(chinese)}, "words.en.json": {Data: []byte(english)}}
}

const red = `{"title":"gate 3","colour":"red"}`

// The same command has the same outcome as often as it is sent, also when the
// lamp has changed since; the same id with other content, for another person or
// for another operation is refused.
func TestCommandTwice(t *testing.T) {
	each(t, nil, func(f *front) {
		lampID, key := newID(), newID()
		path := "/api/lamps/" + lampID
		first := f.asks("PUT", path, red, "Idempotency-Key", key)
		if first.StatusCode != 200 || first.Header.Get("Idempotency-Key") != key {
			f.Fatalf("%s %s", first.Status, first.body)
		}
		if a := f.asks("POST", path+"/moves", `{"colour":"green"}`, "If-Match", `"1"`); a.StatusCode != 200 {
			f.Fatalf("%s %s", a.Status, a.body)
		}
		again := f.asks("PUT", path, red, "Idempotency-Key", key)
		if again.StatusCode != 200 || string(again.body) != string(first.body) || again.Header.Get("Idempotency-Replayed") != "true" ||
			again.Header.Get("Content-Type") != first.Header.Get("Content-Type") {
			f.Fatalf("first %s, then %s %s", first.body, again.Status, again.body)
		}
		if n := f.runs.Load(); n != 2 {
			f.Fatalf("the commands ran %d times", n)
		}
		f.refuses("409 receipt.other_content", f.asks("PUT", path, `{"title":"gate 4","colour":"red"}`, "Idempotency-Key", key))
		f.refuses("409 receipt.other_content", f.asks("PUT", path, red, "Idempotency-Key", key, "Person", "wang"))
		f.refuses("409 receipt.other_content", f.asks("PUT", "/api/lamps/"+newID(), red, "Idempotency-Key", key))
		f.refuses("409 receipt.other_content", f.asks("POST", path+"/moves", `{"colour":"red"}`, "Idempotency-Key", key))
		f.refuses("422 request.invalid", f.asks("PUT", path, red, "Idempotency-Key", "once"))
		if f.lamps() != 1 {
			f.Fatalf("%d lamps", f.lamps())
		}
	})
}

// A refused command leaves no receipt and is judged anew.
func TestRefusedCommandIsJudgedAnew(t *testing.T) {
	each(t, nil, func(f *front) {
		lampID, key := newID(), newID()
		move := func() answer {
			return f.asks("POST", "/api/lamps/"+lampID+"/moves", `{"colour":"green"}`, "Idempotency-Key", key)
		}
		f.refuses("404 lamp.missing", move())
		f.asks("PUT", "/api/lamps/"+lampID, red)
		if a := move(); a.StatusCode != 200 || a.Header.Get("Idempotency-Replayed") != "" {
			f.Fatalf("%s %s", a.Status, a.body)
		}
	})
}

// The same command sent sixteen times at once runs to its end exactly once, and
// all senders learn the same outcome.
func TestSameCommandAtOnce(t *testing.T) {
	each(t, nil, func(f *front) {
		lampID, key := newID(), newID()
		f.asks("PUT", "/api/lamps/"+lampID, red)
		var wg sync.WaitGroup
		answers := make([]string, 16)
		for i := range answers {
			wg.Go(func() {
				a := f.asks("POST", "/api/lamps/"+lampID+"/moves", `{"colour":"green"}`, "Idempotency-Key", key)
				answers[i] = fmt.Sprint(a.StatusCode, string(a.body))
			})
		}
		wg.Wait()
		for _, a := range answers {
			if a != answers[0] || a[:3] != "200" {
				f.Fatalf("%s and %s", answers[0], a)
			}
		}
		var version int64
		err := f.db.Read(context.Background(), func(tx *db.Tx) error {
			l, err := read(tx, id.Must(lampID))
			version = l.Version
			return err
		})
		if err != nil || version != 2 {
			f.Fatalf("version %d, %v", version, err)
		}
	})
}

// A command may build on a version or on the sender's own command before it.
func TestPreconditions(t *testing.T) {
	each(t, nil, func(f *front) {
		lampID, first, second := newID(), newID(), newID()
		path := "/api/lamps/" + lampID
		green := `{"colour":"green"}`
		f.asks("PUT", path, red, "Idempotency-Key", first)
		f.refuses("412 request.changed", f.asks("POST", path+"/moves", green, "If-Match", `"7"`))
		f.refuses("422 request.invalid", f.asks("POST", path+"/moves", green, "If-Match", `"new"`))
		f.refuses("412 receipt.not_accepted", f.asks("POST", path+"/moves", green, "After-Command", newID()))
		f.refuses("412 receipt.not_accepted", f.asks("POST", path+"/moves", green, "After-Command", first, "Person", "wang"))
		if a := f.asks("POST", path+"/moves", green, "After-Command", first, "Idempotency-Key", second); a.StatusCode != 200 {
			f.Fatalf("%s %s", a.Status, a.body)
		}
		// Another change since: the first command is no longer the last.
		f.refuses("412 request.changed", f.asks("POST", path+"/moves", green, "After-Command", first))
		// A lost answer: the same command again, though its precondition no longer holds.
		if a := f.asks("POST", path+"/moves", green, "If-Match", `"1"`, "Idempotency-Key", second); a.StatusCode != 200 {
			f.Fatalf("%s %s", a.Status, a.body)
		}
		other := newID()
		f.asks("PUT", "/api/lamps/"+other, `{"title":"gate 4","colour":"red"}`)
		f.refuses("412 receipt.not_accepted", f.asks("POST", "/api/lamps/"+other+"/moves", green, "After-Command", second))
		if a := f.asks("POST", path+"/moves", green, "If-Match", `W/"2"`); a.StatusCode != 200 {
			f.Fatalf("%s %s", a.Status, a.body)
		}
	})
}

// Erasure empties the stored answers of a subject but the command still does
// not run again; after 90 days the receipt goes.
func TestForgetAndSweep(t *testing.T) {
	each(t, nil, func(f *front) {
		lampID, key := newID(), newID()
		path := "/api/lamps/" + lampID
		f.asks("PUT", path, red, "Idempotency-Key", key)
		ctx := context.Background()
		if err := f.db.Write(ctx, func(tx *db.Tx) error { return httpx.Forget(tx, id.Must(lampID)) }); err != nil {
			f.Fatal(err)
		}
		want := `{"id":"` + lampID + `","version":1}` + "\n"
		if a := f.asks("PUT", path, red, "Idempotency-Key", key); a.StatusCode != 200 || string(a.body) != want {
			f.Fatalf("%s %s", a.Status, a.body)
		}
		f.clock.Add(httpx.ReceiptsKept)
		if n, err := httpx.SweepReceipts(ctx, f.db); n != 0 || err != nil {
			f.Fatalf("%d receipts went on the last day, %v", n, err)
		}
		f.clock.Add(time.Millisecond)
		if n, err := httpx.SweepReceipts(ctx, f.db); n != 1 || err != nil {
			f.Fatalf("%d receipts went, %v", n, err)
		}
	})
}

// An upload sent again with another multipart boundary is the same command.
func TestUploadTwice(t *testing.T) {
	each(t, nil, func(f *front) {
		form := func(boundary, kind, content string) string {
			return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\n" + kind +
				"\r\n--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n" + content +
				"\r\n--" + boundary + "--\r\n"
		}
		send := func(boundary, kind, content, key string) answer {
			return f.asks("POST", "/api/photos", form(boundary, kind, content),
				"Content-Type", "multipart/form-data; boundary="+boundary, "Idempotency-Key", key)
		}
		key := newID()
		a := send("aaa", "before", "pixels", key)
		if a.StatusCode != 200 || string(a.body) != `{"size":6,"kind":"before"}`+"\n" {
			f.Fatalf("%s %s", a.Status, a.body)
		}
		if b := send("bbb", "before", "pixels", key); string(b.body) != string(a.body) || f.runs.Load() != 1 {
			f.Fatalf("%s %s, ran %d times", b.Status, b.body, f.runs.Load())
		}
		f.refuses("409 receipt.other_content", send("aaa", "before", "other", key))
		f.refuses("409 receipt.other_content", send("aaa", "after", "pixels", key))
		big := make([]byte, 5<<10)
		f.refuses("413 request.too_large", send("aaa", "before", string(big), newID()))
		f.refuses("413 request.too_large", send("aaa", string(make([]byte, 17<<10)), "pixels", newID()))
		f.refuses("415 request.media_type", f.asks("POST", "/api/photos", `{}`))
		f.refuses("400 request.malformed", f.asks("POST", "/api/photos", "--aaa\r\nContent-Disp", "Content-Type", "multipart/form-data; boundary=aaa"))
		half := "--aaa\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\nhalf of"
		f.refuses("400 request.malformed", f.asks("POST", "/api/photos", half, "Content-Type", "multipart/form-data; boundary=aaa"))
		f.refuses("422 request.invalid", f.asks("POST", "/api/photos", "--aaa--\r\n", "Content-Type", "multipart/form-data; boundary=aaa"))
	})
}
