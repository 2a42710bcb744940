package casework

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// walks is how many cases are walked on each engine: few in every test run,
// many in the long one, which ONEGRID_PROOF_WALKS shortens.
func walks() int {
	if os.Getenv("ONEGRID_PROOF") == "1" {
		if n, err := strconv.Atoi(os.Getenv("ONEGRID_PROOF_WALKS")); err == nil {
			return n
		}
		return 10_000
	}
	return 120
}

// Random walks: people do at random what they are offered, and some things they
// are not. After each step a case has an owner and a way out, and its row, its
// timeline, its clocks and its own figures agree.
func TestRandomWalks(t *testing.T) {
	for _, engine := range dbtest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			saw := walked{ends: map[State]int{}}
			for from := 0; from < walks(); from += blockOfWalks {
				t.Run(fmt.Sprintf("from %d", from), func(t *testing.T) {
					newHouse(t, engine).walksBlock(from, min(from+blockOfWalks, walks()), &saw)
				})
				if t.Failed() {
					return
				}
			}
			t.Logf("%d cases: %d steps, %d refused, ends %v", walks(), saw.steps, saw.refused, saw.ends)
			if len(saw.ends) < 6 || saw.steps-saw.refused < 4*walks() {
				t.Errorf("the walks saw too little: %d steps, %d refused, ends %v", saw.steps, saw.refused, saw.ends)
			}
		})
	}
}

// blockOfWalks is how many cases are walked in one house. Whoever leaves a post
// takes all its open cases along, and walks leave most of theirs open: in one
// house the work would grow with the square of the cases.
const blockOfWalks = 250

// walked is what the walks of one engine saw.
type walked struct {
	steps, refused int
	ends           map[State]int
}

func (h *house) walksBlock(from, to int, saw *walked) {
	h.Helper()
	seed := uint64(20261124 + from)
	r := rand.New(rand.NewPCG(seed, seed))
	vacant := map[string]bool{}
	h.counter()
	for n := from; n < to; n++ {
		c := h.walkStart(r, vacant)
		for range 5 + r.IntN(28) {
			moved, err := h.walkStep(r, c, vacant)
			if err != nil {
				saw.refused++
			}
			saw.steps++
			c = h.now(c)
			h.agrees(c, fmt.Sprintf("walk %d", n))
			for _, k := range h.tasks(c) {
				h.agrees(k, fmt.Sprintf("task of walk %d", n))
			}
			if h.Failed() {
				h.Fatalf("after %s in walk %d (seed %d): %+v", moved, n, seed, c)
			}
			if r.IntN(50) == 0 {
				h.leaves(r, vacant)
				c = h.now(c)
			}
			if r.IntN(12) == 0 {
				h.clock.Add(time.Duration(r.IntN(200)) * time.Minute)
				h.sweeps()
			}
			if c.about().Final {
				break
			}
		}
		saw.ends[c.State]++
		if h.main = c.ID; c.State == Merged {
			h.agrees(h.now(Case{ID: c.Main}), fmt.Sprintf("main case of walk %d", n))
		}
	}
	h.alongside()
}

// alongside: what lists walk beside a case stands where the case stands.
func (h *house) alongside() {
	h.Helper()
	h.read(func(tx *db.Tx) error {
		for _, table := range []string{"case_named", "case_side"} {
			var all, wrong int64
			if err := tx.Row(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN c.state = b.state AND c.list_at = b.list_at THEN 0 ELSE 1 END), 0)
				FROM `+table+` b LEFT JOIN cases c ON c.id = b.case_id`).Scan(&all, &wrong); err != nil {
				return err
			}
			if all == 0 || wrong > 0 {
				h.Errorf("%s: %d of %d rows stand elsewhere than their case", table, wrong, all)
			}
		}
		return nil
	})
}

// leaves lets somebody leave a post, or come back to it; the sweeper follows.
func (h *house) leaves(r *rand.Rand, vacant map[string]bool) {
	h.Helper()
	name := []string{"officer", "part", "works", "leader", "street"}[r.IntN(5)]
	h.clock.Add(time.Minute)
	h.write(func(tx *db.Tx) error {
		if vacant[name] {
			_, err := h.org.Assign(tx, h.operator(), org.HoldingIn{Post: h.posts[name], Person: h.who[name], From: tx.Now()})
			return err
		}
		o, err := h.org.Snapshot(tx)
		if err != nil {
			return err
		}
		for _, x := range o.HoldingsOf(h.who[name], tx.Now()) {
			if _, err := h.org.End(tx, h.operator(), x.ID, x.Version, tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	vacant[name] = !vacant[name]
	h.sweeps()
}

func (h *house) tasks(c Case) (out []Case) {
	h.Helper()
	h.read(func(tx *db.Tx) (err error) {
		out, err = tasksOf(tx, c.ID)
		return err
	})
	return out
}

func (h *house) walkStart(r *rand.Rand, vacant map[string]bool) Case {
	h.Helper()
	if r.IntN(4) == 0 {
		return h.walkApplication(r)
	}
	in := Report{Place: inG1, Text: fmt.Sprintf("随机的第%d件事", r.IntN(1000))}
	who := []string{"village", "officer", "hub", "street", "works"}[r.IntN(5)]
	in.Item = []string{"cleanliness", "cleanliness", "public_facility", "errand", "opinion", "family_event", "patrol", "household_change"}[r.IntN(8)]
	if r.IntN(2) == 0 && who != "works" && in.Item != "patrol" {
		in.Reporter = &PartyIn{Name: "演示居民", Phone: fmt.Sprintf("1380000%04d", r.IntN(10000))}
	}
	if vacant[who] {
		who = "village"
	}
	c, err := h.tryReport(who, in)
	if err != nil {
		who, in.Reporter = "village", nil
		c = h.reports(who, in)
	}
	return c
}

// walkStep lets somebody do something to a case or to one of its tasks: mostly
// what the page offers, sometimes anything.
func (h *house) walkStep(r *rand.Rand, c Case, vacant map[string]bool) (string, error) {
	h.Helper()
	on := c
	if open := slices.DeleteFunc(h.tasks(c), func(k Case) bool { return !k.open() }); len(open) > 0 && r.IntN(2) == 0 {
		on = open[r.IntN(len(open))]
	}
	names := []string{"officer", "part", "head", "village", "leader", "street", "streetleader", "hub", "hubleader", "works", "housing", "worksleader", "counsellor"}
	if c.Flow == catalog.Approval {
		if r.IntN(5) == 0 {
			return h.applicantStep(r, c)
		}
		names = counterPeople
	}
	name := names[r.IntN(len(names))]
	for n, p := range h.posts {
		if (p == on.Acting || p == on.AskPost) && r.IntN(3) > 0 {
			name = n
		}
	}
	if vacant[name] {
		return name + " is away", nil
	}
	act := Act{Note: "随机说明", ResidentText: "给居民的话", Result: []Outcome{Pass, Pass, Fail}[r.IntN(3)], Score: 1 + r.IntN(5),
		Until: h.clock.Now().Add(time.Duration(1+r.IntN(100)) * time.Hour), Evidence: []string{"signature", "consent", "measurement", "track_summary"}}
	if r.IntN(10) == 0 { // something that may well be impossible
		f, _ := FlowOf(on.Flow)
		m := f.Moves[r.IntN(len(f.Moves))]
		act.Move, act.Reason, act.Post = m.Key, h.anyReason(r, m), h.posts[names[r.IntN(len(names))]]
	} else {
		offers := h.offersFor(name, on)
		if len(offers) == 0 {
			return name + " does nothing", nil
		}
		o := offers[r.IntN(len(offers))]
		for range 3 { // most cases are not voided, withdrawn or refused
			if slices.Contains([]string{"void_decide", "void_ask", "withdraw", "refuse"}, o.Move) {
				o = offers[r.IntN(len(offers))]
			}
		}
		act.Move, act.Main = o.Move, h.main
		if len(o.Reasons) > 0 && o.Move != "check" {
			act.Reason = o.Reasons[r.IntN(len(o.Reasons))].Key
		}
		if len(o.Posts) > 0 {
			act.Post = o.Posts[r.IntN(len(o.Posts))].ID
		}
		if slices.Contains(o.Needs, "photo_after") && r.IntN(5) > 0 {
			act.Files = []id.ID{h.photo(name, "after")}
		}
	}
	_, err := h.try(name, on, act)
	what := fmt.Sprintf("%s: %s on %s (%v)", name, act.Move, on.State, err)
	if err != nil && fault.Of(err).Kind == fault.Internal {
		h.Fatalf("%s", what)
	}
	return what, err
}

func (h *house) anyReason(r *rand.Rand, m Move) (key string) {
	h.read(func(tx *db.Tx) error {
		cat, err := h.desk.catalog.Snapshot(tx)
		if err != nil {
			return err
		}
		if all := cat.Reasons(m.Reasons); len(all) > 0 {
			key = all[r.IntN(len(all))].Key
		}
		return nil
	})
	return key
}

// offersFor are the moves somebody is offered and allowed.
func (h *house) offersFor(name string, c Case) (out []Offer) {
	h.Helper()
	h.read(func(tx *db.Tx) error {
		by := h.as(tx, name)
		c, err := get(tx, c.ID)
		if err != nil || !sees(by, c) {
			return err
		}
		env, err := h.desk.env(tx, by)
		if err != nil {
			return err
		}
		out, err = h.desk.offers(env, by, c)
		out = slices.DeleteFunc(out, func(o Offer) bool { return !o.Allowed })
		return err
	})
	return out
}

// agrees checks one case against everything that is said about it elsewhere.
func (h *house) agrees(c Case, where string) {
	h.Helper()
	bad := func(format string, args ...any) {
		h.Helper()
		h.Errorf("%s: %s: %s", where, c.Number, fmt.Sprintf(format, args...))
	}
	flow, ok := FlowOf(c.Flow)
	if !ok || flow.About[c.State].Stage == "" {
		bad("no state %s in %s", c.State, c.Flow)
		return
	}
	h.read(func(tx *db.Tx) error {
		o, err := h.org.Snapshot(tx)
		if err != nil {
			return err
		}
		// An owner, and a post that really acts.
		if _, ok := o.Post(c.Post); !ok {
			bad("the owner %v is no post", c.Post)
		}
		if c.open() && o.Effective(c.Post, tx.Now()).ID != c.Acting {
			bad("acting is %v, not %v", c.Acting, o.Effective(c.Post, tx.Now()).ID)
		}
		// A way out: a move that some role may make.
		if !c.about().Final {
			out := false
			for _, m := range flow.From(c.State) {
				out = out || m.Permission == "" || h.somebodyMay(tx, m.Permission)
			}
			if !out {
				bad("no way out of %s", c.State)
			}
		}
		// The timeline is a legal path of the flow without a gap, and ends
		// where the case is.
		entries, err := journal.Of(tx, c.ID)
		if err != nil {
			return err
		}
		state, version := State(""), int64(0)
		for _, e := range entries {
			b := bodyOf(h.TB, e)
			if e.Version > 0 {
				if e.Version != version+1 {
					bad("version %d follows %d", e.Version, version)
				}
				version = e.Version
			}
			if b.To == "" || e.Kind == "case.late" || e.Kind == "task.late" {
				continue
			}
			if b.From != state {
				bad("%s begins at %q, the step before ended at %q", e.Kind, b.From, state)
			}
			if m, ok := flow.Move(e.Kind[5:]); ok {
				if !slices.Contains(m.starts(), b.From) || b.To != b.From && !slices.Contains(m.To, b.To) {
					bad("%s from %q to %q is not in the table", e.Kind, b.From, b.To)
				}
			}
			state = b.To
		}
		if state != c.State || version != c.Version {
			bad("the timeline ends at %s version %d, the case at %s version %d", state, version, c.State, c.Version)
		}
		// Clocks: one runs where the state has one, none where it is shut.
		runs, err := runsOf(tx, c.ID)
		if err != nil {
			return err
		}
		running := 0
		for _, k := range runs {
			if !k.Stopped.IsZero() {
				continue
			}
			running++
			if k.ID != c.Clock.Row || !k.Due.Equal(c.Clock.Due) || k.Kind != c.Clock.Kind || k.Remaining != c.Clock.Remaining {
				bad("the running clock is %+v, the case says %+v", k, c.Clock)
			}
		}
		want := 1
		if c.about().Shut || c.Clock.Kind == "" {
			want = 0
		}
		if running != want {
			bad("%d clocks run in %s", running, c.State)
		}
		if (c.State == Suspended || c.State == Correcting) != c.Clock.Paused && c.Clock.Kind != "" {
			bad("paused is %v in %s", c.Clock.Paused, c.State)
		}
		// The case's own figures: what lists are ordered by, and open tasks.
		var listAt int64
		if err := tx.Row(`SELECT list_at FROM cases WHERE id = $1`, c.ID).Scan(&listAt); err != nil {
			return err
		}
		if listAt != c.listAt() {
			bad("list_at is %d, want %d", listAt, c.listAt())
		}
		if c.about().Shut == c.Closed.IsZero() {
			bad("closed_at is %v in %s", c.Closed, c.State)
		}
		open, err := openTasks(tx, c.ID)
		if err != nil {
			return err
		}
		open = slices.DeleteFunc(open, Case.besides)
		if len(open) > 1 || len(open) == 1 && c.Verify != Waiting && c.Check != Waiting {
			bad("%d open tasks, verify %q, check %q", len(open), c.Verify, c.Check)
		}
		if c.Verify == Waiting && len(open) == 0 {
			bad("a verification is open and nobody has it")
		}
		// Dispatches: none is open where nobody was sent out.
		sent, err := openDispatches(tx, c.ID)
		if err != nil {
			return err
		}
		if len(sent) > 0 && (c.State == Reported || c.State == Accepted || c.State == Done || c.State == Closed) {
			bad("%d open dispatches in %s", len(sent), c.State)
		}
		if c.Flow == catalog.Handling && len(sent) == 0 && slices.Contains([]State{Dispatched, Taken}, c.State) {
			bad("no dispatch in %s", c.State)
		}
		return nil
	})
}

func (h *house) somebodyMay(tx *db.Tx, permission string) bool {
	book, err := h.access.Book(tx)
	if err != nil {
		return false
	}
	for _, r := range book.Roles {
		if slices.Contains(r.Permissions, permission) {
			return true
		}
	}
	return false
}
