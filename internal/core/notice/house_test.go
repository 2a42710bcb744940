package notice

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"onegrid/data"
	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

// morning is a Tuesday, 10:00 in the district.
var morning = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

// house is a small organisation on a real database: a village desk, its street
// and the hub, each with a person; cases are what a story says they are.
type house struct {
	testing.TB
	ctx    context.Context
	db     *db.DB
	clock  *dbtest.Clock
	org    *org.Org
	access *access.Access
	n      *Notices
	runner *jobs.Runner
	box    *seal.Box

	units map[string]id.ID
	posts map[string]id.ID // by the name of who sits there
	who   map[string]id.ID
	tells map[id.ID]*story // what is known of the cases
	off   map[id.ID]bool   // persons off duty
	bare  bool             // there are no rosters
	acts  int64

	push *fakePush
	mail *fakeMail
	sms  *fakeSMS
}

// story is what the tests' casework knows of a case.
type story struct {
	Told
	phone string
}

func (h *house) Told(tx *db.Tx, caseID id.ID, _ string) (Told, error) {
	s, ok := h.tells[caseID]
	if !ok {
		return Told{}, db.ErrNoRows
	}
	return s.Told, nil
}
func (h *house) Waiting(*db.Tx, id.ID) (int64, time.Time, error) {
	return int64(len(h.tells)), h.clock.Now().Add(15 * time.Minute), nil
}
func (h *house) Phone(_ *db.Tx, caseID id.ID) (string, error) { return h.tells[caseID].phone, nil }
func (h *house) Link(tx *db.Tx, _ id.ID) (string, error)      { return "secret-of-the-link", nil }
func (h *house) OnDuty(_ *db.Tx, person id.ID, _ time.Time) (bool, error) {
	return !h.off[person], nil
}
func (h *house) Rostered(*db.Tx, id.ID, time.Time) (bool, error) { return !h.bare, nil }

// out is one message that left.
type out struct{ to, subject, body string }

// outbox is what a fake carrier took, and what it answers.
type outbox struct {
	mu   sync.Mutex
	sent []out
	fail []error // the next answers
}

func (o *outbox) take(m out) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.fail) > 0 {
		err := o.fail[0]
		o.fail = o.fail[1:]
		if err != nil {
			return err
		}
	}
	o.sent = append(o.sent, m)
	return nil
}

type fakePush struct{ outbox }

func (f *fakePush) Push(_ context.Context, to Subscription, payload []byte, _ string, _ bool) error {
	return f.take(out{to: to.Endpoint, body: string(payload)})
}
func (f *fakePush) Key() string { return "key" }

type fakeMail struct{ outbox }

func (f *fakeMail) Mail(_ context.Context, to, _, subject, body string) error {
	return f.take(out{to, subject, body})
}

type fakeSMS struct {
	outbox
	n       int
	reports func(ctx context.Context, messageID string, ok bool, stat string) error
}

func (f *fakeSMS) Text(_ context.Context, to, text string) ([]string, error) {
	if err := f.take(out{to: to, body: text}); err != nil {
		return nil, err
	}
	f.n++
	return []string{fmt.Sprint("m", f.n)}, nil
}
func (f *fakeSMS) Reports(r func(ctx context.Context, messageID string, ok bool, stat string) error) {
	f.reports = r
}

func allRooms() []db.Room {
	return []db.Room{journal.Room(), jobs.Room(), org.Room(), grid.Room(), calendar.Tables(), access.Room(), Room()}
}

// eachHouse tells a story on both engines.
func eachHouse(t *testing.T, tell func(h *house)) {
	t.Helper()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) { tell(newHouse(t, engine, nil)) })
	}
}

func newHouse(t testing.TB, engine db.Engine, change func(o *Options)) *house {
	t.Helper()
	h := &house{TB: t, ctx: context.Background(), clock: dbtest.NewClock(morning), units: map[string]id.ID{}, posts: map[string]id.ID{}, who: map[string]id.ID{},
		tells: map[id.ID]*story{}, off: map[id.ID]bool{}, push: &fakePush{}, mail: &fakeMail{}, sms: &fakeSMS{}}
	log := journal.New()
	h.db = dbtest.Open(t, engine, func(o *db.Options) { o.Now, o.Ledger = h.clock.Now, log }, allRooms())
	rules, err := org.LoadRules(data.FS)
	h.must(err)
	roles, err := access.LoadRoleBook(data.FS)
	h.must(err)
	keys := filepath.Join(t.TempDir(), "fields.json")
	h.must(seal.Create(keys))
	h.box, err = seal.Load(keys)
	h.must(err)
	h.org = org.New(rules)
	h.access, err = access.New(access.Options{Org: h.org, Roles: roles, Sealer: seal.AEAD{Box: h.box}, Cost: access.Cost{Time: 1, Memory: 64, Threads: 1}})
	h.must(err)
	h.org.Guarded(h.access)
	calendars := calendar.NewCalendars()
	h.write(func(tx *db.Tx) error { return calendars.Seed(tx, journal.By{Via: "cli:test"}, data.FS) })
	h.runner = jobs.NewRunner(h.db, jobs.Options{})
	o := Options{DB: h.db, Org: h.org, Files: data.FS, Cases: h, Duty: h, Calendar: calendars, Access: h.access, Seal: h.box, Runner: h.runner,
		URL: "https://grid.example", Push: h.push, Mail: h.mail, SMS: h.sms, PushHosts: []string{"push.example", "*.push.test", "127.0.0.1"}}
	if change != nil {
		change(&o)
	}
	h.n, err = New(o)
	h.must(err)
	h.build()
	h.works() // the cursor begins here
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) write(fn func(tx *db.Tx) error) { h.Helper(); h.must(h.db.Write(h.ctx, fn)) }
func (h *house) read(fn func(tx *db.Tx) error)  { h.Helper(); h.must(h.db.Read(h.ctx, fn)) }

func both(s string) words.Text { return words.Text{Chinese: s, English: s} }

func (h *house) operator() *access.Actor { return access.Operator("cli:test", h.units["H"]) }

func (h *house) build() {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		for _, u := range []struct {
			kind     org.UnitKind
			code, up string
		}{{org.Hub, "H", ""}, {org.Street, "S1", "H"}, {org.Platform, "P1", "S1"}, {org.Street, "S2", "H"}} {
			v, err := h.org.CreateUnit(tx, h.operator(), org.UnitIn{Kind: u.kind, Code: u.code, Name: both(u.code), Parent: h.units[u.up], Calendar: "office", DutyCalendar: "office"})
			if err != nil {
				return err
			}
			h.units[u.code] = v.ID
		}
		return nil
	})
	for _, s := range []struct {
		name, role, unit string
		level            org.Level
	}{{"village", "village_desk", "P1", org.AtVillage}, {"street", "street_desk", "S1", org.AtStreet}, {"hub", "hub_officer", "H", org.AtDistrict},
		{"leader", "hub_leader", "H", org.AtDistrict}, {"other", "street_desk", "S2", org.AtStreet}} {
		h.seat(s.name, s.role, s.unit, s.level)
	}
}

// seat adds a post and a person who holds it.
func (h *house) seat(name, role, unit string, level org.Level) {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		p, err := h.org.CreatePost(tx, h.operator(), org.PostIn{Role: role, Name: both(name), Unit: h.units[unit], Level: level, Node: h.units[unit]})
		if err != nil {
			return err
		}
		w, err := h.org.CreatePerson(tx, h.operator(), org.PersonIn{Name: "演示-" + name})
		if err != nil {
			return err
		}
		h.posts[name], h.who[name] = p.ID, w.ID
		_, err = h.org.Assign(tx, h.operator(), org.HoldingIn{Post: p.ID, Person: w.ID, From: morning.Add(-time.Hour)})
		return err
	})
}

// as is somebody at the own post.
func (h *house) as(tx *db.Tx, name string) *access.Actor {
	h.Helper()
	by, err := h.access.Actor(tx, h.who[name], h.posts[name])
	h.must(err)
	by.Via = "desk"
	return by
}

// newCase is a case that casework knows.
func (h *house) newCase() id.ID {
	h.Helper()
	var v id.ID
	h.write(func(tx *db.Tx) error { v = tx.NewID(); return nil })
	h.tells[v] = &story{Told: Told{Number: fmt.Sprintf("20261124-%06d", len(h.tells)+1), Item: words.Text{Chinese: "暴露垃圾", English: "Exposed rubbish"},
		Place: "东门外第三家", Unit: both("P1"), Post: both("village"), Due: h.clock.Now().Add(4 * time.Hour),
		Reason: words.Text{Chinese: "不归我管", English: "Not ours"}, ResidentReason: words.Text{Chinese: "不在本区", English: "Not in this district"},
		At: journal.Sight{Nodes: journal.Nodes{Hub: h.units["H"], Street: h.units["S1"], Platform: h.units["P1"]}}, Reporter: true}, phone: "13800000000"}
	return v
}

// happens writes what casework would, and lets the room follow it.
func (h *house) happens(kind string, on id.ID, owner, by string, facts map[string]any, body map[string]any) {
	h.Helper()
	h.acts++
	h.write(func(tx *db.Tx) error {
		h.entry(tx, kind, on, owner, by, facts, body)
		return nil
	})
	h.works()
}

func (h *house) entry(tx *db.Tx, kind string, on id.ID, owner, by string, facts map[string]any, body map[string]any) {
	e := journal.Entry{Kind: kind, Subject: on, Version: 1, By: journal.By{Via: "desk", Person: h.who[by], Post: h.posts[by]}, Sight: h.tells[on].At, Facts: facts}
	if owner != "" {
		e.Sight.Posts = []id.ID{h.posts[owner]}
	}
	if body != nil {
		e.Body = body
	}
	if kind == "case.late" || kind == "case.comment" || kind == "case.reveal" {
		e.Version = 0
	}
	journal.Add(tx, e)
}

// works does everything that is due.
func (h *house) works() {
	h.Helper()
	h.must(h.n.Work(h.ctx))
	_, err := h.runner.Step(h.ctx)
	h.must(err)
}

// later lets time pass in steps, as the program would.
func (h *house) later(d time.Duration) {
	h.Helper()
	for d > 0 {
		step := min(d, 5*time.Minute)
		h.clock.Add(step)
		d -= step
		h.works()
	}
}

// inbox is what somebody finds.
func (h *house) inbox(name string) (list []View) {
	h.Helper()
	h.read(func(tx *db.Tx) (err error) {
		list, _, err = h.n.Inbox(tx, h.as(tx, name), InboxQuery{View: "all", Limit: 100})
		return err
	})
	return list
}

// one is the only notice that somebody finds.
func (h *house) one(name, template string) View {
	h.Helper()
	var found []View
	for _, v := range h.inbox(name) {
		if v.Template == template {
			found = append(found, v)
		}
	}
	if len(found) != 1 {
		h.Fatalf("%s has %d notices %s: %+v", name, len(found), template, h.inbox(name))
	}
	return found[0]
}

func (h *house) none(name string) {
	h.Helper()
	if list := h.inbox(name); len(list) > 0 {
		h.Fatalf("%s was told: %+v", name, list)
	}
}

// device lets somebody's browser be alarmed.
func (h *house) device(name string) {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := h.n.AddDevice(tx, h.as(tx, name), Subscription{Endpoint: "https://push.example/" + name, P256dh: "p", Auth: "a"}, "Chrome")
		return err
	})
}

// reach gives somebody an address.
func (h *house) reach(name string, c Channel, address string) {
	h.Helper()
	h.write(func(tx *db.Tx) error { return h.n.SetReach(tx, h.as(tx, name), c, &address, true) })
}

func (h *house) sent(o *outbox, want int) []out {
	h.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.sent) != want {
		h.Fatalf("%d messages left, not %d: %+v", len(o.sent), want, o.sent)
	}
	return o.sent
}

func (h *house) state(name, template string, want State) {
	h.Helper()
	if v := h.one(name, template); v.State != want {
		h.Fatalf("%s of %s is %s, not %s", template, name, v.State, want)
	}
}

func (h *house) refused(err error, want *fault.Fault) {
	h.Helper()
	if !errors.Is(err, want) {
		h.Fatalf("%v, not %s", err, want.Code)
	}
}
