package duty

import "onegrid/internal/kit/db"

// Ended is what is kept of who was on duty, who swapped and what a shift told
// the next one, for as long as work is remembered (retention class work_record).
// The shifts stay: that a desk was manned says nothing about anybody.
func Ended() []db.Ended {
	return []db.Ended{
		{Table: "duty_turn", Key: "id", At: "valid_to"},
		{Table: "duty_swap", Key: "id", At: "asked"},
		{Table: "duty_note", Key: "id", At: "written"},
	}
}
