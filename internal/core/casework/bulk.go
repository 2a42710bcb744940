package casework

import (
	"errors"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// One move on many cases (批量办理) is as many commands, one after the other: each
// has its own receipt, version and outcome, can be stopped between two of them,
// and leaves nothing half done. What a screen needs for it beforehand is what
// may be done to each of the chosen cases.

// ErrOfferMany says that more cases were asked about than one answer holds.
var ErrOfferMany = fault.New(fault.Invalid, "case.offers_many")

// maxOffers is how many cases one answer is about.
const maxOffers = 50

// Choice is what the acting post may do to one of several cases.
type Choice struct {
	ID      id.ID   `json:"id"`
	Number  string  `json:"number"`
	Title   string  `json:"title"`
	Version int64   `json:"version"`
	Moves   []Offer `json:"moves"`
}

// Choices tells what may be done to each of some cases; one that the actor does
// not see is left out. Codes: case.offers_many, field.id.
func (d *Desk) Choices(tx *db.Tx, by *access.Actor, list string) ([]Choice, error) {
	out := []Choice{}
	n := 0
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		v, err := id.Parse(s)
		if err != nil {
			return nil, ErrInvalid.At("query.ids", "field.id")
		}
		if n++; n > maxOffers {
			return nil, ErrOfferMany.With("most", maxOffers).At("query.ids", "case.offers_many", "most", maxOffers)
		}
		c, err := d.load(tx, by, v)
		if errors.Is(err, ErrMissing) {
			continue
		}
		if err != nil {
			return nil, err
		}
		env, err := d.env(tx, by)
		if err != nil {
			return nil, err
		}
		moves, err := d.offers(env, by, c)
		if err != nil {
			return nil, err
		}
		out = append(out, Choice{ID: c.ID, Number: c.Number, Title: c.Title, Version: c.Version, Moves: moves})
	}
	return out, nil
}
