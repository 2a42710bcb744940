package notice

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/words"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Room is what this room keeps in the database.
func Room() db.Room { return db.RoomOf(room, migrations) }

// Told is what the room of the cases says about one (消息要素).
type Told struct {
	Number string
	Item   words.Text
	Place  string
	Unit   words.Text // of the post that owns it
	Post   words.Text
	Grid   words.Text
	Due    time.Time
	Until  time.Time  // of a suspension
	Ask    id.ID      // the post that is asked to decide
	Reason words.Text // of the act, for staff
	// ResidentReason is the reason as the reporter reads it.
	ResidentReason words.Text
	Answer         string // the last words to the resident
	At             journal.Sight
	Reporter       bool // somebody left a name or a number
	Over           bool // it has ended
}

// Cases is who knows the cases. casework is one, through app.
type Cases interface {
	// Told says what messages may say about a case; reason is the key of the
	// reason that an act gave. A case that is gone is db.ErrNoRows.
	Told(tx *db.Tx, caseID id.ID, reason string) (Told, error)
	// Waiting counts what waits for a post, and when the first is due.
	Waiting(tx *db.Tx, post id.ID) (int64, time.Time, error)
	// Phone opens the number that the reporter left, for a message to her.
	Phone(tx *db.Tx, caseID id.ID) (string, error)
	// Link makes a new secret link to her report.
	Link(tx *db.Tx, caseID id.ID) (string, error)
}

// Duty is who knows who is on duty (值班). Rostered says whether it knows of a
// person at an instant; of whom it does not, the hours of the unit decide.
type Duty interface {
	OnDuty(tx *db.Tx, person id.ID, at time.Time) (bool, error)
	Rostered(tx *db.Tx, person id.ID, at time.Time) (bool, error)
}

// Grids is who knows how a grid is called. *grid.Grids does.
type Grids interface {
	Title(tx *db.Tx, grid id.ID) (string, error)
}

// Options are what app passes in.
type Options struct {
	DB       *db.DB
	Org      *org.Org
	Files    fs.FS // what ships: defaults/notices.json
	Cases    Cases
	Duty     Duty  // nil: there are no rosters
	Grids    Grids // nil: grids are not named
	Calendar *calendar.Calendars
	Access   *access.Access
	Seal     *seal.Box
	Runner   *jobs.Runner
	Zone     *time.Location
	Log      *slog.Logger
	URL      string // the address that links carry
	// What carries messages; nil: this installation has no such channel.
	Push Pusher
	Mail Mailer
	SMS  Texter
	// PushHosts are the push services that are trusted: names, *.names.
	PushHosts []string
}

// Notices is the room's service (通知).
type Notices struct {
	o       Options
	shipped shipped
	books   *db.Cached[*book]
	words   *words.Catalogue
	offline breakers
}

// New puts the room together and registers its jobs.
func New(o Options) (*Notices, error) {
	n := &Notices{o: o}
	var err error
	if n.shipped, err = loadShipped(o.Files); err != nil {
		return nil, err
	}
	if n.words, err = words.New(words.Source{Room: room, Files: Words}); err != nil {
		return nil, err
	}
	if n.o.Log == nil {
		n.o.Log = slog.New(slog.DiscardHandler)
	}
	if n.o.Zone == nil {
		n.o.Zone = time.FixedZone("CST", 8*3600)
	}
	n.books = db.NewCached(room, n.loadBook)
	if o.SMS != nil {
		o.SMS.Reports(n.report)
	}
	o.Runner.Handle(jobDeliver, n.deliver)
	o.Runner.Handle(jobSpread, n.spread)
	return n, nil
}

func (n *Notices) loadBook(tx *db.Tx) (*book, error) {
	edited, err := editedTemplates(tx)
	if err != nil {
		return nil, err
	}
	settings, err := editedSettings(tx)
	if err != nil {
		return nil, err
	}
	return n.shipped.with(edited, settings), nil
}

// text is a sentence of this room in both languages.
func (n *Notices) text(key string) words.Text {
	if !n.words.Has(key) {
		return words.Text{}
	}
	return words.Text{Chinese: n.words.Say(words.Chinese, key, nil), English: n.words.Say(words.English, key, nil)}
}

// onDuty says whether a person is on duty at an instant: by a roster that speaks
// for him, else in the hours of the unit of a post that he holds or stands in
// for. An office without rosters would otherwise never be alarmed.
func (n *Notices) onDuty(tx *db.Tx, person id.ID, at time.Time) (bool, error) {
	if n.o.Duty != nil {
		rostered, err := n.o.Duty.Rostered(tx, person, at)
		if err != nil {
			return false, err
		}
		if rostered {
			return n.o.Duty.OnDuty(tx, person, at)
		}
	}
	s, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return false, err
	}
	for _, h := range s.HoldingsOf(person, at) {
		p, _ := s.Post(h.Post)
		u, _ := s.Unit(p.Unit)
		key := u.DutyCalendar
		if key == "" {
			key = u.Calendar
		}
		c, err := n.o.Calendar.For(tx, key)
		if err != nil {
			return false, err
		}
		if c.Elapsed(calendar.WorkingHour, at, at.Add(time.Minute), nil) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// link is where a member of staff reads about the matter.
func (n *Notices) link(caseID id.ID) string {
	if caseID.IsZero() {
		return n.o.URL + "/desk/inbox"
	}
	return n.o.URL + "/desk/work/" + caseID.String()
}

// has says whether this installation can send by a channel.
func (n *Notices) has(c Channel) bool {
	switch c {
	case Push:
		return n.o.Push != nil
	case Mail:
		return n.o.Mail != nil
	case SMS:
		return n.o.SMS != nil
	}
	return false
}

// trusted says whether an address belongs to a push service that is known: the
// server must not be sent to addresses of a browser's choosing.
func (n *Notices) trusted(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" && !(u.Scheme == "http" && u.Hostname() == "127.0.0.1") || u.User != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return slices.ContainsFunc(n.o.PushHosts, func(p string) bool {
		if rest, any := strings.CutPrefix(p, "*."); any {
			return strings.HasSuffix(host, "."+rest)
		}
		return host == p
	})
}

// followBatch is how many entries one transaction follows.
const followBatch = 200

// Follow makes notices of what was added to the journal since the last time.
// Several nodes may call it: the cursor is moved only by whoever still finds it
// where it was read. The first call on a database begins at its newest entry.
func (n *Notices) Follow(ctx context.Context) (made int, err error) {
	for {
		var read, new int
		err := n.o.DB.Write(ctx, func(tx *db.Tx) error {
			read, new = 0, 0
			at, err := readCursor(tx)
			if errors.Is(err, db.ErrNoRows) {
				head, err := journal.Head(tx)
				if err != nil {
					return err
				}
				return startCursor(tx, head)
			}
			if err != nil {
				return err
			}
			entries, err := journal.Since(tx, at, followBatch)
			if err != nil || len(entries) == 0 {
				return err
			}
			moved, err := moveCursor(tx, at, entries[len(entries)-1].Number)
			if err != nil || !moved {
				return err
			}
			read = len(entries)
			before, err := lookAhead(tx, entries)
			if err != nil {
				return err
			}
			for i := range entries {
				k, err := n.follow(tx, before, &entries[i])
				if err != nil {
					return err
				}
				new += k
				if k > 0 {
					before.waits[entries[i].Subject] = true
				}
			}
			return nil
		})
		made += new
		if err != nil || read < followBatch {
			return made, err
		}
	}
}

// idle says without writing that there is nothing to follow or to climb.
func (n *Notices) idle(ctx context.Context) (idle bool, err error) {
	err = n.o.DB.Read(ctx, func(tx *db.Tx) error {
		at, err := readCursor(tx)
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		head, err := journal.Head(tx)
		if err != nil || head > at {
			return err
		}
		due, err := dueRungs(tx, 1)
		idle = len(due) == 0
		return err
	})
	return idle, err
}

// Work follows the journal and climbs the ladders: the room's one chore.
func (n *Notices) Work(ctx context.Context) error {
	if idle, err := n.idle(ctx); err != nil || idle {
		return err
	}
	if _, err := n.Follow(ctx); err != nil {
		return err
	}
	_, err := n.Sweep(ctx)
	return err
}

// follow makes the notices of one entry. What goes wrong with one entry alone is
// logged and does not hold up the others for good; what the database says is
// tried again.
func (n *Notices) follow(tx *db.Tx, known *ahead, e *journal.Entry) (made int, err error) {
	if silent(e) {
		return 0, nil
	}
	if e.Kind == "notice.send" {
		return 0, n.begin(tx, e)
	}
	b, err := n.books.Get(tx)
	if err != nil {
		return 0, err
	}
	orders := ordersOf(e, func(event string) bool { return len(b.byEvent[event]) > 0 })
	// Most acts find nothing to settle.
	if known.any || known.waits[e.Subject] {
		if err := n.settleBy(tx, e); err != nil {
			return 0, err
		}
	}
	of := caseOf(e)
	if made, err = n.tellNews(tx, b, e, of, orders); err != nil {
		return 0, err
	}
	if slices.ContainsFunc(orders, func(o order) bool { return o.resident }) {
		// Most reporters asked for no messages: then the case need not be read.
		if !known.agreed[of] {
			orders = slices.DeleteFunc(orders, func(o order) bool { return o.resident })
		}
	}
	if len(orders) == 0 {
		return made, nil
	}
	o, err := n.o.Org.Snapshot(tx)
	if err != nil {
		return 0, err
	}
	a := about{e: e, said: read[said](e.Body), stand: read[stands](e.Body), org: o, zone: n.o.Zone, say: n.text}
	f := read[acted](e.Facts)
	a.link = n.link(of)
	if !of.IsZero() {
		if a.told, err = n.o.Cases.Told(tx, of, f.Reason); errors.Is(err, db.ErrNoRows) {
			return made, nil // erased since: there is nothing to say about it any more
		} else if err != nil {
			return 0, fmt.Errorf("what messages say about a case: %w", err)
		}
	}
	var told []id.ID
	for _, ord := range orders {
		for _, t := range b.byEvent[ord.event] {
			if t.Audience == "resident" != ord.resident {
				continue
			}
			some, err := n.carryOut(tx, b, a, ord, t, f)
			if err != nil {
				return made, err
			}
			made += len(some)
			told = append(told, some...)
		}
	}
	if persons := slices.DeleteFunc(told, id.ID.IsZero); len(persons) > 0 {
		slices.SortFunc(persons, id.ID.Compare)
		journal.Add(tx, journal.Entry{Kind: "notice.make", Subject: e.ID, By: journal.By{Via: "system"}, Class: "journal",
			Sight: journal.Sight{Persons: slices.Compact(persons), Secrecy: journal.Named}})
	}
	return made, nil
}

// caseOf is the case that an entry is about: of a task the task itself.
func caseOf(e *journal.Entry) id.ID {
	if strings.HasPrefix(e.Kind, "case.") || strings.HasPrefix(e.Kind, "task.") {
		return e.Subject
	}
	return e.Case
}

// carryOut makes the notices of one order by one template, and says for which
// persons; zero stands for a resident.
func (n *Notices) carryOut(tx *db.Tx, b *book, a about, ord order, t *Template, f acted) (told []id.ID, err error) {
	base := Notice{Entry: a.e.Number, Template: t.Key, Subject: a.e.Subject, Case: caseOf(a.e), Nodes: a.e.Sight.Nodes,
		Department: a.e.Sight.Department, State: Open, MustAct: t.MustAct, Gather: t.Gather, Made: tx.Now(), Only: ord.tell.Only,
		Urgent: t.Urgent || ord.tell.Urgent || t.Audience == "staff" && f.Priority == "urgent"}
	if ord.resident {
		// Her own page always says it; a message is for who asked for messages.
		agreed, every, err := consent(tx, base.Case)
		if err != nil || !agreed || !a.told.Reporter || !t.DefaultOn && !every {
			return nil, err
		}
		a.told.Reason = a.told.ResidentReason
		base.Recipient, base.Vars = base.Case, a.vars(t, ord.tell, true)
		new, err := n.insert(tx, b, base)
		if err != nil || !new {
			return nil, err
		}
		return []id.ID{{}}, nil
	}
	posts := ord.posts
	if ord.event == "case.decision_needed" && !a.told.Ask.IsZero() {
		posts = []id.ID{a.told.Ask}
	}
	if ord.role != "" {
		if p, ok := a.org.NearestPost(ord.role, a.e.Sight.Nodes, id.ID{}, tx.Now()); ok {
			posts = append(posts, p.ID)
		}
	}
	if ord.above && len(posts) > 0 {
		if up, ok := a.org.Up(posts[0], tx.Now()); ok {
			posts = append(slices.Clone(posts), up.ID)
		}
	}
	type to struct{ post, person id.ID }
	var all []to
	for _, p := range posts {
		hand := a.org.HandAt(p, tx.Now())
		if _, known := a.org.Post(p); known {
			all = append(all, to{p, hand.Person})
		}
	}
	for _, p := range ord.persons {
		if !p.IsZero() {
			all = append(all, to{person: p})
		}
	}
	for _, r := range all {
		if r.person == a.e.By.Person && !r.person.IsZero() && !ord.self {
			continue // nobody needs to be told what he did himself
		}
		one := base
		one.Person, one.Post, one.Recipient = r.person, r.post, r.person
		if r.person.IsZero() {
			one.Recipient = r.post
		}
		if p, ok := a.org.Post(r.post); ok {
			at := a.org.SightOf(p)
			one.Nodes, one.Department = at.Nodes, at.Department
		}
		one.Vars = a.vars(t, ord.tell, true)
		if slices.Contains(t.Variables, "count") && ord.event == "case.waiting_accept" {
			count, first, err := n.o.Cases.Waiting(tx, r.post)
			if err != nil {
				return told, err
			}
			one.Vars["count"] = same(fmt.Sprint(count))
			one.Vars["due"] = a.at(first)
		}
		if ord.tell.Only != "" {
			one.Vars["channel"] = n.text("notice.channel_" + string(ord.tell.Only))
		}
		new, err := n.insert(tx, b, one)
		if err != nil {
			return told, err
		}
		if new {
			told = append(told, one.Person)
		}
	}
	return told, nil
}

// insert keeps a new notice, joins it to an unread one where the template
// gathers, and takes its first rungs. False when there is one already.
func (n *Notices) insert(tx *db.Tx, b *book, one Notice) (bool, error) {
	one.ID = tx.NewID()
	t := b.template[one.Template]
	if t.Gather && !one.Person.IsZero() {
		first, err := unreadOf(tx, one.Person, one.Template)
		if err != nil {
			return false, err
		}
		if !first.IsZero() {
			one.Joined, one.State = first, Superseded
			new, err := insertNotice(tx, one)
			if err == nil && new {
				err = regather(tx, first, one)
			}
			return new, err
		}
	}
	new, err := insertNotice(tx, one)
	if err != nil || !new || one.State != Open {
		return new, err
	}
	return true, n.climb(tx, b, one, false)
}

// settleBy ends what an act on the matter makes needless: who acted has
// acknowledged what he was told about it, and for everybody else it has gone on.
func (n *Notices) settleBy(tx *db.Tx, e *journal.Entry) error {
	if e.Version == 0 || !strings.HasPrefix(e.Kind, "case.") && !strings.HasPrefix(e.Kind, "task.") {
		return nil
	}
	if !e.By.Person.IsZero() {
		if err := settle(tx, `subject = $1 AND entry < $2 AND person_id = $3`, Acknowledged, e.By.Person, e.Subject, e.Number, e.By.Person); err != nil {
			return err
		}
	}
	return settle(tx, `subject = $1 AND entry < $2 AND person_id IS NOT NULL`, Superseded, e.By.Person, e.Subject, e.Number)
}
