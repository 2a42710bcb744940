package notice

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

// News (进展提醒): whoever follows a matter by its private link lets this one
// browser be told that there is news. What is sent says no more than that; what
// the news is, she reads on her page. It is bound to the browser's cookie of that
// matter, needs no account and no name, and ends with the matter.

const (
	newsTable = "notice_news"
	newsKey   = "r_news" // its template
	// newsCookie is the kind of the blind index of the cookie.
	newsCookie = "news-cookie"
	// newsAfter is how long after the end of a matter its last news may leave: a
	// night may lie between.
	newsAfter = 24 * time.Hour
)

// newsRungs is their whole ladder.
var newsRungs = []Rung{{Channel: Push}}

// newsOf are acts that a resident sees on her page although no text message is
// made of them; the last two are said on a report that was merged into another.
var newsOf = []string{"case.correct", "case.publicise", "case.approve", "case.give", "case.appeal_decide", "case.answered", "case.taken_up"}

// over are the states in which a matter has ended.
var over = []string{"closed", "refused", "withdrawn", "voided", "handed", "declined"}

// NewsKey is the public key that a browser subscribes with; empty when this
// installation sends no pushes.
func (n *Notices) NewsKey() string {
	if n.o.Push == nil {
		return ""
	}
	return n.o.Push.Key()
}

// HasNews says whether the browser with this cookie of a case is told of news.
func (n *Notices) HasNews(tx *db.Tx, caseID id.ID, cookie string) (bool, error) {
	var k int64
	err := tx.Row(`SELECT COUNT(*) FROM notice_news WHERE case_id = $1 AND browser = $2 AND (ends_at IS NULL OR ends_at > $3)`,
		caseID, n.o.Seal.Index(newsCookie, cookie), db.Millis(tx.Now())).Scan(&k)
	if err != nil {
		return false, fmt.Errorf("read who is told of news: %w", err)
	}
	return k > 0, nil
}

// GiveNews lets the browser with this cookie of a case be told of news. Who calls
// it has made sure that the cookie opens the case. Codes: notice.channel_off,
// notice.push_host, notice.over, notice.too_many_devices.
func (n *Notices) GiveNews(tx *db.Tx, caseID id.ID, cookie string, sub Subscription, l words.Language) error {
	switch {
	case n.o.Push == nil:
		return ErrOff.With("channel", string(Push))
	case !n.trusted(sub.Endpoint):
		return ErrPushHost
	}
	told, err := n.o.Cases.Told(tx, caseID, "")
	if err != nil {
		return err
	}
	if told.Over {
		return ErrOver
	}
	browser, endpoint := n.o.Seal.Index(newsCookie, cookie), n.o.Seal.Index(endpointKind, sub.Endpoint)
	if _, err := tx.Exec(`DELETE FROM notice_news WHERE case_id = $1 AND (browser = $2 OR endpoint = $3)`, caseID, browser, endpoint); err != nil {
		return fmt.Errorf("write who is told of news: %w", err)
	}
	have, err := newsBrowsers(tx, caseID)
	if err != nil {
		return err
	}
	if len(have) >= maxDevices {
		return ErrTooMany.With("most", maxDevices)
	}
	raw, err := json.Marshal(sub)
	if err != nil {
		return fmt.Errorf("write who is told of news: %w", err)
	}
	v := tx.NewID()
	if _, err := tx.Exec(`INSERT INTO notice_news (id, case_id, browser, endpoint, sealed, language, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		v, caseID, browser, endpoint, n.o.Seal.Seal(raw, seal.Place(newsTable, "sealed", v)), string(l), db.Millis(tx.Now())); err != nil {
		return fmt.Errorf("write who is told of news: %w", err)
	}
	noteNews(tx, told, caseID, true)
	return nil
}

// EndNews stops telling the browser with this cookie; with an empty cookie all
// browsers of the case: the link was changed.
func (n *Notices) EndNews(tx *db.Tx, caseID id.ID, cookie string) error {
	q, args := `DELETE FROM notice_news WHERE case_id = $1`, []any{caseID}
	if cookie != "" {
		q, args = q+` AND browser = $2`, append(args, n.o.Seal.Index(newsCookie, cookie))
	}
	gone, err := tx.Exec(q, args...)
	if err != nil {
		return fmt.Errorf("forget who is told of news: %w", err)
	}
	if gone == 0 {
		return nil
	}
	told, err := n.o.Cases.Told(tx, caseID, "")
	if err != nil {
		return err
	}
	noteNews(tx, told, caseID, false)
	return nil
}

func noteNews(tx *db.Tx, told Told, caseID id.ID, on bool) {
	journal.Add(tx, journal.Entry{Kind: "notice.news", Subject: caseID, Case: caseID, By: journal.By{Via: "portal"}, Class: "journal", Sight: told.At,
		Facts: map[string]bool{"on": on}})
}

func newsBrowsers(tx *db.Tx, caseID id.ID) ([]id.ID, error) {
	rows, err := tx.Query(`SELECT id FROM notice_news WHERE case_id = $1 AND (ends_at IS NULL OR ends_at > $2) ORDER BY made_at, id`, caseID, db.Millis(tx.Now()))
	if err != nil {
		return nil, fmt.Errorf("read who is told of news: %w", err)
	}
	defer rows.Close()
	var out []id.ID
	for rows.Next() {
		var v id.ID
		if err := rows.Scan(&v); err != nil {
			return nil, fmt.Errorf("read who is told of news: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// newsBrowser opens the push address of a browser, and says its language. Code:
// notice.no_address.
func (n *Notices) newsBrowser(tx *db.Tx, v id.ID) (sub Subscription, l words.Language, err error) {
	var sealed []byte
	err = tx.Row(`SELECT sealed, language FROM notice_news WHERE id = $1`, v).Scan(&sealed, &l)
	if errors.Is(err, db.ErrNoRows) {
		return sub, l, ErrNoAddress
	}
	if err != nil {
		return sub, l, fmt.Errorf("read who is told of news: %w", err)
	}
	raw, err := n.o.Seal.Open(sealed, seal.Place(newsTable, "sealed", v))
	if err != nil {
		return sub, l, err
	}
	if err := json.Unmarshal(raw, &sub); err != nil {
		return sub, l, fmt.Errorf("browser %s: %w", v, err)
	}
	return sub, l, nil
}

func forgetNews(tx *db.Tx, v id.ID) error {
	if _, err := tx.Exec(`DELETE FROM notice_news WHERE id = $1`, v); err != nil {
		return fmt.Errorf("forget who is told of news: %w", err)
	}
	return nil
}

// tellNews makes the one notice of an entry for the browsers that follow its
// case, and ends them with the case.
func (n *Notices) tellNews(tx *db.Tx, b *book, e *journal.Entry, caseID id.ID, orders []order) (made int, err error) {
	f := read[acted](e.Facts)
	gone := e.Kind == "case.erase" || e.Kind == "case.expire"
	news := e.Kind != "case.report" && (slices.Contains(newsOf, e.Kind) || slices.ContainsFunc(orders, func(o order) bool { return o.resident }))
	ends := strings.HasPrefix(e.Kind, "case.") && slices.Contains(over, f.To) || e.Kind == "case.answered"
	again := e.Kind == "case.reopen" || e.Kind == "case.object" || e.Kind == "case.appeal" || e.Kind == "case.taken_up"
	if caseID.IsZero() || !gone && !news && !ends && !again {
		return 0, nil
	}
	have, err := newsBrowsers(tx, caseID)
	if err != nil || len(have) == 0 {
		return 0, err
	}
	t, known := b.template[newsKey]
	if news && known {
		told, err := n.o.Cases.Told(tx, caseID, "")
		if errors.Is(err, db.ErrNoRows) {
			gone = true
		} else if err != nil {
			return 0, fmt.Errorf("what messages say about a case: %w", err)
		} else {
			new, err := n.insert(tx, b, Notice{Entry: e.Number, Template: newsKey, Recipient: caseID, Subject: caseID, Case: caseID, Nodes: e.Sight.Nodes,
				Department: e.Sight.Department, State: Open, MustAct: t.MustAct, Urgent: t.Urgent, Made: tx.Now(), Vars: map[string]words.Text{"case_no": same(told.Number)}})
			if err != nil {
				return 0, err
			}
			if new {
				made = 1
			}
		}
	}
	switch {
	case gone:
		_, err = tx.Exec(`DELETE FROM notice_news WHERE case_id = $1`, caseID)
	case again:
		_, err = tx.Exec(`UPDATE notice_news SET ends_at = NULL WHERE case_id = $1`, caseID)
	case ends:
		// Whose last news has left by now is forgotten in passing.
		if _, err = tx.Exec(`DELETE FROM notice_news WHERE ends_at < $1`, db.Millis(tx.Now())); err == nil {
			_, err = tx.Exec(`UPDATE notice_news SET ends_at = $1 WHERE case_id = $2 AND ends_at IS NULL`, db.Millis(tx.Now().Add(newsAfter)), caseID)
		}
	}
	if err != nil {
		return made, fmt.Errorf("end who is told of news: %w", err)
	}
	return made, nil
}
