package registry

import (
	"fmt"
	"regexp"
	"slices"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Uses of a purpose.
const (
	Keep = "keep" // 保存用途: why data is stored
	Open = "open" // 查看用途: what somebody opens it for
)

// Purpose is one registered purpose (用途) with its legal basis.
type Purpose struct {
	Key            string         `json:"key" pattern:"^[a-z][a-z0-9_]*$" maxLength:"60"`
	Use            string         `json:"use" enum:"keep,open"`
	Name           words.Text     `json:"name"`
	Basis          words.Text     `json:"basis"` // 法律依据
	Status         string         `json:"status" enum:"verified,unverified,own"`
	Fields         []string       `json:"fields" maxItems:"100" doc:"patterns over the register of fields; a star stands for one part"`
	Level          personal.Level `json:"level,omitempty" enum:"basic,sensitive" doc:"the most sensitive value it opens"`
	Roles          []string       `json:"roles" maxItems:"60" doc:"who may state it"`
	WithoutConsent bool           `json:"without_consent,omitempty" doc:"also where a consent was withdrawn"`
	Ended          bool           `json:"ended,omitempty"`
	Version        int64          `json:"version"`
}

// ErrPurposeKey says that there is no such purpose.
var ErrPurposeKey = fault.New(fault.Missing, "registry.purpose_missing")

// Purposes lists all purposes as they are now, the shipped ones first.
func (r *Registry) Purposes(tx *db.Tx) ([]Purpose, error) {
	out := slices.Clone(r.shipped.purposes)
	err := each(tx, "purposes", `SELECT content, version FROM registry_purpose ORDER BY key`, nil, func(scan func(...any) error) error {
		var p Purpose
		var v int64
		if err := scan(db.ScanJSON(&p), &v); err != nil {
			return err
		}
		p.Version = v
		if i := slices.IndexFunc(out, func(o Purpose) bool { return o.Key == p.Key }); i >= 0 {
			out[i] = p
		} else {
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

func (r *Registry) purpose(tx *db.Tx, key string) (Purpose, bool, error) {
	all, err := r.Purposes(tx)
	if err != nil {
		return Purpose{}, false, err
	}
	i := slices.IndexFunc(all, func(p Purpose) bool { return p.Key == key })
	if i < 0 {
		return Purpose{}, false, nil
	}
	return all[i], true, nil
}

// opens says whether a purpose opens a field.
func (p Purpose) opens(f personal.Field) bool {
	return p.Use == Open && !p.Ended && matches(p.Fields, f.Key) && (p.Level == personal.Sensitive || f.Level != personal.Sensitive)
}

var keyForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// PutPurpose registers a purpose, or changes or ends one. Every pattern must
// cover a field of the register. Permission privacy.assess. Codes:
// registry.invalid, registry.field_unknown, registry.changed, access.denied.
func (r *Registry) PutPurpose(tx *db.Tx, by *access.Actor, p Purpose, seen int64) (Purpose, error) {
	if err := by.Check("privacy.assess", all); err != nil {
		return p, err
	}
	if !keyForm.MatchString(p.Key) || len(p.Key) > 60 {
		return p, ErrInvalid.At("path.key", "field.wrong")
	}
	if p.Use != Keep && p.Use != Open {
		return p, ErrInvalid.At("body.use", "field.wrong")
	}
	if p.Use == Open && p.Level == "" {
		p.Level = personal.Basic
	}
	for path, s := range map[string]*string{"body.name.zh-CN": &p.Name.Chinese, "body.name.en": &p.Name.English,
		"body.basis.zh-CN": &p.Basis.Chinese, "body.basis.en": &p.Basis.English} {
		if err := clean(s, path, 1, 500); err != nil {
			return p, err
		}
	}
	if p.Use == Open && (len(p.Fields) == 0 || len(p.Roles) == 0) {
		return p, ErrInvalid.At("body.fields", "field.required")
	}
	if err := r.known(tx, p.Fields); err != nil {
		return p, err
	}
	old, there, err := r.purpose(tx, p.Key)
	if err != nil {
		return p, err
	}
	if there {
		if err := version(seen, old.Version); err != nil {
			return p, err
		}
	}
	p.Version = old.Version + 1
	subject, err := putKeyed(tx, "registry_purpose", p.Key, p, p.Version)
	if err != nil {
		return p, err
	}
	note(tx, by, "registry.purpose", subject, p.Version, "register", map[string]string{"purpose": p.Key}, p)
	return p, nil
}

// known refuses a pattern that covers no field of the register.
func (r *Registry) known(tx *db.Tx, patterns []string) error {
	fields, err := r.Fields(tx)
	if err != nil {
		return err
	}
	for _, p := range patterns {
		if len(p) > 120 || !slices.ContainsFunc(fields, func(f personal.Field) bool { return personal.Covers(p, f.Key) }) {
			return ErrField.With("field", clip(p)).At("body.fields", "registry.field_unknown")
		}
	}
	return nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60])
	}
	return s
}

// putKeyed stores an edited purpose or class and gives the id that its journal
// entries are about.
func putKeyed(tx *db.Tx, table, key string, content any, version int64) (v id.ID, err error) {
	err = tx.Row(`INSERT INTO `+table+` (key, id, content, version) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET content = excluded.content, version = excluded.version RETURNING id`, key, tx.NewID(), db.JSON(content), version).Scan(&v)
	if err != nil {
		return v, fmt.Errorf("write %s %s: %w", table, key, err)
	}
	return v, nil
}

// mayState lists the purposes that one of the roles may state.
func mayState(all []Purpose, roles []string) []Purpose {
	var out []Purpose
	for _, p := range all {
		if p.Use == Open && !p.Ended && slices.ContainsFunc(p.Roles, func(role string) bool { return slices.Contains(roles, role) }) {
			out = append(out, p)
		}
	}
	return out
}
