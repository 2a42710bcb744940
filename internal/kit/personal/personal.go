// Package personal is the form in which rooms declare which of their stored
// columns are about people. It owns no tables and decides nothing: a room says
// what it stores, core/registry says what it may be used for and how long it
// stays, and a test over all migrations fails while a column is undeclared.
package personal

import (
	"strings"

	"onegrid/internal/kit/words"
)

// Level is how personal a value is (敏感程度), the same words as x-personal of a
// form.
type Level string

// The levels of a field.
const (
	Basic     Level = "basic"     // 一般个人信息
	Sensitive Level = "sensitive" // 敏感个人信息: health, accounts, whereabouts, anyone under 14
)

// Whose data it is (信息主体).
const (
	Resident = "resident" // 居民
	Staff    = "staff"    // 工作人员
	Anyone   = "anyone"   // either
)

// Field is one stored value about people (个人信息字段).
type Field struct {
	Key       string     `json:"key"` // table.column; of a form form.item.field
	Name      words.Text `json:"name"`
	Level     Level      `json:"level" enum:"basic,sensitive"`
	Whose     string     `json:"whose" enum:"resident,staff,anyone"`
	Purposes  []string   `json:"purposes"`         // why it is kept; keys of the register of purposes
	Retention string     `json:"retention"`        // class in retention.json, or OfItem
	Sealed    bool       `json:"sealed,omitempty"` // encrypted field by field
	Masked    bool       `json:"masked,omitempty"` // what is stored is a mask or a digest of the value
}

// OfItem as a retention says that the class of the case's work item holds.
const OfItem = "item"

// Room is what one room declares.
type Room struct {
	Name   string
	Fields []Field
	// Plain are the tables ("grid_grid") and columns ("cases.number") that
	// somebody looked at and found to be about nobody.
	Plain []string
}

// Knows says whether a column was declared, as personal or as plain.
func (r Room) Knows(table, column string) bool {
	for _, f := range r.Fields {
		if f.Key == table+"."+column {
			return true
		}
	}
	for _, p := range r.Plain {
		if p == table || p == table+"."+column {
			return true
		}
	}
	return false
}

// Covers says whether a pattern of the register ("case_party.*", "form.*.phone")
// covers a field: a star stands for one part, at the end for all that follow.
func Covers(pattern, field string) bool {
	if pattern == "*" || pattern == field {
		return true
	}
	p, f := strings.Split(pattern, "."), strings.Split(field, ".")
	for i, part := range p {
		if part == "*" && i == len(p)-1 {
			return len(f) > i
		}
		if i >= len(f) || part != "*" && part != f[i] {
			return false
		}
	}
	return len(p) == len(f)
}
