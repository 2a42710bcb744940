package figures

import (
	"errors"
	"fmt"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// ErrRoundChanged says that somebody changed the round since it was read.
var ErrRoundChanged = fault.New(fault.Changed, "figures.round_changed")

const roundColumns = `id, name_zh, name_en, from_day, to_day, units, rule, state, made_at, person_id, post_id, for_id, opened_at, object_until, ended_at, result, version`

func scanRound(s interface{ Scan(...any) error }) (Round, error) {
	var r Round
	var state string
	err := s.Scan(&r.ID, &r.Name.Chinese, &r.Name.English, &r.period.From, &r.period.To, db.ScanJSON(&r.Units), db.ScanJSON(&r.Rule), &state,
		db.Time(&r.MadeAt), &r.by.Person, &r.by.Post, &r.by.For, db.Time(&r.OpenedAt), db.Time(&r.ObjectUntil), db.Time(&r.EndedAt), db.ScanJSON(&r.result), &r.Version)
	r.State, r.From, r.To = RoundState(state), Date(r.period.From), Date(r.period.To)
	return r, err
}

func roundByID(tx *db.Tx, v id.ID) (Round, error) {
	r, err := scanRound(tx.Row(`SELECT `+roundColumns+` FROM fig_round WHERE id = $1`, v))
	if errors.Is(err, db.ErrNoRows) {
		return r, ErrNoRound
	}
	if err != nil {
		return r, fmt.Errorf("read a round: %w", err)
	}
	return r, nil
}

// rounds lists all rounds, the latest first.
func rounds(tx *db.Tx) ([]Round, error) {
	rows, err := tx.Query(`SELECT ` + roundColumns + ` FROM fig_round ORDER BY made_at DESC, id DESC LIMIT 500`)
	if err != nil {
		return nil, fmt.Errorf("read rounds: %w", err)
	}
	defer rows.Close()
	var out []Round
	for rows.Next() {
		r, err := scanRound(rows)
		if err != nil {
			return nil, fmt.Errorf("read rounds: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func insertRound(tx *db.Tx, r Round) error {
	_, err := tx.Exec(`INSERT INTO fig_round (`+roundColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		r.ID, r.Name.Chinese, r.Name.English, r.period.From, r.period.To, db.JSON(r.Units), db.JSON(r.Rule), string(r.State), db.Millis(r.MadeAt),
		r.by.Person, r.by.Post, r.by.For, db.Millis(r.OpenedAt), db.Millis(r.ObjectUntil), db.Millis(r.EndedAt), nil, r.Version)
	if err != nil {
		return fmt.Errorf("write a round: %w", err)
	}
	return nil
}

// putRound stores where a round stands, if nobody changed it since it was read.
func putRound(tx *db.Tx, r Round) (Round, error) {
	var result any
	if r.result != nil {
		result = db.JSON(r.result)
	}
	n, err := tx.Exec(`UPDATE fig_round SET state = $1, opened_at = $2, object_until = $3, ended_at = $4, result = $5, version = version + 1 WHERE id = $6 AND version = $7`,
		string(r.State), db.Millis(r.OpenedAt), db.Millis(r.ObjectUntil), db.Millis(r.EndedAt), result, r.ID, r.Version)
	if err != nil {
		return r, fmt.Errorf("write a round: %w", err)
	}
	if n == 0 {
		return r, ErrRoundChanged
	}
	r.Version++
	return r, nil
}

func objectionsOf(tx *db.Tx, round id.ID) ([]Objection, error) {
	rows, err := tx.Query(`SELECT id, unit_id, case_id, rate, reason, at, person_id, post_id, for_id, state, effect, note, decided_at
		FROM fig_objection WHERE round_id = $1 ORDER BY at, id`, round)
	if err != nil {
		return nil, fmt.Errorf("read objections: %w", err)
	}
	defer rows.Close()
	out := []Objection{}
	for rows.Next() {
		var b Objection
		var state, effect string
		if err := rows.Scan(&b.ID, &b.Unit, &b.Case, &b.Rate, &b.Reason, db.Time(&b.At), &b.by.Person, &b.by.Post, &b.by.For, &state, &effect, &b.Note, db.Time(&b.DecidedAt)); err != nil {
			return nil, fmt.Errorf("read objections: %w", err)
		}
		b.State, b.Effect = ObjectionState(state), Effect(effect)
		out = append(out, b)
	}
	return out, rows.Err()
}

func insertObjection(tx *db.Tx, round id.ID, b Objection) error {
	_, err := tx.Exec(`INSERT INTO fig_objection (id, round_id, unit_id, case_id, rate, reason, at, person_id, post_id, for_id, state, effect, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		b.ID, round, b.Unit, b.Case, b.Rate, b.Reason, db.Millis(b.At), b.by.Person, b.by.Post, b.by.For, string(b.State), string(b.Effect), b.Note)
	if db.Unique(err) {
		return ErrObjectTwice
	}
	if err != nil {
		return fmt.Errorf("write an objection: %w", err)
	}
	return nil
}

func decideObjection(tx *db.Tx, b Objection, by journal.By) error {
	n, err := tx.Exec(`UPDATE fig_objection SET state = $1, effect = $2, note = $3, decided_at = $4, decided_by = $5 WHERE id = $6 AND state = 'waiting'`,
		string(b.State), string(b.Effect), b.Note, db.Millis(b.DecidedAt), by.Person, b.ID)
	if err != nil {
		return fmt.Errorf("decide an objection: %w", err)
	}
	if n == 0 {
		return ErrRoundChanged
	}
	return nil
}
