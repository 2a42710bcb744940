package httpx

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Room is the edge's own part of the database: the receipts.
func Room() db.Room { return db.RoomOf("httpx", migrations) }

// ReceiptsKept is how long a receipt answers for its command. (DESIGN.md
// section 3, rule 5)
const ReceiptsKept = 90 * 24 * time.Hour

const keyHeader = "Idempotency-Key"

// receipt is the memory of one accepted command.
type receipt struct {
	op      string
	actor   string
	content []byte
	subject id.ID
	version int64
	status  int
	result  string
}

// table takes the receipts of a group of commands in one statement.
var table = db.NewTable("http_receipt", "id", "op", "actor", "content", "subject", "version", "status", "result", "at")

// left are the receipts that the commands of a group have left; no query finds
// them before the end of the group.
type left map[id.ID]*leftReceipt

type leftReceipt struct {
	receipt
	row []any // as it will be written
}

type leftKey struct{}

func leftIn(tx *db.Tx) left {
	return db.Shared(tx, leftKey{}, func() left { return left{} })
}

// doneBefore looks for the receipts of a whole group of commands before the
// first of them runs.
var doneBefore = &db.Lookup{Ask: func(tx *db.Tx, keys []id.ID) error {
	known := knownIn(tx)
	for len(keys) > 0 {
		// As many at once as a statement is kept for.
		n := 64
		for n > len(keys) {
			n /= 2
		}
		marks, args := make([]string, n), make([]any, n)
		for i, k := range keys[:n] {
			marks[i], args[i] = fmt.Sprintf("$%d", i+1), k
		}
		keys = keys[n:]
		rows, err := tx.Query(`SELECT id FROM http_receipt WHERE id IN (`+strings.Join(marks, ", ")+`)`, args...)
		if err != nil {
			return fmt.Errorf("look for receipts: %w", err)
		}
		for rows.Next() {
			var k id.ID
			if err := rows.Scan(&k); err != nil {
				return errors.Join(fmt.Errorf("look for receipts: %w", err), rows.Close())
			}
			known[k] = true
		}
		if err := rows.Close(); err != nil {
			return fmt.Errorf("look for receipts: %w", err)
		}
	}
	return nil
}}

type knownKey struct{}

// knownIn are the commands of a group that have a receipt from before it.
func knownIn(tx *db.Tx) map[id.ID]bool {
	return db.Shared(tx, knownKey{}, func() map[id.ID]bool { return map[id.ID]bool{} })
}

// receiptOf is readReceipt for a command of a group that was looked for before.
func receiptOf(tx *db.Tx, key id.ID) (receipt, bool, error) {
	if _, here := leftIn(tx)[key]; !here && !knownIn(tx)[key] {
		return receipt{}, false, nil
	}
	return readReceipt(tx, key)
}

func readReceipt(tx *db.Tx, key id.ID) (receipt, bool, error) {
	var r receipt
	if l, ok := leftIn(tx)[key]; ok {
		return l.receipt, true, nil
	}
	var status int64
	err := tx.Row(`SELECT op, actor, content, subject, version, status, result FROM http_receipt WHERE id = $1`, key).
		Scan(&r.op, &r.actor, &r.content, &r.subject, &r.version, &status, db.Text(&r.result))
	if errors.Is(err, db.ErrNoRows) {
		return r, false, nil
	}
	r.status = int(status)
	if err != nil {
		return r, false, fmt.Errorf("read receipt %s: %w", key, err)
	}
	return r, true, nil
}

// command runs fn once for each command id: the second time the first outcome
// is answered again.
func command[O any](e *Edge, rq *request, op Op, shard id.ID, fn func(tx *db.Tx) (*O, error)) (*O, error) {
	var key id.ID
	if h := rq.r.Header.Get(keyHeader); h != "" {
		k, err := id.Parse(strings.Trim(h, `"`))
		if err != nil {
			return nil, ErrInvalid.At("header."+keyHeader, "field.id")
		}
		key = k
	}
	content := rq.content(op)
	var out *O
	var again *replay
	run := func(tx *db.Tx) (err error) {
		out, again, rq.w.answer = nil, nil, nil
		own := key
		if own.IsZero() {
			own = tx.NewID()
		} else if old, ok, err := receiptOf(tx, own); err != nil {
			return err
		} else if ok {
			if old.op != op.ID || old.actor != rq.key || !bytes.Equal(old.content, content) {
				return ErrOtherContent
			}
			again = &replay{old}
			return nil
		}
		o, err := fn(tx)
		if err != nil {
			return err
		}
		out = o
		rq.w.Header().Set(keyHeader, own.String())
		if op.NoReceipt {
			return nil
		}
		rq.w.answer, err = keepReceipt(tx, own, receipt{op: op.ID, actor: rq.key, content: content}, o, op.Status)
		return err
	}
	ctx := rq.r.Context()
	do := func() error {
		switch {
		case !key.IsZero():
			return e.o.DB.WriteAsking(ctx, shard, doneBefore, key, run)
		case shard.IsZero():
			return e.o.DB.Write(ctx, run)
		}
		return e.o.DB.WriteFor(ctx, shard, run)
	}
	err := do()
	if err != nil && !key.IsZero() && db.Unique(err) {
		// The same command came twice at once and the other one was faster: now
		// its receipt can be read.
		err = do()
	}
	if err != nil {
		rq.w.answer = nil
		return nil, err
	}
	if again != nil {
		rq.w.Header().Set("Idempotency-Replayed", "true")
		return nil, again
	}
	return out, nil
}

// keepReceipt leaves the receipt of a command that was accepted, with its answer
// as JSON, which it gives back (nil without a body).
func keepReceipt(tx *db.Tx, key id.ID, r receipt, out any, status int) ([]byte, error) {
	body, given := bodyOf(out)
	if given != 0 {
		status = given
	}
	var raw []byte
	var result any
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("write the outcome of %s: %w", r.op, err)
		}
		r.subject, r.version = subjectOf(body, raw)
		r.result = string(raw)
		result = r.result
	}
	if status == 0 {
		status = http.StatusNoContent
		if body != nil {
			status = http.StatusOK
		}
	}
	r.status = status
	row := []any{key, r.op, r.actor, r.content, r.subject, r.version, status, result, db.Millis(tx.Now())}
	if err := tx.Later(table, row...); err != nil {
		return nil, fmt.Errorf("write receipt %s: %w", key, err)
	}
	leftIn(tx)[key] = &leftReceipt{r, row}
	return raw, nil
}

// subjects are where types of answers hold what they are about.
var subjects sync.Map // reflect.Type -> subjectAt

// subjectAt are the fields "id" and "version" of a struct; nil: it has none.
type subjectAt struct{ id, version []int }

// subjectOf is what an answer is about and its version: the members "id" and
// "version". An answer without these two is about no subject; that is fine.
func subjectOf(body any, raw []byte) (id.ID, int64) {
	v := reflect.Indirect(reflect.ValueOf(body))
	if _, own := body.(json.Marshaler); own || v.Kind() != reflect.Struct {
		var about struct {
			ID      id.ID `json:"id"`
			Version int64 `json:"version"`
		}
		if json.Unmarshal(raw, &about) != nil {
			return id.ID{}, 0
		}
		return about.ID, about.Version
	}
	at, ok := subjects.Load(v.Type())
	if !ok {
		var found subjectAt
		for _, f := range reflect.VisibleFields(v.Type()) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case name == "id" && f.Type == reflect.TypeFor[id.ID]():
				found.id = f.Index
			case name == "version" && f.Type.Kind() == reflect.Int64:
				found.version = f.Index
			}
		}
		at, _ = subjects.LoadOrStore(v.Type(), found)
	}
	var about id.ID
	var version int64
	if f, err := v.FieldByIndexErr(at.(subjectAt).id); err == nil && at.(subjectAt).id != nil {
		about = f.Interface().(id.ID)
	}
	if f, err := v.FieldByIndexErr(at.(subjectAt).version); err == nil && at.(subjectAt).version != nil {
		version = f.Int()
	}
	return about, version
}

// bodyOf gives the Body and the Status of an output struct.
func bodyOf(out any) (body any, status int) {
	v := reflect.Indirect(reflect.ValueOf(out))
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return nil, 0
	}
	if f := v.FieldByName("Body"); f.IsValid() && f.Kind() != reflect.Func {
		body = f.Interface()
	}
	if f := v.FieldByName("Status"); f.IsValid() && f.Kind() == reflect.Int {
		status = int(f.Int())
	}
	return body, status
}

// replay answers an earlier outcome as it was; huma takes it for an error, which
// is the one way past its own rendering.
type replay struct{ receipt }

func (r *replay) Error() string  { return "replay of an earlier outcome" }
func (r *replay) GetStatus() int { return r.status }

func (r *replay) GetHeaders() http.Header {
	h := http.Header{"Cache-Control": {"no-store"}}
	if r.version > 0 {
		h.Set("ETag", ETag(r.version))
	}
	return h
}

// MarshalJSON gives the stored answer; when its content was erased since, only
// what it was about.
func (r *replay) MarshalJSON() ([]byte, error) {
	if r.result != "" {
		return []byte(r.result), nil
	}
	return json.Marshal(struct {
		ID      id.ID `json:"id,omitzero"`
		Version int64 `json:"version,omitzero"`
	}{r.subject, r.version})
}

// Forget empties the stored answers about a subject; the receipts themselves
// stay, so that the commands are still not run twice. It belongs to every
// erasure of the subject's content.
func Forget(tx *db.Tx, subject id.ID) error {
	if _, err := tx.Exec(`UPDATE http_receipt SET result = NULL WHERE subject = $1`, subject); err != nil {
		return fmt.Errorf("forget answers about %s: %w", subject, err)
	}
	// Also those of the same group, which are not written yet. Should this
	// erasure be rolled back they stay without an answer, as later ones would.
	for _, l := range leftIn(tx) {
		if l.subject == subject {
			l.result, l.row[columnResult] = "", nil
		}
	}
	return nil
}

const columnResult = 7 // of table

// EndReceipts removes up to limit receipts older than a time and says how many;
// with count it only counts.
func EndReceipts(tx *db.Tx, before time.Time, limit int, count bool) (int, error) {
	return db.Ended{Table: "http_receipt", Key: "id", At: "at"}.Before(tx, before, limit, count)
}

// SweepReceipts removes receipts past their time, a bounded number at a time,
// and says how many went.
func SweepReceipts(ctx context.Context, d *db.DB) (int64, error) {
	const step = 5000
	var total int64
	for {
		var n int64
		err := d.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Exec(`DELETE FROM http_receipt WHERE id IN
				(SELECT id FROM http_receipt WHERE at < $1 ORDER BY at LIMIT $2)`,
				db.Millis(tx.Now().Add(-ReceiptsKept)), step)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("sweep receipts: %w", err)
		}
		total += n
		if n < step {
			return total, nil
		}
	}
}

// Precondition is what a command may demand of the subject it changes: a
// version (If-Match) or "after my command X" (After-Command), so that a phone
// can queue several commands on one case (DESIGN.md section 3, rule 5). Embed it
// in the input struct.
type Precondition struct {
	IfMatch string `header:"If-Match" json:"-" maxLength:"40" doc:"the version the caller knows, such as \"7\""`
	After   id.ID  `header:"After-Command" json:"-" doc:"the id of an own command that must have been the last change"`

	Match int64 `json:"-"`
	actor string
}

// Resolve reads the version out of the header.
func (p *Precondition) Resolve(huma.Context) []error {
	if p.IfMatch == "" || p.IfMatch == "*" {
		return nil
	}
	s := strings.Trim(strings.TrimPrefix(strings.TrimSpace(p.IfMatch), "W/"), `"`)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return []error{ErrInvalid.At("header.If-Match", "field.version")}
	}
	p.Match = n
	return nil
}

func (p *Precondition) madeBy(actor string) { p.actor = actor }

// Given says whether the caller named a precondition at all.
func (p Precondition) Given() bool { return p.Match != 0 || !p.After.IsZero() }

// Check compares the precondition with the subject as it is now. Codes:
// request.changed, receipt.not_accepted.
func (p Precondition) Check(tx *db.Tx, subject id.ID, version int64) error {
	if p.Match != 0 && p.Match != version {
		return ErrChanged.With("version", version)
	}
	if p.After.IsZero() {
		return nil
	}
	r, ok, err := readReceipt(tx, p.After)
	if err != nil {
		return err
	}
	if !ok || r.actor != p.actor || r.subject != subject {
		return ErrNotAccepted.With("command", p.After.String())
	}
	if r.version != version {
		return ErrChanged.With("version", version)
	}
	return nil
}

// ETag is the entity tag of a version.
func ETag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }
