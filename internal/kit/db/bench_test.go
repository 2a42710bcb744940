package db_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
)

var benchRoom = db.Room{Name: "bench", Migrations: fstest.MapFS{"0001_bench.sql": {Data: []byte(`-- +goose Up
CREATE TABLE bench (id BYTEA PRIMARY KEY, state TEXT NOT NULL, at BIGINT NOT NULL, note TEXT);
CREATE INDEX bench_state ON bench (state, at);`)}}}

// BenchmarkGroupCommit is the limit that a lifecycle is compared with: durable
// commands of one insert, one read and one update, 64 callers at a time.
func BenchmarkGroupCommit(b *testing.B) {
	for _, e := range dbtest.Engines {
		b.Run(string(e), func(b *testing.B) {
			d := dbtest.Durable(b, e, nil, []db.Room{benchRoom})
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					key := newID(b)
					err := d.WriteFor(context.Background(), key, func(tx *db.Tx) error {
						if _, err := tx.Exec(`INSERT INTO bench (id, state, at, note) VALUES ($1, $2, $3, $4)`, key, "reported", db.Millis(tx.Now()), "street lamp out at gate 3"); err != nil {
							return err
						}
						var state string
						if err := tx.Row(`SELECT state FROM bench WHERE id = $1`, key).Scan(&state); err != nil {
							return err
						}
						_, err := tx.Exec(`UPDATE bench SET state = $1 WHERE id = $2 AND state = $3`, "accepted", key, state)
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)*3/b.Elapsed().Seconds(), "statements/s")
			b.ReportMetric(float64(b.N)/float64(d.Stats().Groups.Load()), "commands/group")
		})
	}
}

// BenchmarkRead is a point read in a snapshot of its own.
func BenchmarkRead(b *testing.B) {
	for _, e := range dbtest.Engines {
		b.Run(string(e), func(b *testing.B) {
			d := dbtest.Open(b, e, nil, []db.Room{benchRoom})
			key := newID(b)
			if err := d.Write(context.Background(), func(tx *db.Tx) error {
				_, err := tx.Exec(`INSERT INTO bench (id, state, at) VALUES ($1, 'x', 1)`, key)
				return err
			}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if err := d.Read(context.Background(), func(tx *db.Tx) error {
						var state string
						return tx.Row(`SELECT state FROM bench WHERE id = $1`, key).Scan(&state)
					}); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkWide reads one row of forty columns, the width of a case.
func BenchmarkWide(b *testing.B) {
	var cols, marks []string
	for i := range 40 {
		cols = append(cols, fmt.Sprintf("column_%d", i))
		marks = append(marks, fmt.Sprintf("$%d", i+1))
	}
	room := db.Room{Name: "wide", Migrations: fstest.MapFS{"0001_w.sql": {Data: []byte("-- +goose Up\nCREATE TABLE wide (" + strings.Join(cols, " TEXT, ") + " TEXT);")}}}
	d := dbtest.Open(b, db.SQLite, nil, []db.Room{room})
	args := make([]any, 40)
	for i := range args {
		args[i] = "some text value"
	}
	if err := d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec("INSERT INTO wide VALUES ("+strings.Join(marks, ",")+")", args...)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	dest := make([]string, 40)
	into := make([]any, 40)
	for i := range dest {
		into[i] = &dest[i]
	}
	q := "SELECT " + strings.Join(cols, ", ") + " FROM wide"
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Read(context.Background(), func(tx *db.Tx) error { return tx.Row(q).Scan(into...) }); err != nil {
			b.Fatal(err)
		}
	}
}
