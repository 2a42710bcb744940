package proof_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/journal"
	"onegrid/internal/demo"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
	"onegrid/internal/proof"
)

// The real program is killed under load, again and again, and on PostgreSQL the
// database server too, while clients go away in the middle of their writes and
// send them again with the same id. Then everything that was acknowledged must
// be there, once, and nothing else.

// How much load and how many kills.
const clients = 8

// killEvery is how many commands are acknowledged between two kills.
func killEvery() int {
	if proof.Long() {
		return 300
	}
	return 60
}

func kills() int {
	if proof.Long() {
		return 20
	}
	return 2
}

// program is the real program on a folder of its own.
type program struct {
	t       *testing.T
	binary  string
	dir     string
	environ []string
	cmd     *exec.Cmd
	stderr  *os.File

	mu  sync.Mutex
	up  chan struct{} // closed while it answers
	url string
}

// build builds the program as it ships.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "onegrid")
	// The flags of `make build`, so that what it has compiled is used again.
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, "onegrid/cmd/onegrid")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

func newProgram(t *testing.T, binary, database string) *program {
	t.Helper()
	p := &program{t: t, binary: binary, dir: filepath.Join(t.TempDir(), "data"), environ: os.Environ(), up: make(chan struct{})}
	if database != "" {
		p.environ = append(p.environ, "ONEGRID_DATABASE="+database)
	}
	var err error
	if p.stderr, err = os.Create(filepath.Join(t.TempDir(), "stderr")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			if log, err := os.ReadFile(p.stderr.Name()); err == nil {
				t.Logf("the program said:\n%s", log[max(0, len(log)-4000):])
			}
		}
		p.stderr.Close()
	})
	return p
}

// start starts the program and waits until it answers; from the second time on
// it listens where it did before.
func (p *program) start() {
	p.t.Helper()
	addr := "127.0.0.1:0"
	if p.url != "" {
		addr = strings.TrimPrefix(p.url, "http://")
	}
	p.cmd = exec.Command(p.binary, "demo", "--dir", p.dir, "--addr", addr, "--requests", "0")
	p.cmd.Env, p.cmd.Stderr = p.environ, p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			p.url = url
			p.answers(true)
			return
		}
	}
	p.cmd.Wait()
	p.cmd = nil
	p.t.Fatal("the program does not start")
}

// answers tells the clients whether it is worth trying.
func (p *program) answers(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if yes {
		close(p.up)
	} else {
		p.up = make(chan struct{})
	}
}

// works waits until the program answers.
func (p *program) works(ctx context.Context) bool {
	p.mu.Lock()
	up := p.up
	p.mu.Unlock()
	select {
	case <-up:
		return true
	case <-ctx.Done():
		return false
	}
}

// kill kills the program as a power cut would.
func (p *program) kill() {
	if p.cmd != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p.cmd = nil
	}
}

// stop stops the program as an operator would.
func (p *program) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the program stopped with %v", err)
	}
	p.cmd = nil
}

// runs runs another command of the program on its folder.
func (p *program) runs(args ...string) string {
	p.t.Helper()
	cmd := exec.Command(p.binary, append(args, "--dir", p.dir)...)
	cmd.Env = p.environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Errorf("onegrid %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// fall is one run: what was done and what came of it.
type fall struct {
	engine                      db.Engine
	programKills, databaseKills int
	load                        *load
	cases, receipts             int
	entries                     int64
	feed                        *feed
	figures, verify             string
	took                        time.Duration
}

func TestFaults(t *testing.T) {
	began := time.Now()
	binary := build(t)
	requests, err := demo.Requests()
	if err != nil {
		t.Fatal(err)
	}
	var runs []*fall
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			var server *dbtest.Server
			database := ""
			if engine == db.Postgres {
				server = dbtest.Own(t)
				database = server.DSN("postgres")
			}
			runs = append(runs, falls(t, newProgram(t, binary, database), server, engine, requests))
		})
	}
	if t.Failed() {
		return
	}
	page := faultsPage(runs, time.Since(began))
	t.Logf("%s", page.Text())
	if proof.Long() {
		if err := page.Keep(); err != nil {
			t.Error(err)
		}
	}
}

// falls lets clients work while the program and the database are killed, and
// compares what was acknowledged with what is there.
func falls(t *testing.T, p *program, server *dbtest.Server, engine db.Engine, requests []demo.Request) *fall {
	t.Helper()
	began := time.Now()
	f := &fall{engine: engine}
	p.start()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	f.load = newLoad(p, requests)
	f.feed = newFeed(ctx, p)
	f.load.start(ctx)
	for n := range kills() {
		f.load.reaches(t, (n+1)*killEvery())
		p.answers(false)
		p.kill()
		f.programKills++
		p.start()
		if server == nil {
			continue
		}
		f.load.reaches(t, (n+1)*killEvery()+killEvery()/2)
		p.answers(false)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		f.databaseKills++
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		p.answers(true)
	}
	f.load.reaches(t, (kills()+1)*killEvery())
	f.load.finish(t)
	f.load.again(t)
	f.check(t, p, stop)
	f.took = time.Since(began)
	return f
}

// check compares the folder with what the clients and the feed were told.
func (f *fall) check(t *testing.T, p *program, stop func()) {
	t.Helper()
	f.feed.reaches(t, f.load.last(t))
	p.stop()
	stop()
	f.figures = p.runs("figures", "recompute", "--check")
	f.verify = p.runs("journal", "verify")

	environ := p.environ[len(os.Environ()):]
	c, err := app.LoadConfig(p.dir, nil, environ)
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), db.Options{DSN: c.DSN(), Exists: true, Writers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = d.Read(t.Context(), func(tx *db.Tx) error {
		receipts := map[id.ID]id.ID{}
		rows, err := tx.Query(`SELECT id, subject FROM http_receipt WHERE op IN ('case.report', 'case.move', 'case.comment')`)
		if err != nil {
			return err
		}
		for rows.Next() {
			var key, subject id.ID
			if err := rows.Scan(&key, &subject); err != nil {
				return err
			}
			receipts[key] = subject
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows.Close()
		f.receipts = len(receipts)
		return f.compare(t, tx, receipts)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// compare looks for what is lost, half-done or twice there.
func (f *fall) compare(t *testing.T, tx *db.Tx, receipts map[id.ID]id.ID) error {
	t.Helper()
	acts := map[id.ID][]string{} // of each case, with the words of its comments
	var told []int64
	for head := int64(0); ; {
		part, err := journal.Since(tx, head, 1000)
		if err != nil {
			return err
		}
		if len(part) == 0 {
			f.entries = head
			break
		}
		for _, e := range part {
			if e.Number != head+1 {
				t.Errorf("entry %d follows entry %d", e.Number, head)
			}
			head = e.Number
			if strings.HasPrefix(e.Kind, "case.") || strings.HasPrefix(e.Kind, "task.") {
				told = append(told, e.Number)
			}
			switch e.Kind {
			case "case.report", "case.accept":
				acts[e.Subject] = append(acts[e.Subject], e.Kind)
			case "case.comment":
				var body struct{ Note string }
				if _, err := e.Decode(&body); err != nil {
					return err
				}
				acts[e.Subject] = append(acts[e.Subject], e.Kind+" "+body.Note)
			}
		}
	}
	var cases int64
	if err := tx.Row(`SELECT COUNT(*) FROM cases WHERE parent_id IS NULL`).Scan(&cases); err != nil {
		return err
	}
	f.cases = int(cases)

	want := map[id.ID][]string{}
	for _, w := range f.load.acknowledged() {
		want[w.subject] = append(want[w.subject], w.what)
		if subject, ok := receipts[w.key]; !ok || subject != w.subject {
			t.Errorf("%s was acknowledged for %s and its receipt says %s", w.what, w.subject, subject)
		}
		delete(receipts, w.key)
	}
	for key := range receipts {
		t.Errorf("receipt %s was never acknowledged", key)
	}
	for subject, list := range want {
		have := slices.Sorted(slices.Values(acts[subject]))
		slices.Sort(list)
		if !slices.Equal(have, list) {
			t.Errorf("case %s: acknowledged %q, there %q", subject, list, have)
		}
		delete(acts, subject)
	}
	for subject, list := range acts {
		t.Errorf("case %s was never acknowledged: %q", subject, list)
	}
	if f.cases != len(want) {
		t.Errorf("%d cases are there of %d acknowledged", f.cases, len(want))
	}
	if got := f.feed.numbers(); !slices.Equal(got, told) {
		t.Errorf("the feed told %d acts of %d: %s", len(got), len(told), firstGap(got, told))
	}
	return nil
}

func firstGap(got, want []int64) string {
	for n := range want {
		if n >= len(got) || got[n] != want[n] {
			return fmt.Sprintf("number %d of the journal is not its %dth", want[n], n+1)
		}
	}
	return "it told more"
}

func faultsPage(runs []*fall, took time.Duration) *proof.Page {
	p := proof.NewPage("faults", "Killed under load", took)
	p.Say("The real program serves %d clients over loopback. Each reports cases, accepts them and comments on them; in the middle of every fifth write it goes away, and whatever it doesn't know the outcome of it sends again with the same id. Meanwhile the program is killed (`kill -9`) and started again, and on PostgreSQL all processes of the database server are. Then the folder is compared with what was acknowledged.", clients)
	header, n := []string{""}, func(v any) string { return fmt.Sprint(v) }
	rows := [][]string{{"program killed"}, {"database server killed"}, {"commands acknowledged"}, {"clients gone in the middle of a write"}, {"writes sent again after an unknown outcome"},
		{"of these answered from the receipt"}, {"refused as busy meanwhile"}, {"sent again at the end: same answer"}, {"same id with other content: refused"},
		{"cases there / acknowledged"}, {"receipts there / acknowledged"}, {"acknowledged and lost, half-done, twice"}, {"journal entries, no gap"},
		{"acts told by the feed, in order, none missing / resumed"}, {"journal verify"}, {"figures recompute --check"}, {"duration"}}
	for _, f := range runs {
		header = append(header, string(f.engine))
		l := f.load
		for i, v := range []string{n(f.programKills), n(f.databaseKills), n(len(l.acknowledged())), n(l.gone.Load()), n(l.resent.Load()),
			n(l.replayed.Load()), n(l.busy.Load()), n(l.repeated), n(l.refused),
			fmt.Sprintf("%d / %d", f.cases, l.reports()), fmt.Sprintf("%d / %d", f.receipts, len(l.acknowledged())), "0, 0, 0", n(f.entries),
			fmt.Sprintf("%d / %d", len(f.feed.numbers()), f.feed.resumed()), f.verify, f.figures, f.took.Round(time.Second).String()} {
			rows[i] = append(rows[i], v)
		}
	}
	p.Table(header, rows...)
	return p
}
