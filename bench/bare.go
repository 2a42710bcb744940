package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver that the program uses
)

// The bare limit: the rows that the program wrote for a lifecycle, written again
// into the same tables with the same indexes, through the same driver and as
// durable, with nothing around them: no HTTP, no rights, no rules, no reading.
// Templates are lifecycles that the program finished a moment ago. As many
// commands are committed together as there are clients, which is the most that a
// program could find waiting.

// bareTables are the tables a lifecycle writes.
var bareTables = []string{"cases", "case_clock", "case_dispatch", "case_named", "case_search_key", "case_search", "http_receipt",
	"journal_entry", "journal_body", "journal_seal", "journal_head"}

// write is one statement of a command.
type write struct {
	sql  string
	args []any
}

// template is a finished lifecycle: its rows by table, in the order in which they
// were written.
type template struct {
	rows map[string][]row
}

// row is one row: column and value.
type row struct {
	columns []string
	values  []any
}

func (r row) get(column string) any {
	if i := slices.Index(r.columns, column); i >= 0 {
		return r.values[i]
	}
	return nil
}

// with is the row with other values in some columns.
func (r row) with(change map[string]any) row {
	out := row{r.columns, slices.Clone(r.values)}
	for k, v := range change {
		if i := slices.Index(r.columns, k); i >= 0 {
			out.values[i] = v
		}
	}
	return out
}

// insert is the statement that writes the row.
func (r row) insert(table string) write {
	marks := make([]string, len(r.columns))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	return write{"INSERT INTO " + table + " (" + strings.Join(r.columns, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")", r.values}
}

// templates reads some finished lifecycles of a database.
func templates(ctx context.Context, from *sql.DB) ([]template, error) {
	cases, err := readRows(ctx, from, `SELECT * FROM cases WHERE state = 'done' ORDER BY arrived DESC LIMIT 64`)
	if err != nil {
		return nil, err
	}
	if len(cases) == 0 {
		return nil, errors.New("no finished lifecycle was found")
	}
	var out []template
	for _, c := range cases {
		t := template{rows: map[string][]row{"cases": {c}}}
		for table, q := range map[string]string{
			"case_clock":    `SELECT * FROM case_clock WHERE case_id = $1 ORDER BY start_at, id`,
			"case_dispatch": `SELECT * FROM case_dispatch WHERE case_id = $1 ORDER BY seq`,
			"case_named":    `SELECT * FROM case_named WHERE case_id = $1`,
			"http_receipt":  `SELECT * FROM http_receipt WHERE subject = $1 ORDER BY version`,
			"journal_entry": `SELECT * FROM journal_entry WHERE case_id = $1 ORDER BY number`,
			"journal_body":  `SELECT b.* FROM journal_body b JOIN journal_entry e ON e.number = b.number WHERE e.case_id = $1 ORDER BY b.number`,
		} {
			if t.rows[table], err = readRows(ctx, from, q, c.get("id")); err != nil {
				return nil, err
			}
		}
		if len(t.rows["journal_entry"]) != len(states) || len(t.rows["journal_body"]) != len(states) || spans[len(t.rows["http_receipt"])] == nil {
			continue // the sweeper wrote something in between
		}
		out = append(out, t)
	}
	if len(out) == 0 {
		return nil, errors.New("no lifecycle with one entry for each move was found")
	}
	return out, nil
}

func readRows(ctx context.Context, from *sql.DB, q string, args ...any) ([]row, error) {
	rows, err := from.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, q)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []row
	for rows.Next() {
		r := row{columns, make([]any, len(columns))}
		into := make([]any, len(columns))
		for i := range into {
			into[i] = &r.values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// spans are how many moves each command makes, by the number of commands: one
// each, or those of a step together.
var spans = map[int][]int{7: {1, 1, 1, 1, 1, 1, 1}, 3: {1, 3, 3}}

// replay is one lifecycle on its way: what each command writes.
type replay struct {
	t        template
	id       []byte
	at       int // the next move
	command  int // the next command
	clockIDs [][]byte
	sent     []byte
	serial   int64 // in the index of words, on SQLite
}

var states = []string{"reported", "accepted", "filed", "dispatched", "taken", "handling", "done"}

// moved are the columns that a move writes.
var moved = []string{"item", "item_version", "condition", "priority", "secrecy", "department_id", "state", "post_id", "acting_post_id",
	"intake_post_id", "handler_post_id", "person_id", "ask_post_id", "clock_kind", "clock_row", "clock_start", "clock_limit", "clock_calendar",
	"clock_given", "due_at", "near_at", "provisional", "paused", "remaining", "clock_late_at", "late", "verify_state", "check_state",
	"resume_at", "closed_at", "list_at", "version", "facets"}

var moveSQL = func() string {
	var set []string
	for i, c := range moved {
		set = append(set, fmt.Sprintf("%s = $%d", c, i+3))
	}
	return "UPDATE cases SET " + strings.Join(set, ", ") + " WHERE id = $1 AND version = $2"
}()

// span is how many moves the next command makes.
func (r *replay) span() int { return spans[len(r.t.rows["http_receipt"])][r.command] }

// next gives the statements of the lifecycle's next command, whose entries have
// numbers in the journal from first on; serials number the index of words.
func (r *replay) next(engine string, first int64, serials *atomic.Int64) []write {
	var out []write
	for i := range r.span() {
		out = append(out, r.move(engine, first+int64(i), serials)...)
	}
	out = append(out, r.t.rows["http_receipt"][r.command].with(map[string]any{"id": uuid(), "subject": r.id}).insert("http_receipt"))
	r.command++
	return out
}

// move gives the statements of the next move, the report first.
func (r *replay) move(engine string, number int64, serials *atomic.Int64) []write {
	var out []write
	final := r.t.rows["cases"][0]
	clocks, sent := r.t.rows["case_clock"], r.t.rows["case_dispatch"]
	now := time.Now().UnixMilli()
	clock := func(i int) write {
		r.clockIDs = append(r.clockIDs, uuid())
		return clocks[i].with(map[string]any{"id": r.clockIDs[i], "case_id": r.id, "start_at": now, "due_at": now + 900_000 + int64(i), "stopped_at": nil, "used_ms": nil}).insert("case_clock")
	}
	words := func() {
		terms := terms(final)
		if engine == "postgres" {
			out = append(out, write{`INSERT INTO case_search (id, terms) VALUES ($1, array_to_tsvector(string_to_array($2, ' ')))`, []any{r.id, terms}})
			return
		}
		r.serial = serials.Add(1)
		out = append(out, write{`INSERT INTO case_search_key (n, id) VALUES ($1, $2)`, []any{r.serial, r.id}},
			write{`INSERT INTO case_search (rowid, terms) VALUES ($1, $2)`, []any{r.serial, terms}})
	}
	values := map[string]any{"id": r.id, "state": states[r.at], "version": int64(r.at + 1), "list_at": now + int64(mathrand.IntN(1_000_000))}
	if r.at < 3 { // the desk has it
		values["post_id"], values["acting_post_id"] = final.get("intake_post_id"), final.get("intake_post_id")
		values["handler_post_id"], values["department_id"] = nil, nil
	}
	if r.at == 0 {
		values["number"] = fmt.Sprintf("%x", r.id[8:])
		values["arrived"] = number
		out = append(out, final.with(values).insert("cases"))
		for _, n := range r.t.rows["case_named"] {
			out = append(out, n.with(map[string]any{"case_id": r.id}).insert("case_named"))
		}
		words()
		if len(clocks) > 0 {
			out = append(out, clock(0))
		}
	} else {
		now := final.with(values)
		args := []any{r.id, int64(r.at)}
		for _, c := range moved {
			args = append(args, now.get(c))
		}
		out = append(out, write{moveSQL, args})
		if n := len(r.clockIDs); n > 0 && (r.at < len(clocks) || r.at == len(states)-1) {
			last := clocks[n-1]
			out = append(out, write{`UPDATE case_clock SET stopped_at = $1, used_ms = $2, late_at = $3 WHERE id = $4`,
				[]any{last.get("stopped_at"), last.get("used_ms"), last.get("late_at"), r.clockIDs[n-1]}})
		}
		if r.at < len(clocks) {
			out = append(out, clock(r.at))
		}
	}
	if r.at == 3 {
		for _, d := range sent {
			r.sent = uuid()
			out = append(out, d.with(map[string]any{"id": r.sent, "case_id": r.id, "ended_at": nil, "ended": nil}).insert("case_dispatch"))
		}
		if final.get("department_id") != nil { // it is found under its department from now on
			if engine == "postgres" {
				out = append(out, write{`DELETE FROM case_search WHERE id = $1`, []any{r.id}})
			} else {
				out = append(out, write{`DELETE FROM case_search WHERE rowid = $1`, []any{r.serial}}, write{`DELETE FROM case_search_key WHERE id = $1`, []any{r.id}})
			}
			words()
		}
	}
	if r.at == len(states)-1 && r.sent != nil {
		out = append(out, write{`UPDATE case_dispatch SET ended_at = $1, ended = $2 WHERE case_id = $3 AND ended_at IS NULL`, []any{now, "done", r.id}})
	}
	out = append(out, r.t.rows["journal_entry"][r.at].with(map[string]any{"number": number, "id": uuid(), "subject": r.id, "case_id": r.id}).insert("journal_entry"),
		r.t.rows["journal_body"][r.at].with(map[string]any{"number": number}).insert("journal_body"))
	r.at++
	return out
}

// uuid is newID as it is stored.
func uuid() []byte {
	b := make([]byte, 16)
	_, _ = rand.Read(b[6:]) // never fails (crypto/rand)
	ms := time.Now().UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return b
}

// terms are about what the program makes findable: pairs of characters, the
// characters, and the places it belongs to.
func terms(c row) string {
	text := []rune(fmt.Sprint(c.get("title"), c.get("text"), c.get("place")))
	var out []string
	for i := range text {
		out = append(out, "1"+string(text[i]))
		if i > 0 {
			out = append(out, string(text[i-1:i+1]))
		}
	}
	for _, column := range []string{"hub_id", "street_id", "platform_id", "grid_id", "micro_id", "department_id"} {
		if v, ok := c.get(column).([]byte); ok {
			out = append(out, fmt.Sprintf("x%s%x", column[:2], v))
		}
	}
	slices.Sort(out)
	return strings.Join(append(slices.Compact(out), "xsec0", "n"+fmt.Sprint(mathrand.Int64())), " ")
}

// seal ends a group: the journal's seal and its head.
func seal(first, last int64) []write {
	hash := make([]byte, 32)
	_, _ = rand.Read(hash) // never fails (crypto/rand)
	return []write{
		{`INSERT INTO journal_seal (first, count, root, hash) VALUES ($1, $2, $3, $4)`, []any{first, last - first + 1, hash, hash}},
		{`UPDATE journal_head SET number = number + $1, hash = $2 WHERE one = 1`, []any{last - first + 1, hash}},
	}
}

// sink commits groups of statements.
type sink interface {
	commit(ctx context.Context, group []write) error
}

// bareDetails are what only the limit tells.
type bareDetails struct {
	OwnCPU    float64 `json:"cpu_ms"`                  // of whoever writes, for one lifecycle
	ServerCPU float64 `json:"server_cpu_ms,omitempty"` // of PostgreSQL
}

// bareCommits measures the limit on the engine of a run that has just ended; server
// is PostgreSQL's process.
func bareCommits(ctx context.Context, o options, engine, dir, dsn string, server int) (measured, error) {
	var from *sql.DB
	var sinks []sink
	var err error
	if engine == "postgres" {
		if from, err = sql.Open("pgx", dsn); err != nil {
			return measured{}, err
		}
		defer from.Close()
		for range 2 { // the program's writers
			s, err := newPostgresSink(ctx, dsn, len(sinks) == 0)
			if err != nil {
				return measured{}, err
			}
			defer s.conn.Close(context.WithoutCancel(ctx))
			sinks = append(sinks, s)
		}
	} else {
		if from, err = sql.Open("sqlite", "file:"+filepath.Join(dir, "data", "onegrid.db")+"?mode=ro"); err != nil {
			return measured{}, err
		}
		defer from.Close()
		s, err := newSQLiteSink(ctx, from, filepath.Join(dir, "bare.db"))
		if err != nil {
			return measured{}, err
		}
		defer s.close()
		sinks = append(sinks, s)
	}
	ts, err := templates(ctx, from)
	if err != nil {
		return measured{}, err
	}
	var before, after usage
	before.take(nil, server)
	var number, serials, done atomic.Int64
	var all sync.WaitGroup
	faults := make(chan error, len(sinks))
	times := make([][]time.Duration, len(sinks))
	begin := time.Now()
	for i, s := range sinks {
		all.Go(func() {
			var finished int64
			running := make([]*replay, max(1, o.workers/len(sinks)))
			for k := range running {
				running[k] = &replay{t: ts[mathrand.IntN(len(ts))], id: uuid()}
			}
			for n := 0; time.Since(begin) < o.length && ctx.Err() == nil; n++ {
				var ready []int
				var entries int64
				for k, r := range running {
					if n >= k%len(states) { // so that the group holds all stages, as the program's do
						ready = append(ready, k)
						entries += int64(r.span())
					}
				}
				last := number.Add(entries)
				first := last - entries + 1
				at := first
				var group []write
				for _, k := range ready {
					r := running[k]
					moves := int64(r.span())
					group = append(group, r.next(engine, at, &serials)...)
					at += moves
					if r.at == len(states) {
						finished++
						running[k] = &replay{t: ts[mathrand.IntN(len(ts))], id: uuid()}
					}
				}
				group = append(group, seal(first, last)...)
				begun := time.Now()
				if err := s.commit(ctx, group); err != nil {
					faults <- err
					return
				}
				times[i] = append(times[i], time.Since(begun))
				done.Add(finished)
				finished = 0
			}
		})
	}
	all.Wait()
	took := time.Since(begin).Seconds()
	select {
	case err := <-faults:
		return measured{}, err
	default:
	}
	after.take(nil, server)
	each := func(t time.Duration) float64 { return t.Seconds() * 1000 / float64(max(1, done.Load())) }
	m := measured{rate: float64(done.Load()) / took, details: bareDetails{OwnCPU: each(after.own - before.own), ServerCPU: each(after.server - before.server)}}
	m.p50, m.p99 = quantiles(slices.Concat(times...))
	return m, nil
}

// sqliteSink is one connection to a fresh file with the program's tables.
type sqliteSink struct {
	db       *sql.DB
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func newSQLiteSink(ctx context.Context, from *sql.DB, file string) (*sqliteSink, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)&_pragma=cache_size(-32768)&_pragma=journal_size_limit(67108864)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return nil, err
	}
	s := &sqliteSink{db: db, prepared: map[string]*sql.Stmt{}}
	if s.conn, err = db.Conn(ctx); err != nil {
		s.close()
		return nil, err
	}
	schema, err := readRows(ctx, from, `SELECT tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'index', rowid`)
	if err != nil {
		s.close()
		return nil, err
	}
	for _, r := range schema {
		if !slices.Contains(bareTables, fmt.Sprint(r.get("tbl_name"))) {
			continue
		}
		if _, err := s.conn.ExecContext(ctx, fmt.Sprint(r.get("sql"))); err != nil {
			s.close()
			return nil, fmt.Errorf("%w in %s", err, r.get("sql"))
		}
	}
	if _, err := s.conn.ExecContext(ctx, `INSERT INTO journal_head (one, number) VALUES (1, 0)`); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *sqliteSink) close() {
	for _, p := range s.prepared {
		_ = p.Close()
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
	_ = s.db.Close()
}

func (s *sqliteSink) commit(ctx context.Context, group []write) error {
	group = slices.Concat([]write{{sql: `BEGIN IMMEDIATE`}}, group, []write{{sql: `COMMIT`}})
	for _, w := range group {
		p, ok := s.prepared[w.sql]
		if !ok {
			var err error
			if p, err = s.conn.PrepareContext(ctx, w.sql); err != nil {
				return fmt.Errorf("%w in %s", err, w.sql)
			}
			s.prepared[w.sql] = p
		}
		if _, err := p.ExecContext(ctx, w.args...); err != nil {
			return fmt.Errorf("%w in %s", err, w.sql)
		}
	}
	return nil
}

// postgresSink is one connection that sends a whole group in one piece.
type postgresSink struct {
	conn     *pgx.Conn
	prepared map[string]string
}

func newPostgresSink(ctx context.Context, dsn string, create bool) (*postgresSink, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	s := &postgresSink{conn, map[string]string{}}
	var make []string
	if create {
		make = []string{`DROP SCHEMA IF EXISTS bare CASCADE`, `CREATE SCHEMA bare`}
		for _, t := range bareTables {
			if t != "case_search_key" {
				make = append(make, fmt.Sprintf(`CREATE TABLE bare.%s (LIKE public.%[1]s INCLUDING ALL)`, t))
			}
		}
		make = append(make, `INSERT INTO bare.journal_head (one, number) VALUES (1, 0)`)
	}
	for _, q := range append(make, `SET search_path = bare`) {
		if _, err := conn.Exec(ctx, q); err != nil {
			return nil, errors.Join(fmt.Errorf("%w in %s", err, q), conn.Close(ctx))
		}
	}
	return s, nil
}

func (s *postgresSink) commit(ctx context.Context, group []write) error {
	b := &pgx.Batch{}
	for _, w := range slices.Concat([]write{{sql: `BEGIN`}}, group, []write{{sql: `COMMIT`}}) {
		name, ok := s.prepared[w.sql]
		if !ok {
			name = fmt.Sprintf("b%d", len(s.prepared))
			if _, err := s.conn.Prepare(ctx, name, w.sql); err != nil {
				return fmt.Errorf("%w in %s", err, w.sql)
			}
			s.prepared[w.sql] = name
		}
		b.Queue(name, w.args...)
	}
	return s.conn.SendBatch(ctx, b).Close()
}

var _ = stdlib.GetDefaultDriver // registers "pgx" for database/sql
