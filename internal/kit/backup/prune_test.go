package backup_test

import (
	"archive/zip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"onegrid/internal/kit/backup"
)

// The newest backup of each of the last days, weeks and months stays; what is no
// backup is nobody's to remove.
func TestOldBackupsGo(t *testing.T) {
	dir := t.TempDir()
	newest := time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	for n := range 100 {
		made := newest.AddDate(0, 0, -n)
		f, err := os.Create(filepath.Join(dir, made.Format(time.DateOnly)+".onegrid"))
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		w, err := z.Create("manifest.json")
		if err == nil {
			err = json.NewEncoder(w).Encode(backup.Manifest{Form: "onegrid backup 1", Made: made})
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	other := filepath.Join(dir, "half.onegrid")
	if err := os.WriteFile(other, []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	if removed, err := backup.Prune(dir, backup.Keep{}, time.UTC); err != nil || len(removed) > 0 {
		t.Errorf("without a rule: %v %v", removed, err)
	}
	removed, err := backup.Prune(dir, backup.Keep{Daily: 3, Weekly: 2, Monthly: 3}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		left = append(left, filepath.Base(f))
	}
	// Days: 27, 26, 25. Weeks: that of Monday 23, that of Monday 16 (its Sunday).
	// Months: November, October's and September's last.
	want := []string{"2026-09-30.onegrid", "2026-10-31.onegrid", "2026-11-22.onegrid", "2026-11-25.onegrid", "2026-11-26.onegrid", "2026-11-27.onegrid", "half.onegrid"}
	if !slices.Equal(left, want) || len(removed) != 100-len(want)+1 {
		t.Errorf("%d removed, left %v", len(removed), left)
	}
}
