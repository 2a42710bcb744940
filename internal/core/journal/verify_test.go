package journal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/id"
)

var everyEntryColumn = []string{"number", "id", "kind", "subject", "case_id", "person_id", "post_id", "for_id", "via", "occurred_at", "recorded_at", "version", "sight", "before", "class", "facts", "body_digest"}

// Whatever single value is changed in whatever column of whatever table of the
// journal, verification finds it; put back, the journal verifies again.
func TestAnyFlippedByteIsFound(t *testing.T) {
	columns := []struct {
		table, key string
		at         int64
		columns    []string
	}{
		{"journal_entry", "number", 5, everyEntryColumn},
		{"journal_entry", "number", 7, everyEntryColumn},
		{"journal_entry", "number", 8, everyEntryColumn},
		{"journal_body", "number", 7, []string{"number", "class", "salt", "content"}},
		{"journal_seal", "first", 5, []string{"first", "count", "root", "hash"}},
		{"journal_head", "one", 1, []string{"number", "hash"}},
	}
	each(t, func(t *testing.T, d *db.DB) {
		live(t, d)
		// The list above is the whole of the tables.
		for _, c := range columns {
			if got := width(t, d, c.table); got != len(c.columns) && c.table != "journal_head" || c.table == "journal_head" && got != 3 {
				t.Errorf("%s has %d columns, %d are tried", c.table, got, len(c.columns))
			}
		}
		for _, c := range columns {
			for _, column := range c.columns {
				var was any
				if err := d.Read(ctx, func(tx *db.Tx) error {
					return tx.Row(`SELECT `+column+` FROM `+c.table+` WHERE `+c.key+` = $1`, c.at).Scan(&was)
				}); err != nil {
					t.Fatal(err)
				}
				for _, now := range flips(column, was) {
					key, back := any(c.at), any(c.at)
					if column == c.key {
						back = now
					}
					raw(t, d, `UPDATE `+c.table+` SET `+column+` = $1 WHERE `+c.key+` = $2`, now, key)
					if r := verify(t, d); r.OK() {
						t.Errorf("%s.%s: %v instead of %v was not found", c.table, column, now, was)
					}
					raw(t, d, `UPDATE `+c.table+` SET `+column+` = $1 WHERE `+c.key+` = $2`, was, back)
				}
			}
		}
		if r := verify(t, d); !r.OK() {
			t.Errorf("put back, but: %+v", r.Problems)
		}
	})
}

func width(t *testing.T, d *db.DB, table string) (n int) {
	t.Helper()
	q := `SELECT count(*) FROM pragma_table_info($1)`
	if d.Engine() == db.Postgres {
		q = `SELECT count(*) FROM information_schema.columns WHERE table_name = $1 AND table_schema = current_schema()`
	}
	if err := d.Read(ctx, func(tx *db.Tx) error { return tx.Row(q, table).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// flips are values one byte or one step away.
func flips(column string, v any) []any {
	switch v := v.(type) {
	case nil:
		if column == "before" {
			return []any{"", "{}"}
		}
		return []any{make([]byte, 16), []byte("0123456789abcdef")}
	case int64:
		return []any{v + 1_000_000, v ^ 1<<40}
	case string:
		return []any{v + " ", v[:len(v)-1] + string(v[len(v)-1]^1)}
	case []byte:
		var all []any
		for _, at := range []int{0, len(v) / 2, len(v) - 1} {
			w := bytes.Clone(v)
			w[at] ^= 1
			all = append(all, w)
		}
		return all
	}
	panic(fmt.Sprintf("%T", v))
}

// Rows that were deleted, added or swapped are found without any checkpoint.
func TestDeletedAddedAndSwappedRowsAreFound(t *testing.T) {
	for _, c := range []struct {
		name  string
		hurt  []string
		codes []string
	}{
		{"entry deleted", []string{`DELETE FROM journal_entry WHERE number = 6`}, []string{journal.EntryMissing, journal.GroupChanged}},
		{"body deleted", []string{`DELETE FROM journal_body WHERE number = 6`}, []string{journal.BodyMissing}},
		{"seal deleted", []string{`DELETE FROM journal_seal WHERE first = 5`}, []string{journal.SealBroken}},
		{"head deleted", []string{`DELETE FROM journal_head`}, []string{journal.HeadWrong}},
		{"tail deleted, head kept", []string{`DELETE FROM journal_body WHERE number > 8`, `DELETE FROM journal_entry WHERE number > 8`, `DELETE FROM journal_seal WHERE first > 8`}, []string{journal.HeadWrong}},
		{"group cut out", []string{`DELETE FROM journal_body WHERE number BETWEEN 5 AND 8`, `DELETE FROM journal_entry WHERE number BETWEEN 5 AND 8`, `DELETE FROM journal_seal WHERE first = 5`}, []string{journal.SealBroken}},
		{"swapped in a group", swap(6, 7), []string{journal.GroupChanged}},
		{"swapped between groups", swap(3, 7), []string{journal.GroupChanged}},
		{"bodies swapped", []string{`UPDATE journal_body SET number = -1 WHERE number = 2`, `UPDATE journal_body SET number = 2 WHERE number = 3`, `UPDATE journal_body SET number = 3 WHERE number = -1`}, []string{journal.BodyChanged}},
		{"seal added in front", []string{`INSERT INTO journal_seal SELECT 0, count, root, hash FROM journal_seal WHERE first = 5`}, []string{journal.SealBroken}},
		{"entry added at the end", []string{`INSERT INTO journal_entry SELECT 13, x, kind, subject, case_id, person_id, post_id, for_id, via, occurred_at, recorded_at, version, sight, before, class, facts, NULL FROM journal_entry, (SELECT salt AS x FROM journal_body WHERE number = 2) s WHERE number = 12`}, []string{journal.EntryUnsealed}},
		{"sight changed", []string{`UPDATE journal_sight SET sight = '{}' WHERE key = (SELECT sight FROM journal_entry WHERE number = 2)`}, []string{journal.GroupChanged}},
		{"sight deleted", []string{`DELETE FROM journal_sight WHERE key = (SELECT before FROM journal_entry WHERE number = 3)`}, []string{journal.GroupChanged}},
		{"body added", []string{`INSERT INTO journal_body SELECT 1, class, salt, content FROM journal_body WHERE number = 2`}, []string{journal.BodyStray}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, d *db.DB) {
				live(t, d)
				for _, q := range c.hurt {
					raw(t, d, q)
				}
				r := verify(t, d)
				for _, code := range c.codes {
					if !slices.ContainsFunc(r.Problems, func(p journal.Problem) bool { return p.Code == code }) {
						t.Errorf("%s is not among %+v", code, r.Problems)
					}
				}
			})
		})
	}
}

// SQLite keeps anything in any column: a value of the wrong kind is a finding,
// not a verification that stops.
func TestValuesOfTheWrongKindAreFound(t *testing.T) {
	for table, columns := range map[string][]string{"journal_entry": everyEntryColumn[1:], "journal_body": {"class", "salt", "content"}, "journal_seal": {"count", "root", "hash"}, "journal_head": {"number", "hash"}} {
		d := open(t, db.SQLite, nil)
		live(t, d)
		for _, column := range columns {
			key := map[string]string{"journal_seal": "first = 5", "journal_head": "one = 1"}[table]
			if key == "" {
				key = "number = 7"
			}
			var was any
			if err := d.Read(ctx, func(tx *db.Tx) error {
				return tx.Row(`SELECT ` + column + ` FROM ` + table + ` WHERE ` + key).Scan(&was)
			}); err != nil {
				t.Fatal(err)
			}
			wrong := any("text")
			if _, is := was.(string); is {
				wrong = []byte{1, 2, 3}
			}
			raw(t, d, `UPDATE `+table+` SET `+column+` = $1 WHERE `+key, wrong)
			if r := verify(t, d); r.OK() {
				t.Errorf("%s.%s: not found", table, column)
			}
			raw(t, d, `UPDATE `+table+` SET `+column+` = $1 WHERE `+key, was)
		}
		if r := verify(t, d); !r.OK() {
			t.Errorf("%s put back, but: %+v", table, r.Problems)
		}
	}
}

// A group that was replaced by another whole one, entries, bodies and seal, is
// sound in itself; the next seal does not follow from it.
func TestForgedGroupIsFound(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		live(t, d)
		forged := open(t, d.Engine(), nil)
		live(t, forged)
		for _, table := range []struct{ name, where string }{
			{"journal_body", "number <= 4"}, {"journal_entry", "number <= 4"}, {"journal_seal", "first = 1"}, {"journal_sight", "key <> ''"},
		} {
			if table.name != "journal_sight" {
				raw(t, d, `DELETE FROM `+table.name+` WHERE `+table.where)
			}
			columns := width(t, d, table.name)
			var all [][]any
			if err := forged.Read(ctx, func(tx *db.Tx) error {
				rows, err := tx.Query(`SELECT * FROM ` + table.name + ` WHERE ` + table.where)
				if err != nil {
					return err
				}
				for rows.Next() {
					one, into := make([]any, columns), make([]any, columns)
					for i := range one {
						into[i] = &one[i]
					}
					if err := rows.Scan(into...); err != nil {
						return err
					}
					all = append(all, one)
				}
				return rows.Close()
			}); err != nil {
				t.Fatal(err)
			}
			var marks []string
			for i := range columns {
				marks = append(marks, fmt.Sprintf("$%d", i+1))
			}
			for _, one := range all {
				raw(t, d, `INSERT INTO `+table.name+` VALUES (`+strings.Join(marks, ", ")+`)`, one...)
			}
		}
		r := verify(t, d)
		if len(r.Problems) != 1 || r.Problems[0].Code != journal.SealBroken || r.Problems[0].Number != 5 {
			t.Errorf("found %+v", r.Problems)
		}
	})
}

func swap(a, b int) []string {
	var all []string
	for _, table := range []string{"journal_entry", "journal_body"} {
		all = append(all,
			fmt.Sprintf(`UPDATE %s SET number = -1 WHERE number = %d`, table, a),
			fmt.Sprintf(`UPDATE %s SET number = %d WHERE number = %d`, table, a, b),
			fmt.Sprintf(`UPDATE %s SET number = %d WHERE number = -1`, table, b))
	}
	return all
}

// A cut tail with a mended head, a wholly recomputed chain and a restored older
// copy look sound by themselves; each is found against a checkpoint that was
// kept outside, and the program refuses to sign what is behind its own.
func TestCheckpointFindsWhatLooksSound(t *testing.T) {
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			for _, c := range []struct {
				name   string
				cheat  func(t *testing.T, d *db.DB)
				code   string
				behind bool
			}{
				{"untouched", func(t *testing.T, d *db.DB) {}, "", false},
				{"longer since then", func(t *testing.T, d *db.DB) { live(t, d) }, "", false},
				{"cut tail", func(t *testing.T, d *db.DB) {
					for _, q := range []string{`DELETE FROM journal_body WHERE number > 8`, `DELETE FROM journal_entry WHERE number > 8`, `DELETE FROM journal_seal WHERE first > 8`,
						`UPDATE journal_head SET number = 8, hash = (SELECT hash FROM journal_seal WHERE first = 5)`} {
						raw(t, d, q)
					}
				}, journal.BehindSigned, true},
				{"recomputed chain", func(t *testing.T, d *db.DB) {
					// The same entries, one word changed, written anew by the program itself.
					all := since(t, d, 0)
					for _, table := range []string{"journal_body", "journal_entry", "journal_seal"} {
						raw(t, d, `DELETE FROM `+table)
					}
					raw(t, d, `UPDATE journal_head SET number = 0, hash = NULL`)
					for group := range slices.Chunk(all, 4) {
						if err := d.Write(ctx, func(tx *db.Tx) error {
							for _, e := range group {
								if e.Number == 2 {
									e.Body = map[string]string{"text": "nothing was ever wrong with that lamp"}
								}
								journal.Add(tx, e)
							}
							return nil
						}); err != nil {
							t.Fatal(err)
						}
					}
				}, journal.DiffersFromSign, true},
				{"older copy, lived on", func(t *testing.T, d *db.DB) {
					for _, q := range []string{`DELETE FROM journal_body WHERE number > 4`, `DELETE FROM journal_entry WHERE number > 4`, `DELETE FROM journal_seal WHERE first > 4`,
						`UPDATE journal_head SET number = 4, hash = (SELECT hash FROM journal_seal WHERE first = 1)`} {
						raw(t, d, q)
					}
					live(t, d)
				}, journal.DiffersFromSign, false},
			} {
				t.Run(c.name, func(t *testing.T) {
					d := open(t, e, nil)
					dir := t.TempDir()
					key, err := journal.LoadKey(filepath.Join(dir, "keys", "journal.key"), rand.Reader)
					if err != nil {
						t.Fatal(err)
					}
					points, err := journal.OpenCheckpoints(filepath.Join(dir, "checkpoints"), key)
					if err != nil {
						t.Fatal(err)
					}
					live(t, d)
					if _, err := points.Take(ctx, d); err != nil {
						t.Fatal(err)
					}
					outside := readAll(t, dir)
					c.cheat(t, d)
					if r := verify(t, d); !r.OK() {
						t.Fatalf("the cheat is clumsy: %+v", r.Problems)
					}
					r := verify(t, d, outside...)
					if c.code == "" && !r.OK() || c.code != "" && (len(r.Problems) == 0 || r.Problems[0].Code != c.code) {
						t.Errorf("found %+v, want %q", r.Problems, c.code)
					}
					if _, err := points.Take(ctx, d); errors.Is(err, journal.ErrBehind) != c.behind {
						t.Errorf("signing it: %v", err)
					}
				})
			}
		})
	}
}

func readAll(t *testing.T, dir string) []journal.Checkpoint {
	t.Helper()
	v, err := journal.ReadVerifier(filepath.Join(dir, "keys", "journal.key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "checkpoints", "journal-*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []journal.Checkpoint
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		some, err := journal.ReadCheckpoints(text, v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	return all
}

// Checkpoints are taken only when something was added, are read back, survive a
// crash in the middle of writing one, and a changed one is refused.
func TestCheckpointFiles(t *testing.T) {
	clock := dbtest.NewClock(noon)
	d := open(t, db.SQLite, func(o *db.Options) { o.Now = clock.Now })
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "keys", "journal.key")
	reopen := func() *journal.Checkpoints {
		t.Helper()
		key, err := journal.LoadKey(keyFile, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c, err := journal.OpenCheckpoints(filepath.Join(dir, "checkpoints"), key)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := reopen()
	take := func() journal.Checkpoint {
		t.Helper()
		p, err := c.Take(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := take(); p.Number != 0 || len(readAll(t, dir)) != 0 {
		t.Errorf("an empty journal was signed: %+v", p)
	}
	live(t, d)
	first := take()
	clock.Add(time.Minute)
	if again := take(); again.At != first.At {
		t.Error("signed again without need")
	}
	live(t, d)
	take()
	month := filepath.Join(dir, "checkpoints", "journal-2026-05.txt")
	f, err := os.OpenFile(month, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("onegrid-journal-00000000\n36\nhalf a no")
	f.Close()
	c = reopen()
	if c.Latest().Number != 24 {
		t.Errorf("latest is %+v", c.Latest())
	}
	live(t, d)
	clock.Set(noon.AddDate(0, 0, 1))
	take()
	live(t, d)
	clock.Set(noon.AddDate(0, 1, 0))
	take()
	all := readAll(t, dir)
	var numbers []int64
	for _, p := range all {
		numbers = append(numbers, p.Number)
	}
	if !slices.Equal(numbers, []int64{12, 24, 36, 48}) || !all[0].At.Equal(noon) {
		t.Errorf("read back %+v", all)
	}
	if r := verify(t, d, all...); !r.OK() || r.Checkpoints != 4 {
		t.Errorf("report %+v", r)
	}

	text, err := os.ReadFile(month)
	if err != nil {
		t.Fatal(err)
	}
	v, err := journal.ReadVerifier(keyFile + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"number":  strings.Replace(string(text), "\n24\n", "\n25\n", 1),
		"nothing": "hello",
		"cut":     string(text[:len(text)-20]),
	} {
		if _, err := journal.ReadCheckpoints([]byte(bad), v); !errors.Is(err, journal.ErrCheckpoint) {
			t.Errorf("%s changed: %v", what, err)
		}
	}
	other, err := journal.LoadKey(filepath.Join(dir, "other.key"), rand.Reader)
	if err != nil || other == nil {
		t.Fatal(err)
	}
	foreign, err := journal.ReadVerifier(filepath.Join(dir, "other.key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.ReadCheckpoints(text, foreign); !errors.Is(err, journal.ErrCheckpoint) {
		t.Errorf("another key's: %v", err)
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key is open to others: %v, %v", info.Mode(), err)
	}
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.LoadKey(keyFile, rand.Reader); !errors.Is(err, journal.ErrKey) {
		t.Errorf("a lost key was replaced in silence: %v", err)
	}
}

// Run signs a last time when the program stops.
func TestRunSignsAtTheEnd(t *testing.T) {
	d := open(t, db.SQLite, nil)
	dir := t.TempDir()
	key, err := journal.LoadKey(filepath.Join(dir, "keys", "journal.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := journal.OpenCheckpoints(filepath.Join(dir, "checkpoints"), key)
	if err != nil {
		t.Fatal(err)
	}
	stopping, stop := context.WithCancel(ctx)
	ended := make(chan bool)
	go func() {
		c.Run(stopping, d, time.Hour, slog.New(slog.DiscardHandler))
		close(ended)
	}()
	live(t, d)
	stop()
	<-ended
	if all := readAll(t, dir); len(all) != 1 || all[0].Number != 12 {
		t.Errorf("signed %+v", all)
	}
}

// Erased content is gone from the tables, from the files of the database and
// from a restored copy, with its salt; the journal still verifies, and says who
// erased and why.
func TestErase(t *testing.T) {
	secret := "王秀英 13912345678 家中独居"
	for _, e := range dbtest.Engines {
		t.Run(string(e), func(t *testing.T) {
			dsn := dbtest.DSN(t, e)
			d := open(t, e, func(o *db.Options) { o.DSN = dsn })
			list := filepath.Join(t.TempDir(), "erasures.jsonl")
			erasures := journal.OpenErasures(list)
			live(t, d)
			var keep, gone *journal.Entry
			if err := d.Write(ctx, func(tx *db.Tx) error {
				keep = journal.Add(tx, journal.Entry{Kind: "case.report", Subject: newID(), Body: "keep this"})
				gone = journal.Add(tx, journal.Entry{Kind: "case.report", Subject: newID(), Case: newID(), Body: secret, Facts: map[string]int{"n": 1}})
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if e == db.SQLite && !inFiles(t, dsn, secret) {
				t.Fatal("the search for the secret is blind")
			}
			by := journal.By{Person: newID(), Via: "desk"}
			own := false
			n, err := erasures.Erase(ctx, d, by, "request", []id.ID{gone.ID}, func(*db.Tx) error { own = true; return nil })
			if err != nil || n != 1 || !own {
				t.Fatalf("erased %d, %v", n, err)
			}
			if e == db.SQLite && inFiles(t, dsn, secret) {
				t.Error("the secret is still in the files")
			}
			check := func(d *db.DB, last int64) {
				t.Helper()
				all := since(t, d, 12)
				if len(all) != 3 || all[0].Body == nil || all[1].Body != nil || all[1].Facts == nil {
					t.Fatalf("left: %+v", all)
				}
				if x := all[2]; x.Number != last || x.Kind != journal.EraseKind || x.Subject != gone.ID || x.Case != gone.Case {
					t.Errorf("the erasure is recorded as %+v", x)
				}
				if r := verify(t, d); !r.OK() || r.Erased != 1 {
					t.Errorf("report %+v", r)
				}
			}
			check(d, 15)
			if n, err := erasures.Erase(ctx, d, by, "request", []id.ID{gone.ID}, nil); err != nil || n != 0 {
				t.Errorf("again: %d, %v", n, err)
			}
			if _, err := erasures.Erase(ctx, d, by, "request", []id.ID{newID()}, nil); !errors.Is(err, journal.ErrNoEntry) {
				t.Errorf("of nothing: %v", err)
			}
			if content, _ := os.ReadFile(list); bytes.Contains(content, []byte(secret)) || bytes.Count(content, []byte("\n")) != 3 {
				t.Errorf("the list: %s", content)
			}

			// A copy from before the erasure comes back: the list erases it again.
			old := open(t, e, nil)
			live(t, old)
			if err := old.Write(ctx, func(tx *db.Tx) error {
				k, g := *keep, *gone
				journal.Add(tx, k)
				journal.Add(tx, g)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(list, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteString(`{"entry":"0190`) // a crash in the middle of a line
			f.Close()
			if n, err := erasures.Apply(ctx, old); err != nil || n != 1 {
				t.Errorf("applied %d, %v", n, err)
			}
			check(old, 15)
			if n, err := erasures.Apply(ctx, old); err != nil || n != 0 {
				t.Errorf("applied again %d, %v", n, err)
			}
		})
	}
}

func inFiles(t *testing.T, dsn, secret string) bool {
	t.Helper()
	path := strings.TrimPrefix(dsn, "sqlite:")
	for _, suffix := range []string{"", "-wal", "-journal"} {
		content, err := os.ReadFile(path + suffix)
		if err == nil && bytes.Contains(content, []byte(secret)) {
			return true
		}
	}
	return false
}
