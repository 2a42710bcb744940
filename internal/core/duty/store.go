package duty

import (
	"embed"
	"errors"
	"fmt"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Room is what this room keeps in the database.
func Room() db.Room { return db.RoomOf(room, migrations) }

const rosterColumns = `id, unit, name_zh, name_en, calendar, pattern, valid_from, valid_to, version`

func rosterFields(r *Roster) []any {
	return []any{&r.ID, &r.Unit, &r.Name.Chinese, &r.Name.English, db.Text(&r.Calendar), db.ScanJSON(&r.Pattern),
		db.Time(&r.From), db.Time(&r.To), &r.Version}
}

const shiftColumns = `id, roster, kind, starts, ends, need, cancelled, version`

func shiftFields(s *Shift) []any {
	return []any{&s.ID, &s.Roster, &s.Kind, db.Time(&s.Starts), db.Time(&s.Ends), db.Int(&s.Need), db.ScanBool(&s.Cancelled), &s.Version}
}

const turnColumns = `id, shift, roster, person, valid_from, valid_to, version`

func turnFields(t *Turn) []any {
	return []any{&t.ID, &t.Shift, &t.Roster, &t.Person, db.Time(&t.From), db.Time(&t.To), &t.Version}
}

const swapColumns = `id, roster, turn, asker, other, for_turn, why, state, asked, answered, decided, decider, version`

func swapFields(s *Swap) []any {
	return []any{&s.ID, &s.Roster, &s.Turn, &s.Asker, &s.Other, &s.ForTurn, &s.Why, &s.State, db.Time(&s.Asked), db.Time(&s.Answered),
		db.Time(&s.Decided), &s.Decider, &s.Version}
}

const noteColumns = `id, roster, shift, author, body, written, confirmed, confirmed_by, remark, version`

func noteFields(n *Note) []any {
	return []any{&n.ID, &n.Roster, &n.Shift, &n.Author, db.ScanJSON(&n.Told), db.Time(&n.Written), db.Time(&n.Confirmed), &n.ConfirmedBy,
		&n.Remark, &n.Version}
}

func all[T any](tx *db.Tx, q string, into func(*T) []any, args ...any) ([]T, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, fmt.Errorf("read the roster: %w", err)
	}
	var out []T
	for rows.Next() {
		var v T
		if err := rows.Scan(into(&v)...); err != nil {
			return nil, fmt.Errorf("read the roster: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read the roster: %w", err)
	}
	return out, nil
}

// one reads a single row; none is duty.missing.
func one[T any](tx *db.Tx, q string, into func(*T) []any, v id.ID) (T, error) {
	var out T
	err := tx.Row(q, v).Scan(into(&out)...)
	if errors.Is(err, db.ErrNoRows) {
		return out, ErrMissing
	}
	if err != nil {
		return out, fmt.Errorf("read the roster: %w", err)
	}
	return out, nil
}

func rosterByID(tx *db.Tx, v id.ID) (Roster, error) {
	return one(tx, `SELECT `+rosterColumns+` FROM duty_roster WHERE id = $1`, rosterFields, v)
}

func shiftByID(tx *db.Tx, v id.ID) (Shift, error) {
	return one(tx, `SELECT `+shiftColumns+` FROM duty_shift WHERE id = $1`, shiftFields, v)
}

func turnByID(tx *db.Tx, v id.ID) (Turn, error) {
	return one(tx, `SELECT `+turnColumns+` FROM duty_turn WHERE id = $1`, turnFields, v)
}

func swapByID(tx *db.Tx, v id.ID) (Swap, error) {
	return one(tx, `SELECT `+swapColumns+` FROM duty_swap WHERE id = $1`, swapFields, v)
}

func noteByID(tx *db.Tx, v id.ID) (Note, error) {
	return one(tx, `SELECT `+noteColumns+` FROM duty_note WHERE id = $1`, noteFields, v)
}

func rosters(tx *db.Tx) ([]Roster, error) {
	return all(tx, `SELECT `+rosterColumns+` FROM duty_roster ORDER BY name_zh, id`, rosterFields)
}

func shiftsIn(tx *db.Tx, roster id.ID, from, to time.Time) ([]Shift, error) {
	return all(tx, `SELECT `+shiftColumns+` FROM duty_shift WHERE roster = $1 AND starts >= $2 AND starts < $3 ORDER BY starts, kind`,
		shiftFields, roster, db.Millis(from), db.Millis(to))
}

func turnsOf(tx *db.Tx, shift id.ID) ([]Turn, error) {
	return all(tx, `SELECT `+turnColumns+` FROM duty_turn WHERE shift = $1 ORDER BY valid_from, id`, turnFields, shift)
}

// turnsIn lists the turns of a roster's shifts that begin in a period.
func turnsIn(tx *db.Tx, roster id.ID, from, to time.Time) ([]Turn, error) {
	return all(tx, `SELECT t.id, t.shift, t.roster, t.person, t.valid_from, t.valid_to, t.version FROM duty_turn t JOIN duty_shift s ON s.id = t.shift
		WHERE s.roster = $1 AND s.starts >= $2 AND s.starts < $3 ORDER BY t.valid_from, t.id`, turnFields, roster, db.Millis(from), db.Millis(to))
}

// turnsOfPerson lists the turns of a person that meet a period.
func turnsOfPerson(tx *db.Tx, person id.ID, from, to time.Time) ([]Turn, error) {
	return all(tx, `SELECT `+turnColumns+` FROM duty_turn WHERE person = $1 AND valid_to > $2 AND valid_from < $3 ORDER BY valid_from, id`,
		turnFields, person, db.Millis(from), db.Millis(to))
}

func insertRoster(tx *db.Tx, r Roster) error {
	_, err := tx.Exec(`INSERT INTO duty_roster (`+rosterColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.ID, r.Unit, r.Name.Chinese, r.Name.English, orNull(r.Calendar), db.JSON(r.Pattern), db.Millis(r.From), db.Millis(r.To), r.Version)
	return wrap(err, "roster")
}

func updateRoster(tx *db.Tx, r Roster) error {
	n, err := tx.Exec(`UPDATE duty_roster SET name_zh = $1, name_en = $2, calendar = $3, pattern = $4, valid_to = $5, version = version + 1
		WHERE id = $6 AND version = $7`,
		r.Name.Chinese, r.Name.English, orNull(r.Calendar), db.JSON(r.Pattern), db.Millis(r.To), r.ID, r.Version)
	return changed(n, err, "roster")
}

func insertShift(tx *db.Tx, s Shift) error {
	_, err := tx.Exec(`INSERT INTO duty_shift (`+shiftColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		s.ID, s.Roster, s.Kind, db.Millis(s.Starts), db.Millis(s.Ends), s.Need, s.Cancelled, s.Version)
	return wrap(err, "shift")
}

func updateShift(tx *db.Tx, s Shift) error {
	n, err := tx.Exec(`UPDATE duty_shift SET cancelled = $1, version = version + 1 WHERE id = $2 AND version = $3`, s.Cancelled, s.ID, s.Version)
	return changed(n, err, "shift")
}

func insertTurn(tx *db.Tx, t Turn) error {
	_, err := tx.Exec(`INSERT INTO duty_turn (`+turnColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		t.ID, t.Shift, t.Roster, t.Person, db.Millis(t.From), db.Millis(t.To), t.Version)
	return wrap(err, "turn")
}

func updateTurn(tx *db.Tx, t Turn) error {
	n, err := tx.Exec(`UPDATE duty_turn SET person = $1, valid_to = $2, version = version + 1 WHERE id = $3 AND version = $4`,
		t.Person, db.Millis(t.To), t.ID, t.Version)
	return changed(n, err, "turn")
}

func deleteTurn(tx *db.Tx, t Turn) error {
	n, err := tx.Exec(`DELETE FROM duty_turn WHERE id = $1 AND version = $2`, t.ID, t.Version)
	return changed(n, err, "turn")
}

func insertSwap(tx *db.Tx, s Swap) error {
	_, err := tx.Exec(`INSERT INTO duty_swap (`+swapColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		s.ID, s.Roster, s.Turn, s.Asker, s.Other, s.ForTurn, s.Why, s.State, db.Millis(s.Asked), db.Millis(s.Answered), db.Millis(s.Decided), s.Decider, s.Version)
	return wrap(err, "swap")
}

func updateSwap(tx *db.Tx, s Swap) error {
	n, err := tx.Exec(`UPDATE duty_swap SET state = $1, answered = $2, decided = $3, decider = $4, version = version + 1 WHERE id = $5 AND version = $6`,
		s.State, db.Millis(s.Answered), db.Millis(s.Decided), s.Decider, s.ID, s.Version)
	return changed(n, err, "swap")
}

func putNote(tx *db.Tx, n Note) error {
	if n.Version == 1 {
		_, err := tx.Exec(`INSERT INTO duty_note (`+noteColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			n.ID, n.Roster, n.Shift, n.Author, db.JSON(n.Told), db.Millis(n.Written), db.Millis(n.Confirmed), n.ConfirmedBy, n.Remark, n.Version)
		return wrap(err, "note")
	}
	rows, err := tx.Exec(`UPDATE duty_note SET body = $1, written = $2, confirmed = $3, confirmed_by = $4, remark = $5, version = $6
		WHERE id = $7 AND version = $8`, db.JSON(n.Told), db.Millis(n.Written), db.Millis(n.Confirmed), n.ConfirmedBy, n.Remark, n.Version, n.ID, n.Version-1)
	return changed(rows, err, "note")
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func wrap(err error, what string) error {
	if err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

func changed(n int64, err error, what string) error {
	if err == nil && n == 0 {
		return ErrChanged
	}
	return wrap(err, what)
}
