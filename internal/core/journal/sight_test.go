package journal_test

import (
	"reflect"
	"testing"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

func timeline(t *testing.T, d *db.DB, caseID id.ID) (all []journal.Entry) {
	t.Helper()
	if err := d.Read(ctx, func(tx *db.Tx) (err error) { all, err = journal.Timeline(tx, caseID); return err }); err != nil {
		t.Fatal(err)
	}
	return all
}

func count(t *testing.T, d *db.DB, table string) (n int) {
	t.Helper()
	if err := d.Read(ctx, func(tx *db.Tx) error { return tx.Row(`SELECT COUNT(*) FROM ` + table).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// Entries that say the same of who may see a thing share one text, and no entry
// shares the lists of another.
func TestSightsAreSharedAndStandAlone(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		caseID, all := live(t, d)
		if n := count(t, d, "journal_sight"); n != 2 {
			t.Errorf("%d texts for %d entries that say two things", n, len(all))
		}
		got := timeline(t, d, caseID)
		got[0].Sight.Posts[0] = id.ID{}
		if got[1].Sight.Posts[0].IsZero() {
			t.Error("two entries share a list")
		}
	})
}

// Entries from before the texts had keys carry them whole; they read and verify
// beside later ones.
func TestOlderEntriesCarryTheirSight(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		caseID, _ := live(t, d)
		want := timeline(t, d, caseID)
		for _, column := range []string{"sight", "before"} {
			raw(t, d, `UPDATE journal_entry SET `+column+` = (SELECT s.sight FROM journal_sight s WHERE s.key = journal_entry.`+column+`) WHERE number <= 7 AND `+column+` IS NOT NULL`)
		}
		if got := timeline(t, d, caseID); !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, want %+v", got, want)
		}
		if r := verify(t, d); !r.OK() {
			t.Errorf("%+v", r.Problems)
		}
	})
}

// A text that went down with its group is written again with the next one.
func TestSightOfALostGroup(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		sight := journal.Sight{Nodes: journal.Nodes{Hub: newID()}}
		subject := newID()
		write := func(loses bool) error {
			return d.Write(ctx, func(tx *db.Tx) error {
				journal.Add(tx, journal.Entry{Kind: "a.b", Subject: subject, Case: subject, Sight: sight})
				if loses {
					// The entry's statements succeed; the commit's last one does not.
					return tx.Last(`INSERT INTO journal_seal (first, count, root, hash) VALUES ($1, 1, $2, $2)`, 1, []byte{1})
				}
				return nil
			})
		}
		if err := write(true); err == nil {
			t.Fatal("the group was not lost")
		}
		if n := count(t, d, "journal_sight"); n != 0 {
			t.Errorf("%d texts of a lost group", n)
		}
		for range 3 {
			if err := write(false); err != nil {
				t.Fatal(err)
			}
		}
		if got := timeline(t, d, subject); len(got) != 3 || got[2].Sight.Hub != sight.Hub {
			t.Errorf("%+v", got)
		}
		if r := verify(t, d); !r.OK() {
			t.Errorf("%+v", r.Problems)
		}
	})
}
