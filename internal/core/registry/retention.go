package registry

import (
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// Term is how long something stays after its start (期限).
type Term struct {
	Value int    `json:"value" minimum:"1" maximum:"1200"`
	Unit  string `json:"unit" enum:"day,month,year"`
}

// Before is the moment such that whatever started before it is over at a time.
func (t Term) Before(at time.Time) time.Time {
	switch t.Unit {
	case "day":
		return at.AddDate(0, 0, -t.Value)
	case "month":
		return at.AddDate(0, -t.Value, 0)
	}
	return at.AddDate(-t.Value, 0, 0)
}

// After is when a term that starts now ends.
func (t Term) After(at time.Time) time.Time {
	switch t.Unit {
	case "day":
		return at.AddDate(0, 0, t.Value)
	case "month":
		return at.AddDate(0, t.Value, 0)
	}
	return at.AddDate(t.Value, 0, 0)
}

// Class is one retention class (保存类别). No Term: it stays.
type Class struct {
	Key          string     `json:"key"`
	Name         words.Text `json:"name"`
	AppliesTo    words.Text `json:"applies_to"`
	StartsAt     string     `json:"starts_at"`
	Term         *Term      `json:"term"`
	Then         string     `json:"then" enum:"erase,erase_personal,anonymise,summarise,keep_blurred,archive,keep"`
	HoldPossible bool       `json:"hold_possible"`
	Reason       words.Text `json:"reason"`
	Status       string     `json:"reason_status"`
	Source       words.Text `json:"source"`
	Version      int64      `json:"version"`
}

// Ends says whether a run ends content of the class once its term is over. What
// goes to the archive or is summarised stays until the archive took it.
func (c Class) Ends() bool {
	return c.Term != nil && slices.Contains([]string{"erase", "erase_personal", "anonymise", "keep_blurred"}, c.Then)
}

// ErrClass says that there is no such class, or that its term can't be changed.
var (
	ErrClass = fault.New(fault.Missing, "registry.class_missing")
	ErrTerm  = fault.New(fault.Invalid, "registry.bad_term")
)

// Classes lists the retention classes as they are now.
func (r *Registry) Classes(tx *db.Tx) ([]Class, error) {
	out := slices.Clone(r.shipped.classes)
	err := each(tx, "retention classes", `SELECT key, content, version FROM registry_class ORDER BY key`, nil, func(scan func(...any) error) error {
		var key string
		var t Term
		var v int64
		if err := scan(&key, db.ScanJSON(&t), &v); err != nil {
			return err
		}
		if i := slices.IndexFunc(out, func(c Class) bool { return c.Key == key }); i >= 0 {
			out[i].Term, out[i].Version = &t, v
		}
		return nil
	})
	return out, err
}

func (r *Registry) class(tx *db.Tx, key string) (Class, bool, error) {
	every, err := r.Classes(tx)
	if err != nil {
		return Class{}, false, err
	}
	i := slices.IndexFunc(every, func(c Class) bool { return c.Key == key })
	if i < 0 {
		return Class{}, false, nil
	}
	return every[i], true, nil
}

// leastLog is the legal minimum of network logs. (Cybersecurity Law art. 21)
const leastLog = 6 * 30

// SetTerm changes how long a class is kept; what is over by the new term ends
// with the next run. Permission access.retention_edit. Codes:
// registry.class_missing, registry.bad_term, registry.changed, access.denied.
func (r *Registry) SetTerm(tx *db.Tx, by *access.Actor, key string, t Term, seen int64) (Class, error) {
	if err := by.Check("access.retention_edit", all); err != nil {
		return Class{}, err
	}
	c, ok, err := r.class(tx, key)
	if err != nil {
		return c, err
	}
	if !ok {
		return c, ErrClass
	}
	if err := version(seen, c.Version); err != nil {
		return c, err
	}
	days := map[string]int{"day": 1, "month": 30, "year": 365}[t.Unit] * t.Value
	if c.Term == nil || days < 1 || days > 100*365 || key == "access_log" && days < leastLog {
		return c, ErrTerm.At("body.value", "registry.bad_term")
	}
	c.Term, c.Version = &t, c.Version+1
	subject, err := putKeyed(tx, "registry_class", key, t, c.Version)
	if err != nil {
		return c, err
	}
	note(tx, by, "registry.term", subject, c.Version, "register", map[string]any{"class": key, "value": t.Value, "unit": t.Unit}, nil)
	return c, nil
}
