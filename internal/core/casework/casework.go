// Package casework owns cases (事件): their rows, their states, every step
// between two states, the clocks that run on them and the tasks beside them.
// Other rooms ask it to act; none of them writes its tables: cases, case_clock,
// case_dispatch, case_posting, case_side, case_redated, case_claim, case_party, case_named, case_file, case_link,
// case_copy, case_search, case_relation, case_merge, case_storm, case_source and
// case_watch.
//
// State, stage, clock and owner are four things and kept apart. A flow is a
// table in Go (handling.go, task.go): states, moves, who may make each, what it
// needs. Its guards (guard.go) are pure functions on Facts, so every rule is
// tested as a table; what must never be possible is written down apart
// (forbidden.go). The table draws its own diagram into docs/flows.
//
// Promises callers rely on:
//   - A case is never without an owner. Post is the post that must act, also
//     while it is vacant; Acting is the post that really acts then, by the
//     cover order of the organisation, and follows it (sweep.go). Lists and
//     rights go by both.
//   - Every act is one transaction with one journal entry. Only acts that
//     change what others decide on raise the version; words, photos and claims
//     do not. (DESIGN.md section 3, rules 4 and 5)
//   - Whoever receives a return may only dispatch anew or return further.
//   - A verification or check is a task to the nearest suitable post, never by
//     the hand that reported or handled it, stand-ins and principals counted.
//   - Deadlines are data, computed on working time when a clock starts; the
//     sweeper marks lateness and ends suspensions. (DESIGN.md section 7)
//   - Confidentiality and scope are part of every query: lists, single reads,
//     search, duplicates, counts and files; what is out of sight is missing.
//   - Who reported stands sealed in a row of its own and is opened only with a
//     purpose, which is journaled before the answer.
package casework

import (
	"embed"
	"log/slog"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

// Options are what app passes in.
type Options struct {
	Org       *org.Org
	Grids     *grid.Grids
	Places    Addresses // nil: no address is known
	Calendars *calendar.Calendars
	Catalog   *catalog.Catalog
	Access    *access.Access
	Registry  *registry.Registry // who may open what about people
	Seal      *seal.Box
	// Files keeps what staff upload and what was let through; Quarantine what
	// strangers send, until it was looked at.
	Files, Quarantine *blob.Area
	Pictures          *blob.Pictures
	Faces             Faces          // nil: a person alone looks for what to blur
	Zone              *time.Location // of the district; default Asia/Shanghai
	Log               *slog.Logger
	// Term is how long a closed or refused case can be reopened, objected to
	// and rated.
	Term time.Duration
}

// Desk is the room's service (事件办理).
type Desk struct {
	org       *org.Org
	grids     *grid.Grids
	addresses Addresses
	calendars *calendar.Calendars
	catalog   *catalog.Catalog
	access    *access.Access
	registry  *registry.Registry
	seal      *seal.Box
	files     *blob.Area
	strange   *blob.Area
	pictures  *blob.Pictures
	faces     Faces
	words     *words.Catalogue
	zone      *time.Location
	log       *slog.Logger
	term      time.Duration
	covers    covers
	books     books
}

// reopenTerm is the default of Options.Term: the rating is open for 15 natural
// days (data/defaults/calendar.json, rating_open), and so is the way back.
const reopenTerm = 15 * 24 * time.Hour

// Words are the sentences this room says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// New puts the room together.
func New(o Options) (*Desk, error) {
	d := &Desk{
		org: o.Org, grids: o.Grids, addresses: o.Places, calendars: o.Calendars, catalog: o.Catalog, access: o.Access, registry: o.Registry,
		seal: o.Seal, files: o.Files, strange: o.Quarantine, pictures: o.Pictures, faces: o.Faces, zone: o.Zone, log: o.Log, term: o.Term,
	}
	var err error
	if d.words, err = words.New(words.Source{Room: "casework", Files: Words}); err != nil {
		return nil, err
	}
	if d.zone == nil {
		d.zone = time.FixedZone("CST", 8*3600)
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.term == 0 {
		d.term = reopenTerm
	}
	return d, nil
}

// env is what an act looks up once: the organisation, the register and, of the
// case at hand, its item and condition.
type env struct {
	tx        *db.Tx
	at        time.Time // when the act counts: now, or what an importer claims
	staffed   time.Time // whose posts are asked: always today's, an importer knows no others
	org       *org.Snapshot
	catalog   *catalog.Snapshot
	book      *access.RoleBook
	handled   id.ID    // the post that handled the case before the act, or a merged report's main case
	had       id.ID    // the post that had the case before the act
	later     []func() // entries that stand after that of the act itself
	owner     string   // the browser of somebody without an account
	from      id.ID    // the merged report whose reporter acts on its main case
	reader    *access.Actor
	anybody   bool                  // the move is open to everybody, known or not
	purposes  map[string]words.Text // of the register, by key; read when first asked for
	item      catalog.Item
	condition catalog.Condition
}

// moment is when an act counts. Only an importer claims another time than now.
func moment(tx *db.Tx, by *access.Actor) time.Time {
	if by.Trusted() && !by.AsOf.IsZero() {
		return by.AsOf.UTC().Truncate(time.Millisecond)
	}
	return tx.Now()
}

func (d *Desk) env(tx *db.Tx, by *access.Actor) (*env, error) {
	o, err := d.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	cat, err := d.catalog.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	book, err := d.access.Book(tx)
	if err != nil {
		return nil, err
	}
	return &env{tx: tx, at: moment(tx, by), staffed: tx.Now(), org: o, catalog: cat, book: book, reader: by}, nil
}

// allows says whether a role may do something somewhere.
func (e *env) allows(role, permission string) bool {
	r, ok := e.book.Role(role)
	return ok && slices.Contains(r.Permissions, permission)
}

// of takes the item version and condition of a case into the env.
func (e *env) of(c Case) error {
	item, err := e.catalog.ItemVersion(c.Item, c.ItemVersion)
	if err != nil {
		return err
	}
	cond, _ := item.Condition(c.Condition)
	e.item, e.condition = item, cond
	return nil
}

// sees is the one question of who may read a case. Whoever may not, gets
// ErrMissing, as if it did not exist.
func sees(by *access.Actor, c Case) bool { return by.Sees("case.view", c.Sight()) }

// load reads a case that the actor may see.
func (d *Desk) load(tx *db.Tx, by *access.Actor, caseID id.ID) (Case, error) {
	c, err := get(tx, caseID)
	if err != nil {
		return c, err
	}
	if !sees(by, c) {
		return Case{}, ErrMissing
	}
	return c, nil
}

// subject is on whose timeline an entry stands: a task's on its case's.
func (c Case) timeline() id.ID {
	if !c.Parent.IsZero() {
		return c.Parent
	}
	return c.ID
}

// note writes the journal entry of an act.
func note(env *env, by journal.By, c Case, before *journal.Sight, kind string, version int64, body *Body) {
	e := journal.Entry{
		Kind: kind, Subject: c.ID, Case: c.timeline(), By: by, Occurred: env.at, Version: version,
		Sight: c.Sight(), Class: env.item.Retention, Facts: factsOf(env, by, c, kind, body), Body: body,
	}
	if before != nil && !sameSight(*before, e.Sight) {
		e.Before = before
	}
	journal.Add(env.tx, e)
}

func sameSight(a, b journal.Sight) bool {
	return a.Nodes == b.Nodes && a.Department == b.Department && a.Secrecy == b.Secrecy && a.Public == b.Public &&
		sameIDs(a.Posts, b.Posts) && sameIDs(a.Persons, b.Persons)
}

func sameIDs(a, b []id.ID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Body is what an act says, the erasable part of its entry.
type Body struct {
	Number       string       `json:"number,omitempty"`
	Title        string       `json:"title,omitempty"`
	Text         string       `json:"text,omitempty"`
	Place        string       `json:"place,omitempty"`
	Note         string       `json:"note,omitempty"`
	ResidentText string       `json:"resident_text,omitempty"`
	Reason       string       `json:"reason,omitempty"`
	Result       Outcome      `json:"result,omitempty"`
	Score        int          `json:"score,omitempty"`
	Until        string       `json:"until,omitempty"`
	From         State        `json:"from,omitempty"`
	To           State        `json:"to,omitempty"`
	Post         id.ID        `json:"post,omitzero"`
	Task         id.ID        `json:"task,omitzero"`
	Files        []id.ID      `json:"files,omitempty"`
	Clock        *Ran         `json:"clock,omitempty"`
	Internal     bool         `json:"internal,omitempty"`
	Purpose      string       `json:"purpose,omitempty"`
	Fields       string       `json:"fields,omitempty"`
	Other        id.ID        `json:"other,omitzero"` // another case: only who may see it too is told of the entry
	Count        int          `json:"count,omitempty"`
	Mentions     []id.ID      `json:"mentions,omitempty"`   // posts that a comment names
	Main         State        `json:"main_state,omitempty"` // of the main case, on a merged report
	Relation     RelationKind `json:"relation,omitempty"`
}

// factsOf are the facts of an act that figures count (actfacts.go).
func factsOf(env *env, by journal.By, c Case, kind string, b *Body) *ActFacts {
	f := &ActFacts{
		Flow: string(c.Flow), Item: c.Item, Condition: c.Condition, Channel: c.Channel, Priority: string(c.Priority),
		Task: c.Task, To: string(c.State), Untimed: c.Times != nil,
	}
	post, ok := env.org.Post(by.Post)
	if !ok {
		post, _ = env.org.Post(c.Post)
	}
	f.Unit = post.Unit
	if b != nil {
		f.From, f.To, f.Reason, f.Result, f.Score = string(b.From), string(b.To), b.Reason, string(b.Result), b.Score
		if b.Clock != nil && kind != "case.late" && kind != "task.late" && kind != "case.merge" {
			f.Stage, f.UsedMS, f.LimitMS = string(b.Clock.Kind), b.Clock.Used, b.Clock.Limit
			if f.Answers = env.unitOf(env.had); f.Answers == f.Unit {
				f.Answers = id.ID{}
			}
		}
	}
	switch kind {
	case "case.dispatch":
		f.Handler = env.unitOf(c.Post)
	case "case.check", "case.close", "case.reopen", "case.object", "case.rate":
		// Reopening takes the handler off the case: who had it answers for it. What
		// was done about a merged report was done on its main case.
		if f.Handler = env.unitOf(c.Handler); f.Handler.IsZero() || c.State == Merged {
			f.Handler = env.unitOf(env.handled)
		}
	}
	if f.Handler == f.Unit {
		f.Handler = id.ID{}
	}
	if kind == "case.close" {
		f.Late, f.Comparable = c.Late, c.Timed
	}
	return f
}

// unitOf is the unit of a post; none for no post.
func (e *env) unitOf(post id.ID) id.ID {
	p, _ := e.org.Post(post)
	return p.Unit
}
