package blob

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Several machines may share a bucket, and the same content may be put again, and
// be referred to, just when another machine has looked whether it may go. S3 has no
// way to remove a file unless it was put again. So an orphan is never removed from
// where it lies but put aside: copied to an area of the day (cases-aside-20261127)
// and then removed from its own. Reading finds it there. When that day is over and
// another has passed, who sweeps asks once more: what is referred to by then goes
// back, the rest is removed. An upload takes far less than a day from its bytes to
// its row, so whoever put the content again is known by then; and as each day has
// an area of its own, what is removed is never what is put aside at that moment.

const (
	asideMark = "-aside-"
	asideDay  = "20060102"
	// asideDays is how many days after its own an area is left alone.
	asideDays = 1
)

func asideName(area string, at time.Time) string { return area + asideMark + at.UTC().Format(asideDay) }

// asideOf says of which area and day a name is; day is zero and of the name
// itself when it is none of what is put aside.
func asideOf(name string) (of string, day time.Time, aside bool) {
	of, text, found := strings.Cut(name, asideMark)
	if !found {
		return name, day, false
	}
	day, err := time.Parse(asideDay, text)
	if err != nil {
		return name, time.Time{}, false
	}
	return of, day, true
}

// asideNow are the areas in which something of an area can lie, the latest first;
// another machine's clock may be ahead of ours at midnight.
func asideNow(area string, now time.Time) (out []string) {
	for d := 1; d >= -asideDays-2; d-- {
		out = append(out, asideName(area, now.AddDate(0, 0, d)))
	}
	return out
}

// dropAside removes what is put aside of a file, when it is erased.
func (s *Store) dropAside(ctx context.Context, area string, h Hash) error {
	for _, aside := range asideNow(area, s.o.Now()) {
		switch _, err := s.back.Look(ctx, aside, h); {
		case errors.Is(err, ErrMissing):
			continue
		case err != nil:
			return err
		}
		if err := s.back.Drop(ctx, aside, h); err != nil {
			return err
		}
	}
	return nil
}

// Wanted says, for a number of files at a time, which of them are referred to.
type Wanted func(ctx context.Context, some []Hash) (map[Hash]bool, error)

// Sweep puts files aside that were put more than age ago and that nothing refers
// to, and removes what was put aside days ago and is not referred to by now. It
// says how many files and bytes were put aside.
func (a *Area) Sweep(ctx context.Context, age time.Duration, wanted Wanted) (files int, bytes int64, err error) {
	if err := a.sweepAside(ctx, wanted); err != nil {
		return 0, 0, err
	}
	limit := a.s.o.Now().Add(-age)
	var listed int64
	before := a.used.Load()
	ask := inSteps(ctx, wanted, func(h Hash, keep bool) error {
		if keep {
			return nil
		}
		n, err := a.sweepOne(ctx, h, limit)
		if n > 0 {
			files, bytes = files+1, bytes+n
		}
		return err
	})
	err = a.s.back.List(ctx, a.name, func(h Hash, i Info) error {
		listed += i.Size
		if !i.At.Before(limit) {
			return nil
		}
		return ask(h, false)
	})
	if err == nil {
		a.count(listed - before) // what other machines put or removed
		err = ask(Hash{}, true)
	}
	return files, bytes, err
}

// sweepAside ends the areas of days that are over: what is referred to goes back.
func (a *Area) sweepAside(ctx context.Context, wanted Wanted) error {
	areas, err := a.s.back.Areas(ctx)
	if err != nil {
		return err
	}
	for _, name := range areas {
		of, day, aside := asideOf(name)
		if !aside || of != a.name || a.s.o.Now().Before(day.AddDate(0, 0, 1+asideDays)) {
			continue
		}
		ask := inSteps(ctx, wanted, func(h Hash, keep bool) error {
			if keep {
				if err := a.bringBack(ctx, name, h); err != nil {
					return err
				}
			}
			return a.s.back.Drop(ctx, name, h)
		})
		err := a.s.back.List(ctx, name, func(h Hash, _ Info) error { return ask(h, false) })
		if err == nil {
			err = ask(Hash{}, true)
		}
		if err != nil {
			return err
		}
		a.s.back.Tidy(name)
	}
	return nil
}

// bringBack gives a file its place again, if nobody has put it there since.
func (a *Area) bringBack(ctx context.Context, aside string, h Hash) error {
	defer a.s.lock(h)()
	if _, err := a.s.back.Look(ctx, a.name, h); !errors.Is(err, ErrMissing) {
		return err
	}
	i, err := a.s.back.Look(ctx, aside, h)
	if err == nil {
		err = a.s.back.Copy(ctx, aside, a.name, h, a.s.o.Now())
	}
	if errors.Is(err, ErrMissing) {
		return nil // another machine was faster
	}
	if err == nil {
		a.count(i.Size)
	}
	return err
}

// inSteps asks for several files at a time and then does something with each. The
// returned function takes one file, or with last what is left.
func inSteps(ctx context.Context, wanted Wanted, each func(h Hash, keep bool) error) func(h Hash, last bool) error {
	const step = 200
	var some []Hash
	return func(h Hash, last bool) error {
		if !last {
			some = append(some, h)
		}
		if len(some) == 0 || !last && len(some) < step {
			return nil
		}
		keep, err := wanted(ctx, some)
		if err != nil {
			return err
		}
		for _, h := range some {
			if err := each(h, keep[h]); err != nil {
				return err
			}
		}
		some = some[:0]
		return ctx.Err()
	}
}

// sweepOne puts an orphan aside unless it was put again since it was listed.
func (a *Area) sweepOne(ctx context.Context, h Hash, limit time.Time) (int64, error) {
	defer a.s.lock(h)()
	i, err := a.s.back.Look(ctx, a.name, h)
	if errors.Is(err, ErrMissing) {
		return 0, nil
	}
	if err != nil || !i.At.Before(limit) {
		return 0, err
	}
	if err := a.s.back.Copy(ctx, a.name, asideName(a.name, a.s.o.Now()), h, a.s.o.Now()); err != nil {
		if errors.Is(err, ErrMissing) {
			return 0, nil // another machine was faster
		}
		return 0, err
	}
	if err := a.s.back.Drop(ctx, a.name, h); err != nil {
		return 0, err
	}
	a.count(-i.Size)
	return i.Size, nil
}
