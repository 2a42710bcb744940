package notice

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

func readCursor(tx *db.Tx) (int64, error) {
	var at int64
	err := tx.Row(`SELECT number FROM notice_cursor WHERE one = 1`).Scan(&at)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return 0, fmt.Errorf("read the cursor of the notices: %w", err)
	}
	return at, err
}

func startCursor(tx *db.Tx, head int64) error {
	_, err := tx.Exec(`INSERT INTO notice_cursor (one, number, at) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING`, head, db.Millis(tx.Now()))
	if err != nil {
		return fmt.Errorf("set the cursor of the notices: %w", err)
	}
	return nil
}

func moveCursor(tx *db.Tx, from, to int64) (bool, error) {
	n, err := tx.Exec(`UPDATE notice_cursor SET number = $1, at = $2 WHERE one = 1 AND number = $3`, to, db.Millis(tx.Now()), from)
	if err != nil {
		return false, fmt.Errorf("move the cursor of the notices: %w", err)
	}
	return n > 0, nil
}

const noticeColumns = `id, entry, template, recipient, person_id, post_id, subject, case_id, hub_id, street_id, platform_id, grid_id, micro_id, department_id,
	vars, urgent, must_act, gather, state, rung, rung_at, base_at, dead, held, trouble, joined, parent, only_channel, made_at, read_at, acted_at, acted_by`

func noticeFields(n *Notice) []any {
	return []any{&n.ID, &n.Entry, &n.Template, &n.Recipient, &n.Person, &n.Post, &n.Subject, &n.Case, &n.Hub, &n.Street, &n.Platform, &n.Grid, &n.Micro, &n.Department,
		db.ScanJSON(&n.Vars), db.ScanBool(&n.Urgent), db.ScanBool(&n.MustAct), db.ScanBool(&n.Gather), &n.State, db.Int(&n.Rung), db.Time(&n.RungAt), db.Time(&n.Base),
		db.ScanBool(&n.Dead), db.Text(&n.Held), db.ScanBool(&n.Trouble), &n.Joined, &n.Parent, db.Text((*string)(&n.Only)), db.Time(&n.Made), db.Time(&n.Read), db.Time(&n.Acted), &n.ActedBy}
}

// insertNotice keeps a notice; false when the entry has told the recipient
// already.
func insertNotice(tx *db.Tx, n Notice) (bool, error) {
	if n.Vars == nil {
		n.Vars = map[string]words.Text{}
	}
	rows, err := tx.Exec(`INSERT INTO notice (`+noticeColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)
		ON CONFLICT (entry, template, recipient) DO NOTHING`,
		n.ID, n.Entry, n.Template, n.Recipient, none(n.Person), none(n.Post), n.Subject, none(n.Case), none(n.Hub), none(n.Street), none(n.Platform), none(n.Grid), none(n.Micro), none(n.Department),
		db.JSON(n.Vars), db.Bool(n.Urgent), db.Bool(n.MustAct), db.Bool(n.Gather), string(n.State), n.Rung, db.Millis(n.RungAt), db.Millis(n.Base),
		db.Bool(n.Dead), text(n.Held), db.Bool(n.Trouble), none(n.Joined), none(n.Parent), text(string(n.Only)), db.Millis(n.Made), db.Millis(n.Read), db.Millis(n.Acted), none(n.ActedBy))
	if err != nil {
		return false, fmt.Errorf("write a notice: %w", err)
	}
	return rows > 0, nil
}

// none is NULL for the zero id, text for the empty text.
func none(v id.ID) any {
	if v.IsZero() {
		return nil
	}
	return v
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func noticeByID(tx *db.Tx, v id.ID) (Notice, error) {
	var n Notice
	err := tx.Row(`SELECT `+noticeColumns+` FROM notice WHERE id = $1`, v).Scan(noticeFields(&n)...)
	if errors.Is(err, db.ErrNoRows) {
		return n, ErrMissing
	}
	if err != nil {
		return n, fmt.Errorf("read a notice: %w", err)
	}
	return n, nil
}

func noticesWhere(tx *db.Tx, where string, args ...any) ([]Notice, error) {
	rows, err := tx.Query(`SELECT `+noticeColumns+` FROM notice WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	defer rows.Close()
	var out []Notice
	for rows.Next() {
		var n Notice
		if err := rows.Scan(noticeFields(&n)...); err != nil {
			return nil, fmt.Errorf("list notices: %w", err)
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// putLadder stores where the ladder of a notice stands.
func putLadder(tx *db.Tx, n Notice) error {
	_, err := tx.Exec(`UPDATE notice SET state = $1, rung = $2, rung_at = $3, base_at = $4, dead = $5, held = $6, trouble = $7, acted_at = $8, person_id = $9, recipient = $10 WHERE id = $11`,
		string(n.State), n.Rung, db.Millis(n.RungAt), db.Millis(n.Base), db.Bool(n.Dead), text(n.Held), db.Bool(n.Trouble), db.Millis(n.Acted), none(n.Person), n.Recipient, n.ID)
	if err != nil {
		return fmt.Errorf("write a ladder: %w", err)
	}
	return nil
}

// settle ends the notices on a subject that are still open.
func settle(tx *db.Tx, where string, to State, by id.ID, args ...any) error {
	args = append(args, string(to), db.Millis(tx.Now()), none(by))
	k := len(args) - 2
	mark := func(i int) string { return fmt.Sprintf("$%d", i) }
	_, err := tx.Exec(`UPDATE notice SET state = `+mark(k)+`, rung_at = NULL, held = NULL, trouble = 0, acted_at = `+mark(k+1)+`, acted_by = `+mark(k+2)+`,
		read_at = COALESCE(read_at, `+mark(k+1)+`) WHERE `+where+` AND gather = 0 AND (state = 'open' OR state = 'delivered')`, args...)
	if err != nil {
		return fmt.Errorf("settle notices: %w", err)
	}
	return nil
}

// ahead is what was asked once for a whole batch of entries.
type ahead struct {
	waits  map[id.ID]bool // subjects with notices that an act may settle
	agreed map[id.ID]bool // cases whose reporter wants messages
	any    bool           // the batch sends messages by itself: waits does not know of whom
}

// lookAhead asks what following some entries needs to know of most of them: that
// there is nothing to settle, and nobody to tell.
func lookAhead(tx *db.Tx, entries []journal.Entry) (*ahead, error) {
	a := &ahead{}
	var subjects, cases []id.ID
	for i := range entries {
		e := &entries[i]
		a.any = a.any || e.Kind == "notice.send"
		subjects, cases = append(subjects, e.Subject), append(cases, caseOf(e))
	}
	var err error
	if a.waits, err = among(tx, `SELECT DISTINCT subject FROM notice WHERE person_id IS NOT NULL AND gather = 0 AND (state = 'open' OR state = 'delivered') AND subject IN `, subjects); err != nil {
		return nil, fmt.Errorf("look for notices to settle: %w", err)
	}
	if a.agreed, err = among(tx, `SELECT case_id FROM notice_consent WHERE ended_at IS NULL AND case_id IN `, cases); err != nil {
		return nil, fmt.Errorf("read consents: %w", err)
	}
	return a, nil
}

// among runs a query that ends before its list of ids, and gives those it finds.
func among(tx *db.Tx, q string, ids []id.ID) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	slices.SortFunc(ids, id.ID.Compare)
	ids = slices.Compact(ids)
	ids = slices.DeleteFunc(ids, id.ID.IsZero)
	n := 1
	for n < len(ids) {
		n *= 2 // few texts to prepare: the last one again and again up to a power of two
	}
	if len(ids) == 0 {
		return out, nil
	}
	marks, args := make([]string, n), make([]any, n)
	for i := range n {
		marks[i], args[i] = fmt.Sprintf("$%d", i+1), ids[min(i, len(ids)-1)]
	}
	rows, err := tx.Query(q+"("+strings.Join(marks, ", ")+")", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v id.ID
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out[v] = true
	}
	return out, rows.Err()
}

func unreadOf(tx *db.Tx, person id.ID, template string) (id.ID, error) {
	var v id.ID
	err := tx.Row(`SELECT id FROM notice WHERE person_id = $1 AND template = $2 AND read_at IS NULL AND joined IS NULL ORDER BY entry LIMIT 1`, person, template).Scan(&v)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return v, fmt.Errorf("read unread notices: %w", err)
	}
	return v, nil
}

// regather lets an unread notice say what the newest that joined it says.
func regather(tx *db.Tx, first id.ID, newest Notice) error {
	_, err := tx.Exec(`UPDATE notice SET vars = $1 WHERE id = $2`, db.JSON(newest.Vars), first)
	if err != nil {
		return fmt.Errorf("gather notices: %w", err)
	}
	return nil
}

// dueRungs lists notices whose next rung is due, the oldest first.
func dueRungs(tx *db.Tx, limit int) ([]Notice, error) {
	return noticesWhere(tx, `rung_at IS NOT NULL AND rung_at <= $1 ORDER BY rung_at, id LIMIT $2`, db.Millis(tx.Now()), limit)
}

const deliveryColumns = `id, notice, channel, target, state, reason, attempts, parts, made_at, sent_at, ended_at`

func deliveryFields(d *Delivery) []any {
	return []any{&d.ID, &d.Notice, &d.Channel, &d.Target, &d.State, db.Text(&d.Reason), db.Int(&d.Attempts), db.Int(&d.Parts), db.Time(&d.Made), db.Time(&d.Sent), db.Time(&d.Ended)}
}

func insertDelivery(tx *db.Tx, d Delivery) (bool, error) {
	n, err := tx.Exec(`INSERT INTO notice_delivery (`+deliveryColumns+`) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, NULL, $8) ON CONFLICT (notice, channel, target) DO NOTHING`,
		d.ID, d.Notice, string(d.Channel), d.Target, string(d.State), text(d.Reason), db.Millis(d.Made), db.Millis(d.Ended))
	if err != nil {
		return false, fmt.Errorf("write a delivery: %w", err)
	}
	return n > 0, nil
}

func deliveryByID(tx *db.Tx, v id.ID) (Delivery, error) {
	var d Delivery
	err := tx.Row(`SELECT `+deliveryColumns+` FROM notice_delivery WHERE id = $1`, v).Scan(deliveryFields(&d)...)
	if errors.Is(err, db.ErrNoRows) {
		return d, ErrMissing
	}
	if err != nil {
		return d, fmt.Errorf("read a delivery: %w", err)
	}
	return d, nil
}

func deliveriesOf(tx *db.Tx, notice id.ID) ([]Delivery, error) {
	rows, err := tx.Query(`SELECT `+deliveryColumns+` FROM notice_delivery WHERE notice = $1 ORDER BY made_at, channel`, notice)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	defer rows.Close()
	out := []Delivery{}
	for rows.Next() {
		var d Delivery
		if err := rows.Scan(deliveryFields(&d)...); err != nil {
			return nil, fmt.Errorf("list deliveries: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func putDelivery(tx *db.Tx, d Delivery) error {
	_, err := tx.Exec(`UPDATE notice_delivery SET state = $1, reason = $2, attempts = $3, parts = $4, sent_at = $5, ended_at = $6 WHERE id = $7`,
		string(d.State), text(d.Reason), d.Attempts, d.Parts, db.Millis(d.Sent), db.Millis(d.Ended), d.ID)
	if err != nil {
		return fmt.Errorf("write a delivery: %w", err)
	}
	return nil
}

func editedTemplates(tx *db.Tx) (map[string]Template, error) {
	rows, err := tx.Query(`SELECT key, content, version FROM notice_template`)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	defer rows.Close()
	out := map[string]Template{}
	for rows.Next() {
		var key, content string
		var t Template
		var version int64
		if err := rows.Scan(&key, &content, &version); err != nil {
			return nil, fmt.Errorf("read templates: %w", err)
		}
		if err := json.Unmarshal([]byte(content), &t); err != nil {
			return nil, fmt.Errorf("template %s: %w", key, err)
		}
		t.Version = version
		out[key] = t
	}
	return out, rows.Err()
}

func editedSettings(tx *db.Tx) (*Settings, error) {
	var content string
	var s Settings
	err := tx.Row(`SELECT content, version FROM notice_setting WHERE one = 1`).Scan(&content, &s.Version)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the settings of messages: %w", err)
	}
	version := s.Version
	if err := json.Unmarshal([]byte(content), &s); err != nil {
		return nil, fmt.Errorf("settings of messages: %w", err)
	}
	s.Version = version
	return &s, nil
}

// consent says whether the reporter of a case agreed to text messages, and to
// every step.
func consent(tx *db.Tx, caseID id.ID) (agreed, every bool, err error) {
	err = tx.Row(`SELECT every FROM notice_consent WHERE case_id = $1 AND ended_at IS NULL`, caseID).Scan(db.ScanBool(&every))
	if errors.Is(err, db.ErrNoRows) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("read a consent: %w", err)
	}
	return true, every, nil
}

func consentLanguage(tx *db.Tx, caseID id.ID) words.Language {
	var l string
	if tx.Row(`SELECT language FROM notice_consent WHERE case_id = $1`, caseID).Scan(&l) != nil || l != string(words.English) {
		return words.Chinese
	}
	return words.English
}

var _ = time.Time{}
