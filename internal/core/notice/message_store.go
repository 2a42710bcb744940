package notice

import (
	"errors"
	"fmt"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

const messageColumns = `id, scope, node, hub_id, street_id, platform_id, grid_id, department_id, roles, title_zh, title_en, body_zh, body_en, urgent, must_act, state,
	author, author_post, author_for, written_at, decider, decided_at, remark, entry, posts, looked, done_to, sent_at, version`

func messageFields(m *Message) []any {
	return []any{&m.ID, &m.Scope, &m.Node, &m.at.Hub, &m.at.Street, &m.at.Platform, &m.at.Grid, &m.at.Department, db.ScanJSON(&m.Roles),
		&m.Title.Chinese, &m.Title.English, &m.Text.Chinese, &m.Text.English, db.ScanBool(&m.Urgent), db.ScanBool(&m.MustAct), &m.State,
		&m.author.Person, &m.author.Post, &m.author.For, db.Time(&m.Written), &m.decider, db.Time(&m.Decided), db.Text(&m.Remark), &m.entry,
		&m.Posts, &m.Looked, &m.doneTo, db.Time(&m.Finished), &m.Version}
}

func insertMessage(tx *db.Tx, m Message) error {
	_, err := tx.Exec(`INSERT INTO notice_message (`+messageColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, NULL, NULL, NULL, 0, $21, 0, NULL, NULL, $22)`,
		m.ID, m.Scope, m.Node, none(m.at.Hub), none(m.at.Street), none(m.at.Platform), none(m.at.Grid), none(m.at.Department), db.JSON(m.Roles),
		m.Title.Chinese, m.Title.English, m.Text.Chinese, m.Text.English, db.Bool(m.Urgent), db.Bool(m.MustAct), string(m.State),
		m.author.Person, none(m.author.Post), none(m.author.For), db.Millis(m.Written), m.Posts, m.Version)
	if err != nil {
		return fmt.Errorf("write a message: %w", err)
	}
	return nil
}

// putMessage stores how far a message is.
func putMessage(tx *db.Tx, m Message) (Message, error) {
	n, err := tx.Exec(`UPDATE notice_message SET state = $1, decider = $2, decided_at = $3, remark = $4, entry = $5, posts = $6, looked = $7, done_to = $8, sent_at = $9, version = version + 1
		WHERE id = $10 AND version = $11`,
		string(m.State), none(m.decider), db.Millis(m.Decided), text(m.Remark), m.entry, m.Posts, m.Looked, none(m.doneTo), db.Millis(m.Finished), m.ID, m.Version)
	if err != nil {
		return m, fmt.Errorf("write a message: %w", err)
	}
	if n == 0 {
		return m, ErrChanged
	}
	m.Version++
	return m, nil
}

func messageByID(tx *db.Tx, v id.ID) (m Message, err error) {
	err = tx.Row(`SELECT `+messageColumns+` FROM notice_message WHERE id = $1`, v).Scan(messageFields(&m)...)
	if errors.Is(err, db.ErrNoRows) {
		return m, ErrNoMessage
	}
	if err != nil {
		return m, fmt.Errorf("read a message: %w", err)
	}
	return m, nil
}

// messagesOn lists the messages of one walk, newest first. The column is one of
// access's own names, never an input.
func messagesOn(tx *db.Tx, column string, node id.ID, after MessagesAfter, limit int) ([]Message, error) {
	where, args := column+` = $1`, []any{node, limit}
	if after.At > 0 {
		where += ` AND (written_at < $3 OR written_at = $3 AND id < $4)`
		args = append(args, after.At, after.ID)
	}
	rows, err := tx.Query(`SELECT `+messageColumns+` FROM notice_message WHERE `+where+` ORDER BY written_at DESC, id DESC LIMIT $2`, args...)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	defer rows.Close()
	var out []Message
	for rows.Next() {
		var m Message
		if err := rows.Scan(messageFields(&m)...); err != nil {
			return nil, fmt.Errorf("list messages: %w", err)
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// countMessage adds up what became of the notices of a message.
func countMessage(tx *db.Tx, entry int64) (c MessageCounts, err error) {
	err = tx.Row(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN read_at IS NOT NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state = 'acknowledged' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN state = 'escalated' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state = 'unanswered' THEN 1 ELSE 0 END), 0), COALESCE(SUM(trouble), 0)
		FROM notice WHERE entry = $1 AND template = $2 AND person_id IS NOT NULL`, entry, messageKey).
		Scan(&c.People, &c.Read, &c.Acknowledged, &c.Escalated, &c.Unanswered, &c.Trouble)
	if err != nil {
		return c, fmt.Errorf("count the notices of a message: %w", err)
	}
	return c, nil
}
