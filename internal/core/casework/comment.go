package casework

import (
	"strings"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Comment is something said on a case (补充说明). An internal one never reaches
// a resident.
type Comment struct {
	Text     string  `json:"text" maxLength:"2000"`
	Internal bool    `json:"internal"`
	Files    []id.ID `json:"file_ids,omitempty" maxItems:"20"`
	Mentions []id.ID `json:"mentions,omitempty" maxItems:"10" doc:"posts that shall read it; only such as may see the case"`
}

// Comment adds words or photos; it changes no version. Permission case.comment.
// Codes: case.missing, case.note_needed, case.file_unknown,
// case.mention_unknown, access.denied.
func (d *Desk) Comment(tx *db.Tx, by *access.Actor, caseID id.ID, in Comment) (Case, error) {
	c, err := d.load(tx, by, caseID)
	if err != nil {
		return c, err
	}
	if err := by.Check("case.comment", c.Sight()); err != nil {
		return c, err
	}
	return c, d.comment(tx, by, c, in, "")
}

func (d *Desk) comment(tx *db.Tx, by *access.Actor, c Case, in Comment, owner string) error {
	in.Text = strings.TrimSpace(in.Text)
	switch {
	case in.Text == "" && len(in.Files) == 0:
		return ErrNoteNeeded
	case utf8.RuneCountInString(in.Text) > maxNote || !utf8.ValidString(in.Text) || strings.ContainsRune(in.Text, 0):
		return ErrInvalid.At("body.text", "case.too_long", "most", maxNote)
	case len(in.Files) > maxFiles:
		return ErrInvalid.At("body.file_ids", "case.too_many", "most", maxFiles)
	}
	env, err := d.env(tx, by)
	if err != nil {
		return err
	}
	if err := env.of(c); err != nil {
		return err
	}
	env.owner = owner
	if err := env.mention(c, in.Mentions); err != nil {
		return err
	}
	if err := d.attach(env, by, &c, in.Files); err != nil {
		return err
	}
	b := &Body{Note: in.Text, Internal: in.Internal, Files: in.Files, Mentions: in.Mentions}
	if !in.Internal {
		b.Note, b.ResidentText = "", in.Text
	}
	note(env, by.By(), c, nil, "case.comment", 0, b)
	return nil
}
