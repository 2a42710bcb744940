package proof_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/org"
	"onegrid/internal/demo"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/proof"
	"onegrid/internal/work/figures"
)

// People of the district do at random what they are offered. After every so
// many cases all figures are recomputed from the journal and must be what was
// folded bit by bit, and what the people themselves counted.

// wander is how many cases are walked and after how many all is recomputed. A
// long run may be shortened with ONEGRID_PROOF_WALKS; its page says the number.
func wander() (cases, recompute int) {
	if proof.Long() {
		cases = 10_000
		if n, err := strconv.Atoi(os.Getenv("ONEGRID_PROOF_WALKS")); err == nil {
			cases = n
		}
		return cases, 500
	}
	return 40, 20
}

func TestFiguresUnderWalks(t *testing.T) {
	sample, err := demo.Requests()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]source, len(sample))
	for n, q := range sample {
		rows[n].request = q
	}
	var runs []*stroll
	began := time.Now()
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			w := &stroll{year: newYear(t, engine, rows), random: rand.New(rand.NewPCG(20261124, 5)), counted: map[figures.Measure]int64{}, ends: map[casework.State]int{}}
			w.walk()
			runs = append(runs, w)
		})
	}
	if t.Failed() {
		return
	}
	p := proof.NewPage("figures", "Figures under random walks", time.Since(began))
	p.Say("People of the demo district do at random what they are offered on their cases. After every so many cases all figures are folded anew from the first entry of the journal and compared with what was folded bit by bit, and the district's totals with what the people themselves counted.")
	header, table := []string{""}, [][]string{{"cases"}, {"steps"}, {"of these refused"}, {"whole recomputes, each equal"}, {"figures compared in the last one: entries folded"}, {"ends"}, {"counted"}, {"duration"}}
	for _, w := range runs {
		header = append(header, string(w.app.DB.Engine()))
		for i, v := range []string{fmt.Sprint(w.cases), fmt.Sprint(w.steps), fmt.Sprint(w.refused), fmt.Sprint(w.recomputed), fmt.Sprint(w.entries), fmt.Sprint(w.ends), fmt.Sprint(w.counted), w.took.Round(time.Second).String()} {
			table[i] = append(table[i], v)
		}
	}
	p.Table(header, table...)
	t.Log(p.Text())
	if proof.Long() {
		if err := p.Keep(); err != nil {
			t.Error(err)
		}
	}
}

// stroll is one run of random walks.
type stroll struct {
	*year
	random                            *rand.Rand
	cases, steps, refused, recomputed int
	entries                           int64
	counted                           map[figures.Measure]int64
	ends                              map[casework.State]int
	at                                time.Time
}

func (w *stroll) walk() {
	w.t.Helper()
	began := time.Now()
	w.at = w.rows[0].request.Opened
	all, every := wander()
	for w.cases < all {
		w.at = w.at.Add(time.Duration(1+w.random.IntN(20)) * time.Minute)
		w.clock.Set(w.at)
		c := w.reports(w.rows[w.cases%len(w.rows)].request)
		for range 4 + w.random.IntN(24) {
			w.steps++
			moved, err := w.step(&c)
			switch {
			case err != nil && fault.Of(err).Kind == fault.Internal:
				w.t.Fatalf("case %s: %v", c.Number, err)
			case err != nil:
				w.refused++
			case moved != "":
				w.count(moved, c)
			}
			if w.random.IntN(15) == 0 {
				w.at = w.at.Add(time.Duration(w.random.IntN(400)) * time.Minute)
				w.clock.Set(w.at)
				w.sweep()
			}
		}
		w.ends[c.State]++
		w.cases++
		if w.cases%7 == 0 {
			w.fold()
		}
		if w.cases%every == 0 {
			w.fold()
			w.recompute()
			if proof.Long() {
				fmt.Fprintf(os.Stderr, "%s: %d cases, %s\n", w.app.DB.Engine(), w.cases, time.Since(began).Round(time.Second))
			}
		}
	}
	w.took = time.Since(began)
	if w.steps-w.refused < 4*all || len(w.ends) < 5 {
		w.t.Errorf("the walks saw too little: %d steps, %d refused, ends %v", w.steps, w.refused, w.ends)
	}
}

func (w *stroll) reports(q demo.Request) (c casework.Case) {
	w.t.Helper()
	q.Due, q.Untimed = time.Time{}, false
	if err := w.app.DB.Write(w.ctx, func(tx *db.Tx) (err error) {
		c, err = w.staff.Reports(tx, q)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	w.counted[figures.Reported]++
	return c
}

var errNothing = errors.New("nothing to do")

// step lets somebody do what is offered on a case or a task of it. moved is the
// move when it was one on the case itself.
func (w *stroll) step(c *casework.Case) (moved string, err error) {
	w.t.Helper()
	err = w.app.DB.WriteFor(w.ctx, c.ID, func(tx *db.Tx) error {
		moved = ""
		operator, err := w.app.Access.Operator(tx, "system")
		if err != nil {
			return err
		}
		if *c, err = w.app.Cases.Get(tx, operator, c.ID); err != nil {
			return err
		}
		page, err := w.app.Cases.View(tx, operator, c.ID)
		if err != nil {
			return err
		}
		on := *c
		if len(page.Tasks) > 0 && w.random.IntN(2) == 0 {
			if on, err = w.app.Cases.Get(tx, operator, page.Tasks[w.random.IntN(len(page.Tasks))].ID); err != nil {
				return err
			}
		}
		by, err := w.somebody(tx, on)
		if err != nil {
			return err
		}
		if page, err = w.app.Cases.View(tx, by, on.ID); err != nil {
			return err
		}
		offers := slices.DeleteFunc(page.Moves, func(o casework.Offer) bool { return !o.Allowed })
		if len(offers) == 0 {
			return errNothing
		}
		o := offers[w.random.IntN(len(offers))]
		for range 3 { // most cases are not voided, withdrawn or refused
			if slices.Contains([]string{"void_decide", "void_ask", "withdraw", "refuse"}, o.Move) {
				o = offers[w.random.IntN(len(offers))]
			}
		}
		act := casework.Act{Move: o.Move, Note: "随机说明", ResidentText: "给居民的话", Result: []casework.Outcome{casework.Pass, casework.Pass, casework.Fail}[w.random.IntN(3)],
			Score: 1 + w.random.IntN(5), Until: tx.Now().Add(time.Duration(1+w.random.IntN(100)) * time.Hour), Evidence: []string{"signature", "consent", "measurement", "track_summary", "record"}}
		if len(o.Reasons) > 0 && (o.Move != "check" || act.Result == casework.Fail) {
			act.Reason = o.Reasons[w.random.IntN(len(o.Reasons))].Key
		}
		if len(o.Posts) > 0 {
			act.Post = o.Posts[w.random.IntN(len(o.Posts))].ID
		}
		if o.Move == "done" || o.Move == "settle" {
			if act.Files, err = w.staff.Photos(tx, by, on); err != nil {
				return err
			}
		}
		after, err := w.app.Cases.Move(tx, by, on.ID, act, nil)
		if err != nil {
			return err
		}
		if on.ID == c.ID {
			*c, moved = after, o.Move
			if o.Move == "accept" && on.State == casework.Accepted {
				moved = "ask again" // for a second verification: it was accepted before
			}
		}
		return nil
	})
	if errors.Is(err, errNothing) {
		return "", nil
	}
	return moved, err
}

// somebody is mostly whoever must act on a case now.
func (w *stroll) somebody(tx *db.Tx, c casework.Case) (*access.Actor, error) {
	snapshot, err := w.app.Org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	posts := []id.ID{c.Acting, c.Acting, c.Acting, c.AskPost, c.Handler, c.Intake}
	for _, role := range []string{"hub_officer", "hub_leader", "street_leader"} {
		if p, ok := snapshot.NearestPost(role, c.Nodes, id.ID{}, tx.Now()); ok {
			posts = append(posts, p.ID)
		}
	}
	post := posts[w.random.IntN(len(posts))]
	if person, _, ok := occupant(snapshot, post, tx.Now()); ok {
		return w.app.Access.Actor(tx, person, post)
	}
	return nil, errNothing
}

func occupant(s *org.Snapshot, post id.ID, at time.Time) (person id.ID, standIn, ok bool) {
	if post.IsZero() {
		return person, false, false
	}
	return s.Occupant(post, at)
}

// count counts what people did, as they would themselves.
func (w *stroll) count(move string, c casework.Case) {
	m, ok := map[string]figures.Measure{"accept": figures.Accepted, "refuse": figures.Refused, "file": figures.Filed, "dispatch": figures.Dispatched,
		"done": figures.Done, "close": figures.Closed, "return": figures.Returned, "reopen": figures.Reopened}[move]
	if move == "reopen" && c.State == casework.Reported {
		return // a refusal judged anew, which nobody had closed
	}
	if move == "settle" {
		w.counted[figures.Settled]++
		m, ok = figures.Done, true
	}
	if ok && c.Flow == "handling" {
		w.counted[m]++
	}
}

// recompute folds the whole journal anew and compares.
func (w *stroll) recompute() {
	w.t.Helper()
	differences, entries, err := w.app.Figures.Recompute(w.ctx, false, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, d := range differences {
		if i < 5 {
			w.t.Errorf("after %d cases, figure %s: stored %d, the journal adds up to %d", w.cases, d.Cell, d.Stored, d.True)
		}
	}
	w.recomputed, w.entries = w.recomputed+1, entries
	zone := figures.Zone{Location: w.app.Zone}
	err = w.app.DB.Read(w.ctx, func(tx *db.Tx) error {
		snapshot, err := w.app.Org.Snapshot(tx)
		if err != nil {
			return err
		}
		table, err := w.app.Figures.Answer(tx, figures.Question{Node: snapshot.HubID(), Cube: figures.ByItem,
			From: zone.Day(w.rows[0].request.Opened) - 1, To: zone.Day(w.at) + 1})
		if err != nil {
			return err
		}
		for m, n := range w.counted {
			if table.Totals[m] != n {
				w.t.Errorf("after %d cases: %s is %d in the figures and was done %d times", w.cases, m, table.Totals[m], n)
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.t.Failed() {
		w.t.FailNow()
	}
}
