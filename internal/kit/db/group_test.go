package db_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
)

// What one command of a group does wrong is its own affair: an error, a hurt
// constraint, a panic with a row set open. Nothing it wrote, pended or wanted
// to wake up is left, and the others are committed in the same group.
func TestGroupIsolatesFailures(t *testing.T) {
	dbtest.EachWith(t, withLedger, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		if err := d.Write(ctx, func(tx *db.Tx) error { return put(tx, "taken") }); err != nil {
			t.Fatal(err)
		}
		groups := d.Stats().Groups.Load()
		refused := errors.New("refused")
		var woken atomic.Int64
		act := func(name string, then func(tx *db.Tx) error) func(*db.Tx) error {
			return func(tx *db.Tx) error {
				tx.Pend(name)
				tx.After(func() { woken.Add(1) })
				if err := put(tx, name); err != nil {
					return err
				}
				return then(tx)
			}
		}
		fine := func(*db.Tx) error { return nil }
		errs := together(t, d,
			act("a", fine),
			act("b", func(*db.Tx) error { return refused }),
			act("taken", fine),
			act("c", func(tx *db.Tx) error {
				if _, err := tx.Query(`SELECT name FROM note`); err != nil {
					return err
				}
				panic("a bug")
			}),
			act("d", func(tx *db.Tx) error { // leaves a row set open
				_, err := tx.Query(`SELECT name FROM note`)
				return err
			}),
			act("e", func(tx *db.Tx) error { // ignores a failed statement
				put(tx, "taken")
				return nil
			}),
			act("f", fine),
		)
		if errs[0] != nil || errs[4] != nil || errs[6] != nil {
			t.Errorf("good commands failed: %v", errs)
		}
		if errs[1] != refused || !db.Unique(errs[2]) || !errors.Is(errs[3], db.ErrPanic) || !db.Unique(errs[5]) {
			t.Errorf("bad commands: %v", errs)
		}
		if !strings.Contains(errs[3].Error(), "a bug") || !strings.Contains(errs[3].Error(), "group_test.go") {
			t.Errorf("the panic does not say where: %v", errs[3])
		}
		wants(t, d, `SELECT name FROM note ORDER BY name`, "a", "d", "f", "taken")
		wants(t, d, `SELECT what FROM ledger ORDER BY what`, "a", "d", "f")
		if woken.Load() != 3 {
			t.Errorf("%d woken up", woken.Load())
		}
		if n := d.Stats().Groups.Load() - groups; n != 1 || d.Stats().Lost.Load() != 0 {
			t.Errorf("%d groups, %d lost", n, d.Stats().Lost.Load())
		}
	})
}

// A caller that goes away before its turn is not served; one that goes away
// during its turn is, and neither touches its neighbours.
func TestCancelledCallerHurtsNobody(t *testing.T) {
	dbtest.EachWith(t, withLedger, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		early, leaveEarly := context.WithCancel(ctx)
		late, leaveLate := context.WithCancel(ctx)
		gone := make(chan bool)
		go func() {
			<-early.Done()
			close(gone)
		}()
		errs := togetherUnder(t, d, []context.Context{nil, early, late, nil}, func() { leaveEarly(); <-gone },
			func(tx *db.Tx) error { return put(tx, "first") },
			func(tx *db.Tx) error { return put(tx, "early") },
			func(tx *db.Tx) error {
				if err := put(tx, "late"); err != nil {
					return err
				}
				leaveLate()
				return put(tx, "late too")
			},
			func(tx *db.Tx) error { return put(tx, "last") },
		)
		if errs[0] != nil || errs[2] != nil || errs[3] != nil {
			t.Errorf("got %v", errs)
		}
		// The caller that left early either was told so, or was served after all.
		want := []string{"first", "last", "late", "late too"}
		if errs[1] == nil {
			want = []string{"early", "first", "last", "late", "late too"}
		} else if !errors.Is(errs[1], context.Canceled) {
			t.Errorf("got %v", errs[1])
		}
		wants(t, d, `SELECT name FROM note ORDER BY name`, want...)
		if err := d.Write(early, func(tx *db.Tx) error { return put(tx, "x") }); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// When the whole transaction is lost, nobody is acknowledged and each command
// is tried alone once; the one that destroys its own transaction hears so.
func TestLostGroupIsTriedAlone(t *testing.T) {
	destroy := map[db.Engine]func(*db.Tx) error{
		db.Postgres: func(tx *db.Tx) error {
			var ok bool
			return tx.Row(`SELECT pg_terminate_backend(pg_backend_pid())`).Scan(&ok)
		},
		db.SQLite: func(tx *db.Tx) error { // the disk is full
			var n int64
			if err := tx.Row(`PRAGMA max_page_count = 60`).Scan(&n); err != nil {
				return err
			}
			_, err := tx.Exec(`INSERT INTO note (name, n, raw) VALUES ('huge', 1, zeroblob(10000000))`)
			return err
		},
	}
	dbtest.EachWith(t, withLedger, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		tries := make([]int, 3)
		add := func(i int, name string) func(tx *db.Tx) error {
			return func(tx *db.Tx) error {
				tries[i]++
				tx.Pend(name)
				return put(tx, name)
			}
		}
		errs := together(t, d, add(0, "before"), destroy[d.Engine()], add(1, "after"), add(2, "after"))
		if errs[0] != nil || errs[2] != nil || !db.Unique(errs[3]) {
			t.Errorf("neighbours: %v", errs)
		}
		if !errors.Is(errs[1], db.ErrUnavailable) {
			t.Errorf("the destroyer: %v", errs[1])
		}
		if tries[0] != 2 || d.Stats().Lost.Load() != 1 || d.Stats().Alone.Load() != 4 {
			t.Errorf("tries %v, lost %d, alone %d", tries, d.Stats().Lost.Load(), d.Stats().Alone.Load())
		}
		wants(t, d, `SELECT name FROM note ORDER BY name`, "after", "before")
		wants(t, d, `SELECT what FROM ledger ORDER BY what`, "after", "before")
	})
}

// A ledger that fails takes the group with it, never a command without its
// entry.
func TestFailingLedgerCommitsNothing(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			l := &flaky{}
			d := dbtest.Open(t, e, func(o *db.Options) { o.Ledger = l }, []db.Room{notes})
			l.fails = 2 // the group, and the first command alone
			errs := together(t, d,
				func(tx *db.Tx) error { tx.Pend("a"); return put(tx, "a") },
				func(tx *db.Tx) error { tx.Pend("b"); return put(tx, "b") })
			if errs[0] == nil || errs[1] != nil {
				t.Errorf("got %v", errs)
			}
			wants(t, d, `SELECT name FROM note`, "b")
			wants(t, d, `SELECT what FROM ledger`, "b")
		})
	}
}

// A statement of the ledger that can never succeed is the program's mistake:
// its command fails as such, is not told to come again, and hurts nobody else.
func TestImpossibleLedgerIsAMistake(t *testing.T) {
	dbtest.EachWith(t, func(o *db.Options) { o.Ledger = ledger{} }, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		errs := together(t, d,
			func(tx *db.Tx) error { tx.Pend(nil); return put(tx, "a") }, // NULL, which the column refuses
			func(tx *db.Tx) error { tx.Pend("b"); return put(tx, "b") })
		if fault.Of(errs[0]).Kind != fault.Internal || errs[1] != nil {
			t.Errorf("got %v", errs)
		}
		wants(t, d, `SELECT name FROM note`, "b")
		wants(t, d, `SELECT what FROM ledger`, "b")
	})
}

type flaky struct{ fails int }

func (f *flaky) Seal(tx *db.Tx, pended []any) error {
	if f.fails--; f.fails >= 0 {
		return errors.New("no")
	}
	return ledger{}.Seal(tx, pended)
}

// Close finishes what waits and refuses what comes later.
func TestCloseFinishesWhatWaits(t *testing.T) {
	dbtest.EachWith(t, withLedger, []db.Room{notes}, func(t *testing.T, d *db.DB) {
		closed := make(chan error)
		errs := togetherUnder(t, d, make([]context.Context, 2), func() { go func() { closed <- d.Close() }() },
			func(tx *db.Tx) error { return put(tx, "a") },
			func(tx *db.Tx) error { return put(tx, "b") })
		if errs[0] != nil || errs[1] != nil || <-closed != nil {
			t.Errorf("got %v", errs)
		}
		if err := d.Write(ctx, func(*db.Tx) error { return nil }); !errors.Is(err, db.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if err := d.Read(ctx, func(*db.Tx) error { return nil }); !errors.Is(err, db.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

// When the connection breaks in the commit, the writer finds out over a new one
// what became of it: a commit that took place is not done twice, one that did
// not is done again.
func TestBrokenCommitIsFoundOut(t *testing.T) {
	for _, arrives := range []bool{true, false} {
		t.Run(map[bool]string{true: "commit arrived", false: "commit lost"}[arrives], func(t *testing.T) {
			target, err := url.Parse(dbtest.DSN(t, db.Postgres))
			if err != nil {
				t.Fatal(err)
			}
			p := startProxy(t, target.Host)
			target.Host = p.Addr()
			d := dbtest.Open(t, db.Postgres, func(o *db.Options) { o.DSN, o.Ledger = target.String(), ledger{} }, []db.Room{notes})
			// The statements are known to the server from here on, so that what the
			// command sends last is its commit and nothing else.
			if err := d.Write(ctx, func(tx *db.Tx) error { tx.Pend("warm"); return put(tx, "warm") }); err != nil {
				t.Fatal(err)
			}
			tries := 0
			err = d.Write(ctx, func(tx *db.Tx) error {
				tries++
				tx.Pend("once")
				if err := put(tx, "once"); err != nil {
					return err
				}
				if tries == 1 {
					p.CutAfterNext(arrives)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{true: 1, false: 2}[arrives]; tries != want {
				t.Errorf("%d tries, want %d", tries, want)
			}
			wants(t, d, `SELECT name FROM note ORDER BY name`, "once", "warm")
			wants(t, d, `SELECT what FROM ledger ORDER BY what`, "once", "warm")
		})
	}
}

// When PostgreSQL can't be reached any more to ask, the caller hears that the
// outcome is not known, and nobody guesses.
func TestUnknownOutcomeIsSaid(t *testing.T) {
	t.Cleanup(db.Patience(time.Millisecond))
	target, err := url.Parse(dbtest.DSN(t, db.Postgres))
	if err != nil {
		t.Fatal(err)
	}
	p := startProxy(t, target.Host)
	target.Host = p.Addr()
	d := dbtest.Open(t, db.Postgres, func(o *db.Options) { o.DSN = target.String() }, []db.Room{notes})
	write := func(name string, then func()) error {
		return d.Write(ctx, func(tx *db.Tx) error {
			if err := put(tx, name); err != nil {
				return err
			}
			then()
			return nil
		})
	}
	if err := write("warm", func() {}); err != nil {
		t.Fatal(err)
	}
	if err := write("a", func() { p.CutAfterNext(true); p.Close() }); !errors.Is(err, db.ErrUnknown) {
		t.Errorf("cut in the commit: %v", err)
	}
	if err := write("b", func() {}); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("with nobody there: %v", err)
	}
}

// proxy stands between the program and PostgreSQL.
type proxy struct {
	net.Listener
	cut atomic.Int32
}

const (
	cutAfter  = 1 // the next message arrives, its answer does not
	cutBefore = 2 // the next message does not arrive
)

func startProxy(t *testing.T, target string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(c, target)
		}
	}()
	return p
}

func (p *proxy) Addr() string { return p.Listener.Addr().String() }

func (p *proxy) CutAfterNext(arrives bool) {
	if arrives {
		p.cut.Store(cutAfter)
	} else {
		p.cut.Store(cutBefore)
	}
}

func (p *proxy) carry(client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	var mute atomic.Bool
	ended := make(chan bool)
	go func() {
		defer close(ended)
		b := make([]byte, 1<<16)
		for {
			n, err := server.Read(b)
			if err != nil {
				return
			}
			if mute.Load() {
				return // the answer has come, so the commit took place
			}
			client.Write(b[:n])
		}
	}()
	b := make([]byte, 1<<16)
	for {
		n, err := client.Read(b)
		if err == io.EOF || err != nil {
			return
		}
		switch p.cut.Swap(0) {
		case cutBefore:
			return
		case cutAfter:
			mute.Store(true)
			server.Write(b[:n])
			<-ended
			return
		}
		server.Write(b[:n])
	}
}
