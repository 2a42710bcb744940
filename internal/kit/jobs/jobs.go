// Package jobs does what must happen after a command: a job is a row that is
// committed together with what asks for it, so it cannot be lost. It is also
// the program's clockwork for what repeats (the sweepers).
//
// It owns the tables job and job_timer.
//
// What callers rely on:
//   - a job runs at least once, and perhaps twice: when a node dies or loses its
//     lease, another one takes the job; a handler that must not act twice ends
//     with Job.Done in the transaction of its effect;
//   - a job that fails is tried again after 5 s, 10 s, 20 s and so on up to an
//     hour; after its last attempt, or at once when it can never succeed (an
//     invalid or missing thing), it stays visible as failed until somebody
//     retries or drops it;
//   - of a repeating act one runs at a time in the whole installation;
//   - all decisions of time use the database's clock; a test calls Step.
package jobs

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

var (
	// ErrLost says that the lease ran out and another runner may have the job.
	ErrLost = fault.New(fault.Conflict, "jobs.lease_lost")
	// ErrMissing says that there is no such failed job.
	ErrMissing = fault.New(fault.Missing, "jobs.missing")
)

// Room is the tables of the jobs.
func Room() db.Room { return db.RoomOf("jobs", migrations) }

// Job is one piece of work.
type Job struct {
	ID      id.ID
	Kind    string
	Args    json.RawMessage
	Due     time.Time // when it was asked for
	Attempt int       // 1 on the first

	lease id.ID
}

// Decode reads the arguments into v.
func (j Job) Decode(v any) error {
	if err := json.Unmarshal(j.Args, v); err != nil {
		return fmt.Errorf("arguments of job %s %s: %w", j.Kind, j.ID, err)
	}
	return nil
}

// Done ends the job in the transaction of its effect: both are committed or
// neither. Code: jobs.lease_lost when another runner has taken the job.
func (j Job) Done(tx *db.Tx) error {
	n, err := tx.Exec(`DELETE FROM job WHERE id = $1 AND lease = $2`, j.ID, j.lease)
	if err != nil {
		return fmt.Errorf("end job %s: %w", j.ID, err)
	}
	if n == 0 {
		return ErrLost
	}
	return nil
}

// Enqueue asks for a job at a time (the zero time: at once) and gives its id.
// Arguments name things by their ids; personal data has no place in them.
func Enqueue(tx *db.Tx, kind string, args any, at time.Time) (id.ID, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return id.ID{}, fmt.Errorf("arguments of job %s: %w", kind, err)
	}
	if at.IsZero() {
		at = tx.Now()
	}
	job := tx.NewID()
	_, err = tx.Exec(`INSERT INTO job (id, kind, args, state, due, at, attempts, enqueued) VALUES ($1, $2, $3, 'waiting', $4, $4, 0, $5)`,
		job, kind, string(raw), db.Millis(at), db.Millis(tx.Now()))
	if err != nil {
		return id.ID{}, fmt.Errorf("enqueue job %s: %w", kind, err)
	}
	return job, nil
}

// Failed is a job that waits for a person.
type Failed struct {
	ID       id.ID     `json:"id"`
	Kind     string    `json:"kind"`
	Code     string    `json:"code"` // of the last failure; its text is in the log
	Attempts int       `json:"attempts"`
	Due      time.Time `json:"due_at"`
}

// ListFailed lists failed jobs, the oldest first.
func ListFailed(tx *db.Tx, limit int) ([]Failed, error) {
	rows, err := tx.Query(`SELECT id, kind, code, attempts, due FROM job WHERE state = 'failed' ORDER BY at, id LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list failed jobs: %w", err)
	}
	defer rows.Close()
	list := []Failed{}
	for rows.Next() {
		var f Failed
		if err := rows.Scan(&f.ID, &f.Kind, db.Text(&f.Code), &f.Attempts, db.Time(&f.Due)); err != nil {
			return nil, fmt.Errorf("list failed jobs: %w", err)
		}
		list = append(list, f)
	}
	return list, rows.Err()
}

// Retry gives a failed job all its attempts again. Code: jobs.missing.
func Retry(tx *db.Tx, job id.ID) error {
	return one(tx.Exec(`UPDATE job SET state = 'waiting', attempts = 0, at = $1, code = NULL WHERE id = $2 AND state = 'failed'`,
		db.Millis(tx.Now()), job))
}

// Drop removes a failed job. Code: jobs.missing.
func Drop(tx *db.Tx, job id.ID) error {
	return one(tx.Exec(`DELETE FROM job WHERE id = $1 AND state = 'failed'`, job))
}

func one(n int64, err error) error {
	if err != nil {
		return fmt.Errorf("change a failed job: %w", err)
	}
	if n == 0 {
		return ErrMissing
	}
	return nil
}

// Counts are how many jobs wait, how many of those are due, and how many failed.
type Counts struct{ Waiting, Due, Failed int64 }

// Count counts the jobs.
func Count(tx *db.Tx) (Counts, error) {
	var c Counts
	err := tx.Row(`SELECT
		(SELECT count(*) FROM job WHERE state = 'waiting'),
		(SELECT count(*) FROM job WHERE state = 'waiting' AND at <= $1),
		(SELECT count(*) FROM job WHERE state = 'failed')`, db.Millis(tx.Now())).Scan(&c.Waiting, &c.Due, &c.Failed)
	if err != nil {
		return c, fmt.Errorf("count jobs: %w", err)
	}
	return c, nil
}

// hopeless says that trying again cannot help.
func hopeless(err error) bool {
	var f *fault.Fault
	return errors.As(err, &f) && (f.Kind == fault.Invalid || f.Kind == fault.Missing)
}

// pause is the wait before the next attempt.
func pause(attempt int) time.Duration {
	return min(5*time.Second<<min(attempt-1, 12), time.Hour)
}

// Handler does one job. Its context ends when the program stops or the lease is
// lost.
type Handler func(ctx context.Context, j Job) error
