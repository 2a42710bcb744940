package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	mathrand "math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Two scenarios of abuse. flood: ten thousand public reports a minute, from as
// many addresses, while staff work; their p99 is compared with the idle one of
// the same run. ceiling: far more at once than fits into the memory that the
// program may use; it must answer or say when to come back, stay below, and be
// itself again afterwards.

const (
	floodRate  = 10_000 // public reports a minute
	floodPhoto = 10     // every so many brings a photo
	staffAt    = 8      // people of staff at work
	staffPause = 40 * time.Millisecond

	ceilingMB = 300
	crowd     = 96 // large uploads at a time
)

// flood is `bench flood`; each sender has an address of its own, as behind a
// proxy.
func flood(ctx context.Context, o options) error {
	return onEach(ctx, o, floodOn, "ONEGRID_TRUSTED_PROXY=127.0.0.0/8")
}

// ceiling is `bench ceiling`.
func ceiling(ctx context.Context, o options) error {
	return onEach(ctx, o, ceilingOn, "ONEGRID_MEMORY_MB="+strconv.Itoa(ceilingMB))
}

// onEach starts the program on each engine for do.
func onEach(ctx context.Context, o options, do func(ctx context.Context, p *process, engine string, length time.Duration) error, env ...string) error {
	for _, engine := range o.engines {
		if err := onProgram(ctx, o.program, engine, env, func(p *process) error { return do(ctx, p, engine, o.length) }); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

// onProgram starts the program on an engine for do.
func onProgram(ctx context.Context, program, engine string, env []string, do func(p *process) error) error {
	return onEngine(ctx, engine, func(dir, database string) error {
		p, err := startProgram(ctx, program, dir, database, env...)
		if err != nil {
			return err
		}
		defer p.stop()
		return do(p)
	})
}

// onEngine gives do an empty folder and, on PostgreSQL, the address of an empty
// database; both are gone afterwards.
func onEngine(ctx context.Context, engine string, do func(dir, database string) error) (err error) {
	dir, err := os.MkdirTemp("", "onegrid-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if engine != "postgres" {
		return do(dir, "")
	}
	database, _, stop, err := startPostgres(ctx, dir)
	if err != nil {
		return err
	}
	defer stop()
	return do(dir, database)
}

// times collects how long requests took, by what came of them.
type times struct {
	mu  sync.Mutex
	all map[string][]time.Duration
}

func (t *times) add(what string, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string][]time.Duration{}
	}
	t.all[what] = append(t.all[what], d)
}

// counts says how many there were of each.
func (t *times) counts() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := map[string]int{}
	for what, list := range t.all {
		out[what] = len(list)
	}
	return out
}

// quantiles of everything whose name begins so.
func (t *times) quantiles(prefix string) (p50, p99 float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []time.Duration
	for what, some := range t.all {
		if strings.HasPrefix(what, prefix) {
			list = append(list, some...)
		}
	}
	return quantiles(list)
}

// staff work until ctx ends: they look at their lists, open a case, report one,
// say something, each with a pause as people make it.
func staff(ctx context.Context, base string, length time.Duration) (*times, error) {
	t := &times{}
	transport := &http.Transport{MaxIdleConnsPerHost: staffAt}
	defer transport.CloseIdleConnections()
	w := &world{url: base}
	for i := range staffAt {
		c, err := signIn(ctx, transport, base, desks[i%len(desks)])
		if err != nil {
			return nil, err
		}
		w.desks = append(w.desks, c)
	}
	if err := w.findPlaces(ctx); err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, length)
	defer stop()
	var all sync.WaitGroup
	for _, c := range w.desks {
		all.Go(func() {
			for ctx.Err() == nil {
				at := w.places[mathrand.IntN(len(w.places))]
				var made caseOf
				var none json.RawMessage
				for _, do := range []struct {
					what, method, path string
					body, out          any
				}{
					{"list", "GET", "/api/cases?view=open", nil, &none},
					{"report", "POST", "/api/cases", map[string]any{"id": newID(), "item": item, "text": "路灯不亮", "channel": "desk",
						"place": map[string]any{"lon": at[0], "lat": at[1], "datum": "wgs84", "words": "村口"}}, &made},
					{"open", "GET", "/api/cases/", nil, &none},
					{"comment", "POST", "/api/cases/", map[string]any{"text": "看过了", "internal": true}, &none},
				} {
					switch do.what {
					case "open":
						do.path += made.ID
					case "comment":
						do.path += made.ID + "/comments"
					}
					begun := time.Now()
					err := c.send(ctx, do.method, do.path, do.body, do.out)
					if ctx.Err() != nil {
						return
					}
					if err != nil {
						t.add("failed: "+err.Error(), time.Since(begun))
						break
					}
					t.add("staff "+do.what, time.Since(begun))
					wait(ctx, staffPause)
				}
			}
		})
	}
	all.Wait()
	return t, nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// photo is a picture of some size, different each time it is asked for.
func photo(width, height, quality int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := 0; i < len(img.Pix); i += 4 {
		img.Set(i/4%width, i/4/width, color.RGBA{uint8(mathrand.Uint32()), uint8(i), uint8(i >> 8), 255})
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}) // into memory
	return b.Bytes()
}

func formOf(file []byte, fields ...string) (media string, body []byte) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = m.WriteField(fields[i], fields[i+1]) // into memory, as the rest
	}
	part, _ := m.CreateFormFile("file", "photo.jpg")
	_, _ = part.Write(file)
	_ = m.Close()
	return m.FormDataContentType(), b.Bytes()
}

// residents send public reports at a rate, whatever comes back, until ctx ends.
func residents(ctx context.Context, base string, village string) *times {
	t := &times{}
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	picture := photo(1600, 1200, 60)
	var all sync.WaitGroup
	places := make(chan struct{}, 512) // at a time
	tick := time.NewTicker(time.Minute / floodRate)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			all.Wait()
			return t
		case <-tick.C:
		}
		select {
		case places <- struct{}{}:
		default:
			t.add("not sent: 512 are waiting", 0)
			continue
		}
		all.Go(func() {
			defer func() { <-places }()
			key, from := newKey(), fmt.Sprintf("10.%d.%d.%d", n>>14&255, n>>6&255, n&63)
			var files []string
			if n%floodPhoto == 0 {
				media, body := formOf(picture, "key", key)
				status, raw := post(ctx, c, base+"/api/public/files", media, from, body)
				t.add(fmt.Sprintf("photo %d", status), 0)
				var f struct{ ID string }
				if json.Unmarshal(raw, &f) == nil && f.ID != "" {
					files = append(files, f.ID)
				}
			}
			body, _ := json.Marshal(map[string]any{"key": key, "what": "rubbish", "village": village, "near": "东门外", "text": "垃圾堆了三天", "file_ids": files})
			begun := time.Now()
			status, _ := post(ctx, c, base+"/api/public/reports", "application/json", from, body)
			if ctx.Err() == nil {
				t.add(fmt.Sprintf("report %d", status), time.Since(begun))
			}
		})
	}
}

// post sends something from an address; status 0: no answer came.
func post(ctx context.Context, c *http.Client, url, media, from string, body []byte) (status int, answer []byte) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil
	}
	r.Header.Set("Content-Type", media)
	r.Header.Set("X-Forwarded-For", from)
	res, err := c.Do(r)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	answer, _ = io.ReadAll(io.LimitReader(res.Body, 1<<20)) // what came of it
	if res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "" {
		return -503, answer // without saying when to come back
	}
	return res.StatusCode, answer
}

// newKey is what the form of a report carries.
func newKey() string {
	var b [22]byte
	_, _ = rand.Read(b[6:]) // never fails (crypto/rand)
	ms := time.Now().UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// aVillage is the key of a village that residents may choose.
func aVillage(ctx context.Context, base string) (string, error) {
	var choices struct {
		Streets []struct {
			Villages []struct {
				Key string `json:"key"`
			} `json:"villages"`
		} `json:"streets"`
	}
	c := &client{http: http.DefaultClient, base: base}
	if err := c.send(ctx, http.MethodGet, "/api/public/choices", nil, &choices); err != nil {
		return "", err
	}
	for _, s := range choices.Streets {
		for _, v := range s.Villages {
			return v.Key, nil
		}
	}
	return "", errors.New("there is no village to choose")
}

func floodOn(ctx context.Context, p *process, engine string, length time.Duration) error {
	village, err := aVillage(ctx, p.url)
	if err != nil {
		return err
	}
	if _, err := staff(ctx, p.url, min(length, 5*time.Second)); err != nil { // warm
		return err
	}
	load := loadAverage()
	idle, err := staff(ctx, p.url, length)
	if err != nil {
		return err
	}
	flooding, stop := context.WithCancel(ctx)
	public := make(chan *times, 1)
	go func() { public <- residents(flooding, p.url, village) }()
	wait(ctx, 5*time.Second) // until the bounds of the door are reached
	under, err := staff(ctx, p.url, length)
	stop()
	reports := <-public
	if err != nil {
		return err
	}
	d := abuseDetails{Public: reports.counts(), Staff: under.counts(), StaffIdle: idle.counts(), Load: load}
	d.IdleP50, d.IdleP99 = idle.quantiles("staff ")
	p50, p99 := under.quantiles("staff ")
	r := summed("flood", engine, "public reports/min", 0, []measured{{floodRate, p50, p99, d}})
	r.Reference, r.Ratio = "p99 of staff without the flood", p99/d.IdleP99
	fmt.Printf("\nflood on %s: staff p50 %.1f ms, p99 %.1f ms idle; p50 %.1f ms, p99 %.1f ms under %d public reports a minute: %.2f times the idle p99\n",
		engine, d.IdleP50, d.IdleP99, r.P50, r.P99, floodRate, r.Ratio)
	show := func(what string, counts map[string]int) {
		keys := []string{}
		for k := range counts {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Printf("  %-8s %-40.100s %8d\n", what, k, counts[k])
		}
	}
	show("idle", d.StaffIdle)
	show("staff", d.Staff)
	show("public", d.Public)
	r.print()
	return nil
}

// abuseDetails are what only these scenarios tell.
type abuseDetails struct {
	IdleP50   float64        `json:"idle_p50_ms,omitempty"`
	IdleP99   float64        `json:"idle_p99_ms,omitempty"`
	Staff     map[string]int `json:"staff,omitempty"`
	StaffIdle map[string]int `json:"staff_idle,omitempty"`
	Public    map[string]int `json:"public,omitempty"`
	Peak      int            `json:"peak_mib,omitempty"` // resident memory
	Ceiling   int            `json:"ceiling_mib,omitempty"`
	Load      float64        `json:"load"` // average of the machine's last minute, at the start
}

// peakMiB is the most memory that a process had resident so far.
func peakMiB(pid int) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), " kB"))
			return kib >> 10
		}
	}
	return 0
}

func ceilingOn(ctx context.Context, p *process, engine string, length time.Duration) error {
	transport := &http.Transport{MaxIdleConnsPerHost: crowd}
	defer transport.CloseIdleConnections()
	who, err := signIn(ctx, transport, p.url, desks[0])
	if err != nil {
		return err
	}
	before := peakMiB(p.cmd.Process.Pid)
	// 12 megapixels, as phones make them.
	media, file := formOf(photo(4000, 3000, 92), "kind", "before")
	text, _ := json.Marshal(map[string]any{"item": item, "text": strings.Repeat("长", 300_000)}) // refused, but read
	t := &times{}
	bounded, stop := context.WithTimeout(ctx, length)
	defer stop()
	var all sync.WaitGroup
	var n atomic.Int64
	for range crowd {
		all.Go(func() {
			for bounded.Err() == nil {
				what, path, kind, body := "photo", "/api/files", media, file
				if n.Add(1)%2 == 0 {
					what, path, kind, body = "report", "/api/cases", "application/json", text
				}
				begun := time.Now()
				status, _ := post(bounded, who.http, p.url+path, kind, "10.0.0.1", body)
				if bounded.Err() == nil {
					t.add(fmt.Sprintf("%s %d", what, status), time.Since(begun))
				}
			}
		})
	}
	all.Wait()
	d := abuseDetails{Public: t.counts(), Peak: peakMiB(p.cmd.Process.Pid), Ceiling: ceilingMB, Load: loadAverage()}
	p50, p99 := t.quantiles("")
	r := summed("ceiling", engine, "large requests at a time", 0, []measured{{crowd, p50, p99, d}})
	var none json.RawMessage
	if err := who.send(ctx, http.MethodGet, "/api/cases?view=open", nil, &none); err != nil {
		return fmt.Errorf("afterwards it does not answer: %w", err)
	}
	fmt.Printf("\nceiling on %s: %d MiB before, %d MiB at the most of %d MiB, with %d large requests at a time: %v\n", engine, before, d.Peak, ceilingMB, crowd, d.Public)
	r.print()
	return nil
}
