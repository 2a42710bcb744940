package casework

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Event is one thing on a case's timeline, ready to show (时间线).
type Event struct {
	Number       int64        `json:"number"`
	Kind         string       `json:"kind"`
	At           time.Time    `json:"at"`
	OccurredAt   time.Time    `json:"occurred_at"`
	By           EventBy      `json:"by"`
	Words        words.Text   `json:"words"` // who did what
	Note         string       `json:"note,omitempty"`
	ResidentText string       `json:"resident_text,omitempty"`
	Internal     bool         `json:"internal"` // not shown to residents
	From         State        `json:"from_state,omitempty"`
	To           State        `json:"to_state,omitempty"`
	Clock        *StageClock  `json:"stage_clock,omitempty"`
	Task         id.ID        `json:"task_id,omitzero"`
	Other        id.ID        `json:"other_case_id,omitzero"` // the case it names
	Files        []File       `json:"files,omitempty"`
	Mentions     []words.Text `json:"mentions,omitempty"` // posts that were named
	Erased       bool         `json:"erased,omitempty"`
}

// EventBy is who acted.
type EventBy struct {
	Person string      `json:"person_name,omitempty"`
	Post   *words.Text `json:"post_name,omitempty"`
	For    string      `json:"for_name,omitempty"` // whom the actor stood in for
	Via    string      `json:"via"`
}

// StageClock is how a stage's clock ended.
type StageClock struct {
	Kind  ClockKind `json:"kind" enum:"accept,verify,dispatch,handle,check,publicise,give,cooperate,supervise"`
	Used  int64     `json:"used_ms"`
	Limit int64     `json:"limit_ms,omitempty"`
	Late  bool      `json:"late"`
}

// timeline puts the journal of a case into words; files are those that the
// reader may see. A task shows its own part of its case's.
func (d *Desk) timeline(env *env, c Case, files []File) ([]Event, error) {
	var entries []journal.Entry
	var err error
	if c.Parent.IsZero() {
		entries, err = journal.Timeline(env.tx, c.ID)
	} else {
		entries, err = journal.Of(env.tx, c.ID)
	}
	if err != nil {
		return nil, err
	}
	out := make([]Event, 0, len(entries))
	for _, e := range entries {
		if e.Kind == journal.EraseKind {
			continue // case.erase says it once for all of them
		}
		if !strings.HasPrefix(e.Kind, "case.") && !strings.HasPrefix(e.Kind, "task.") {
			// Another room wrote it; that room says what it means.
			out = append(out, Event{Number: e.Number, Kind: e.Kind, At: e.Recorded, OccurredAt: e.Occurred, By: env.who(e.By), Words: d.words.Text("casework.event.other", map[string]any{"kind": e.Kind}), Internal: true})
			continue
		}
		if c.Parent.IsZero() && (e.Kind == "task.verify" || e.Kind == "task.check" || e.Kind == "task.late") {
			continue // the case has its own entry of it
		}
		other, told, err := d.tells(env, e)
		if err != nil {
			return nil, err
		}
		if !told {
			continue
		}
		ev, err := d.event(env, e, files, other)
		if err != nil {
			return nil, err
		}
		out = append(out, ev)
	}
	return out, nil
}

// event puts one entry into words.
func (d *Desk) event(env *env, e journal.Entry, files []File, other Case) (Event, error) {
	var b Body
	kept, err := e.Decode(&b)
	if err != nil {
		return Event{}, err
	}
	ev := Event{
		Number: e.Number, Kind: e.Kind, At: e.Recorded, OccurredAt: e.Occurred, By: env.who(e.By),
		Note: b.Note, ResidentText: b.ResidentText, From: b.From, To: b.To,
		Internal: b.Internal || internalKinds[e.Kind] || strings.HasPrefix(e.Kind, "task."), Erased: !kept,
	}
	for _, f := range files {
		if slices.Contains(b.Files, f.ID) {
			ev.Files = append(ev.Files, f)
		}
	}
	if e.Subject != e.Case {
		ev.Task = e.Subject
	}
	if b.Clock != nil {
		ev.Clock = &StageClock{Kind: b.Clock.Kind, Used: b.Clock.Used, Limit: b.Clock.Limit, Late: b.Clock.Late}
	}
	ev.Words = d.eventWords(env, e.Kind, b, other)
	ev.Other = other.ID
	for _, p := range b.Mentions {
		ev.Mentions = append(ev.Mentions, env.postName(p))
	}
	return ev, nil
}

// internalKinds are acts that residents are never told of.
var internalKinds = map[string]bool{
	"case.claim": true, "case.release": true, "case.late": true, "case.owner": true, "case.rehome": true, "case.due": true, "case.suspend_ask": true,
	"case.extend_ask": true, "case.cooperate_ask": true, "case.cooperate_end": true, "case.supervise": true, "case.review": true, "case.home_check": true,
	"case.void_ask": true, "case.reveal": true, "case.return": true, "case.withdraw": true, "case.file_accept": true, "case.file_discard": true, "case.copy_release": true, "case.copy_withhold": true,
	"case.relate": true, "case.unrelate": true, "case.join": true, "case.part": true, "case.heard": true, "case.main": true, "case.answered": true, "case.taken_up": true,
	"case.alarm": true, "case.print": true,
}

// eventWords says what was done: the sentence of the kind, with the outcome in
// its name where there are two.
func (d *Desk) eventWords(env *env, kind string, b Body, other Case) words.Text {
	move := strings.TrimPrefix(strings.TrimPrefix(kind, "case."), "task.")
	key := "casework.event." + move
	if strings.HasPrefix(kind, "task.") && d.words.Has("casework.event.task_"+move) {
		key = "casework.event.task_" + move
	}
	better := []string{key + "_" + string(b.Result), key + "_" + string(b.To)}
	if b.Result == Pass && b.From != b.To {
		slices.Reverse(better) // where it led says more than that it passed
	}
	for _, better := range better {
		if d.words.Has(better) {
			key = better
			break
		}
	}
	args := map[string]any{
		"post": env.postName(b.Post), "reason": env.reasonName(b.Reason), "score": b.Score,
		"clock": d.words.Text("casework.clock."+clockName(b.Clock), nil), "purpose": d.purposeName(env, b.Purpose),
		"other": d.numberWords(other), "n": countWords(b.Count), "relation": d.words.Text("casework.relation."+cmp.Or(string(b.Relation), "related"), nil),
	}
	if t, err := time.Parse(time.RFC3339, b.Until); err == nil {
		args["until"] = d.moment(env.tx.Now(), t)
	}
	return d.words.Text(key, args)
}

// purposeName is what the register calls a purpose.
func (d *Desk) purposeName(env *env, key string) words.Text {
	if env.purposes == nil && d.registry != nil {
		env.purposes = map[string]words.Text{}
		list, err := d.registry.Purposes(env.tx)
		if err == nil {
			for _, p := range list {
				env.purposes[p.Key] = p.Name
			}
		}
	}
	if name, ok := env.purposes[key]; ok {
		return name
	}
	return d.words.Text("casework.purpose.none", nil)
}

func clockName(r *Ran) string {
	if r == nil {
		return "none"
	}
	return string(r.Kind)
}

// who names an actor to staff.
func (e *env) who(by journal.By) EventBy {
	w := EventBy{Via: by.Via, Post: text(e.postName(by.Post))}
	if p, ok := e.org.Person(by.Person); ok {
		w.Person = p.Name
	}
	if p, ok := e.org.Person(by.For); ok {
		w.For = p.Name
	}
	return w
}
