package access

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

const (
	// SessionCookie carries the session's secret.
	SessionCookie = "onegrid_session"
	// DeviceCookie says that the owner of an account has signed in here before.
	DeviceCookie = "onegrid_device"
	// PostHeader names the post that acts in this request.
	PostHeader = "OneGrid-Post"

	// deviceKept is how long a device is known after its last sign-in.
	deviceKept = 180 * 24 * time.Hour

	classAccess = "access_log" // retention class
)

// unseen is the sight of what this room writes to the journal: nobody's scope
// opens it, only the administrators' level does, for whom the auditor's reading
// is made. No live feed of a desk tells who signs in when.
var unseen = journal.Sight{Secrecy: journal.Named}

// session is one sign-in (会话). Only the hash of its secret is kept.
type session struct {
	id, account, person, post id.ID
	shared                    id.ID // the shared device; zero on any other
	hash                      []byte
	via                       string
	began, seen, ends         time.Time
	language                  words.Language
	name                      string // of the account
	issuer, signOut           string // of the provider it was begun with
}

// readSession finds a living session and its account by the token's hash.
func (a *Access) readSession(tx *db.Tx, hash []byte) (*session, error) {
	s := &session{hash: hash}
	var language string
	err := tx.Row(`SELECT s.id, s.account, s.person, s.post, s.via, s.began, s.seen, s.ends, s.shared, s.issuer, s.sign_out, a.language, a.name
		FROM access_session s JOIN access_account a ON a.id = s.account WHERE s.hash = $1 AND a.disabled IS NULL`, hash).
		Scan(&s.id, &s.account, &s.person, &s.post, &s.via, db.Time(&s.began), db.Time(&s.seen), db.Time(&s.ends), &s.shared, db.Text(&s.issuer), db.Text(&s.signOut), &language, &s.name)
	if errors.Is(err, db.ErrNoRows) {
		return nil, ErrSignIn
	}
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	s.language = words.Language(language)
	return s, nil
}

// living is readSession by way of the cache, with the limits applied.
func (a *Access) living(tx *db.Tx, st *state, token string) (*session, error) {
	if len(token) < 20 || len(token) > 100 {
		return nil, ErrSignIn
	}
	hash := tokenHash(token)
	s, cached := st.session(hash)
	for {
		if s == nil {
			var err error
			if s, err = a.readSession(tx, hash); err != nil {
				return nil, err
			}
			cached = false
			st.sessions.Store([32]byte(hash), s)
		}
		if a.lives(s, tx.Now()) {
			return s, nil
		}
		if !cached {
			return nil, ErrSignIn
		}
		s = nil // it may have been used on another machine: look again
	}
}

// session is a session that was read at this version of the tables.
func (st *state) session(hash []byte) (*session, bool) {
	v, ok := st.sessions.Load([32]byte(hash))
	if !ok {
		return nil, false
	}
	return v.(*session), true
}

// lives says whether a session is within its limits, as far as is known here.
func (a *Access) lives(s *session, now time.Time) bool {
	seen := s.seen
	if v, ok := a.seen.Load(s.id); ok && v.(time.Time).After(seen) {
		seen = v.(time.Time)
	}
	idle := a.o.Idle
	if !s.shared.IsZero() {
		idle = min(idle, sharedIdle)
	}
	return now.Before(s.ends) && now.Before(seen.Add(idle))
}

// Who tells the edge who sends a request: the session of its cookie and the
// post of its OneGrid-Post header, or else the session's post. Codes:
// access.sign_in, access.not_your_post, access.denied.
func (a *Access) Who(d *db.DB) func(r *http.Request, op httpx.Op) (httpx.Caller, error) {
	return func(r *http.Request, op httpx.Op) (httpx.Caller, error) {
		token := ""
		if c, err := r.Cookie(SessionCookie); err == nil {
			token = c.Value
		}
		var actor *Actor
		var failure error = ErrSignIn
		if token != "" {
			actor, failure = a.come(r.Context(), d, token, r.Header.Get(PostHeader))
		}
		if failure != nil {
			if op.Public && errors.Is(failure, ErrSignIn) {
				return httpx.Caller{By: Nobody("portal", "")}, nil
			}
			return httpx.Caller{}, failure
		}
		now := d.Now()
		a.seen.Store(actor.Session, now)
		a.noteUse(actor, now)
		c := httpx.Caller{By: actor, Key: actor.Person.String(), Language: actor.Language}
		if op.Permission != "" && !actor.Has(op.Permission) {
			refusal := ErrDenied.With("permission", op.Permission)
			a.Refused(r.Context(), d, actor, op.ID, refusal.Code)
			return c, refusal
		}
		return c, nil
	}
}

// come computes the actor of a session. Where all it rests on is in memory, one
// look at the versions of the tables says that it still holds: whatever ended a
// session or changed a right, here or on another machine, has moved them.
func (a *Access) come(ctx context.Context, d *db.DB, token, post string) (actor *Actor, err error) {
	versions, err := d.RoomVersions(ctx)
	if err != nil {
		return nil, err
	}
	st, known := a.cache.At(versions)
	o, organised := a.org.At(versions)
	if known && organised && len(token) >= 20 && len(token) <= 100 {
		now := d.Now()
		if s, ok := st.session(tokenHash(token)); ok && a.lives(s, now) {
			return a.admit(st, o, s, post, now)
		}
	}
	err = d.Read(ctx, func(tx *db.Tx) (err error) {
		actor, err = a.enter(tx, token, post)
		return err
	})
	return actor, err
}

// enter is come in a transaction.
func (a *Access) enter(tx *db.Tx, token, post string) (*Actor, error) {
	st, err := a.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	s, err := a.living(tx, st, token)
	if err != nil {
		return nil, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	return a.admit(st, o, s, post, tx.Now())
}

// admit computes who acts in a session that lives.
func (a *Access) admit(st *state, o *org.Snapshot, s *session, post string, now time.Time) (*Actor, error) {
	shared, here := st.shared[s.shared]
	if !s.shared.IsZero() && !here {
		return nil, ErrSignIn // the device was revoked
	}
	acting := s.post
	if post != "" {
		var err error
		if acting, err = id.Parse(post); err != nil {
			return nil, ErrNotYourPost
		}
	}
	actor, err := st.book.Act(o, st.direct[s.person], s.person, acting, now)
	if errors.Is(err, ErrNotYourPost) && post == "" {
		// The post chosen at sign-in was lost meanwhile: go on with another.
		actor, err = st.book.Act(o, st.direct[s.person], s.person, firstPost(o, s.person, id.ID{}, now), now)
	}
	if err == nil {
		err = a.narrow(o, actor, shared)
	}
	if errors.Is(err, ErrNotYourPost) && shared != nil && post == "" {
		return nil, ErrSignIn // none of the device's posts is left
	}
	if err != nil {
		return nil, err
	}
	actor.Account, actor.Session, actor.Via, actor.Language, actor.ends = s.account, s.id, s.via, s.language, s.ends
	actor.issuer, actor.signOut = s.issuer, s.signOut
	return actor, nil
}

// firstPost is the post somebody acts through by default: the wanted one if it
// is still held, else the first held, else the first stood in for, else the first
// of which a part was delegated.
func firstPost(o *org.Snapshot, person, wanted id.ID, at time.Time) id.ID {
	held := o.Acting(person, at)
	slices.SortStableFunc(held, func(x, y org.Holding) int {
		return rank(x, wanted) - rank(y, wanted)
	})
	if len(held) == 0 {
		return id.ID{}
	}
	return held[0].Post
}

func rank(h org.Holding, wanted id.ID) int {
	switch {
	case h.Post == wanted:
		return 0
	case h.Kind == org.Holder:
		return 1
	case h.Kind == org.StandIn:
		return 2
	}
	return 3
}

// Entrance is how somebody came in: the app, the browser and where it stands.
type Entrance struct {
	Via     string     // desk, field, portal
	Session string     // session cookie the browser had before
	Address netip.Addr // of the browser
	Client  string     // kind of browser, see ClientName

	Device string // device cookie the browser had; "" when there is none

	shared  *Shared // the shared device that is opened
	way     string  // how it was proved who it is; wayPassword when empty
	fresh   bool    // nobody signed in to this account from this browser before
	issuer  string  // of the provider that vouched
	signOut string  // where the session is ended at that provider
}

// The ways to prove who one is, as the journal names them.
const (
	wayPassword = "password"
	wayPasskey  = "passkey"
	wayProvider = "provider"
	wayPIN      = "pin"
	wayDemo     = "demo"
)

// device knows the browser again, or gives it a new cookie, which it returns.
func (a *Access) device(tx *db.Tx, acc account, in *Entrance) (string, error) {
	if in.Device != "" {
		known, err := knownDevice(tx, acc.ID, in.Device)
		if err != nil {
			return "", err
		}
		if known {
			if _, err := tx.Exec(`UPDATE access_device SET seen = $1 WHERE hash = $2`, db.Millis(tx.Now()), tokenHash(in.Device)); err != nil {
				return "", fmt.Errorf("write device: %w", err)
			}
			return "", nil
		}
	}
	in.fresh = true
	return newDevice(tx, acc.ID)
}

// begin makes a session for an account and returns its secret. Any session
// that the browser had before ends: a secret from before the sign-in is never
// taken over.
func (a *Access) begin(tx *db.Tx, acc account, in Entrance) (*Actor, string, error) {
	if in.Session != "" {
		if _, err := tx.Exec(`DELETE FROM access_session WHERE hash = $1`, tokenHash(in.Session)); err != nil {
			return nil, "", fmt.Errorf("end the session before: %w", err)
		}
		if err := db.Bump(tx, room); err != nil {
			return nil, "", err
		}
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, "", err
	}
	now := tx.Now()
	token := base64.RawURLEncoding.EncodeToString(tx.Random(32))
	s := session{
		id: tx.NewID(), account: acc.ID, person: acc.Person, post: firstPost(o, acc.Person, acc.Post, now),
		hash: tokenHash(token), via: in.Via, began: now, seen: now, ends: now.Add(a.o.Limit),
	}
	confirmed := db.Millis(now)
	if in.shared != nil {
		s.shared = in.shared.ID
		confirmed = nil // a number of six digits is no proof
	}
	if in.issuer != "" {
		confirmed = nil // nor is another's word, for changing how one signs in here
	}
	_, err = tx.Exec(`INSERT INTO access_session (id, hash, account, person, post, via, began, seen, ends, confirmed, address, client, shared, issuer, sign_out)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		s.id, s.hash, s.account, s.person, s.post, s.via, db.Millis(s.began), db.Millis(s.seen), db.Millis(s.ends), confirmed, orNull(where(in.Address)), orNull(in.Client), s.shared, orNull(in.issuer), orNull(in.signOut))
	if err != nil {
		return nil, "", fmt.Errorf("write session: %w", err)
	}
	if _, err := tx.Exec(`UPDATE access_account SET signed_in = $1 WHERE id = $2`, db.Millis(now), acc.ID); err != nil {
		return nil, "", fmt.Errorf("write account: %w", err)
	}
	st, err := a.cache.Get(tx)
	if err != nil {
		return nil, "", err
	}
	actor, err := st.book.Act(o, st.direct[s.person], s.person, s.post, now)
	if err != nil {
		return nil, "", err
	}
	if err := a.narrow(o, actor, in.shared); err != nil {
		return nil, "", err
	}
	actor.Account, actor.Session, actor.Via, actor.Language, actor.ends = acc.ID, s.id, in.Via, acc.Language, s.ends
	actor.issuer, actor.signOut = in.issuer, in.signOut
	entry := signedIn{Way: in.way, NewDevice: in.fresh && !acc.SignedIn.IsZero()}
	if entry.Way == "" {
		entry.Way = wayPassword
	}
	if !acc.SignedIn.IsZero() {
		entry.Away = int64(now.Sub(acc.SignedIn) / (24 * time.Hour))
	}
	journal.Add(tx, journal.Entry{Kind: "access.sign_in", Subject: acc.ID, By: actor.By(), Sight: unseen, Class: classAccess, Facts: entry})
	return actor, token, nil
}

// signedIn are the facts of a sign-in that the alarms are made of.
type signedIn struct {
	Way       string `json:"way"`
	NewDevice bool   `json:"new_device,omitempty"`
	Away      int64  `json:"days_away,omitempty"` // since the sign-in before
}

// where is the network of an address as it is shown to the owner of a session.
func where(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	return network(address)
}

// SignOut ends the actor's own session.
func (a *Access) SignOut(tx *db.Tx, by *Actor) error {
	if by.Session.IsZero() {
		return ErrSignIn
	}
	if _, err := tx.Exec(`DELETE FROM access_session WHERE id = $1`, by.Session); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	a.watch.endSession(tx, by.Session)
	journal.Add(tx, journal.Entry{Kind: "access.sign_out", Subject: by.Account, By: by.By(), Sight: unseen, Class: classAccess})
	return db.Bump(tx, room)
}

// SignOutEverywhere ends all sessions of the actor's account and forgets its
// devices.
func (a *Access) SignOutEverywhere(tx *db.Tx, by *Actor) error {
	if by.Account.IsZero() {
		return ErrSignIn
	}
	if _, err := tx.Exec(`DELETE FROM access_device WHERE account = $1`, by.Account); err != nil {
		return fmt.Errorf("forget devices: %w", err)
	}
	journal.Add(tx, journal.Entry{Kind: "access.sign_out_everywhere", Subject: by.Account, By: by.By(), Sight: unseen, Class: classAccess})
	return a.endSessions(tx, by.Account, by.Person)
}

// endSessions ends every session of an account.
func (a *Access) endSessions(tx *db.Tx, acc, person id.ID) error {
	if _, err := tx.Exec(`DELETE FROM access_session WHERE account = $1`, acc); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	a.watch.endPerson(tx, person)
	return db.Bump(tx, room)
}

// ChoosePost changes the post that acts in this session from now on. Code:
// access.not_your_post.
func (a *Access) ChoosePost(tx *db.Tx, by *Actor, post id.ID) (*Actor, error) {
	next, err := a.Actor(tx, by.Person, post)
	if err != nil {
		return nil, err
	}
	if post.IsZero() || by.Session.IsZero() {
		return nil, ErrNotYourPost
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	if err := a.narrow(o, next, by.shared); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`UPDATE access_session SET post = $1 WHERE id = $2`, post, by.Session); err != nil {
		return nil, fmt.Errorf("choose post: %w", err)
	}
	if _, err := tx.Exec(`UPDATE access_account SET post = $1 WHERE id = $2`, post, by.Account); err != nil {
		return nil, fmt.Errorf("choose post: %w", err)
	}
	next.Account, next.Session, next.Via, next.Language, next.ends = by.Account, by.Session, by.Via, by.Language, by.ends
	return next, db.Bump(tx, room)
}

// ChooseLanguage changes the language of the actor's account.
func (a *Access) ChooseLanguage(tx *db.Tx, by *Actor, l words.Language) error {
	if !slices.Contains(words.Languages, l) {
		return ErrInvalid.At("body.language", "access.unknown_language")
	}
	if by.Account.IsZero() {
		return ErrSignIn
	}
	if _, err := tx.Exec(`UPDATE access_account SET language = $1 WHERE id = $2`, l, by.Account); err != nil {
		return fmt.Errorf("choose language: %w", err)
	}
	return db.Bump(tx, room)
}

// Valid says whether an actor that was computed earlier still holds: the
// session lives and the rights are the same. Streams ask it now and then, since
// another machine may have ended them. Code: access.sign_in.
func (a *Access) Valid(tx *db.Tx, by *Actor) error {
	var alive int64
	err := tx.Row(`SELECT 1 FROM access_session s JOIN access_account a ON a.id = s.account
		WHERE s.id = $1 AND s.ends > $2 AND a.disabled IS NULL`, by.Session, db.Millis(tx.Now())).Scan(&alive)
	if errors.Is(err, db.ErrNoRows) {
		return ErrSignIn
	}
	if err != nil {
		return fmt.Errorf("look for session: %w", err)
	}
	now, err := a.Actor(tx, by.Person, by.Post)
	if err != nil {
		return err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return err
	}
	if err := a.narrow(o, now, by.shared); err != nil {
		return err
	}
	if !slices.EqualFunc(now.Grants, by.Grants, func(x, y Grant) bool {
		return x.ID == y.ID && x.To.Equal(y.To) && x.Role == y.Role && slices.Equal(x.role.Permissions, y.role.Permissions) && slices.Equal(x.nodes, y.nodes)
	}) {
		return ErrSignIn
	}
	return nil
}

// standingTrusted is how long Standing goes by the versions of the tables alone:
// a session that nobody used ends without moving them.
const standingTrusted = 10 * time.Second

// Standing asks Valid for a stream, as often as it likes, at an instant after
// since (of time.Now): as long as no table has changed that rights rest on, one
// look at the versions answers, which all streams share that ask at the same time
// or because of the same event.
func (a *Access) Standing(d *db.DB, by *Actor) func(ctx context.Context, since time.Time) error {
	var held *db.RoomVersions
	var at time.Time
	return func(ctx context.Context, since time.Time) error {
		now, err := d.RoomVersionsSince(ctx, since)
		if err != nil {
			return err
		}
		if held == now && d.Now().Sub(at) < standingTrusted {
			return nil
		}
		asked := d.Now()
		if err := d.Read(ctx, func(tx *db.Tx) error { return a.Valid(tx, by) }); err != nil {
			return err
		}
		held, at = now, asked // a change since then moves the versions again
		return nil
	}
}

// sweep writes down the last use of sessions and removes what has ended.
func (a *Access) sweep(tx *db.Tx) error {
	type use struct {
		session id.ID
		at      time.Time
	}
	var used []use
	a.seen.Range(func(k, v any) bool {
		used = append(used, use{k.(id.ID), v.(time.Time)})
		return true
	})
	slices.SortFunc(used, func(x, y use) int { return x.session.Compare(y.session) })
	for _, u := range used {
		if _, err := tx.Exec(`UPDATE access_session SET seen = $1 WHERE id = $2 AND seen < $1`, db.Millis(u.at), u.session); err != nil {
			return fmt.Errorf("write down sessions in use: %w", err)
		}
	}
	now := tx.Now()
	for _, q := range []struct {
		sql  string
		past time.Time
	}{
		{`DELETE FROM access_session WHERE ends < $1`, now},
		{`DELETE FROM access_session WHERE seen < $1`, now.Add(-a.o.Idle)},
		{`DELETE FROM access_enrolment WHERE expires < $1`, now},
		{`DELETE FROM access_pending WHERE expires < $1`, now},
		{`DELETE FROM access_ceremony WHERE expires < $1`, now},
		{`DELETE FROM access_device WHERE seen < $1`, now.Add(-deviceKept)},
		{`DELETE FROM access_use WHERE hour < $1`, now.Add(-useKept)},
		{`DELETE FROM access_attempt WHERE last < $1`, now.Add(-forgetFailures)},
	} {
		if _, err := tx.Exec(q.sql, db.Millis(q.past)); err != nil {
			return fmt.Errorf("sweep access: %w", err)
		}
	}
	tx.After(func() {
		for _, u := range used {
			a.seen.CompareAndDelete(u.session, u.at)
		}
	})
	return nil
}

// Sweep is sweep in a transaction of its own, for the program's regular work.
func (a *Access) Sweep(ctx context.Context, d *db.DB) error { return d.Write(ctx, a.sweep) }

// LanguageOf is the language of a person's account; Chinese for who has none.
func (a *Access) LanguageOf(tx *db.Tx, person id.ID) (words.Language, error) {
	var l string
	err := tx.Row(`SELECT language FROM access_account WHERE person = $1`, person).Scan(&l)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return "", fmt.Errorf("read a language: %w", err)
	}
	if l == string(words.English) {
		return words.English, nil
	}
	return words.Chinese, nil
}
