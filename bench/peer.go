package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

// PocketBase does the same four steps in as many requests: a record is made, it
// is changed, and it is looked up by its words. It runs in a process of
// its own with accounts and rules on, as many readers of its live feed, a
// collection with the fields and indexes of a case, and the durability that
// OneGrid has (WAL, full sync). It has no journal, no receipts, no deadlines, no
// scope and no index of words, so it has less to do.

// peerCommand runs the peer in this program: bench pocketbase FOLDER.
const peerCommand = "pocketbase"

const peerPassword = "a-password-for-the-bench"

// servePeer serves a fresh PocketBase on a free port until it is stopped.
func servePeer(ctx context.Context, dir string) error {
	app := pocketbase.NewWithConfig(pocketbase.Config{
		DefaultDataDir: dir, HideStartBanner: true,
		DBConnect: func(path string) (*dbx.DB, error) {
			// PocketBase's own settings, but for synchronous, which is NORMAL there.
			return dbx.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(200000000)"+
				"&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-32000)")
		},
	})
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	app.Settings().Logs.MaxDays = 0 // no log of requests, as there
	if err := app.Save(app.Settings()); err != nil {
		return err
	}
	if err := peerTables(app); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	go func() {
		for range 300 {
			if c, err := net.Dial("tcp", address); err == nil {
				_ = c.Close()
				fmt.Println("ready http://" + address + "/")
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	ended := make(chan error, 1)
	go func() { ended <- apis.Serve(app, apis.ServeConfig{HttpAddr: address}) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// peerTables makes the collection and the accounts.
func peerTables(app core.App) error {
	known := types.Pointer("@request.auth.id != ''")
	cases := core.NewBaseCollection("cases")
	cases.ListRule, cases.ViewRule, cases.CreateRule, cases.UpdateRule = known, known, known, known
	for _, name := range []string{"number", "flow", "item", "condition", "title", "text", "place", "hub", "street", "platform", "grid", "micro", "department",
		"state", "priority", "channel", "post", "acting", "intake", "handler", "person", "ask", "clock_kind", "calendar", "note", "resident_text"} {
		cases.Fields.Add(&core.TextField{Name: name, Max: 4000})
	}
	for _, name := range []string{"lon", "lat", "cell", "spot", "secrecy", "clock_start", "due_at", "near_at", "list_at", "recorded_at", "closed_at", "version"} {
		cases.Fields.Add(&core.NumberField{Name: name})
	}
	cases.Fields.Add(&core.JSONField{Name: "facets", MaxSize: 1 << 16})
	cases.AddIndex("cases_number", true, "number", "")
	for _, node := range []string{"hub", "street", "platform", "grid", "micro", "department", "post", "acting", "handler", "ask"} {
		where := node + " != ''"
		if node == "acting" {
			where = "acting != post"
		}
		cases.AddIndex("cases_"+node, false, node+", state, list_at, id", where)
	}
	cases.AddIndex("cases_near", false, "item, cell, recorded_at", "")
	cases.AddIndex("cases_spot", false, "spot", "closed_at = 0")
	if err := app.Save(cases); err != nil {
		return err
	}
	users, err := app.FindCollectionByNameOrId("users")
	if err != nil {
		return err
	}
	for i := range peerAccounts {
		u := core.NewRecord(users)
		u.SetEmail(peerAccount(i))
		u.SetPassword(peerPassword)
		u.SetVerified(true)
		if err := app.Save(u); err != nil {
			return err
		}
	}
	return nil
}

const peerAccounts = 4 // as many as there are desks and handlers about

func peerAccount(i int) string { return fmt.Sprintf("person%d@bench.invalid", i%peerAccounts) }

// peerLifecycle measures PocketBase once.
func peerLifecycle(ctx context.Context, o options) (m measured, err error) {
	dir, err := os.MkdirTemp("", "onegrid-bench-peer-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	own, err := os.Executable()
	if err != nil {
		return m, err
	}
	p, err := start(ctx, exec.Command(own, peerCommand, filepath.Join(dir, "data")), dir)
	if err != nil {
		return m, err
	}
	defer p.stop()
	transport := &http.Transport{MaxIdleConnsPerHost: 2*o.workers + 8}
	var clients []*client
	for i := range o.workers {
		c := &client{http: &http.Client{Transport: transport, Timeout: 30 * time.Second}, base: p.url}
		var signed struct {
			Token string `json:"token"`
		}
		if err := c.send(ctx, http.MethodPost, "/api/collections/users/auth-with-password",
			map[string]any{"identity": peerAccount(i), "password": peerPassword}, &signed); err != nil {
			return m, err
		}
		c.token = signed.Token
		clients = append(clients, c)
	}
	return load(o, []int{p.cmd.Process.Pid}, 0, func() (*atomic.Int64, func()) { return peerListen(ctx, clients) }, func(length time.Duration) outcome {
		return goThrough(ctx, o.workers, length, func(i int) (map[string]time.Duration, int, error) { return peerOnce(ctx, clients[i], o.apart) })
	}, 0)
}

// peerOnce is one lifecycle there.
func peerOnce(ctx context.Context, c *client, apart bool) (took map[string]time.Duration, requests int, err error) {
	word := fmt.Sprintf("路灯%06d", mathrand.IntN(1_000_000))
	node := func(kind string, n int) string { return fmt.Sprintf("%s-%08d-0000-7000-8000-%012d", kind, n, n) }
	var one struct {
		ID    string `json:"id"`
		State string `json:"state"`
	}
	var run stepper
	change := func(state string, more map[string]any) func() error {
		return func() error {
			now := time.Now().UnixMilli()
			body := map[string]any{"state": state, "list_at": now + 900_000, "due_at": now + 900_000, "near_at": now + 600_000, "clock_start": now,
				"clock_kind": state, "version": 2, "facets": map[string]any{"by": node("person", 1), "have": map[string]int{"record": 1}, "named": []string{node("person", 2)}}}
			for k, v := range more {
				body[k] = v
			}
			return c.send(ctx, http.MethodPatch, "/api/collections/cases/records/"+one.ID, body, &one)
		}
	}
	post := node("post", mathrand.IntN(3))
	run.step("create", func() error {
		now := time.Now().UnixMilli()
		grid := mathrand.IntN(500)
		return c.send(ctx, http.MethodPost, "/api/collections/cases/records", map[string]any{
			"number": newID(), "flow": "handling", "item": item, "title": word + "不亮", "text": word + "不亮，晚上看不见路", "place": "村口东侧", "channel": "desk",
			"hub": node("hub", 1), "street": node("street", grid%4), "platform": node("platform", grid%160), "grid": node("grid", grid), "state": "reported", "priority": "normal",
			"post": node("desk", 1), "acting": node("desk", 1), "intake": node("desk", 1), "person": node("person", 1), "lon": 117 + float64(grid)/1000, "lat": 36.8,
			"cell": grid, "spot": grid * 1000, "clock_start": now, "due_at": now + 900_000, "near_at": now + 600_000, "list_at": now + 900_000, "recorded_at": now,
			"clock_kind": "accept", "version": 1, "facets": map[string]any{"by": node("person", 1), "named": []string{node("person", 2)}},
		}, &one)
	})
	assigned := change("dispatched", map[string]any{"post": post, "acting": post, "department": node("department", 1)})
	done := change("done", map[string]any{"handler": post, "note": "已换灯泡", "resident_text": "灯已修好", "post": node("desk", 1), "acting": node("desk", 1)})
	if apart {
		run.step("assign", change("accepted", nil), change("filed", nil), assigned)
		run.step("resolve", change("taken", map[string]any{"handler": post}), change("handling", nil), done)
	} else {
		run.step("assign", assigned)
		run.step("resolve", done)
	}
	run.step("search", func() error {
		var found struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
		}
		q := url.Values{"filter": {"text ~ '" + word + "'"}, "sort": {"-recorded_at"}, "skipTotal": {"1"}, "perPage": {"50"}}
		if err := c.send(ctx, http.MethodGet, "/api/collections/cases/records?"+q.Encode(), nil, &found); err != nil {
			return err
		}
		for _, x := range found.Items {
			if x.ID == one.ID {
				return nil
			}
		}
		return fmt.Errorf("%s is not among the %d found", word, len(found.Items))
	})
	return run.took, run.requests, run.err
}

// peerListen keeps as many live feeds open as are open on OneGrid.
func peerListen(ctx context.Context, clients []*client) (*atomic.Int64, func()) {
	ctx, cancel := context.WithCancel(ctx)
	var events atomic.Int64
	var all sync.WaitGroup
	for i := range min(listeners, len(clients)) {
		all.Go(func() {
			c := clients[i]
			name := ""
			readEvents(ctx, &http.Client{}, c.base+"/api/realtime", func(line string) {
				data, ok := strings.CutPrefix(line, "data:")
				if !ok {
					return
				}
				var hello struct {
					ClientID string `json:"clientId"`
				}
				if name == "" && json.Unmarshal([]byte(data), &hello) == nil && hello.ClientID != "" {
					name = hello.ClientID
					_ = c.send(ctx, http.MethodPost, "/api/realtime", map[string]any{"clientId": name, "subscriptions": []string{"cases/*"}}, nil)
					return
				}
				events.Add(1)
			})
		})
	}
	return &events, func() { cancel(); all.Wait() }
}
