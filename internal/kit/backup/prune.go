package backup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Keep says which backups stay: the newest of each of so many last days, weeks
// (Monday to Sunday) and months that have one. All zero: every one.
type Keep struct{ Daily, Weekly, Monthly int }

// Prune removes from a folder the backups (*.onegrid) that no rule keeps and
// gives their names. What is no whole backup by its manifest is left alone, and so
// is the newest one, whatever the rules say.
func Prune(dir string, k Keep, zone *time.Location) (removed []string, err error) {
	if k == (Keep{}) {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.onegrid"))
	if err != nil {
		return nil, err
	}
	type one struct {
		file string
		made time.Time
	}
	var all []one
	for _, f := range files {
		z, m, err := open(f)
		if err != nil {
			continue
		}
		z.Close()
		all = append(all, one{f, m.Made.In(zone)})
	}
	slices.SortFunc(all, func(a, b one) int { return b.made.Compare(a.made) })
	stays := map[string]bool{}
	if len(all) > 0 {
		stays[all[0].file] = true
	}
	for _, rule := range []struct {
		n  int
		of func(time.Time) string
	}{
		{k.Daily, func(t time.Time) string { return t.Format(time.DateOnly) }},
		{k.Weekly, func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprint(y, "-", w) }},
		{k.Monthly, func(t time.Time) string { return t.Format("2006-01") }},
	} {
		seen := map[string]bool{}
		for _, b := range all {
			if part := rule.of(b.made); !seen[part] && len(seen) < rule.n {
				seen[part] = true
				stays[b.file] = true
			}
		}
	}
	for _, b := range all {
		if stays[b.file] {
			continue
		}
		if err := os.Remove(b.file); err != nil {
			return removed, fmt.Errorf("remove an old backup: %w", err)
		}
		removed = append(removed, filepath.Base(b.file))
	}
	return removed, nil
}
