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

func readReceipt(tx *db.Tx, key id.ID) (receipt, bool, error) {
	var r receipt
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
	run := func(tx *db.Tx) error {
		out, again = nil, nil
		own := key
		if own.IsZero() {
			own = tx.NewID()
		} else if old, ok, err := readReceipt(tx, own); err != nil {
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
		return keepReceipt(tx, own, receipt{op: op.ID, actor: rq.key, content: content}, o, op.Status)
	}
	ctx := rq.r.Context()
	do := func() error {
		if shard.IsZero() {
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
		return nil, err
	}
	if again != nil {
		rq.w.Header().Set("Idempotency-Replayed", "true")
		return nil, again
	}
	return out, nil
}

func keepReceipt(tx *db.Tx, key id.ID, r receipt, out any, status int) error {
	body, given := bodyOf(out)
	if given != 0 {
		status = given
	}
	var result any
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write the outcome of %s: %w", r.op, err)
		}
		var about struct {
			ID      id.ID `json:"id"`
			Version int64 `json:"version"`
		}
		// An answer without these two is about no subject; that is fine.
		if json.Unmarshal(raw, &about) == nil {
			r.subject, r.version = about.ID, about.Version
		}
		result = string(raw)
	}
	if status == 0 {
		status = http.StatusNoContent
		if body != nil {
			status = http.StatusOK
		}
	}
	_, err := tx.Exec(`INSERT INTO http_receipt (id, op, actor, content, subject, version, status, result, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		key, r.op, r.actor, r.content, r.subject, r.version, status, result, db.Millis(tx.Now()))
	if err != nil {
		return fmt.Errorf("write receipt %s: %w", key, err)
	}
	return nil
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
	return nil
}

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
