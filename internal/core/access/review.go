package access

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// A review (权限复核) goes once more over everything that is in force: accounts,
// grants, holdings, stand-ins and delegations. The security administrator opens a
// round with a day by which it is to be done; the round lists what it found, each
// with its last use; somebody other than the person concerned keeps each or ends
// it. To end one is the ordinary act with its ordinary permission: the security
// administrator ends grants, the system administrator disables accounts, leaders
// end the holdings, stand-ins and delegations of the posts they fill. A round is closed
// once nothing in it waits, and does not change any more.
//
// The last use of an account or of a grant is the last day on which the person
// worked at all: a direct grant helps whatever post acts. That of a holding is
// the last day on which the person acted through its post.

// The kinds of what is reviewed.
const (
	reviewsAccount    = "account"
	reviewsGrant      = "grant"
	reviewsHolding    = "holding"
	reviewsStandIn    = "stand_in"
	reviewsDelegation = "delegation"
)

// What was decided of a row; gone: it ended by itself or by another act before
// anybody decided, written down when the round is closed.
const (
	reviewKeep = "keep"
	reviewEnd  = "end"
	reviewGone = "gone"
)

// Of org's permissions, those by which holdings end.
const (
	permAssign  = "org.post_assign"
	permStandIn = "org.stand_in"
)

const (
	reviewUnused  = 90 * 24 * time.Hour  // from here on a right counts as unused
	reviewLongest = 366 * 24 * time.Hour // from its opening to its day
	reviewName    = 60
	reviewWhy     = 200
)

var (
	reviewKinds  = []string{reviewsAccount, reviewsGrant, reviewsHolding, reviewsStandIn, reviewsDelegation}
	holdingKinds = map[org.HoldingKind]string{org.Holder: reviewsHolding, org.StandIn: reviewsStandIn, org.Delegate: reviewsDelegation}
)

// Review is one round (复核轮次).
type Review struct {
	ID           id.ID     `json:"id"`
	Name         string    `json:"name"`
	Due          string    `json:"due"` // a day of the district
	Opened       time.Time `json:"opened_at"`
	OpenedBy     id.ID     `json:"opened_by,omitzero"`
	OpenedByName string    `json:"opened_by_name,omitempty"`
	Recorded     string    `json:"recorded_since,omitempty"` // first day whose use was known; absent: none was
	Closed       time.Time `json:"closed_at,omitzero"`
	ClosedBy     id.ID     `json:"closed_by,omitzero"`
	ClosedByName string    `json:"closed_by_name,omitempty"`
	Overdue      bool      `json:"overdue"`
	Total        int64     `json:"total"`
	Kept         int64     `json:"kept"`
	Ended        int64     `json:"ended"`
	Gone         int64     `json:"gone"` // over before anybody decided
	Open         int64     `json:"open"` // wait for a decision
}

// ReviewRow is one thing in a round (复核事项), as it was when the round was opened.
type ReviewRow struct {
	ID            id.ID      `json:"id"`
	Number        int64      `json:"number"`
	Kind          string     `json:"kind" enum:"account,grant,holding,stand_in,delegation"`
	Subject       id.ID      `json:"subject_id"`
	Person        id.ID      `json:"person_id"`
	PersonName    string     `json:"person_name"`
	Post          id.ID      `json:"post_id,omitzero"`
	PostName      words.Text `json:"post_name,omitzero"`
	UnitName      words.Text `json:"unit_name,omitzero"`
	Role          string     `json:"role,omitempty"`
	RoleName      words.Text `json:"role_name,omitzero"`
	Level         org.Level  `json:"level,omitempty"`
	Node          id.ID      `json:"node_id,omitzero"`
	NodeName      words.Text `json:"node_name,omitzero"`
	Since         time.Time  `json:"since"`
	Until         time.Time  `json:"until,omitzero"`
	Used          string     `json:"last_used,omitempty"` // the day; absent: never, as far back as is known
	Unused        bool       `json:"unused"`              // there, and not used, in the 90 days before the round
	Decision      string     `json:"decision,omitempty" enum:"keep,end,gone"`
	Why           string     `json:"why,omitempty"`
	Decided       time.Time  `json:"decided_at,omitzero"`
	DecidedBy     id.ID      `json:"decided_by,omitzero"`
	DecidedByName string     `json:"decided_by_name,omitempty"`
	Own           bool       `json:"own"`     // about the reader: somebody else decides
	MayEnd        bool       `json:"may_end"` // the reader has the permission that ends it
}

// ReviewIn opens a round.
type ReviewIn struct {
	ID   id.ID  `json:"id,omitzero"`
	Name string `json:"name" maxLength:"240"`
	Due  string `json:"due" maxLength:"10" doc:"a day of the district, such as 2026-12-31"`
}

// reviewer is somebody who decides in rounds, or reads them. lines are what of a
// round is his: their sum, read apart, each along one index.
type reviewer struct {
	*Actor
	kinds []string
	lines []reviewLine
	whole bool // decides wherever, not only where he fills posts
}

// reviewLine is one part of a round: rows of some kinds, on one walk if they
// concern posts.
type reviewLine struct {
	kinds []string
	walk  Walk // no column: wherever
}

// columns are those of a row's place that a walk can go along.
var reviewColumnsWalked = []string{HubColumn, StreetColumn, PlatformColumn, GridColumn, MicroColumn, DepartmentColumn}

// reviewer says which rows somebody may decide, or with reading may see. Code:
// access.denied.
func (a *Actor) reviewer(reading bool) (reviewer, error) {
	denied := a.Check(permRevoke, journal.Sight{})
	if denied == nil || reading && a.Check(permAudit, journal.Sight{}) == nil {
		return reviewer{a, reviewKinds, []reviewLine{{kinds: reviewKinds}}, true}, nil
	}
	w := reviewer{Actor: a}
	if a.Check(permAccount, journal.Sight{}) == nil {
		w.kinds = append(w.kinds, reviewsAccount, reviewsGrant)
		w.lines = append(w.lines, reviewLine{kinds: []string{reviewsAccount, reviewsGrant}})
	}
	// What concerns a post is, for who fills posts, where he fills them.
	ofPosts := []string{reviewsHolding, reviewsStandIn, reviewsDelegation}
	if len(a.RolesWith(permAssign)) > 0 {
		w.kinds = append(w.kinds, ofPosts...)
	}
	for _, walk := range a.Walks(permAssign) {
		if slices.Contains(reviewColumnsWalked, walk.Column) {
			w.lines = append(w.lines, reviewLine{ofPosts, walk})
		}
	}
	if len(w.kinds) == 0 {
		return reviewer{}, denied
	}
	return w, nil
}

// OpenReview opens a round over everything in force now. Permission
// access.revoke. Code: access.invalid.
func (a *Access) OpenReview(tx *db.Tx, by *Actor, in ReviewIn) (Review, error) {
	if err := by.Check(permRevoke, journal.Sight{}); err != nil {
		return Review{}, err
	}
	f, now := ErrInvalid, tx.Now()
	name := strings.TrimSpace(in.Name)
	if n := utf8.RuneCountInString(name); n < 1 || n > reviewName {
		f = f.At("body.name", "access.review_name", "most", reviewName)
	}
	today := a.dayOf(now)
	due, err := time.ParseInLocation(time.DateOnly, in.Due, a.o.Zone)
	if err != nil || due.Before(today) || due.After(today.Add(reviewLongest)) {
		f = f.At("body.due", "access.review_due")
	}
	if in.ID.IsZero() {
		in.ID = tx.NewID()
	}
	var there int64
	if err := tx.Row(`SELECT COUNT(*) FROM access_review WHERE id = $1`, in.ID).Scan(&there); err != nil {
		return Review{}, fmt.Errorf("read reviews: %w", err)
	}
	if there > 0 {
		f = f.At("body.id", "access.id_taken")
	}
	if len(f.Where) > 0 {
		return Review{}, f
	}
	if err := a.writeUse(tx); err != nil { // what this minute saw counts too
		return Review{}, err
	}
	last, err := readLastUses(tx)
	if err != nil {
		return Review{}, err
	}
	list, err := a.inForce(tx, last)
	if err != nil {
		return Review{}, err
	}
	var recorded any
	if last.since != 0 {
		recorded = last.since
	}
	if _, err := tx.Exec(`INSERT INTO access_review (id, name, due, opened, opened_by, recorded) VALUES ($1, $2, $3, $4, $5, $6)`,
		in.ID, name, in.Due, db.Millis(now), by.By().Person, recorded); err != nil {
		return Review{}, fmt.Errorf("write review: %w", err)
	}
	for i, r := range list {
		if _, err := tx.Exec(`INSERT INTO access_review_row (id, review, number, opened, kind, subject, person, post, role, level, node, since, ends, used,
				hub_id, street_id, platform_id, grid_id, micro_id, department_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`, tx.NewID(), in.ID, i+1, db.Millis(now), r.kind,
			r.subject, r.person, r.post, orNull(r.role), orNull(string(r.level)), r.node, db.Millis(r.since), db.Millis(r.until), db.Millis(r.used),
			r.at.Hub, r.at.Street, r.at.Platform, r.at.Grid, r.at.Micro, r.at.Department); err != nil {
			return Review{}, fmt.Errorf("write review: %w", err)
		}
	}
	noted(tx, by, "access.review_open", in.ID, map[string]any{"name": name, "due": in.Due, "rows": len(list)})
	return a.ReviewOf(tx, by, in.ID)
}

// noted puts an act into the journal that changes nobody's rights by itself.
func noted(tx *db.Tx, by *Actor, kind string, subject id.ID, body any) {
	journal.Add(tx, journal.Entry{Kind: kind, Subject: subject, By: by.By(), Sight: unseen, Class: classAccess, Body: body})
}

// reviewRow is a row as it is kept.
type reviewRow struct {
	id, subject, person, post, node, decidedBy id.ID
	number                                     int64
	kind, role, decision, why                  string
	level                                      org.Level
	since, until, used, decided                time.Time
	at                                         journal.Sight // of the post, when the round is opened; not read back
}

// idle is since when nothing was done with it: the last use, or its beginning.
func (r reviewRow) idle() time.Time {
	if r.used.After(r.since) {
		return r.used
	}
	return r.since
}

// inForce lists everything that a round goes over: what was not used for the
// longest first.
func (a *Access) inForce(tx *db.Tx, last lastUses) ([]reviewRow, error) {
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	now := tx.Now()
	at := func(ms int64) time.Time {
		if ms == 0 {
			return time.Time{}
		}
		return time.UnixMilli(ms)
	}
	var out []reviewRow
	accs, err := accounts(tx, `disabled IS NULL`)
	if err != nil {
		return nil, err
	}
	for _, acc := range accs {
		r := reviewRow{kind: reviewsAccount, subject: acc.ID, person: acc.Person, since: acc.Created, used: at(last.any[acc.Person])}
		if signed := a.dayOf(acc.SignedIn); !acc.SignedIn.IsZero() && signed.After(r.used) {
			r.used = signed
		}
		out = append(out, r)
	}
	grants, err := grantsWhere(tx, `valid_from <= $1 AND (valid_to IS NULL OR valid_to > $1)`, db.Millis(now))
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		out = append(out, reviewRow{kind: reviewsGrant, subject: g.ID, person: g.Person, role: g.Role, level: g.Level, node: g.Node, since: g.From, until: g.To,
			used: at(last.any[g.Person])})
	}
	for _, h := range o.Holdings {
		if p, ok := o.Post(h.Post); ok && holdingOn(o, h, now) {
			out = append(out, reviewRow{kind: holdingKinds[h.Kind], subject: h.ID, person: h.Person, post: p.ID, role: p.Role, level: p.Level, node: p.Node,
				since: h.From, until: h.To, used: at(last.through[use{h.Person, h.Post}]), at: o.SightOf(p)})
		}
	}
	slices.SortFunc(out, func(x, y reviewRow) int {
		return cmp.Or(x.idle().Compare(y.idle()), x.person.Compare(y.person), cmp.Compare(slices.Index(reviewKinds, x.kind), slices.Index(reviewKinds, y.kind)),
			x.subject.Compare(y.subject))
	})
	return out, nil
}

// holdingOn says whether a holding gives anything at an instant.
func holdingOn(o *org.Snapshot, h org.Holding, now time.Time) bool {
	p, ok := o.Post(h.Post)
	if !ok || !p.Open(now) || !h.On(now) {
		return false
	}
	if h.Kind != org.Delegate {
		return true
	}
	holder, held := o.HolderOf(h.Post, now)
	return held && holder == h.Principal
}

// stands tells of things whether they are still in force.
type stands struct {
	accounts, grants map[id.ID]bool
	o                *org.Snapshot
	now              time.Time
}

func (a *Access) standing(tx *db.Tx) (*stands, error) {
	s := &stands{accounts: map[id.ID]bool{}, grants: map[id.ID]bool{}, now: tx.Now()}
	for _, q := range []struct {
		into map[id.ID]bool
		sql  string
		args []any
	}{{s.accounts, `SELECT id FROM access_account WHERE disabled IS NULL`, nil},
		{s.grants, `SELECT id FROM access_grant WHERE valid_from <= $1 AND (valid_to IS NULL OR valid_to > $1)`, []any{db.Millis(s.now)}}} {
		rows, err := tx.Query(q.sql, q.args...)
		if err != nil {
			return nil, fmt.Errorf("read what is in force: %w", err)
		}
		for rows.Next() {
			var v id.ID
			if err := rows.Scan(&v); err != nil {
				return nil, fmt.Errorf("read what is in force: %w", err)
			}
			q.into[v] = true
		}
		if err := rows.Close(); err != nil {
			return nil, fmt.Errorf("read what is in force: %w", err)
		}
	}
	var err error
	s.o, err = a.org.Snapshot(tx)
	return s, err
}

func (s *stands) has(r reviewRow) bool {
	switch r.kind {
	case reviewsAccount:
		return s.accounts[r.subject]
	case reviewsGrant:
		return s.grants[r.subject]
	}
	h, ok := s.o.Holding(r.subject)
	return ok && holdingOn(s.o, h, s.now)
}

func reviewRows(tx *db.Tx, where string, args ...any) ([]reviewRow, error) {
	rows, err := tx.Query(`SELECT id, number, kind, subject, person, post, role, level, node, since, ends, used, decision, why, decided, decided_by
		FROM access_review_row WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read review: %w", err)
	}
	var out []reviewRow
	for rows.Next() {
		var r reviewRow
		var level string
		if err := rows.Scan(&r.id, &r.number, &r.kind, &r.subject, &r.person, &r.post, db.Text(&r.role), db.Text(&level), &r.node, db.Time(&r.since),
			db.Time(&r.until), db.Time(&r.used), db.Text(&r.decision), db.Text(&r.why), db.Time(&r.decided), &r.decidedBy); err != nil {
			return nil, fmt.Errorf("read review: %w", err)
		}
		r.level = org.Level(level)
		out = append(out, r)
	}
	return out, rows.Close()
}

// rows reads rows of a round that are the reviewer's, in their order: each line
// along its index, merged. also is a further condition whose arguments begin at
// $2; limit nought: all.
func (w reviewer) rows(tx *db.Tx, review id.ID, limit int, also string, args ...any) ([]reviewRow, error) {
	var out []reviewRow
	for _, l := range w.lines {
		where, all := l.where(also, append([]any{review}, args...))
		where += ` ORDER BY number`
		if limit > 0 {
			where += fmt.Sprintf(` LIMIT %d`, limit)
		}
		some, err := reviewRows(tx, where, all...)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	slices.SortFunc(out, func(x, y reviewRow) int { return cmp.Compare(x.number, y.number) })
	out = slices.CompactFunc(out, func(x, y reviewRow) bool { return x.number == y.number })
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out, nil
}

// where is a line's condition; args[0] is the round.
func (l reviewLine) where(also string, args []any) (string, []any) {
	var s strings.Builder
	s.WriteString(`review = $1` + also)
	if len(l.kinds) < len(reviewKinds) {
		s.WriteString(` AND kind IN (`)
		for i, k := range l.kinds {
			if i > 0 {
				s.WriteString(`, `)
			}
			args = append(args, k)
			fmt.Fprintf(&s, `$%d`, len(args))
		}
		s.WriteString(`)`)
	}
	if l.walk.Column != "" {
		args = append(args, l.walk.Node)
		fmt.Fprintf(&s, ` AND %s = $%d`, l.walk.Column, len(args))
	}
	return s.String(), args
}

// DecideReview keeps what a row is about, or ends it with a reason; ending is the
// ordinary act under the reviewer's own permission, in the same transaction. It is
// never about oneself. Codes: access.missing, access.denied, access.same_hand,
// access.review_closed, access.review_decided, access.ended, access.invalid, and
// those of Disable, Revoke and org's End.
func (a *Access) DecideReview(tx *db.Tx, by *Actor, review, row id.ID, end bool, why string) (ReviewRow, error) {
	me, err := by.reviewer(false)
	if err != nil {
		return ReviewRow{}, err
	}
	opened, err := stillOpen(tx, review)
	if err != nil {
		return ReviewRow{}, err
	}
	found, err := me.rows(tx, review, 1, ` AND id = $2`, row)
	if err != nil {
		return ReviewRow{}, err
	}
	if len(found) == 0 {
		return ReviewRow{}, ErrMissing
	}
	now, err := a.standing(tx)
	if err != nil {
		return ReviewRow{}, err
	}
	st, err := a.cache.Get(tx)
	if err != nil {
		return ReviewRow{}, err
	}
	r := found[0]
	if err := me.decidable(now, r); err != nil {
		return ReviewRow{}, err
	}
	why = strings.TrimSpace(why)
	if n := utf8.RuneCountInString(why); n > reviewWhy || end && n == 0 {
		return ReviewRow{}, ErrInvalid.At("body.why", "access.review_why", "most", reviewWhy)
	}
	r.decision, r.why, r.decided, r.decidedBy = reviewKeep, why, tx.Now(), by.By().Person
	if end {
		r.decision = reviewEnd
		if err := a.carryOut(tx, by, r); err != nil {
			return ReviewRow{}, err
		}
	}
	if err := decide(tx, r); err != nil {
		return ReviewRow{}, err
	}
	noted(tx, by, "access.review_decide", review, map[string]any{"row": r.id, "kind": r.kind, "of": r.subject, "decision": r.decision, "why": why})
	v, err := a.showRow(tx, by, st, now.o, map[id.ID]words.Text{}, r)
	v.Unused = unusedBefore(r, opened)
	return v, err
}

// stillOpen refuses a round that is unknown or closed, and says since when it is
// open.
func stillOpen(tx *db.Tx, review id.ID) (opened time.Time, err error) {
	var closed time.Time
	err = tx.Row(`SELECT opened, closed FROM access_review WHERE id = $1`, review).Scan(db.Time(&opened), db.Time(&closed))
	switch {
	case errors.Is(err, db.ErrNoRows):
		return opened, ErrMissing
	case err != nil:
		return opened, fmt.Errorf("read review: %w", err)
	case !closed.IsZero():
		return opened, ErrReviewClosed
	}
	return opened, nil
}

// decidable says why somebody can't decide a row.
func (w reviewer) decidable(now *stands, r reviewRow) error {
	p, ofPost := now.o.Post(r.post)
	switch {
	case !w.whole && ofPost && w.Check(permAssign, now.o.SightOf(p)) != nil: // through another of his posts
		return ErrDenied.With("permission", permRevoke)
	case w.By().SameHand(journal.By{Person: r.person}):
		return ErrSameHand
	case r.decision != "":
		return ErrDecided
	case !now.has(r):
		return ErrEnded
	}
	return nil
}

// carryOut ends what a row is about.
func (a *Access) carryOut(tx *db.Tx, by *Actor, r reviewRow) (err error) {
	switch r.kind {
	case reviewsAccount:
		_, err = a.Disable(tx, by, r.subject)
	case reviewsGrant:
		_, err = a.Revoke(tx, by, r.subject)
	default:
		_, err = a.org.End(tx, by, r.subject, 0, time.Time{})
	}
	return err
}

// decide writes a decision where there is none.
func decide(tx *db.Tx, r reviewRow) error {
	n, err := tx.Exec(`UPDATE access_review_row SET decision = $1, why = $2, decided = $3, decided_by = $4 WHERE id = $5 AND decision IS NULL`,
		r.decision, orNull(r.why), db.Millis(r.decided), r.decidedBy, r.id)
	if err != nil {
		return fmt.Errorf("write review: %w", err)
	}
	if n == 0 {
		return ErrDecided
	}
	return nil
}

// ReviewKept accounts for every row that was to be kept.
type ReviewKept struct {
	Kept int64            `json:"kept"`
	Left []ReviewLeftOver `json:"left"` // not decided, and why
}

// ReviewLeftOver is a row that was not decided.
type ReviewLeftOver struct {
	Row  id.ID  `json:"row_id"`
	Code string `json:"code"`
}

// KeepMany keeps several rows of one kind. What can't be decided by this hand is
// left as it is and named. Codes: access.missing, access.denied,
// access.review_closed, access.invalid.
func (a *Access) KeepMany(tx *db.Tx, by *Actor, review id.ID, kind string, rows []id.ID) (ReviewKept, error) {
	out := ReviewKept{Left: []ReviewLeftOver{}}
	me, err := by.reviewer(false)
	if err != nil {
		return out, err
	}
	if _, err := stillOpen(tx, review); err != nil {
		return out, err
	}
	if !slices.Contains(me.kinds, kind) {
		return out, ErrDenied.With("permission", permRevoke)
	}
	now, err := a.standing(tx)
	if err != nil {
		return out, err
	}
	kept, seen := []id.ID{}, map[id.ID]bool{}
	for _, one := range rows {
		if seen[one] {
			continue
		}
		seen[one] = true
		found, err := me.rows(tx, review, 1, ` AND id = $2 AND kind = $3`, one, kind)
		if err != nil {
			return out, err
		}
		if len(found) == 0 {
			out.Left = append(out.Left, ReviewLeftOver{one, ErrMissing.Code})
			continue
		}
		r := found[0]
		if err := me.decidable(now, r); err != nil {
			out.Left = append(out.Left, ReviewLeftOver{one, fault.Of(err).Code})
			continue
		}
		r.decision, r.decided, r.decidedBy = reviewKeep, tx.Now(), by.By().Person
		if err := decide(tx, r); err != nil {
			return out, err
		}
		kept = append(kept, one)
	}
	out.Kept = int64(len(kept))
	if len(kept) > 0 {
		noted(tx, by, "access.review_keep", review, map[string]any{"kind": kind, "rows": kept})
	}
	return out, nil
}

// CloseReview closes a round in which nothing waits any more; what was gone by
// itself is written down as such. Permission access.revoke. Codes: access.missing,
// access.review_closed, access.review_open.
func (a *Access) CloseReview(tx *db.Tx, by *Actor, review id.ID) (Review, error) {
	if err := by.Check(permRevoke, journal.Sight{}); err != nil {
		return Review{}, err
	}
	if _, err := stillOpen(tx, review); err != nil {
		return Review{}, err
	}
	waiting, err := reviewRows(tx, `review = $1 AND decision IS NULL`, review)
	if err != nil {
		return Review{}, err
	}
	now, err := a.standing(tx)
	if err != nil {
		return Review{}, err
	}
	open := 0
	for _, r := range waiting {
		if now.has(r) {
			open++
		}
	}
	if open > 0 {
		return Review{}, ErrReviewOpen.With("n", open)
	}
	for _, r := range waiting {
		r.decision, r.decided = reviewGone, tx.Now()
		if err := decide(tx, r); err != nil {
			return Review{}, err
		}
	}
	n, err := tx.Exec(`UPDATE access_review SET closed = $1, closed_by = $2 WHERE id = $3 AND closed IS NULL`, db.Millis(tx.Now()), by.By().Person, review)
	if err != nil {
		return Review{}, fmt.Errorf("close review: %w", err)
	}
	if n == 0 {
		return Review{}, ErrReviewClosed
	}
	v, err := a.ReviewOf(tx, by, review)
	if err != nil {
		return Review{}, err
	}
	noted(tx, by, "access.review_close", review, map[string]any{"total": v.Total, "kept": v.Kept, "ended": v.Ended, "gone": v.Gone})
	return v, nil
}
