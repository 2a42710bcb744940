package proof_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"onegrid/internal/demo"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/proof"
)

// The real program works for eight clients while everything fails that can: the
// program, the database server, the power, the disk, the clock, the line, a second
// machine. Whatever a client doesn't know the outcome of it sends again with the
// same id. Then what was acknowledged is compared with what is there.
//
// In the short form most faults befall one installation of each engine, one after
// the other; in the long one (`make faults`) each has an installation of its own.

// trouble is one fault.
type trouble struct {
	name   string
	only   db.Engine   // empty: both
	disk   bool        // needs a disk that fails
	old    bool        // the installation begins with what an older program left
	long   []db.Engine // engines on which only the long form tries it
	strike func(s *scene)
}

var (
	onBoth     = dbtest.Engines
	onPostgres = []db.Engine{db.Postgres}
)

var troubles = []trouble{
	{name: upgrade, old: true},
	{name: "clients go away in the middle", strike: (*scene).clientsLeave},
	{name: "uploads half sent", strike: (*scene).halfUploads},
	{name: "restarted, the socket held", strike: (*scene).restarted},
	{name: "kill -9 of the program", strike: (*scene).killed},
	{name: "kill -9 of PostgreSQL", only: db.Postgres, strike: (*scene).serverKilled},
	{name: "PostgreSQL restarted", only: db.Postgres, long: onBoth, strike: (*scene).serverRestarted},
	{name: "connections lost", only: db.Postgres, long: onBoth, strike: (*scene).connectionsLost},
	{name: "power cut", disk: true, long: onPostgres, strike: (*scene).powerCut},
	{name: "disk full and back", disk: true, long: onPostgres, strike: (*scene).diskFull},
	{name: "disk read-only and back", disk: true, long: onPostgres, strike: (*scene).diskReadOnly},
	{name: "slow disk", disk: true, long: onPostgres, strike: (*scene).diskSlow},
	{name: "backup under load, restored elsewhere", long: onPostgres, strike: (*scene).backedUp},
	{name: "any moment restored from the archive", only: db.SQLite, long: onBoth, strike: (*scene).archived},
	{name: "clock forward and backward", long: onPostgres, strike: (*scene).clockJumps},
	{name: "one of two nodes frozen and thawed", only: db.Postgres, long: onBoth, strike: (*scene).nodeFrozen},
}

const upgrade = "upgrade from an older program's data"

// repeats is how often each fault comes back.
func repeats() int {
	if !proof.Long() {
		return 2
	}
	if n, err := strconv.Atoi(os.Getenv("ONEGRID_PROOF_REPEATS")); err == nil && n > 0 {
		return n
	}
	return 10
}

// between is how many commands are acknowledged between two faults.
func between() int {
	if proof.Long() {
		return 200
	}
	return 24
}

// wanted says whether a fault is to be tried: ONEGRID_PROOF_FAULTS names some.
func wanted(name string) bool {
	only := os.Getenv("ONEGRID_PROOF_FAULTS")
	return only == "" || slices.ContainsFunc(strings.Split(only, ","), func(part string) bool { return strings.Contains(name, strings.TrimSpace(part)) })
}

// scene is one installation under load.
type scene struct {
	t        *testing.T
	ctx      context.Context
	stop     func()
	engine   db.Engine
	requests []demo.Request
	disk     *disk          // nil: an ordinary one
	server   *dbtest.Server // nil on SQLite
	back     string         // where the disk's files really lie
	node     *program
	twin     *program // a second machine on the same database
	front    *front
	load     *load
	feed     *feed

	halves  []blob.Hash // of photos that never came whole
	copies  []copied
	strikes map[string]int
}

// copied is a backup that was restored elsewhere.
type copied struct {
	dir  string
	must int // so many commands were acknowledged before it was begun
}

// outcome is what came of one fault on one engine.
type outcome struct {
	name         string
	engine       db.Engine
	repeats      int
	acknowledged int
	found        int
	lost         int
	doubled      int
	instead      string // why it wasn't tried
}

func TestFaults(t *testing.T) {
	began := time.Now()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	requests, err := demo.Requests()
	if err != nil {
		t.Fatal(err)
	}
	var all []outcome
	var details [][]string
	for _, engine := range dbtest.Engines {
		var mine []trouble
		for _, f := range troubles {
			if wanted(f.name) && (f.only == "" || f.only == engine) && (proof.Long() || !slices.Contains(f.long, engine)) {
				mine = append(mine, f)
			}
		}
		groups := [][]trouble{mine}
		if proof.Long() {
			groups = nil
			for _, f := range mine {
				groups = append(groups, []trouble{f})
			}
		}
		for _, group := range groups {
			name := string(engine)
			if len(group) == 1 {
				name += "/" + group[0].name
			}
			t.Run(name, func(t *testing.T) {
				out, detail := befall(t, engine, binary, requests, group)
				all, details = append(all, out...), append(details, detail)
			})
		}
	}
	if t.Failed() {
		return
	}
	page := faultsPage(all, details, time.Since(began))
	t.Logf("%s", page.Text())
	if proof.Long() {
		if err := page.Keep(); err != nil {
			t.Error(err)
		}
	}
}

// befall lets faults come over one installation, one after the other, and
// compares at the end.
func befall(t *testing.T, engine db.Engine, binary string, requests []demo.Request, group []trouble) (all []outcome, detail []string) {
	t.Helper()
	began := time.Now()
	var d *disk // only where one is needed: PostgreSQL recovers slowly on it
	var without error
	if slices.ContainsFunc(group, func(f trouble) bool { return f.disk }) {
		d, without = newDisk(t)
	}
	s := newScene(t, engine, binary, requests, d, group[0].old)
	defer s.stop()
	for _, f := range group {
		if f.old {
			s.strikes[f.name]++
			continue // it was the beginning
		}
		if f.disk && d == nil {
			all = append(all, outcome{name: f.name, engine: engine, instead: fmt.Sprint("not on this machine: ", without)})
			continue
		}
		s.load.under(f.name)
		for range repeats() {
			f.strike(s)
			s.strikes[f.name]++
			s.load.goesOn(t, between())
		}
	}
	s.alone()
	s.load.under("")
	s.load.finish(t)
	s.load.again(t)
	found := s.check()
	for _, f := range group {
		if n := s.strikes[f.name]; n > 0 {
			o := found[f.name]
			o.name, o.engine, o.repeats = f.name, engine, n
			all = append(all, o)
		}
	}
	l := s.load
	n := func(v any) string { return fmt.Sprint(v) }
	what := "all"
	if len(group) == 1 {
		what = group[0].name
	}
	return all, []string{what, string(engine), n(l.gone.Load()), n(l.resent.Load()), n(l.replayed.Load()), n(l.busy.Load()), fmt.Sprintf("%d / %d", l.repeated, l.refused),
		fmt.Sprintf("%d / %d", len(s.feed.numbers()), s.feed.resumed()), time.Since(began).Round(time.Second).String()}
}

// newScene begins an installation under load; old with the data of an older
// program, which this one brings up.
func newScene(t *testing.T, engine db.Engine, binary string, requests []demo.Request, d *disk, old bool) *scene {
	t.Helper()
	s := &scene{t: t, engine: engine, requests: requests, disk: d, front: newFront(), strikes: map[string]int{}}
	s.ctx, s.stop = context.WithCancel(t.Context())
	root := t.TempDir()
	s.back = root
	if d != nil {
		root, s.back = d.dir, d.back
	}
	database := ""
	if engine == db.Postgres {
		s.newServer()
		// A frozen machine's transaction holds up the others for so long.
		database = s.server.DSN("postgres") + "&idle_in_transaction_session_timeout=2000"
	}
	s.node = newProgram(t, binary, filepath.Join(root, "data"), database)
	if os.Getenv("ONEGRID_PROOF_OLD") == "" { // an older program opens its own socket
		s.node.holds()
	}
	var done []write
	if old {
		done = s.bringsUp()
	}
	s.node.start()
	s.front.opens(s.node.url)
	s.load = newLoad(t, s.front, requests)
	s.load.acked = done
	s.feed = newFeed(s.ctx, t, s.front)
	s.load.start(s.ctx)
	s.load.goesOn(t, 2*clients)
	return s
}

// newServer starts a PostgreSQL server on the scene's disk.
func (s *scene) newServer() {
	s.t.Helper()
	if s.disk == nil {
		s.server = dbtest.Own(s.t)
		return
	}
	var err error
	if s.server, err = dbtest.Init(filepath.Join(s.back, "postgres")); err != nil {
		s.t.Fatalf("PostgreSQL for tests: %v", err)
	}
	s.server.Dir = filepath.Join(s.disk.dir, "postgres")
	s.starts()
	s.t.Cleanup(func() { s.server.Stop("immediate") })
}

// starts starts PostgreSQL, or waits for one that is recovering by itself.
func (s *scene) starts() {
	s.t.Helper()
	var err error
	for range 20 {
		if err = s.server.Start(); err == nil {
			return
		}
		<-time.After(250 * time.Millisecond)
	}
	s.t.Fatal(err)
}

// The faults.

func (s *scene) clientsLeave() {
	s.load.leaves.Store(2)
	s.load.leftAgain(s.t, int64(between()/2))
	s.load.leaves.Store(5)
}

// halfUploads sends parts of photos and goes away, each time in another way.
func (s *scene) halfUploads() {
	who := s.load.people[0]
	at, err := url.Parse(s.node.url)
	if err != nil {
		s.t.Fatal(err)
	}
	for n := range 6 {
		kind, body, sum := form(picture(who.random))
		s.halves = append(s.halves, sum)
		c, err := net.Dial("tcp", at.Host)
		if err == nil {
			err = c.SetDeadline(time.Now().Add(patience))
		}
		if err != nil {
			s.t.Fatal(err)
		}
		var cookies []string
		for _, k := range who.client.Jar.Cookies(at) {
			cookies = append(cookies, k.String())
		}
		length := len(body)
		if n%3 == 0 {
			length /= 2 // says that it is whole
		}
		fmt.Fprintf(c, "POST /api/files HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", at.Host, strings.Join(cookies, "; "), kind, length)
		c.Write(body[:len(body)/2])
		switch n % 3 {
		case 0: // the form ends early, and says so
			res := make([]byte, 12)
			if _, err := c.Read(res); err != nil || !strings.HasPrefix(string(res), "HTTP/1.1 4") {
				s.t.Errorf("half a form was answered with %q, %v", res, err)
			}
		case 1:
			c.(*net.TCPConn).SetLinger(0) // a reset
		}
		c.Close()
	}
}

// restarted stops and starts the program as systemd would: who connects meanwhile
// waits and is not turned away.
func (s *scene) restarted() {
	before := s.load.turned.Load()
	s.node.stop()
	s.node.start()
	if n := s.load.turned.Load() - before; n > 0 {
		s.t.Errorf("%d connections were refused", n)
	}
}

func (s *scene) killed() {
	s.front.opens()
	s.node.kill()
	s.node.start()
	s.front.opens(s.node.url)
}

func (s *scene) serverKilled() {
	if err := s.server.Kill(); err != nil {
		s.t.Fatal(err)
	}
	s.starts()
}

func (s *scene) serverRestarted() {
	if err := s.server.Stop("fast"); err != nil {
		s.t.Fatal(err)
	}
	s.starts()
}

func (s *scene) connectionsLost() {
	s.asks(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'onegrid'`)
}

// asks asks PostgreSQL beside the program.
func (s *scene) asks(q string) (n int64) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.server.DSN("postgres"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close(ctx)
	if err := c.QueryRow(ctx, q).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// powerCut ends everything at once; what was not synced is lost.
func (s *scene) powerCut() {
	s.front.opens()
	s.disk.cut()
	s.node.kill()
	if s.server != nil {
		var mark *fs.PathError // it can't be removed any more
		if err := s.server.Kill(); err != nil && !(errors.As(err, &mark) && mark.Op == "remove") {
			s.t.Fatal(err)
		}
	}
	pages, names := s.disk.comesBack()
	s.t.Logf("power cut: %d pages and %d names were not kept", pages, names)
	if s.server != nil {
		if err := os.Remove(filepath.Join(s.server.Dir, "data", "postmaster.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.t.Fatal(err)
		}
		s.starts()
	}
	s.node.start()
	s.front.opens(s.node.url)
}

func (s *scene) diskFull() { s.diskRefuses(s.disk.full) }

func (s *scene) diskReadOnly() { s.diskRefuses(s.disk.readOnly) }

// diskRefuses lets writes fail for a while: commands are refused and told to come
// again, what is there can be read, and afterwards all goes on by itself.
func (s *scene) diskRefuses(how func(bool)) {
	how(true)
	s.load.refusedAgain(s.t, 2*clients)
	if s.server == nil { // PostgreSQL may have stopped
		var page struct{ ID string }
		on := s.load.acknowledged()[0]
		if err := s.load.people[0].get(s.ctx, "/api/cases/"+on.subject.String(), &page); err != nil {
			s.t.Errorf("what is there can't be read while nothing can be written: %v", err)
		}
	}
	how(false)
	if s.server != nil && s.server.Answers() != nil {
		s.starts()
	}
}

func (s *scene) diskSlow() {
	s.disk.waits(time.Duration(between()) * time.Millisecond)
	s.load.goesOn(s.t, between())
	s.disk.waits(0)
}

// backedUp backs up while the load goes on, and restores that into a folder of
// its own, on SQLite whatever it comes from.
func (s *scene) backedUp() {
	dir := s.t.TempDir()
	file := filepath.Join(dir, "all.onegrid")
	must := len(s.load.acknowledged())
	s.node.runs("backup", file, "--with-keys")
	elsewhere := &program{t: s.t, binary: s.node.binary, dir: filepath.Join(dir, "data"), environ: os.Environ()}
	elsewhere.runs("restore", file)
	s.copies = append(s.copies, copied{elsewhere.dir, must})
}

// archived goes back to a moment a while ago, from what the program archived
// meanwhile.
func (s *scene) archived() {
	kept := filepath.Join(filepath.Dir(s.node.dir), "archive")
	if !slices.Contains(s.node.environ, "ONEGRID_ARCHIVE="+kept) {
		s.node.environ = append(s.node.environ, "ONEGRID_ARCHIVE="+kept)
		s.restarted()
		for found := []string(nil); len(found) == 0; found, _ = filepath.Glob(filepath.Join(kept, "ltx", "*", "*.ltx")) {
			s.load.goesOn(s.t, clients) // the whole of it is taken in first
		}
	}
	must := len(s.load.acknowledged())
	// The archive is a second behind at most; on a slow machine two.
	s.load.lasts(s.t, 3*time.Second)
	at := time.Now()
	s.load.lasts(s.t, 3*time.Second)
	elsewhere := &program{t: s.t, binary: s.node.binary, dir: filepath.Join(s.t.TempDir(), "data"), environ: os.Environ()}
	if err := os.Mkdir(elsewhere.dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	for _, part := range []string{"keys", "files"} { // as the manual says
		if out, err := run("cp", "-r", filepath.Join(s.node.dir, part), elsewhere.dir); err != nil {
			s.t.Fatalf("%v: %s", err, out)
		}
	}
	elsewhere.runs("restore", kept, "--at", at.Format(time.RFC3339Nano))
	s.copies = append(s.copies, copied{elsewhere.dir, must})
}

// jump is past every deadline of the demo's first stages.
const jump = 240 * time.Hour

// back is less than a day: before that nobody of the demo was appointed.
const back = 12 * time.Hour

// clockJumps puts the machine's clock forward, so that deadlines pass, and back.
func (s *scene) clockJumps() {
	s.clocked()
	for _, off := range []time.Duration{jump, -back, 0} {
		s.node.moves(off)
		s.load.goesOn(s.t, between())
	}
}

// clocked makes sure that the test has its hand on the program's clock.
func (s *scene) clocked() {
	if s.node.clock {
		return
	}
	s.front.opens()
	s.node.stop()
	s.node.clock = true
	s.node.start()
	s.front.opens(s.node.url)
}

// nodeFrozen stops one of two machines on one database in the middle of its work,
// lets deadlines pass on both and the other one act on them, and lets the first
// go on.
func (s *scene) nodeFrozen() {
	s.clocked()
	if s.twin == nil {
		s.seconds()
	}
	late := `SELECT count(*) FROM journal_entry WHERE kind = 'case.late'`
	before := s.asks(late)
	off := s.node.off + jump
	first := s.strikes["one of two nodes frozen and thawed"]%2 == 0
	if first { // once in the middle of a sweep, once before it
		s.node.moves(off)
	}
	s.node.freezes()
	s.feed.elsewhere()
	if !first {
		s.node.moves(off)
	}
	s.twin.moves(off)
	s.load.goesOn(s.t, between())
	for s.asks(late) == before {
		s.load.goesOn(s.t, clients)
	}
	s.node.thaws()
}

// seconds starts a second machine. They share no folder, so no photos: those
// would stand in a bucket.
func (s *scene) seconds() {
	s.t.Helper()
	dir := s.t.TempDir()
	for _, part := range []string{"keys", "demo.json"} {
		if out, err := run("cp", "-r", filepath.Join(s.node.dir, part), dir); err != nil {
			s.t.Fatalf("%v: %s", err, out)
		}
	}
	s.load.photos.Store(false)
	s.twin = newProgram(s.t, s.node.binary, dir, "")
	s.twin.environ, s.twin.clock, s.twin.off = s.node.environ, true, s.node.off
	s.twin.start()
	s.front.opens(s.node.url, s.twin.url)
}

// alone ends the second machine and goes back to the program as it ships.
func (s *scene) alone() {
	if s.twin != nil {
		s.front.opens(s.node.url)
		s.twin.stop()
		s.twin = nil
	}
}

func faultsPage(all []outcome, details [][]string, took time.Duration) *proof.Page {
	p := proof.NewPage("faults", "What fails under load, and what was lost", took)
	p.Say("The real program serves %d clients over loopback. Each reports cases, accepts them, comments on them and uploads photos; in the middle of every fifth write it goes away, and whatever it doesn't know the outcome of it sends again with the same id. Meanwhile a fault comes again and again. Then the installation is compared with what was acknowledged: the case, its act in the journal, the receipt, the photo byte for byte. Lost is what was acknowledged and is not there; doubled is what is there twice, or without having been asked for. `journal verify` finds no problem, `figures recompute --check` no difference, and the live feed told every act once and in order, or the run fails.", clients)
	n := func(v any) string { return fmt.Sprint(v) }
	var rows [][]string
	for _, o := range all {
		if o.instead != "" {
			rows = append(rows, []string{o.name, string(o.engine), o.instead, "", "", "", ""})
			continue
		}
		rows = append(rows, []string{o.name, string(o.engine), n(o.repeats), n(o.acknowledged), n(o.found), n(o.lost), n(o.doubled)})
	}
	p.Table([]string{"fault", "engine", "repeats", "acknowledged", "found", "lost", "doubled"}, rows...)
	p.Say("The disk is a file system of the test's own (FUSE) under the data folder and PostgreSQL's: it forgets at a power cut what no fsync kept, page by page and name by name, and says that it is full, read-only or slow when it is told to. The device mapper (dm-flakey) is not needed for that.")
	p.Say("How the clients fared:")
	p.Table([]string{"fault", "engine", "gone in the middle", "sent again", "answered from the receipt", "told to come again", "repeated at the end: same answer / other content refused", "acts told by the feed / resumed", "duration"}, details...)
	return p
}
