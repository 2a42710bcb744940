package registry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Over is one thing whose term is over.
type Over struct {
	ID    id.ID     // of the thing, for End
	Case  id.ID     // the report that a hold may name; none when it is on none
	Start time.Time // when its term began
	After time.Time // where it stands in the order of Find
}

// Step is one kind of data that retention ends (到期处理). Rooms give theirs;
// app connects those of rooms below.
type Step struct {
	Key  string
	Name words.Text
	// Classes are the retention classes whose data it ends; OfCases stands for
	// every class that a case can have.
	Classes []string
	OfCases bool
	// Find lists up to limit things of a class whose term began before a time,
	// in a stable order, those after a mark.
	Find func(tx *db.Tx, class Class, before time.Time, after Over, limit int) ([]Over, error)
	// End ends them, in a write transaction. Doing it again changes nothing.
	End func(tx *db.Tx, by journal.By, class Class, over []Over) error
	// Sweep is for what has neither cases nor holds: it ends up to limit things
	// and says how many; Count says how many there are. Instead of Find and End.
	Sweep func(tx *db.Tx, by journal.By, class Class, before time.Time, limit int) (int, error)
	Count func(tx *db.Tx, class Class, before time.Time) (int, error)
}

// Line is what a run did with one kind of data of one class.
type Line struct {
	Step  string     `json:"step"`
	Name  words.Text `json:"name"`
	Class string     `json:"class"`
	Then  string     `json:"then"`
	Ended int64      `json:"ended"` // in a dry run: would end
	Held  int64      `json:"held"`
	Kept  int64      `json:"kept"` // over, but for the archive: stays until the archive took it
	Why   words.Text `json:"why"`
}

// Run is one run of the retention with its report (到期清理记录).
type Run struct {
	ID    id.ID     `json:"id"`
	Began time.Time `json:"began_at"`
	Ended time.Time `json:"ended_at,omitzero"` // none: it was broken off or still runs
	Dry   bool      `json:"dry"`
	Via   string    `json:"via"`
	Lines []Line    `json:"lines"`
}

// Total is how much a run ended.
func (r Run) Total() (n int64) {
	for _, l := range r.Lines {
		n += l.Ended
	}
	return n
}

const (
	batch    = 20     // cases a transaction: short, so that people don't wait
	sweeping = 500    // of things without cases
	mostKept = 10_000 // what is for the archive is counted up to here
)

// classesOf are the classes that a step has something of.
func (r *Registry) classesOf(s Step, every []Class, cases map[string]bool) []Class {
	var out []Class
	for _, c := range every {
		if c.Term != nil && (slices.Contains(s.Classes, c.Key) || s.OfCases && cases[c.Key]) {
			out = append(out, c)
		}
	}
	return out
}

// Retain ends everything whose term is over, in small batches: broken off at any
// time, what was ended stays ended and the next run goes on. A dry run only
// counts. cases are the classes that work items use. progress may be nil.
func (r *Registry) Retain(ctx context.Context, d *db.DB, by journal.By, dry bool, cases map[string]bool, progress func(l Line)) (Run, error) {
	var every []Class
	run := Run{Began: d.Now(), Dry: dry, Via: by.Via, Lines: []Line{}}
	if err := d.Read(ctx, func(tx *db.Tx) (err error) { every, err = r.Classes(tx); return err }); err != nil {
		return run, err
	}
	if err := d.Write(ctx, func(tx *db.Tx) error { return r.begin(tx, &run) }); err != nil {
		return run, err
	}
	for _, s := range r.allSteps(cases) {
		for _, c := range r.classesOf(s, every, cases) {
			line := Line{Step: s.Key, Name: s.Name, Class: c.Key, Then: c.Then, Why: c.Reason}
			if err := r.one(ctx, d, by, s, c, dry, &line); err != nil {
				return run, fmt.Errorf("retention of %s (%s): %w", s.Key, c.Key, err)
			}
			if line.Ended+line.Held+line.Kept == 0 {
				continue
			}
			run.Lines = append(run.Lines, line)
			if progress != nil {
				progress(line)
			}
		}
	}
	if !dry && run.Total() > 0 {
		for _, tidy := range r.tidy {
			if err := tidy(ctx); err != nil {
				return run, err
			}
		}
	}
	run.Ended = d.Now()
	return run, d.Write(ctx, func(tx *db.Tx) error { return r.finish(tx, by, run) })
}

// one carries out one step for one class.
func (r *Registry) one(ctx context.Context, d *db.DB, by journal.By, s Step, c Class, dry bool, line *Line) error {
	before := c.Term.Before(d.Now())
	if s.Sweep != nil {
		return r.sweep(ctx, d, by, s, c, before, dry, line)
	}
	var mark Over
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var found, over []Over
		var holds int64
		work := func(tx *db.Tx) (err error) {
			holds = 0
			if found, err = s.Find(tx, c, before, mark, batch); err != nil {
				return err
			}
			h, err := r.heldNow(tx)
			if err != nil {
				return err
			}
			over = nil
			for _, o := range found {
				if c.HoldPossible && h.has(c.Key, o.Case) {
					holds++
				} else {
					over = append(over, o)
				}
			}
			if dry || !c.Ends() || len(over) == 0 {
				return nil
			}
			return s.End(tx, by, c, over)
		}
		var err error
		if dry || !c.Ends() {
			err = d.Read(ctx, work)
		} else {
			err = d.Write(ctx, work)
		}
		if err != nil {
			return err
		}
		line.Held += holds
		if c.Ends() {
			line.Ended += int64(len(over))
		} else if line.Kept += int64(len(over)); line.Kept >= mostKept {
			return nil
		}
		if len(found) < batch {
			return nil
		}
		mark = found[len(found)-1]
	}
}

func (r *Registry) sweep(ctx context.Context, d *db.DB, by journal.By, s Step, c Class, before time.Time, dry bool, line *Line) error {
	if dry || !c.Ends() {
		return d.Read(ctx, func(tx *db.Tx) error {
			n, err := s.Count(tx, c, before)
			if c.Ends() {
				line.Ended = int64(n)
			} else {
				line.Kept = int64(n)
			}
			return err
		})
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := 0
		err := d.Write(ctx, func(tx *db.Tx) error {
			n = 0
			h, err := r.heldNow(tx)
			if err != nil {
				return err
			}
			if c.HoldPossible && h.classes[c.Key] {
				line.Held = 1
				return nil
			}
			n, err = s.Sweep(tx, by, c, before, sweeping)
			return err
		})
		if err != nil {
			return err
		}
		if line.Ended += int64(n); n < sweeping {
			return nil
		}
	}
}

// allSteps are the rooms' steps and this room's own.
func (r *Registry) allSteps(cases map[string]bool) []Step {
	return append(slices.Clone(r.steps), r.bodies(cases), r.ownRequests(), r.ownConsents())
}

// bodies ends journal bodies of classes that are on no case: their term begins
// when they are recorded.
func (r *Registry) bodies(cases map[string]bool) Step {
	s := Step{Key: "journal.bodies", Name: words.Text{Chinese: "日志内容", English: "Bodies of journal entries"},
		Count: func(tx *db.Tx, c Class, before time.Time) (int, error) { return journal.CountClass(tx, c.Key, before) },
		Sweep: func(tx *db.Tx, by journal.By, c Class, before time.Time, limit int) (int, error) {
			return journal.ExpireClass(tx, by, c.Key, before, limit)
		}}
	for _, c := range r.shipped.classes {
		if !cases[c.Key] && c.Term != nil && slices.Contains([]string{"recorded", "sent", "delivered", "edited", "ended", "finished", "closed", "consent_ended"}, c.StartsAt) {
			s.Classes = append(s.Classes, c.Key)
		}
	}
	return s
}

// ownRequests ends answered requests; ownConsents what was withdrawn long ago.
func (r *Registry) ownRequests() Step {
	return EndsRows("registry.requests", words.Text{Chinese: "个人请求", English: "Requests of people"}, "personal_request",
		db.Ended{Table: "registry_request", Key: "id", At: "answered_at"})
}

func (r *Registry) ownConsents() Step {
	return EndsRows("registry.consents", words.Text{Chinese: "同意记录", English: "Consent records"}, "consent_record",
		db.Ended{Table: "registry_consent", Key: "id", At: "withdrawn_at"})
}

// EndsRows is the step of one class whose rows are deleted some time after a
// moment that stands in them.
func EndsRows(key string, name words.Text, class string, tables ...db.Ended) Step {
	return Step{Key: key, Name: name, Classes: []string{class},
		Count: func(tx *db.Tx, _ Class, before time.Time) (int, error) {
			return db.EndAll(tx, tables, before, 0, true)
		},
		Sweep: func(tx *db.Tx, _ journal.By, _ Class, before time.Time, limit int) (int, error) {
			return db.EndAll(tx, tables, before, limit, false)
		}}
}

func (r *Registry) begin(tx *db.Tx, run *Run) error {
	run.ID = tx.NewID()
	if _, err := tx.Exec(`INSERT INTO registry_run (id, began, dry, via) VALUES ($1, $2, $3, $4)`, run.ID, db.Millis(run.Began), db.Bool(run.Dry), run.Via); err != nil {
		return fmt.Errorf("write retention run: %w", err)
	}
	return nil
}

// finish writes the report, and of a run that ended something an entry of the
// journal.
func (r *Registry) finish(tx *db.Tx, by journal.By, run Run) error {
	if _, err := tx.Exec(`UPDATE registry_run SET ended = $1 WHERE id = $2`, db.Millis(run.Ended), run.ID); err != nil {
		return fmt.Errorf("write retention run: %w", err)
	}
	var counts []map[string]any
	for i, l := range run.Lines {
		if _, err := tx.Exec(`INSERT INTO registry_run_line (run, place, step, class, fate, ended, held, kept) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			run.ID, i, l.Step, l.Class, l.Then, l.Ended, l.Held, l.Kept); err != nil {
			return fmt.Errorf("write retention run: %w", err)
		}
		counts = append(counts, map[string]any{"step": l.Step, "class": l.Class, "ended": l.Ended, "held": l.Held, "kept": l.Kept})
	}
	if !run.Dry && run.Total() > 0 {
		journal.Add(tx, journal.Entry{Kind: "registry.retain", Subject: run.ID, By: by, Class: "journal", Facts: counts})
	}
	// Runs that found nothing are kept for a month, so that one sees it ran.
	old := db.Millis(run.Ended.AddDate(0, -1, 0))
	_, err := tx.Exec(`DELETE FROM registry_run WHERE began < $1 AND NOT EXISTS (SELECT 1 FROM registry_run_line l WHERE l.run = registry_run.id)`, old)
	return err
}

// Runs lists the last runs, the newest first.
func (r *Registry) Runs(tx *db.Tx, limit int) ([]Run, error) {
	every, err := r.Classes(tx)
	if err != nil {
		return nil, err
	}
	out := []Run{}
	err = each(tx, "retention runs", `SELECT id, began, ended, dry, via FROM registry_run ORDER BY began DESC, id DESC LIMIT $1`, []any{limit}, func(scan func(...any) error) error {
		run := Run{Lines: []Line{}}
		if err := scan(&run.ID, db.Time(&run.Began), db.Time(&run.Ended), db.ScanBool(&run.Dry), &run.Via); err != nil {
			return err
		}
		out = append(out, run)
		return nil
	})
	if err != nil {
		return nil, err
	}
	names := map[string]words.Text{}
	for _, s := range r.allSteps(nil) {
		names[s.Key] = s.Name
	}
	for i := range out {
		err := each(tx, "retention runs", `SELECT step, class, fate, ended, held, kept FROM registry_run_line WHERE run = $1 ORDER BY place`, []any{out[i].ID}, func(scan func(...any) error) error {
			var l Line
			if err := scan(&l.Step, &l.Class, &l.Then, &l.Ended, &l.Held, &l.Kept); err != nil {
				return err
			}
			l.Name = names[l.Step]
			if j := slices.IndexFunc(every, func(c Class) bool { return c.Key == l.Class }); j >= 0 {
				l.Why = every[j].Reason
			}
			out[i].Lines = append(out[i].Lines, l)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
