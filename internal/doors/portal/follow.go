package portal

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// held finds the report whose cookie somebody holds. Code: portal.not_found.
func (p *Portal) held(ctx context.Context, number, token string) (o own, err error) {
	err = p.db.Read(ctx, func(tx *db.Tx) (err error) {
		o, err = p.holder(tx, number, token)
		return err
	})
	return o, err
}

func (p *Portal) holder(tx *db.Tx, number, token string) (own, error) {
	if number == "" || token == "" {
		return own{}, ErrNotFound
	}
	c, err := p.cases.ByCookie(tx, token)
	if f := fault.Of(err); err != nil && f.Kind == fault.Missing {
		return own{}, ErrNotFound
	}
	if err != nil {
		return own{}, err
	}
	if c.Number != number {
		return own{}, ErrNotFound
	}
	return own{id: c.ID, number: c.Number}, nil
}

// links makes two links to a report: one that the browser at hand has at once,
// and one to be shown and kept.
func (p *Portal) links(tx *db.Tx, caseID id.ID, number string) (l fresh, err error) {
	first, err := p.cases.NewLink(tx, caseID)
	if err != nil {
		return l, err
	}
	if l.token, _, err = p.cases.Exchange(tx, first); err != nil {
		return l, err
	}
	l.number = number
	l.secret, err = p.cases.NewLink(tx, caseID)
	return l, err
}

// renew ends every link and cookie of a report and makes new ones.
func (p *Portal) renew(tx *db.Tx, caseID id.ID, number string) (fresh, error) {
	if err := p.cases.Revoke(tx, caseID); err != nil {
		return fresh{}, err
	}
	if p.news != nil {
		if err := p.news.EndNews(tx, caseID, ""); err != nil {
			return fresh{}, err
		}
	}
	return p.links(tx, caseID, number)
}

// changeAgain is how long a browser that pressed twice is given the same new
// link again; its old cookie is over by then.
const changeAgain = time.Minute

// change makes a new link and ends all others. A browser whose first answer was
// lost because the button was pressed twice must not lose its report by it.
func (p *Portal) change(ctx context.Context, from sender, number, token string) (fresh, error) {
	act := func() (l fresh, err error) {
		err = p.db.Write(ctx, func(tx *db.Tx) error {
			o, err := p.holder(tx, number, token)
			if err != nil {
				return err
			}
			l, err = p.renew(tx, o.id, o.number)
			l.at = tx.Now()
			return err
		})
		return l, err
	}
	if from.browser == "" {
		return act()
	}
	l, err := p.opened.once(from.browser+" "+number+" "+token, act)
	if err == nil && p.now().Sub(l.at) > changeAgain {
		return fresh{}, ErrNotFound
	}
	return l, err
}

// exchange gives the browser what came for a secret. The same browser gets it
// twice when its button was pressed twice; any other gets portal.link_used.
func (p *Portal) exchange(ctx context.Context, from sender, secret string) (fresh, error) {
	act := func() (l fresh, err error) {
		err = p.db.Write(ctx, func(tx *db.Tx) error {
			token, c, err := p.cases.Exchange(tx, secret)
			l = fresh{number: c.Number, token: token}
			return err
		})
		if errors.Is(err, casework.ErrLink) {
			return l, ErrLinkUsed
		}
		return l, err
	}
	if from.browser == "" {
		return act()
	}
	return p.opened.once(from.browser+" "+secret, act)
}

// recover makes new links for whoever knows the number and the phone that was
// left. Codes: portal.bad_number, portal.recover_wrong, request.too_many.
func (p *Portal) recover(ctx context.Context, from sender, number, phone string) (l fresh, err error) {
	number, err = casework.ParseNumber(number)
	if err != nil {
		return l, ErrCheck.At("form.number", "portal.bad_number")
	}
	if strings.TrimSpace(phone) == "" || len(phone) > 40 {
		return l, ErrCheck.At("form.phone", "portal.bad_phone")
	}
	if err := p.limits.recover(from, number); err != nil {
		return l, err
	}
	err = p.db.Write(ctx, func(tx *db.Tx) error {
		_, c, err := p.cases.RecoverLink(tx, number, phone)
		if errors.Is(err, casework.ErrPhoneUnknown) {
			return ErrRecover.With("n", recoverTries)
		}
		if err != nil {
			return err
		}
		l, err = p.renew(tx, c.ID, c.Number)
		return err
	})
	return l, err
}

// degrees writes a coordinate with all its digits.
func degrees(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
