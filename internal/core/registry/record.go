package registry

import (
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Record is everything about a person's own data in one place (本人记录): who
// read it, which consents stand, what was asked.
type Record struct {
	Reads    []Read    `json:"reads"`
	Consents []Consent `json:"consents"`
	Requests []Request `json:"requests"`
	Class    *Class    `json:"kept,omitempty"` // how long it stays and why
	Shared   []Share   `json:"shared_with"`
}

// Share is a department that may open fields of a report under an agreement.
type Share struct {
	Department words.Text `json:"department_name"`
	Why        string     `json:"why"`
	To         time.Time  `json:"to"`
}

// RecordOf gathers the record of a report for its author; whoever calls it has
// made sure who asks.
func (r *Registry) RecordOf(tx *db.Tx, on Subject) (Record, error) {
	out := Record{Shared: []Share{}}
	entries, err := journal.Timeline(tx, on.ID)
	if err != nil {
		return out, err
	}
	if out.Reads, err = r.ReadsOf(tx, entries); err != nil {
		return out, err
	}
	if out.Consents, err = r.Consents(tx, on.ID); err != nil {
		return out, err
	}
	if out.Requests, err = r.RequestsOf(tx, on.ID, id.ID{}); err != nil {
		return out, err
	}
	if c, ok, err := r.class(tx, on.Class); err != nil {
		return out, err
	} else if ok {
		out.Class = &c
	}
	if on.Sight.Department.IsZero() {
		return out, nil
	}
	list, err := r.agreements(tx, `WHERE department = $1 AND state = $2 ORDER BY valid_to`, on.Sight.Department, Admitted)
	for _, a := range list {
		if a.InForce {
			out.Shared = append(out.Shared, Share{a.Name, a.Why, a.To})
		}
	}
	return out, err
}

// StaffEvent is something done to or with one's own account.
type StaffEvent struct {
	At   time.Time   `json:"at"`
	Kind string      `json:"kind"`
	Post *words.Text `json:"post_name,omitempty"`
	Own  bool        `json:"own"` // by oneself
	Via  string      `json:"via"`
}

// StaffRecord is what a member of staff sees of the own account.
type StaffRecord struct {
	Events   []StaffEvent `json:"events"`
	Requests []Request    `json:"requests"`
}

const mostEvents = 300

// OwnRecord lists who did what with the actor's own account and posts, the
// newest first. Code: access.sign_in.
func (r *Registry) OwnRecord(tx *db.Tx, by *access.Actor) (StaffRecord, error) {
	out := StaffRecord{Events: []StaffEvent{}, Requests: []Request{}}
	if by.Anonymous || by.Person.IsZero() {
		return out, access.ErrSignIn
	}
	s, err := r.org.Snapshot(tx)
	if err != nil {
		return out, err
	}
	subjects := []id.ID{by.Account, by.Person}
	for _, h := range s.AllHoldingsOf(by.Person) {
		subjects = append(subjects, h.ID)
	}
	var entries []journal.Entry
	for _, v := range subjects {
		if v.IsZero() {
			continue
		}
		some, err := journal.Of(tx, v)
		if err != nil {
			return out, err
		}
		entries = append(entries, some...)
	}
	slices.SortFunc(entries, func(a, b journal.Entry) int { return int(b.Number - a.Number) })
	for _, e := range entries[:min(len(entries), mostEvents)] {
		if strings.HasPrefix(e.Kind, "journal.") {
			continue
		}
		ev := StaffEvent{At: e.Recorded, Kind: e.Kind, Own: e.By.Person == by.Person, Via: viaOf(e.By.Via)}
		if p, ok := s.Post(e.By.Post); ok {
			ev.Post = &p.Name
		}
		out.Events = append(out.Events, ev)
	}
	out.Requests, err = r.RequestsOf(tx, id.ID{}, by.Account)
	return out, err
}
