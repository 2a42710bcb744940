package casework

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"onegrid/internal/core/org"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
)

// fileJob follows a decision about a public photo in the file store: out of the
// quarantine, or gone. The store is no part of a transaction.
const fileJob = "casework.file"

// Jobs tells the runner what this room's jobs do.
func (d *Desk) Jobs(r *jobs.Runner, store *db.DB) {
	r.Handle(fileJob, func(ctx context.Context, j jobs.Job) error {
		var file id.ID
		if err := j.Decode(&file); err != nil {
			return err
		}
		return d.followFile(ctx, store, file)
	})
	r.Handle(copyJob, func(ctx context.Context, j jobs.Job) error {
		var file id.ID
		if err := j.Decode(&file); err != nil {
			return err
		}
		return d.followCopy(ctx, store, file)
	})
	r.Handle(org.RehomeJob, func(ctx context.Context, j jobs.Job) error { return d.rehomeJob(ctx, store, j) })
	r.Handle(originalJob, func(ctx context.Context, j jobs.Job) error {
		var name string
		if err := j.Decode(&name); err != nil {
			return err
		}
		return d.dropOriginal(ctx, store, name)
	})
}

// followFile does what fileJob says; doing it again changes nothing.
func (d *Desk) followFile(ctx context.Context, store *db.DB, file id.ID) error {
	var f File
	err := store.Read(ctx, func(tx *db.Tx) (err error) {
		f, err = scanFile(tx.Row(`SELECT `+fileColumns+` FROM case_file WHERE id = $1`, file))
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	for _, name := range []string{f.Blob, f.View, f.Thumb} {
		if name == "" {
			continue // of a paper nothing is made to be shown
		}
		h, err := blob.ParseHash(name)
		if err != nil {
			return err
		}
		if f.State == FileAttached {
			if err := d.strange.Move(ctx, h, d.files); err != nil && !errors.Is(err, blob.ErrMissing) {
				return err
			}
			continue
		}
		// The same picture may be on another case.
		wanted, err := d.Wanted(ctx, store, []blob.Hash{h})
		if err != nil {
			return err
		}
		if wanted[h] {
			continue
		}
		if err := errors.Join(d.strange.Remove(ctx, h), d.files.Remove(ctx, h)); err != nil {
			return err
		}
	}
	return nil
}

// Wanted says which stored files the cases still refer to; the store's sweep
// removes the others.
func (d *Desk) Wanted(ctx context.Context, store *db.DB, some []blob.Hash) (map[blob.Hash]bool, error) {
	out := map[blob.Hash]bool{}
	if len(some) == 0 {
		return out, nil
	}
	args, marks := make([]any, 0, len(some)+1), make([]string, 0, len(some))
	args = append(args, FileDiscarded)
	for i, h := range some {
		args = append(args, h.String())
		marks = append(marks, fmt.Sprintf("$%d", i+2))
	}
	in := ` IN (` + strings.Join(marks, ", ") + `) AND state <> $1` // no copy has that state
	err := store.Read(ctx, func(tx *db.Tx) error {
		for _, of := range [][2]string{{"blob", "case_file"}, {"view", "case_file"}, {"thumb", "case_file"}, {"view", "case_copy"}, {"thumb", "case_copy"}} {
			rows, err := tx.Query(`SELECT `+of[0]+` FROM `+of[1]+` WHERE `+of[0]+in, args...)
			if err != nil {
				return err
			}
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					rows.Close()
					return err
				}
				if h, err := blob.ParseHash(name); err == nil {
					out[h] = true
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("files referred to: %w", err)
	}
	return out, nil
}

// orphanAge is how long a stored file may lie without a row: uploads are stored
// first and noted afterwards.
const orphanAge = 48 * time.Hour

// SweepFiles removes stored files that no case refers to (orphaned uploads).
func (d *Desk) SweepFiles(ctx context.Context, store *db.DB) (files int, bytes int64, err error) {
	for _, a := range []*blob.Area{d.files, d.strange} {
		n, size, err := a.Sweep(ctx, orphanAge, func(ctx context.Context, some []blob.Hash) (map[blob.Hash]bool, error) {
			return d.Wanted(ctx, store, some)
		})
		files, bytes = files+n, bytes+size
		if err != nil {
			return files, bytes, err
		}
	}
	return files, bytes, nil
}
