package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/words"
)

var ctx = context.Background()

// each opens a database with jobs and a table of effects on each engine.
func each(t *testing.T, story func(t *testing.T, d *db.DB, clock *dbtest.Clock)) {
	t.Helper()
	clock := dbtest.NewClock(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	dbtest.EachWith(t, func(o *db.Options) { o.Now = clock.Now }, []db.Room{jobs.Room()}, func(t *testing.T, d *db.DB) {
		clock.Set(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
		story(t, d, clock)
	})
}

func enqueue(t *testing.T, d *db.DB, kind string, args any, at time.Time) id.ID {
	t.Helper()
	var job id.ID
	err := d.Write(ctx, func(tx *db.Tx) (err error) {
		job, err = jobs.Enqueue(tx, kind, args, at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func step(t *testing.T, r *jobs.Runner, want int) {
	t.Helper()
	if n, err := r.Step(ctx); n != want || err != nil {
		t.Fatalf("%d done, want %d, %v", n, want, err)
	}
}

func counts(t *testing.T, d *db.DB, want jobs.Counts) {
	t.Helper()
	var c jobs.Counts
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = jobs.Count(tx)
		return err
	})
	if err != nil || c != want {
		t.Fatalf("%+v, want %+v, %v", c, want, err)
	}
}

// A job is done when it is due, in order, with its arguments, and once; one whose
// command failed never existed; one of an unknown kind waits for a node that
// knows it.
func TestJobIsDoneWhenDue(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		r := jobs.NewRunner(d, jobs.Options{})
		var did []string
		r.Handle("say", func(_ context.Context, j jobs.Job) error {
			var what string
			if err := j.Decode(&what); err != nil {
				return err
			}
			did = append(did, fmt.Sprint(what, j.Attempt))
			return nil
		})
		enqueue(t, d, "say", "later", clock.Now().Add(time.Hour))
		enqueue(t, d, "say", "now", time.Time{})
		enqueue(t, d, "sing", "now", time.Time{})
		refused := errors.New("refused")
		err := d.Write(ctx, func(tx *db.Tx) error {
			if _, err := r.Enqueue(tx, "say", "never", time.Time{}); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		step(t, r, 1)
		counts(t, d, jobs.Counts{Waiting: 2, Due: 1})
		clock.Add(time.Hour)
		step(t, r, 1)
		step(t, r, 0)
		if got := strings.Join(did, ","); got != "now1,later1" {
			t.Fatal(got)
		}
		counts(t, d, jobs.Counts{Waiting: 1, Due: 1})
	})
}

// A job that fails is tried again after longer and longer pauses and is visible
// in the end; somebody can retry or drop it. What can never succeed is not tried
// again, and a panic is a failure like any other.
func TestFailures(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		r := jobs.NewRunner(d, jobs.Options{Attempts: 4})
		heal := false
		var at []time.Duration
		begun := clock.Now()
		r.Handle("flaky", func(context.Context, jobs.Job) error {
			at = append(at, clock.Now().Sub(begun))
			if heal {
				return nil
			}
			return errors.New("no line")
		})
		r.Handle("never", func(context.Context, jobs.Job) error { return fault.New(fault.Invalid, "sms.no_number") })
		r.Handle("panics", func(context.Context, jobs.Job) error { panic("boom") })
		flaky := enqueue(t, d, "flaky", nil, time.Time{})
		for range 40 {
			if _, err := r.Step(ctx); err != nil {
				t.Fatal(err)
			}
			clock.Add(time.Second)
		}
		if got := fmt.Sprint(at); got != "[0s 5s 15s 35s]" {
			t.Fatal(got)
		}
		never := enqueue(t, d, "never", nil, time.Time{})
		step(t, r, 1)
		counts(t, d, jobs.Counts{Failed: 2})
		panics := enqueue(t, d, "panics", nil, time.Time{})
		step(t, r, 1)
		counts(t, d, jobs.Counts{Failed: 2, Waiting: 1})
		err := d.Write(ctx, func(tx *db.Tx) error {
			list, err := jobs.ListFailed(tx, 10)
			if err != nil || len(list) != 2 || list[0].ID != never || list[0].Code != "sms.no_number" || list[1].ID != flaky ||
				list[1].Attempts != 4 || list[1].Code != "internal" {
				t.Errorf("%+v, %v", list, err)
			}
			if err := jobs.Drop(tx, panics); !errors.Is(err, jobs.ErrMissing) {
				t.Errorf("a waiting job was dropped: %v", err)
			}
			return errors.Join(jobs.Retry(tx, flaky), jobs.Drop(tx, never))
		})
		if err != nil {
			t.Fatal(err)
		}
		heal = true
		step(t, r, 1)
		counts(t, d, jobs.Counts{Waiting: 1})
	})
}

// When a runner loses its lease another one does the job: it ran twice, but its
// effect, ended with Done, is there once; and the loser does not disturb.
func TestLeaseIsLost(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		if err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`CREATE TABLE effect (n BIGINT NOT NULL)`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		slow, other := jobs.NewRunner(d, jobs.Options{}), jobs.NewRunner(d, jobs.Options{})
		runs := 0
		act := func(j jobs.Job) error {
			return d.Write(ctx, func(tx *db.Tx) error {
				if _, err := tx.Exec(`INSERT INTO effect (n) VALUES ($1)`, j.Attempt); err != nil {
					return err
				}
				return j.Done(tx)
			})
		}
		slow.Handle("pay", func(_ context.Context, j jobs.Job) error {
			runs++
			step(t, other, 0) // the lease holds
			clock.Add(2 * time.Minute)
			step(t, other, 1)
			err := act(j)
			if !errors.Is(err, jobs.ErrLost) {
				t.Errorf("paid twice: %v", err)
			}
			return err
		})
		other.Handle("pay", func(_ context.Context, j jobs.Job) error { runs++; return act(j) })
		enqueue(t, d, "pay", nil, time.Time{})
		step(t, slow, 1)
		var n, attempt int64
		if err := d.Read(ctx, func(tx *db.Tx) error { return tx.Row(`SELECT count(*), max(n) FROM effect`).Scan(&n, &attempt) }); err != nil {
			t.Fatal(err)
		}
		if runs != 2 || n != 1 || attempt != 2 {
			t.Fatalf("ran %d times, %d effects, of attempt %d", runs, n, attempt)
		}
		counts(t, d, jobs.Counts{})
	})
}

// A repeating act runs at the start and then each time, on one node at a time;
// what was missed is done once; a failure is visible and the next time comes.
func TestTimers(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		one, two := jobs.NewRunner(d, jobs.Options{}), jobs.NewRunner(d, jobs.Options{})
		runs, inside := 0, false
		var fail error
		sweep := func(context.Context) error {
			runs++
			if !inside { // while it runs, the other node does not, however late it is
				inside = true
				clock.Add(50 * time.Second)
				step(t, two, 0)
				inside = false
			}
			return fail
		}
		one.Every("sweep", 10*time.Second, sweep)
		two.Every("sweep", 10*time.Second, sweep)
		step(t, one, 1)
		step(t, two, 1) // 50 s late: once, not five times (and it took 50 s itself)
		if runs != 2 {
			t.Fatalf("ran %d times", runs)
		}
		inside, fail = true, fault.New(fault.Busy, "disk.full")
		clock.Add(10 * time.Second)
		step(t, one, 1)
		step(t, two, 0)
		timers := func() jobs.Timer {
			var list []jobs.Timer
			if err := d.Read(ctx, func(tx *db.Tx) (err error) { list, err = jobs.ListTimers(tx); return err }); err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			return list[0]
		}
		if got := timers(); got.Failures != 1 || got.Code != "disk.full" || !got.Next.Equal(clock.Now().Add(10*time.Second)) || got.Done.IsZero() {
			t.Fatalf("%+v", got)
		}
		fail = nil
		clock.Add(10 * time.Second)
		step(t, two, 1)
		if got := timers(); got.Failures != 0 || got.Code != "" || !got.Done.Equal(clock.Now()) {
			t.Fatalf("%+v", got)
		}
	})
}

// Two running nodes share two hundred jobs: each is done once, though they are
// asked for while the nodes run.
func TestTwoNodes(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		const total = 200
		running, stop := context.WithCancel(ctx)
		var did sync.Map
		var n atomic.Int64
		all := make(chan struct{})
		var nodes sync.WaitGroup
		var first *jobs.Runner
		for range 2 {
			r := jobs.NewRunner(d, jobs.Options{Poll: 5 * time.Millisecond, Workers: 3})
			r.Handle("say", func(_ context.Context, j jobs.Job) error {
				if _, twice := did.LoadOrStore(j.ID, true); twice {
					t.Errorf("job %s ran twice", j.ID)
				}
				if n.Add(1) == total {
					close(all)
				}
				return nil
			})
			first = r
			nodes.Go(func() {
				if err := r.Run(running); err != nil {
					t.Error(err)
				}
			})
		}
		for range total / 10 {
			err := d.Write(ctx, func(tx *db.Tx) error {
				for range 10 {
					if _, err := first.Enqueue(tx, "say", nil, time.Time{}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		<-all
		stop()
		nodes.Wait()
		counts(t, d, jobs.Counts{})
	})
}

// A graceful stop lets a job finish; one that goes on past the grace is told to
// end and stays for later.
func TestStop(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		running, stop := context.WithCancel(ctx)
		r := jobs.NewRunner(d, jobs.Options{Poll: time.Millisecond, Grace: 50 * time.Millisecond})
		both := make(chan bool, 2)
		r.Handle("quick", func(ctx context.Context, _ jobs.Job) error {
			both <- true
			<-running.Done()
			return ctx.Err() // nil: it may still finish
		})
		r.Handle("stubborn", func(ctx context.Context, _ jobs.Job) error {
			both <- true
			<-ctx.Done()
			return ctx.Err()
		})
		enqueue(t, d, "quick", nil, time.Time{})
		enqueue(t, d, "stubborn", nil, time.Time{})
		ended := make(chan error, 1)
		go func() { ended <- r.Run(running) }()
		<-both
		<-both
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		counts(t, d, jobs.Counts{Waiting: 1})
		clock.Add(time.Hour)
		counts(t, d, jobs.Counts{Waiting: 1, Due: 1})
	})
}

// Every fault has a sentence in both languages.
func TestFaultsHaveWords(t *testing.T) {
	c, err := words.New(words.Source{Room: "jobs", Files: jobs.Words})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []error{jobs.ErrLost, jobs.ErrMissing} {
		if !c.Has(f.Error()) {
			t.Errorf("%v has no sentence", f)
		}
	}
}
