package duty

import (
	"embed"
	"net/http"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

// Words are the sentences this room says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

type none struct{}

type idIn struct {
	ID id.ID `path:"id"`
}

type rostersIn struct {
	Unit   id.ID `query:"unit"`
	Closed bool  `query:"closed" doc:"closed ones too"`
}

type rostersOut struct {
	Body struct {
		Items []RosterView `json:"items"`
	}
}

type rosterIn struct{ Body RosterIn }
type rosterEditIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
	Body RosterEdit
}
type rosterOut struct{ Body Roster }

type weekIn struct {
	ID   id.ID  `path:"id"`
	From string `query:"from" maxLength:"10" doc:"first day; absent: Monday of this week"`
	Days int    `query:"days" minimum:"1" maximum:"42" default:"7"`
}
type weekOut struct{ Body Week }

type planIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		From calendar.Date `json:"from"`
		To   calendar.Date `json:"to" doc:"the last day"`
	}
}
type planOut struct{ Body Plan }

type shiftIn struct {
	ID   id.ID `path:"id"`
	Body ShiftIn
}
type cancelIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
}
type shiftOut struct{ Body Shift }

type seatIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Person id.ID `json:"person_id"`
	}
}
type turnOut struct{ Body Turn }

type swapIn struct {
	ID   id.ID `path:"id"`
	Body SwapIn
}
type answerIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Answer Answer `json:"answer" enum:"agree,decline,withdraw,confirm,refuse"`
	}
}
type swapOut struct{ Body Swap }

type toldIn struct {
	ID   id.ID `path:"id"`
	Body Told
}
type takeIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Remark string `json:"remark,omitempty" maxLength:"1000"`
	}
}
type noteOut struct{ Body Note }

type nowIn struct {
	Unit id.ID `query:"unit"`
}
type nowOut struct {
	Body struct {
		Items []OnDutyView `json:"items"`
	}
}
type mineOut struct{ Body Mine }

// Routes mounts the operations of this room.
func (d *Duty) Routes(e *httpx.Edge) {
	tags := []string{"duty"}
	op := func(key, method, path, permission, summary string) httpx.Op {
		return httpx.Op{ID: "duty." + key, Method: method, Path: "/api/duty" + path, Permission: permission, SignedIn: permission == "", Tags: tags, Summary: summary}
	}
	// Signed in only: whoever is on a roster may see it without the permission
	// to see the team; the acts themselves decide.
	httpx.Read(e, op("rosters", http.MethodGet, "/rosters", "", "Rosters the reader may see, with who is on duty"),
		func(tx *db.Tx, by journal.Who, in *rostersIn) (*rostersOut, error) {
			out := &rostersOut{}
			list, err := d.list(tx, by, in.Unit, in.Closed)
			out.Body.Items = list
			return out, err
		})
	httpx.Read(e, op("week", http.MethodGet, "/rosters/{id}/week", "", "A roster over some days: shifts, people, swaps, notes"), d.getWeek)
	httpx.Read(e, op("now", http.MethodGet, "/now", "", "Who is on duty now"),
		func(tx *db.Tx, by journal.Who, in *nowIn) (*nowOut, error) {
			out := &nowOut{}
			list, err := d.onDuty(tx, by, in.Unit)
			out.Body.Items = list
			return out, err
		})
	httpx.Read(e, op("mine", http.MethodGet, "/mine", "", "One's own turns, swaps and notes to confirm"),
		func(tx *db.Tx, by journal.Who, _ *none) (*mineOut, error) {
			m, err := d.mine(tx, by.By().Person)
			return &mineOut{m}, err
		})
	create := op("roster_create", http.MethodPost, "/rosters", permPlan, "Make a roster")
	create.Status = http.StatusCreated
	httpx.Write(e, create, func(tx *db.Tx, by journal.Who, in *rosterIn) (*rosterOut, error) {
		r, err := d.CreateRoster(tx, by, in.Body)
		return &rosterOut{r}, err
	})
	httpx.Write(e, op("roster_edit", http.MethodPut, "/rosters/{id}", permPlan, "Change a roster's shifts and crews, or close it"),
		func(tx *db.Tx, by journal.Who, in *rosterEditIn) (*rosterOut, error) {
			r, err := d.EditRoster(tx, by, in.ID, in.Match, in.Body)
			return &rosterOut{r}, err
		})
	httpx.Write(e, op("plan", http.MethodPost, "/rosters/{id}/plan", permPlan, "Make the shifts of some days and give them to the crews"),
		func(tx *db.Tx, by journal.Who, in *planIn) (*planOut, error) {
			p, err := d.PlanDays(tx, by, in.ID, in.Body.From, in.Body.To)
			return &planOut{p}, err
		})
	httpx.Write(e, op("shift_add", http.MethodPost, "/rosters/{id}/shifts", permPlan, "Add a shift by hand"),
		func(tx *db.Tx, by journal.Who, in *shiftIn) (*shiftOut, error) {
			s, err := d.AddShift(tx, by, in.ID, in.Body)
			return &shiftOut{s}, err
		})
	httpx.Write(e, op("shift_cancel", http.MethodDelete, "/shifts/{id}", permPlan, "Call a shift off"),
		func(tx *db.Tx, by journal.Who, in *cancelIn) (*shiftOut, error) {
			s, err := d.CancelShift(tx, by, in.ID, in.Match)
			return &shiftOut{s}, err
		})
	httpx.Write(e, op("seat", http.MethodPost, "/shifts/{id}/turns", permPlan, "Put a person on a shift"),
		func(tx *db.Tx, by journal.Who, in *seatIn) (*turnOut, error) {
			t, err := d.Seat(tx, by, in.ID, in.Body.Person)
			return &turnOut{t}, err
		})
	httpx.Write(e, op("unseat", http.MethodDelete, "/turns/{id}", permPlan, "Take a person off a shift"),
		func(tx *db.Tx, by journal.Who, in *idIn) (*turnOut, error) {
			t, err := d.Unseat(tx, by, in.ID)
			return &turnOut{t}, err
		})
	httpx.Write(e, op("swap_ask", http.MethodPost, "/turns/{id}/swaps", "", "Ask somebody to take one's turn"),
		func(tx *db.Tx, by journal.Who, in *swapIn) (*swapOut, error) {
			s, err := d.AskSwap(tx, by, in.ID, in.Body)
			return &swapOut{s}, err
		})
	httpx.Write(e, op("swap_answer", http.MethodPost, "/swaps/{id}/answer", "", "Agree to a swap, decline or withdraw it; as a lead, confirm or refuse it"),
		func(tx *db.Tx, by journal.Who, in *answerIn) (*swapOut, error) {
			s, err := d.AnswerSwap(tx, by, in.ID, in.Body.Answer)
			return &swapOut{s}, err
		})
	httpx.Write(e, op("hand_over", http.MethodPut, "/shifts/{id}/note", "", "Write what a shift hands over to the next"),
		func(tx *db.Tx, by journal.Who, in *toldIn) (*noteOut, error) {
			n, err := d.HandOver(tx, by, in.ID, in.Body)
			return &noteOut{n}, err
		})
	httpx.Write(e, op("take_over", http.MethodPost, "/notes/{id}/confirm", "", "Confirm what the shift before handed over"),
		func(tx *db.Tx, by journal.Who, in *takeIn) (*noteOut, error) {
			n, err := d.TakeOver(tx, by, in.ID, in.Body.Remark)
			return &noteOut{n}, err
		})
}

func (d *Duty) getWeek(tx *db.Tx, by journal.Who, in *weekIn) (*weekOut, error) {
	var from calendar.Date
	if in.From != "" {
		var err error
		if from, err = calendar.ParseDate(in.From); err != nil {
			return nil, err
		}
	}
	w, err := d.week(tx, by, in.ID, from, in.Days)
	return &weekOut{w}, err
}
