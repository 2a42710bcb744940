package notice

import (
	"fmt"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Ended is what retention ends in this room, by class: messages with what their
// carriers said, browsers on which nobody was reached, consents withdrawn.
func Ended() map[string][]db.Ended {
	return map[string][]db.Ended{
		"message": {
			{Table: "notice_part", Key: "message_id, delivery", At: "at"},
			{Table: "notice_delivery", Key: "id", At: "made_at"},
			{Table: "notice", Key: "id", At: "made_at"},
			{Table: "notice_message", Key: "id", At: "written_at"},
		},
		"sign_in_device": {
			{Table: "notice_push", Key: "id", At: "COALESCE(used_at, made_at)"},
			{Table: "notice_news", Key: "id", At: "COALESCE(ends_at, used_at, made_at)"},
		},
		"consent_record": {{Table: "notice_consent", Key: "case_id", At: "ended_at"}},
	}
}

// ForgetPeople removes how these people are reached; with count it only says how
// many ways that are.
func (n *Notices) ForgetPeople(tx *db.Tx, people []id.ID, count bool) (int, error) {
	total := 0
	for _, one := range people {
		for _, table := range []string{"notice_contact", "notice_push"} {
			if count {
				var found int
				if err := tx.Row(`SELECT COUNT(*) FROM `+table+` WHERE person = $1`, one).Scan(&found); err != nil {
					return total, fmt.Errorf("count %s: %w", table, err)
				}
				total += found
				continue
			}
			gone, err := tx.Exec(`DELETE FROM `+table+` WHERE person = $1`, one)
			if err != nil {
				return total, fmt.Errorf("forget %s: %w", table, err)
			}
			total += int(gone)
		}
	}
	return total, nil
}
