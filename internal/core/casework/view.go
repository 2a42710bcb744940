package casework

import (
	"fmt"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// View is a case as staff see it in lists and on its page: names beside the
// ids, the clock with its state. It holds nothing of the reporter.
type View struct {
	ID             id.ID            `json:"id"`
	Number         string           `json:"number"`
	Arrived        int64            `json:"arrived"`
	Parent         id.ID            `json:"parent_id,omitzero"`
	Task           string           `json:"task,omitempty" enum:"verify,check,home_check,cooperate,supervise"`
	Flow           catalog.Flow     `json:"flow" enum:"handling,approval,task"`
	Item           string           `json:"item"`
	ItemName       words.Text       `json:"item_name"`
	Condition      string           `json:"condition,omitempty"`
	ConditionName  *words.Text      `json:"condition_name,omitempty"`
	Title          string           `json:"title"`
	Text           string           `json:"text"`
	Place          PlaceView        `json:"place"`
	Hub            id.ID            `json:"hub_id"`
	Street         id.ID            `json:"street_id,omitzero"`
	Platform       id.ID            `json:"platform_id,omitzero"`
	Grid           id.ID            `json:"grid_id,omitzero"`
	Micro          id.ID            `json:"micro_id,omitzero"`
	Department     id.ID            `json:"department_id,omitzero"`
	DepartmentName *words.Text      `json:"department_name,omitempty"`
	State          State            `json:"state" enum:"reported,accepted,filed,dispatched,taken,handling,suspended,done,closed,refused,withdrawn,voided,merged,open,doing,missed,cancelled,submitted,correcting,reviewing,checking_home,publicised,deciding,approved,declined,appealed,given"`
	StateName      words.Text       `json:"state_name"`
	Stage          string           `json:"stage" enum:"reported,accepted,assigned,in_hand,done,closed"`
	Priority       catalog.Priority `json:"priority" enum:"low,normal,high,urgent"`
	Secrecy        string           `json:"secrecy" enum:"open,desk,named"`
	Channel        string           `json:"channel"`
	Post           id.ID            `json:"post_id"`
	PostName       words.Text       `json:"post_name"`
	ActingPost     id.ID            `json:"acting_post_id,omitzero"` // when another acts for a vacant post
	ActingName     *words.Text      `json:"acting_post_name,omitempty"`
	PersonName     string           `json:"person_name,omitempty"`
	ClaimedBy      *ClaimView       `json:"claimed_by,omitempty"`
	Clock          *ClockNow        `json:"clock,omitempty"`
	DueAt          time.Time        `json:"due_at,omitzero"`
	Late           bool             `json:"late"`
	Verify         Outcome          `json:"verify,omitempty" enum:"open,pass,fail"`
	Check          Outcome          `json:"check,omitempty" enum:"open,pass,fail"`
	Returned       *ReturnedView    `json:"returned,omitempty"`
	Ask            *AskView         `json:"asked,omitempty"`
	Hold           *HoldView        `json:"suspended,omitempty"`
	Supervised     *SupervisionView `json:"supervised,omitempty"`
	RaisedTo       []words.Text     `json:"raised_to,omitempty"`
	Helpers        []words.Text     `json:"helpers,omitempty"`
	Opinion        Outcome          `json:"opinion,omitempty" enum:"pass,fail"`
	Posting        *PostingView     `json:"posting,omitempty"`
	Rating         *Rating          `json:"rating,omitempty"`
	Joined         int              `json:"merged_count,omitempty"` // reports that were merged into it
	OccurredAt     time.Time        `json:"occurred_at"`
	RecordedAt     time.Time        `json:"recorded_at"`
	ClosedAt       time.Time        `json:"closed_at,omitzero"`
	Version        int64            `json:"version"`
	MadeUp         bool             `json:"made_up,omitempty"`
}

// PlaceView is where a case is.
type PlaceView struct {
	Lon      *float64    `json:"lon,omitempty"`
	Lat      *float64    `json:"lat,omitempty"`
	Words    string      `json:"words"`
	Grid     id.ID       `json:"grid_id,omitzero"`
	GridName string      `json:"grid_name,omitempty"`
	GridCode string      `json:"grid_code,omitempty"`
	Platform *words.Text `json:"platform_name,omitempty"`
	Street   *words.Text `json:"street_name,omitempty"`
	// Grids says why there is no grid: the platform has several.
	Grids int `json:"grids_here,omitempty" doc:"Of a case without a grid: how many its platform has"`
}

// ClaimView says who holds a case at the moment.
type ClaimView struct {
	Post  words.Text `json:"post_name"`
	Mine  bool       `json:"mine"`
	Until time.Time  `json:"until"`
}

// ReturnedView says why a case came back.
type ReturnedView struct {
	Post   words.Text `json:"from_post_name"`
	Reason words.Text `json:"reason"`
	Note   string     `json:"note"`
}

// AskView is a request that waits for a decision.
type AskView struct {
	Kind   string          `json:"kind" enum:"suspend,void,extend"`
	Reason words.Text      `json:"reason"`
	Note   string          `json:"note,omitempty"`
	Until  time.Time       `json:"until,omitzero"`
	Limit  *calendar.Limit `json:"limit,omitempty"` // how much more time
	Post   words.Text      `json:"post_name"`       // who is asked
}

// PostingView is what is posted of an application.
type PostingView struct {
	Text       string    `json:"text"`
	From       time.Time `json:"from"`
	Until      time.Time `json:"until"`
	Objections int       `json:"objections"`
}

// HoldView is a suspension in force.
type HoldView struct {
	Reason words.Text `json:"reason"`
	Note   string     `json:"note,omitempty"`
	Until  time.Time  `json:"until"`
}

// ClockNow is the clock of the present state.
type ClockNow struct {
	Kind        ClockKind      `json:"kind" enum:"accept,verify,dispatch,handle,check,publicise,give,cooperate,supervise"`
	State       string         `json:"state" enum:"running,paused,stopped"`
	Started     time.Time      `json:"started_at"`
	Due         time.Time      `json:"due_at,omitzero"`
	Provisional bool           `json:"provisional,omitempty"`
	Remaining   int64          `json:"remaining_ms,omitempty"`
	Near        time.Time      `json:"near_at,omitzero"`
	Late        bool           `json:"late"`
	Limit       calendar.Limit `json:"limit"`
	Given       bool           `json:"given,omitempty"` // the deadline came with the case
	// Counts are the stretches of working time until the deadline, where it is
	// near: a screen can count them down through lunch and night.
	Counts []calendar.Stretch `json:"counts,omitempty"`
}

// countsDown is how near a deadline is whose working time is told.
const countsDown = 24 * time.Hour

func text(t words.Text) *words.Text {
	if t == (words.Text{}) {
		return nil
	}
	return &t
}

// views dresses cases for a reader.
func (d *Desk) views(tx *db.Tx, by *access.Actor, cs []Case) ([]View, error) {
	env, err := d.env(tx, by)
	if err != nil {
		return nil, err
	}
	var claims map[id.ID]claim
	if slices.ContainsFunc(cs, func(c Case) bool { return c.claim == nil }) {
		if claims, err = claimsNow(tx); err != nil {
			return nil, err
		}
	}
	grids, err := d.grids.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := make([]View, 0, len(cs))
	for _, c := range cs {
		if err := env.of(c); err != nil {
			return nil, err
		}
		v := d.view(env, c)
		if g, ok := grids.ByID(c.Grid); ok {
			v.Place.GridName, v.Place.GridCode = g.Name, g.Code
		}
		if c.Grid.IsZero() && !c.Platform.IsZero() {
			if _, v.Place.Grids, err = d.grids.Only(tx, c.Platform); err != nil {
				return nil, err
			}
		}
		if k := c.Clock; v.Clock != nil && v.Clock.State == "running" && !k.Given && tx.Now().Before(k.Due) && k.Due.Sub(tx.Now()) <= countsDown {
			cal, err := d.calendars.For(tx, k.Calendar)
			if err != nil {
				return nil, err
			}
			v.Clock.Counts = cal.Stretches(k.Limit.Clock, tx.Now(), k.Due)
		}
		k, ok := claims[c.ID]
		if c.claim != nil {
			k, ok = *c.claim, c.claim.Until.After(tx.Now())
		}
		if ok {
			v.ClaimedBy = &ClaimView{Post: env.postName(k.Post), Mine: k.Person == by.Person, Until: k.Until}
		}
		out = append(out, v)
	}
	return out, nil
}

// claimsNow reads the claims in force; there are never many.
func claimsNow(tx *db.Tx) (map[id.ID]claim, error) {
	rows, err := tx.Query(`SELECT case_id, person_id, post_id, until_at FROM case_claim WHERE until_at > $1`, db.Millis(tx.Now()))
	if err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	defer rows.Close()
	out := map[id.ID]claim{}
	for rows.Next() {
		var on id.ID
		var k claim
		if err := rows.Scan(&on, &k.Person, &k.Post, db.Time(&k.Until)); err != nil {
			return nil, fmt.Errorf("read claims: %w", err)
		}
		out[on] = k
	}
	return out, rows.Err()
}

// One dresses a single case.
func (d *Desk) One(tx *db.Tx, by *access.Actor, c Case) (View, error) {
	vs, err := d.views(tx, by, []Case{c})
	if err != nil {
		return View{}, err
	}
	return vs[0], nil
}

func (d *Desk) view(env *env, c Case) View {
	now := env.tx.Now()
	v := View{
		ID: c.ID, Number: c.Number, Arrived: c.Arrived, Parent: c.Parent, Task: c.Task, Flow: c.Flow,
		Item: c.Item, ItemName: env.item.Name, Condition: c.Condition, Title: c.Title, Text: c.Text,
		Place: PlaceView{Words: c.Where, Grid: c.Grid, Platform: text(env.unitName(c.Platform)), Street: text(env.unitName(c.Street))},
		Hub:   c.Hub, Street: c.Street, Platform: c.Platform, Grid: c.Grid, Micro: c.Micro,
		Department: c.Department, DepartmentName: text(env.unitName(c.Department)),
		State: c.State, StateName: env.stateName(c), Stage: c.about().Stage, Priority: c.Priority,
		Secrecy: [...]string{"open", "desk", "named"}[c.Secrecy], Channel: c.Channel,
		Post: c.Post, PostName: env.postName(c.Post), Late: c.Late || c.Clock.Late(now), Verify: c.Verify, Check: c.Check,
		Rating: c.Rating, Joined: c.Joined, OccurredAt: c.Occurred, RecordedAt: c.Recorded, ClosedAt: c.Closed, Version: c.Version, MadeUp: c.MadeUp,
	}
	if cond, ok := env.item.Condition(c.Condition); ok {
		v.ConditionName = text(cond.Name)
	}
	if c.Acting != c.Post {
		v.ActingPost, v.ActingName = c.Acting, text(env.postName(c.Acting))
	}
	if p, ok := env.org.Person(c.Person); ok {
		v.PersonName = p.Name
	}
	if c.Located {
		v.Place.Lon, v.Place.Lat = &c.Lon, &c.Lat
	}
	if k := c.Clock; k.Kind != "" {
		v.DueAt = k.Due
		v.Clock = &ClockNow{Kind: k.Kind, State: "running", Started: k.Start, Due: k.Due, Provisional: k.Provisional, Near: k.Near,
			Late: k.Late(now), Limit: k.Limit, Given: k.Given}
		if k.Paused {
			v.Clock.State, v.Clock.Remaining = "paused", k.Remaining.Milliseconds()
		}
	}
	if r := c.Returned; r != nil {
		v.Returned = &ReturnedView{Post: env.postName(r.Post), Reason: env.reasonName(r.Reason), Note: r.Note}
	}
	if a := c.Ask; a != nil {
		v.Ask = &AskView{Kind: a.Kind, Reason: env.reasonName(a.Reason), Note: a.Note, Until: a.Until, Limit: a.Limit, Post: env.postName(c.AskPost)}
	}
	if s := c.Supervised; s != nil {
		v.Supervised = &SupervisionView{Reason: env.reasonName(s.Reason), Note: s.Note, Post: env.postName(s.Post), At: s.At}
	}
	v.RaisedTo, v.Helpers, v.Opinion = env.postNames(c.Raised), env.postNames(c.Helpers), c.Opinion
	if p := c.Posting; p != nil {
		v.Posting = &PostingView{Text: p.Text, From: p.From, Until: p.Until, Objections: p.Objections}
	}
	if h := c.Hold; h != nil {
		v.Hold = &HoldView{Reason: env.reasonName(h.Reason), Note: h.Note, Until: h.Until}
	}
	return v
}

func (e *env) unitName(v id.ID) words.Text {
	u, _ := e.org.Unit(v)
	return u.Name
}

func (e *env) postName(v id.ID) words.Text {
	p, _ := e.org.Post(v)
	return p.Name
}

func (e *env) reasonName(key string) words.Text {
	r, err := e.catalog.Reason(key)
	if err != nil {
		return words.Text{Chinese: key, English: key}
	}
	return r.Name
}

func (e *env) stateName(c Case) words.Text {
	s, _ := e.catalog.State(c.Flow, string(c.State))
	return s.Name
}

// ClockView is one clock of a case with the explanation of its deadline
// (为什么是这个时间).
type ClockView struct {
	Kind     ClockKind             `json:"kind" enum:"accept,verify,dispatch,handle,check,publicise,give,cooperate,supervise"`
	State    string                `json:"state" enum:"running,paused,stopped"`
	Started  time.Time             `json:"started_at"`
	Due      time.Time             `json:"due_at,omitzero"`
	Stopped  time.Time             `json:"stopped_at,omitzero"`
	Used     int64                 `json:"used_ms"`
	Late     bool                  `json:"late"`
	Given    bool                  `json:"given,omitempty"`
	Limit    calendar.Limit        `json:"limit"`
	Pauses   []calendar.Pause      `json:"pauses"`
	Explains *calendar.Explanation `json:"explanation,omitempty"`
	Extended []ExtensionView       `json:"extensions,omitempty"`
}

// clockViews explains every clock of a case; the running one until now.
func (d *Desk) clockViews(env *env, caseID id.ID) ([]ClockView, error) {
	tx := env.tx
	runs, err := runsOf(tx, caseID)
	if err != nil {
		return nil, err
	}
	out := make([]ClockView, 0, len(runs))
	for _, r := range runs {
		v := ClockView{Kind: r.Kind, State: "running", Started: r.Start, Due: r.Due, Stopped: r.Stopped, Used: r.Used.Milliseconds(),
			Late: !r.LateAt.IsZero(), Given: r.Given, Limit: r.Limit, Pauses: r.Pauses}
		if v.Pauses == nil {
			v.Pauses = []calendar.Pause{}
		}
		until := tx.Now()
		switch {
		case !r.Stopped.IsZero():
			v.State, until = "stopped", r.Stopped
		case len(r.Pauses) > 0 && r.Pauses[len(r.Pauses)-1].Open():
			v.State = "paused"
		default:
			v.Late = v.Late || !r.Due.IsZero() && until.After(r.Due)
		}
		if !r.Given {
			cal, err := d.calendars.For(tx, r.Calendar)
			if err != nil {
				return nil, err
			}
			e, err := cal.Explain(r.Limit, r.Start, r.Pauses, until)
			if err != nil {
				return nil, err
			}
			v.Explains = &e
			if r.Stopped.IsZero() {
				v.Used = e.Used
			}
			if len(r.Extensions) > 0 {
				if v.Extended, err = extensionViews(env, cal, r, until); err != nil {
					return nil, err
				}
				if r.Stopped.IsZero() && v.State != "paused" {
					used, _, err := ran(cal, r, until)
					if err != nil {
						return nil, err
					}
					v.Used = used.Milliseconds()
				}
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// Page is everything about one case on its page.
type Page struct {
	Case     View           `json:"case"`
	Form     map[string]any `json:"form,omitempty"` // answers that are not personal
	Reporter *Party         `json:"reporter,omitempty"`
	Files    []File         `json:"files"`
	Tasks    []View         `json:"tasks"`
	Moves    []Offer        `json:"moves"`
	Timeline []Event        `json:"timeline"`
	Clocks   []ClockView    `json:"clocks"`
	Alarms   *AlarmsView    `json:"alarms,omitempty"` // how often a machine told of it
	Watched  bool           `json:"watched"`          // by the reader
	Related  []Relation     `json:"relations"`
	Main     *Ref           `json:"main_case,omitempty"` // what it was merged into
	Merged   []Ref          `json:"merged_cases"`        // what was merged into it
	Head     int64          `json:"head"`                // journal number the page is of
}

// View gives the page of a case. Code: case.missing.
func (d *Desk) View(tx *db.Tx, by *access.Actor, caseID id.ID) (*Page, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return nil, err
	}
	return d.page(tx, by, c)
}

// ByNumber gives the page of a case by its number, as people write it.
// Codes: case.bad_number, case.missing.
func (d *Desk) ByNumber(tx *db.Tx, by *access.Actor, number string) (*Page, error) {
	n, err := ParseNumber(number)
	if err != nil {
		return nil, err
	}
	c, err := byNumber(tx, n)
	if err != nil {
		return nil, err
	}
	if !sees(by, c) {
		return nil, ErrMissing
	}
	return d.page(tx, by, c)
}

func (d *Desk) page(tx *db.Tx, by *access.Actor, c Case) (*Page, error) {
	p := &Page{Files: []File{}, Tasks: []View{}, Moves: []Offer{}, Timeline: []Event{}, Clocks: []ClockView{}}
	var err error
	if p.Case, err = d.One(tx, by, c); err != nil {
		return nil, err
	}
	env, err := d.env(tx, by)
	if err != nil {
		return nil, err
	}
	if err := env.of(c); err != nil {
		return nil, err
	}
	if p.Form, err = formOf(c); err != nil {
		return nil, err
	}
	if p.Reporter, err = partyOf(tx, c.timeline()); err != nil {
		return nil, err
	}
	if p.Reporter != nil {
		_, err := revealedBy(by, c, "case.reveal")
		p.Reporter.CanReveal = err == nil
	}
	if p.Files, err = d.shownFiles(env, by, c); err != nil {
		return nil, err
	}
	tasks, err := tasksOf(tx, c.ID)
	if err != nil {
		return nil, err
	}
	if len(tasks) > 0 {
		if p.Tasks, err = d.views(tx, by, tasks); err != nil {
			return nil, err
		}
	}
	if p.Moves, err = d.offers(env, by, c); err != nil {
		return nil, err
	}
	if err := env.of(c); err != nil {
		return nil, err
	}
	if p.Timeline, err = d.timeline(env, c, p.Files); err != nil {
		return nil, err
	}
	if p.Clocks, err = d.clockViews(env, c.ID); err != nil {
		return nil, err
	}
	if p.Related, err = d.relations(env, c); err != nil {
		return nil, err
	}
	if err := d.merges(env, c, p); err != nil {
		return nil, err
	}
	if p.Alarms, err = alarmsOn(tx, c.ID); err != nil {
		return nil, err
	}
	if p.Watched, err = watches(tx, by, c.ID); err != nil {
		return nil, err
	}
	p.Head, err = journal.Head(tx)
	return p, err
}

// shownFiles are the files on a case that the actor may see.
func (d *Desk) shownFiles(env *env, by *access.Actor, c Case) ([]File, error) {
	all, err := filesOf(env.tx, c.timeline())
	if err != nil {
		return nil, err
	}
	mine := sorts(by, c)
	out := []File{}
	for _, f := range all {
		if f.State == FileDiscarded || f.State == FileQuarantine && !mine {
			continue
		}
		if p, ok := env.org.Person(f.Person); ok {
			f.By = p.Name
		}
		out = append(out, f)
	}
	return out, d.withCopies(env, c.timeline(), out)
}

// posts lists posts as choices.
func postChoices(o *org.Snapshot, posts []org.Post, at time.Time) []PostChoice {
	out := make([]PostChoice, 0, len(posts))
	for _, p := range posts {
		_, standIn, held := o.Occupant(p.ID, at)
		c := PostChoice{ID: p.ID, Name: p.Name, Vacant: !held, StandIn: standIn}
		if !slices.ContainsFunc(out, func(x PostChoice) bool { return x.ID == c.ID }) {
			out = append(out, c)
		}
	}
	return out
}
