package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// crashRoom has two tables, so that half a command would show.
var crashRoom = db.Room{Name: "crash", Migrations: fstest.MapFS{"0001_crash.sql": {Data: []byte(`-- +goose Up
CREATE TABLE crash_receipt (id BYTEA PRIMARY KEY);
CREATE TABLE crash_effect (id BYTEA PRIMARY KEY, round BIGINT NOT NULL);`)}}}

var crashRooms = []db.Room{journal.Room(), crashRoom}

// TestMain is also the program that the crash tests kill.
func TestMain(m *testing.M) {
	if dsn := os.Getenv("ONEGRID_CRASH_DSN"); dsn != "" {
		if err := crashProgram(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashProgram writes commands from 24 callers as fast as it can, each of a
// receipt, an effect and a journal entry, and says "ack ID" once it was told
// that one is durable. A fifth of the callers go away in the middle and send
// the command again with the same id, and so do those whom the database fails;
// each line on standard input says that it works again.
func crashProgram(dsn string) error {
	d, err := db.Open(ctx, db.Options{DSN: dsn, Ledger: journal.New()})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	works, wake := 0, sync.NewCond(&mu)
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			mu.Lock()
			works++
			wake.Broadcast()
			mu.Unlock()
		}
		os.Exit(0) // the test is gone
	}()
	round, _ := strconv.ParseInt(os.Getenv("ONEGRID_CRASH_ROUND"), 10, 64)
	fmt.Println("ready")
	for range 24 {
		go func() {
			for {
				key := newID()
				for {
					mu.Lock()
					before := works
					mu.Unlock()
					caller, leave := context.WithCancel(ctx)
					err := d.WriteFor(caller, key, func(tx *db.Tx) error {
						if key[15]%5 == 0 {
							leave()
						}
						if n, err := tx.Exec(`INSERT INTO crash_receipt (id) VALUES ($1) ON CONFLICT DO NOTHING`, key); err != nil || n == 0 {
							return err // done before: the same outcome again
						}
						journal.Add(tx, journal.Entry{Kind: "crash.act", Subject: key, Body: key})
						_, err := tx.Exec(`INSERT INTO crash_effect (id, round) VALUES ($1, $2)`, key, round)
						return err
					})
					leave()
					if err == nil {
						os.Stdout.WriteString("ack " + key.String() + "\n")
						break
					}
					if fault.Of(err).Kind != fault.Busy {
						fmt.Fprintln(os.Stderr, "refused:", err)
						os.Exit(1)
					}
					mu.Lock()
					for works == before {
						wake.Wait()
					}
					mu.Unlock()
				}
			}
		}()
	}
	select {}
}

// program is a running crashProgram.
type program struct {
	*exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	wrong strings.Builder
}

func startProgram(t *testing.T, dsn string, round int) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(os.Args[0])}
	p.Env = append(os.Environ(), "ONEGRID_CRASH_DSN="+dsn, fmt.Sprint("ONEGRID_CRASH_ROUND=", round))
	p.Stderr = &p.wrong
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	if !p.lines.Scan() || p.lines.Text() != "ready" {
		p.Process.Kill()
		p.Wait()
		t.Fatalf("the program does not start: %s", p.wrong.String())
	}
	return p
}

// acks reads n acknowledged commands; below 0 all that are left.
func (p *program) acks(t *testing.T, n int, into map[id.ID]bool) {
	t.Helper()
	for ; n != 0 && p.lines.Scan(); n-- {
		key, err := id.Parse(strings.TrimPrefix(p.lines.Text(), "ack "))
		if err != nil { // the last line may be cut
			if n < 0 {
				continue
			}
			t.Fatalf("the program says %q", p.lines.Text())
		}
		into[key] = true
	}
	if n > 0 {
		p.Wait()
		t.Fatalf("the program ended: %s", p.wrong.String())
	}
}

// kill ends it as a power cut would, and takes what it said before.
func (p *program) kill(t *testing.T, into map[id.ID]bool) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.acks(t, -1, into)
	p.Wait()
	if p.wrong.Len() > 0 {
		t.Errorf("the program complained: %s", p.wrong.String())
	}
}

func kills() int {
	if os.Getenv("ONEGRID_PROOF") != "" {
		return 20
	}
	return 3
}

// sound checks what a crash may never do: lose what was acknowledged, leave
// half a command, write one twice, break the journal.
func sound(t *testing.T, dsn string, acknowledged map[id.ID]bool) {
	t.Helper()
	d, err := db.Open(ctx, db.Options{DSN: dsn, Ledger: journal.New()})
	if err != nil {
		t.Fatalf("open after the crash: %v", err)
	}
	defer d.Close()
	ids := func(q string) map[id.ID]int {
		all := map[id.ID]int{}
		if err := d.Read(ctx, func(tx *db.Tx) error {
			rows, err := tx.Query(q)
			if err != nil {
				return err
			}
			for rows.Next() {
				var v id.ID
				if err := rows.Scan(&v); err != nil {
					return err
				}
				all[v]++
			}
			return rows.Close()
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	receipts, effects, entries := ids(`SELECT id FROM crash_receipt`), ids(`SELECT id FROM crash_effect`), ids(`SELECT subject FROM journal_entry`)
	lost, half := 0, 0
	for v := range acknowledged {
		if receipts[v] != 1 {
			lost++
		}
	}
	for v := range receipts {
		if effects[v] != 1 || entries[v] != 1 {
			half++
		}
	}
	if lost > 0 || half > 0 || len(effects) != len(receipts) || len(entries) != len(receipts) {
		t.Errorf("%d acknowledged, %d lost, %d half done; %d receipts, %d effects, %d entries", len(acknowledged), lost, half, len(receipts), len(effects), len(entries))
	}
	if r := verify(t, d); !r.OK() {
		t.Errorf("the journal does not verify: %+v", r.Problems)
	}
	t.Logf("%d acknowledged, %d durable", len(acknowledged), len(receipts))
}

// The program is killed again and again under load; each time everything that
// it acknowledged is there.
func TestKilledProgramLosesNothing(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			dsn := "sqlite:" + filepath.Join(t.TempDir(), "crash.db")
			if e == db.Postgres {
				dsn = dbtest.Own(t).DSN("postgres")
			}
			d := dbtest.Open(t, e, func(o *db.Options) { o.DSN, o.Ledger = dsn, journal.New() }, crashRooms)
			d.Close()
			acknowledged := map[id.ID]bool{}
			for round := range kills() {
				p := startProgram(t, dsn, round)
				p.acks(t, 100+rand.IntN(1500), acknowledged)
				p.kill(t, acknowledged)
				sound(t, dsn, acknowledged)
			}
		})
	}
}

// PostgreSQL itself is killed, with every process it has, while the program
// goes on: the program finds its way back, commands whose outcome is not known
// are sent again with the same id, and nothing is lost or done twice.
func TestKilledPostgresLosesNothing(t *testing.T) {
	server := dbtest.Own(t)
	dsn := server.DSN("postgres")
	d := dbtest.Open(t, db.Postgres, func(o *db.Options) { o.DSN, o.Ledger = dsn, journal.New() }, crashRooms)
	d.Close()
	acknowledged := map[id.ID]bool{}
	p := startProgram(t, dsn, 0)
	for range kills() {
		p.acks(t, 100+rand.IntN(1500), acknowledged)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(p.in, "works\n"); err != nil {
			t.Fatal(err)
		}
	}
	p.acks(t, 500, acknowledged)
	p.kill(t, acknowledged)
	sound(t, dsn, acknowledged)
}
