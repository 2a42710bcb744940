package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Options are what app decides about a runner.
type Options struct {
	Log      *slog.Logger
	Workers  int           // jobs at a time; default 4
	Attempts int           // default 10: about an hour and a half
	Lease    time.Duration // default 1 minute; renewed while a handler runs
	Poll     time.Duration // how often Run looks by itself; default 1 second
	Grace    time.Duration // how long running jobs may go on when the program stops; default 10 seconds
}

// Runner takes jobs and does them.
type Runner struct {
	d        *db.DB
	o        Options
	handlers map[string]Handler
	kinds    []any // the keys of handlers, in the order they came
	timers   []timer
	wake     chan struct{}
}

type timer struct {
	name  string
	every time.Duration
	run   func(context.Context) error
}

// NewRunner makes a runner without handlers.
func NewRunner(d *db.DB, o Options) *Runner {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Attempts == 0 {
		o.Attempts = 10
	}
	if o.Lease == 0 {
		o.Lease = time.Minute
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Grace == 0 {
		o.Grace = 10 * time.Second
	}
	return &Runner{d: d, o: o, handlers: map[string]Handler{}, wake: make(chan struct{}, 1)}
}

// Handle says what does the jobs of a kind. Kinds without a handler stay where
// they are: a newer node knows them.
func (r *Runner) Handle(kind string, h Handler) {
	if _, twice := r.handlers[kind]; twice {
		panic(fmt.Sprintf("jobs: two handlers for %q", kind))
	}
	r.handlers[kind] = h
	r.kinds = append(r.kinds, kind)
}

// Every does something again and again, at the start first, on one node at a
// time. What was missed while nobody ran is done once, not once for each time.
func (r *Runner) Every(name string, every time.Duration, run func(context.Context) error) {
	for _, t := range r.timers {
		if t.name == name {
			panic(fmt.Sprintf("jobs: two timers called %q", name))
		}
	}
	r.timers = append(r.timers, timer{name, every, run})
}

// Enqueue is the package's Enqueue and wakes this runner after the commit, so
// that the job does not wait for its next look.
func (r *Runner) Enqueue(tx *db.Tx, kind string, args any, at time.Time) (id.ID, error) {
	job, err := Enqueue(tx, kind, args, at)
	if err == nil && !at.After(tx.Now()) {
		tx.After(r.Wake)
	}
	return job, err
}

// Wake makes Run look now.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Step does everything that is due now, one after the other, and says how much
// that was. It is how tests run jobs: they move the clock and step.
func (r *Runner) Step(ctx context.Context) (int, error) {
	total := 0
	for _, t := range r.timers {
		ran, err := r.runTimer(ctx, t)
		if err != nil {
			return total, err
		}
		if ran {
			total++
		}
	}
	for {
		some, err := r.take(ctx, 1)
		if err != nil || len(some) == 0 {
			return total, err
		}
		if err := r.do(ctx, some[0]); err != nil {
			return total, err
		}
		total++
	}
}

// Run does jobs and timers until ctx ends; then it takes no more and lets what
// runs finish within the grace.
func (r *Runner) Run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	for _, t := range r.timers {
		running.Go(func() { r.tick(ctx, working, t) })
	}
	free := make(chan struct{}, r.o.Workers)
	for range r.o.Workers {
		free <- struct{}{}
	}
	for ctx.Err() == nil {
		n := 0
		for n < r.o.Workers && grab(free) {
			n++
		}
		some, err := r.take(ctx, n)
		if err != nil && ctx.Err() == nil {
			r.o.Log.Error("take jobs", "cause", err)
		}
		for range n - len(some) {
			free <- struct{}{}
		}
		for _, j := range some {
			running.Go(func() {
				defer func() { free <- struct{}{}; r.Wake() }()
				if err := r.do(working, j); err != nil {
					r.o.Log.Error("keep the end of a job", "job", j.ID, "kind", j.Kind, "cause", err)
				}
			})
		}
		if n > 0 && len(some) == n {
			continue // there may be more
		}
		wait(ctx, r.wake, r.o.Poll)
	}
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	late := time.NewTimer(r.o.Grace)
	defer late.Stop()
	select {
	case <-done:
		return nil
	case <-late.C:
		stop() // the leases run out and another node goes on
	}
	<-done
	return nil
}

func grab(free chan struct{}) bool {
	select {
	case <-free:
		return true
	default:
		return false
	}
}

func wait(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
	}
}

// take leases up to n due jobs.
func (r *Runner) take(ctx context.Context, n int) ([]Job, error) {
	if n == 0 || len(r.kinds) == 0 {
		return nil, nil
	}
	// The kinds stand first in both statements.
	marks := make([]string, len(r.kinds))
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	kinds, next := strings.Join(marks, ", "), len(r.kinds)
	mark := func(i int) string { return "$" + strconv.Itoa(next+i) }
	due := `FROM job WHERE state = 'waiting' AND at <= ` + mark(1) + ` AND kind IN (` + kinds + `)`

	var found int64
	err := r.d.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT count(*) FROM (SELECT 1 `+due+` LIMIT 1) AS first`, append(slices.Clone(r.kinds), db.Millis(tx.Now()))...).Scan(&found)
	})
	if err != nil {
		return nil, fmt.Errorf("look for jobs: %w", err)
	}
	if found == 0 { // the usual answer costs no write
		return nil, nil
	}
	var some []Job
	err = r.d.Write(ctx, func(tx *db.Tx) error {
		some = some[:0]
		lease := tx.NewID()
		args := append(slices.Clone(r.kinds), db.Millis(tx.Now()), db.Millis(tx.Now().Add(r.o.Lease)), lease, n)
		// The state and time are asked twice: on PostgreSQL the outer ones are
		// checked again when another node was faster.
		rows, err := tx.Query(`UPDATE job SET at = `+mark(2)+`, lease = `+mark(3)+`, attempts = attempts + 1
			WHERE id IN (SELECT id `+due+` ORDER BY at, id LIMIT `+mark(4)+`) AND state = 'waiting' AND at <= `+mark(1)+`
			RETURNING id, kind, args, due, attempts`, args...)
		if err != nil {
			return fmt.Errorf("take jobs: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			j := Job{lease: lease}
			var raw string
			if err := rows.Scan(&j.ID, &j.Kind, &raw, db.Time(&j.Due), &j.Attempt); err != nil {
				return fmt.Errorf("take jobs: %w", err)
			}
			j.Args = []byte(raw)
			some = append(some, j)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return some, nil
}

// do runs one job and writes down how it ended. The error is about the writing.
func (r *Runner) do(ctx context.Context, j Job) error {
	begun := r.d.Now()
	err := r.leased(ctx, func(tx *db.Tx) error { return r.renew(tx, j) }, func(ctx context.Context) error {
		return r.handlers[j.Kind](ctx, j)
	})
	log := r.o.Log.With("job", j.ID, "kind", j.Kind, "attempt", j.Attempt, "took", r.d.Now().Sub(begun))
	// The end is written even when the program stops.
	ctx = context.WithoutCancel(ctx)
	if err == nil {
		log.Debug("job done")
		return r.d.Write(ctx, func(tx *db.Tx) error {
			if err := j.Done(tx); !errors.Is(err, ErrLost) {
				return err
			}
			return nil // Done by the handler itself, or taken by another runner
		})
	}
	f := fault.Of(err)
	last := j.Attempt >= r.o.Attempts || hopeless(err)
	if last {
		log.Error("job failed for good", "code", f.Code, "cause", err)
	} else {
		log.Warn("job failed, will try again", "code", f.Code, "cause", err)
	}
	return r.d.Write(ctx, func(tx *db.Tx) error {
		state := "waiting"
		if last {
			state = "failed"
		}
		_, err := tx.Exec(`UPDATE job SET state = $1, at = $2, code = $3, lease = NULL WHERE id = $4 AND lease = $5`,
			state, db.Millis(tx.Now().Add(pause(j.Attempt))), f.Code, j.ID, j.lease)
		if err != nil {
			return fmt.Errorf("put job %s back: %w", j.ID, err)
		}
		return nil
	})
}

func (r *Runner) renew(tx *db.Tx, j Job) error {
	return held(tx.Exec(`UPDATE job SET at = $1 WHERE id = $2 AND lease = $3`, db.Millis(tx.Now().Add(r.o.Lease)), j.ID, j.lease))
}

func held(n int64, err error) error {
	if err == nil && n == 0 {
		return ErrLost
	}
	return err
}

// leased runs fn and renews its lease meanwhile; fn's context ends when the
// lease is lost. A panic is a failure of that job alone.
func (r *Runner) leased(ctx context.Context, renew func(*db.Tx) error, fn func(context.Context) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		t := time.NewTicker(r.o.Lease / 3)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			if err := r.d.Write(ctx, renew); errors.Is(err, ErrLost) {
				cancel()
				return
			} else if err != nil && ctx.Err() == nil {
				r.o.Log.Warn("renew a lease", "cause", err)
			}
		}
	})
	defer func() {
		cancel()
		watching.Wait()
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(ctx)
}

// tick runs one timer for as long as ctx lives; working is what its act runs on.
func (r *Runner) tick(ctx, working context.Context, t timer) {
	look := min(max(t.every, 10*time.Millisecond), r.o.Poll)
	for ctx.Err() == nil {
		if _, err := r.runTimer(working, t); err != nil && working.Err() == nil {
			r.o.Log.Error("keep the end of a timer", "timer", t.name, "cause", err)
		}
		wait(ctx, nil, look)
	}
}

// runTimer does a repeating act when it is due and nobody else is at it.
func (r *Runner) runTimer(ctx context.Context, t timer) (ran bool, err error) {
	var at, to time.Time
	var known bool
	err = r.d.Read(ctx, func(tx *db.Tx) error {
		err := tx.Row(`SELECT at, lease_to FROM job_timer WHERE name = $1`, t.name).Scan(db.Time(&at), db.Time(&to))
		known = err == nil
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		return err
	})
	now := r.d.Now()
	if err != nil || known && (at.After(now) || to.After(now)) {
		return false, err
	}
	var lease id.ID
	err = r.d.Write(ctx, func(tx *db.Tx) error {
		lease = tx.NewID()
		now := db.Millis(tx.Now())
		_, err := tx.Exec(`INSERT INTO job_timer (name, at, failures) VALUES ($1, $2, 0) ON CONFLICT (name) DO NOTHING`, t.name, now)
		if err != nil {
			return err
		}
		n, err := tx.Exec(`UPDATE job_timer SET at = $1, lease = $2, lease_to = $3
			WHERE name = $4 AND at <= $5 AND (lease_to IS NULL OR lease_to <= $5)`,
			db.Millis(tx.Now().Add(t.every)), lease, db.Millis(tx.Now().Add(r.o.Lease)), t.name, now)
		ran = n > 0
		return err
	})
	if err != nil || !ran {
		return false, err
	}
	renew := func(tx *db.Tx) error {
		return held(tx.Exec(`UPDATE job_timer SET lease_to = $1 WHERE name = $2 AND lease = $3`,
			db.Millis(tx.Now().Add(r.o.Lease)), t.name, lease))
	}
	failed := r.leased(ctx, renew, t.run)
	if failed != nil && ctx.Err() == nil {
		r.o.Log.Error("timer failed", "timer", t.name, "code", fault.Of(failed).Code, "cause", failed)
	}
	err = r.d.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		var code any
		done, failures := db.Millis(tx.Now()), "0"
		if failed != nil {
			code, failures = fault.Of(failed).Code, "failures + 1"
		}
		_, err := tx.Exec(`UPDATE job_timer SET lease = NULL, lease_to = NULL, code = $1, failures = `+failures+`,
			done = CASE WHEN $2 = 1 THEN $3 ELSE done END WHERE name = $4 AND lease = $5`,
			code, db.Bool(failed == nil), done, t.name, lease)
		return err
	})
	return true, err
}

// Timer is how a repeating act is doing.
type Timer struct {
	Name     string    `json:"name"`
	Next     time.Time `json:"next_at"`
	Done     time.Time `json:"done_at,omitzero"` // when it last ended well
	Failures int       `json:"failures"`         // since then
	Code     string    `json:"code,omitempty"`
}

// ListTimers lists the repeating acts.
func ListTimers(tx *db.Tx) ([]Timer, error) {
	rows, err := tx.Query(`SELECT name, at, done, failures, code FROM job_timer ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list timers: %w", err)
	}
	defer rows.Close()
	list := []Timer{}
	for rows.Next() {
		var t Timer
		if err := rows.Scan(&t.Name, db.Time(&t.Next), db.Time(&t.Done), &t.Failures, db.Text(&t.Code)); err != nil {
			return nil, fmt.Errorf("list timers: %w", err)
		}
		list = append(list, t)
	}
	return list, rows.Err()
}
