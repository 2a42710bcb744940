package casework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
)

// After a reorganisation open cases are re-homed (归位): each gets the
// responsible nodes that its place has now, and where its posts ended or lie
// elsewhere, the posts that act there now. Closed cases stay where they were.
// Deadlines stay too: the promise was made to the resident, not to the desk. The
// job goes case by case, each a transaction of its own, and goes on where it
// stopped. (DESIGN.md section 5, scope)

// rehomeBatch is how many cases one look at the index reads.
const rehomeBatch = 200

// Rehoming is how far the cases of an act have been re-homed.
type Rehoming struct {
	Looked int64     `json:"looked"`
	Moved  int64     `json:"moved"`
	Began  time.Time `json:"began_at"`
	Ended  time.Time `json:"ended_at,omitzero"`

	node   int64
	last   id.ID
	passes int64 // over the whole list that are finished
}

// rehomeJob does one act's cases. Doing it again changes nothing that is right
// already.
func (d *Desk) rehomeJob(ctx context.Context, store *db.DB, j jobs.Job) error {
	var act id.ID
	if err := j.Decode(&act); err != nil {
		return err
	}
	_, err := d.Rehome(ctx, store, act)
	return err
}

// Rehome settles an act and re-homes the open cases of its nodes, from where it
// stopped. A minute after it is through it goes through once more: a report that
// was on its way when the act was committed may still have been given the old
// nodes. Code: org.missing.
func (d *Desk) Rehome(ctx context.Context, store *db.DB, act id.ID) (Rehoming, error) {
	var a org.Act
	var at Rehoming
	err := store.Write(ctx, func(tx *db.Tx) (err error) {
		hub, err := d.org.Hub(tx)
		if err != nil {
			return err
		}
		if a, err = d.org.Settle(tx, access.Operator("reorganisation", hub), act); err != nil {
			return err
		}
		at, err = beginRehome(tx, act)
		return err
	})
	if err != nil || at.passes > 1 {
		return at, err
	}
	nodes := nodesOf(a)
	columns := []string{"street_id", "platform_id", "grid_id", "micro_id", "department_id"}
	for ; at.node < int64(len(nodes)); at.node, at.last = at.node+1, (id.ID{}) {
		for {
			found, err := casesAt(ctx, store, columns, nodes[at.node], at.last)
			if err != nil {
				return at, err
			}
			for _, v := range found {
				if err := d.rehomeOne(ctx, store, a, v, &at); err != nil {
					return at, fmt.Errorf("re-home case %s: %w", v, err)
				}
			}
			if len(found) < rehomeBatch {
				break
			}
		}
	}
	err = store.Write(ctx, func(tx *db.Tx) error {
		if at.Ended.IsZero() {
			at.Ended = tx.Now()
		}
		if _, err := tx.Exec(`UPDATE case_rehome SET ended = $1, node = 0, last = NULL, passes = $2 WHERE act = $3`, db.Millis(at.Ended), at.passes+1, act); err != nil {
			return fmt.Errorf("end re-homing: %w", err)
		}
		if at.passes > 0 {
			return nil
		}
		_, err := jobs.Enqueue(tx, org.RehomeJob, act, tx.Now().Add(time.Minute))
		return err
	})
	return at, err
}

// nodesOf are the nodes whose cases an act may concern: those that ended or
// changed.
func nodesOf(a org.Act) []id.ID {
	var out []id.ID
	for _, p := range a.Parts {
		if p.Kind != org.Began {
			out = append(out, p.Node)
		}
	}
	return out
}

func beginRehome(tx *db.Tx, act id.ID) (Rehoming, error) {
	at, err := readRehome(tx, act)
	if !errors.Is(err, db.ErrNoRows) {
		return at, err
	}
	at = Rehoming{Began: tx.Now()}
	_, err = tx.Exec(`INSERT INTO case_rehome (act, node, looked, moved, began, passes) VALUES ($1, 0, 0, 0, $2, 0)`, act, db.Millis(at.Began))
	if err != nil {
		return at, fmt.Errorf("begin re-homing: %w", err)
	}
	return at, nil
}

func readRehome(tx *db.Tx, act id.ID) (at Rehoming, err error) {
	err = tx.Row(`SELECT node, last, looked, moved, began, ended, passes FROM case_rehome WHERE act = $1`, act).
		Scan(&at.node, &at.last, &at.Looked, &at.Moved, db.Time(&at.Began), db.Time(&at.Ended), &at.passes)
	return at, err
}

// RehomedBy says how far the cases of an act are; false before it began.
func (d *Desk) RehomedBy(tx *db.Tx, act id.ID) (Rehoming, bool, error) {
	at, err := readRehome(tx, act)
	if errors.Is(err, db.ErrNoRows) {
		return at, false, nil
	}
	return at, err == nil, err
}

// casesAt lists the open cases, tasks left out, that lie in a node at one of the
// levels, in the order of their ids, after one.
func casesAt(ctx context.Context, store *db.DB, columns []string, node, after id.ID) (out []id.ID, err error) {
	err = store.Read(ctx, func(tx *db.Tx) error {
		out, err = openAt(tx, columns, node, after, rehomeBatch)
		return err
	})
	return out, err
}

func openAt(tx *db.Tx, columns []string, node, after id.ID, limit int) ([]id.ID, error) {
	var out []id.ID
	for _, column := range columns {
		for _, s := range openStates {
			rows, err := tx.Query(`SELECT id FROM cases WHERE `+column+` = $1 AND state = $2 AND id > $3 AND parent_id IS NULL ORDER BY id LIMIT `+fmt.Sprint(limit), node, s, after[:])
			if err != nil {
				return nil, fmt.Errorf("open cases of a node: %w", err)
			}
			for rows.Next() {
				var v id.ID
				if err := rows.Scan(&v); err != nil {
					return nil, errors.Join(err, rows.Close())
				}
				out = append(out, v)
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return nil, fmt.Errorf("open cases of a node: %w", err)
			}
		}
	}
	slices.SortFunc(out, id.ID.Compare)
	out = slices.Compact(out)
	return out[:min(len(out), limit)], nil
}

// rehomeOne brings one case and its open tasks home and notes how far the job is.
func (d *Desk) rehomeOne(ctx context.Context, store *db.DB, a org.Act, v id.ID, at *Rehoming) error {
	next := *at
	err := store.WriteFor(ctx, v, func(tx *db.Tx) error {
		next = *at
		moved := false
		c, err := get(tx, v)
		if err != nil {
			return err
		}
		if c.open() {
			env, err := d.env(tx, access.Operator("reorganisation", c.Hub))
			if err != nil {
				return err
			}
			if moved, err = d.home(env, c); err != nil {
				return err
			}
		}
		next.last = v
		if next.passes == 0 {
			next.Looked++
		}
		if moved {
			next.Moved++
		}
		_, err = tx.Exec(`UPDATE case_rehome SET node = $1, last = $2, looked = $3, moved = $4 WHERE act = $5`, next.node, next.last, next.Looked, next.Moved, a.ID)
		return err
	})
	if err == nil {
		*at = next
	}
	return err
}

// home brings a case with its open tasks to where it belongs, and says whether
// anything moved.
func (d *Desk) home(env *env, c Case) (bool, error) {
	if err := env.of(c); err != nil {
		return false, err
	}
	tasks, err := openTasks(env.tx, c.ID)
	if err != nil {
		return false, err
	}
	any := false
	var checker id.ID
	for _, t := range tasks {
		next, err := d.rehomed(env, t)
		if err != nil {
			return false, err
		}
		if next.Task == "check" {
			checker = next.Post
		}
		moved, err := d.putHome(env, t, next)
		if err != nil {
			return false, err
		}
		any = any || moved
	}
	next, err := d.rehomed(env, c)
	if err != nil {
		return false, err
	}
	if next.State == Done && next.Check == Waiting && !checker.IsZero() {
		d.give(env, &next, checker) // what is done waits with whoever looks at it
	}
	moved, err := d.putHome(env, c, next)
	return any || moved, err
}

// rehomed is a case as it should be: nodes by its place, posts that exist and
// may have it.
func (d *Desk) rehomed(env *env, c Case) (Case, error) {
	nodes, err := d.nodesNow(env, c)
	if err != nil {
		return c, err
	}
	c.Nodes = nodes
	if u, ok := env.org.Final(c.Department, env.at); ok {
		c.Department = u.ID
	} else {
		c.Department = id.ID{}
	}
	intake, ok := d.intakeOf(env, c.Nodes)
	if !ok {
		return c, ErrNoIntake
	}
	c.Intake = d.stays(env, c, c.Intake, intake.ID)
	if !c.Handler.IsZero() {
		c.Handler = d.stays(env, c, c.Handler, id.ID{})
	}
	if !c.AskPost.IsZero() {
		c.AskPost = d.decider(env, c)
	}
	owner := c.Post
	if c.Task == "verify" || c.Task == "check" {
		if !d.may(env, c, owner) {
			owner = d.inspector(env, c)
		}
	} else {
		owner = d.stays(env, c, owner, c.Intake)
	}
	if owner.IsZero() {
		owner = c.Intake
	}
	department := c.Department
	if owner != c.Post {
		c.Person = id.ID{} // whoever took it is not there any more
	}
	d.give(env, &c, owner)
	if !department.IsZero() && c.Department.IsZero() {
		c.Department = department
	}
	return c, nil
}

// nodesNow finds the responsible nodes of a case today: by its point, else by
// the grid that took over, else by the unit that did.
func (d *Desk) nodesNow(env *env, c Case) (journal.Nodes, error) {
	if c.Located {
		at, found, err := d.grids.Locate(env.tx, orb.Point{c.Lon, c.Lat})
		if err != nil || found {
			return at.Nodes, err
		}
	}
	s, err := d.grids.Snapshot(env.tx)
	if err != nil {
		return journal.Nodes{}, err
	}
	for _, v := range []id.ID{c.Micro, c.Grid} {
		for range 100 {
			g, ok := s.ByID(v)
			if !ok {
				break
			}
			if g.Open(env.at) {
				return d.grids.NodesOf(env.tx, v)
			}
			heirs, _ := s.Successions(v)
			var all []org.Heritage
			for _, h := range heirs {
				if !h.At.After(env.at) {
					all = append(all, org.Heritage{Old: h.Old, Heir: h.Heir, Share: h.Share})
				}
			}
			v = org.MainHeir(all, v)
		}
	}
	for _, v := range []id.ID{c.Platform, c.Street} {
		if u, ok := env.org.Final(v, env.at); ok {
			return env.org.Nodes(u.ID), nil
		}
	}
	return journal.Nodes{Hub: c.Hub}, nil
}

// may says whether a post exists and may have a case of this place.
func (d *Desk) may(env *env, c Case, post id.ID) bool {
	p, ok := env.org.Post(post)
	if !ok || !p.Open(env.at) {
		return false
	}
	if u, ok := env.org.Unit(p.Unit); !ok || !u.Open(env.at) {
		return false
	}
	return reachable(env.org.SightOf(p).Nodes, c.Nodes)
}

// stays is a post if it may have the case where it lies now, else the nearest of
// its role, else another one.
func (d *Desk) stays(env *env, c Case, post, otherwise id.ID) id.ID {
	if d.may(env, c, post) {
		return post
	}
	if p, ok := env.org.Post(post); ok {
		department := id.ID{}
		if p.Level == org.AtDepartment {
			department = c.Department
		}
		for _, near := range env.org.PostsNear(p.Role, c.Nodes, department, env.at) {
			if d.may(env, c, near.ID) {
				return near.ID
			}
		}
	}
	return otherwise
}

// inspector is who verifies or checks where the case lies now: never the hand
// that reported or handled it.
func (d *Desk) inspector(env *env, c Case) id.ID {
	in, not := env.item.Verify, d.reporterOf(env, c)
	if c.Task == "check" {
		in, not = env.item.Check, c.Worker
	}
	if post := d.other(env, c, slices.Concat(in.By, inspectors[c.Task]), "case."+c.Task, not); !post.IsZero() {
		return post
	}
	return c.Intake
}

// decider is who decides a request that waits: the post that was asked, or the
// one that would be asked now.
func (d *Desk) decider(env *env, c Case) id.ID {
	if c.Ask == nil || d.may(env, c, c.AskPost) {
		return c.AskPost
	}
	permission := "case.suspend_decide"
	if c.Ask.Kind == AskVoid {
		permission = "case.void_decide"
	}
	var first string
	if p, ok := env.org.Post(c.AskPost); ok {
		first = p.Role
	}
	return d.other(env, c, []string{first, "street_desk", "street_leader", "hub_leader", "hub_officer"}, permission, c.Ask.By)
}

// putHome stores what moved, with one entry that tells both places.
func (d *Desk) putHome(env *env, old, next Case) (bool, error) {
	if next.Nodes == old.Nodes && next.Department == old.Department && next.Post == old.Post && next.Acting == old.Acting &&
		next.Intake == old.Intake && next.Handler == old.Handler && next.AskPost == old.AskPost {
		return d.wayBack(env, next)
	}
	before := old.Sight()
	next, err := put(env.tx, next)
	if err != nil {
		return false, err
	}
	n := next.Nodes
	if _, err := env.tx.Exec(`UPDATE cases SET hub_id = $1, street_id = $2, platform_id = $3, grid_id = $4, micro_id = $5 WHERE id = $6`,
		n.Hub, n.Street, n.Platform, n.Grid, n.Micro, next.ID); err != nil {
		return false, fmt.Errorf("re-home case: %w", err)
	}
	if _, err := d.wayBack(env, next); err != nil {
		return false, err
	}
	if next.Parent.IsZero() {
		if err := d.reindex(env.tx, next); err != nil {
			return false, err
		}
	}
	body := &Body{From: next.State, To: next.State}
	if next.Post != old.Post {
		body.Post = next.Post
	}
	note(env, journal.By{Via: "reorganisation"}, next, &before, kindOf(next, "rehome"), next.Version, body)
	return true, nil
}

// wayBack lets a return go to posts that exist: the senders of open dispatches
// are brought to who acts in their place.
func (d *Desk) wayBack(env *env, c Case) (bool, error) {
	if c.Flow != catalog.Handling || !c.Parent.IsZero() {
		return false, nil
	}
	sent, err := openDispatches(env.tx, c.ID)
	if err != nil {
		return false, err
	}
	for _, s := range sent {
		from, to := d.stays(env, c, s.From, c.Intake), d.stays(env, c, s.To, c.Post)
		if from == s.From && to == s.To {
			continue
		}
		if _, err := env.tx.Exec(`UPDATE case_dispatch SET from_post = $1, to_post = $2 WHERE id = $3`, from, to, s.ID); err != nil {
			return false, fmt.Errorf("re-home dispatch: %w", err)
		}
	}
	return false, nil
}

// OpenCases counts the open cases that lie in a node or wait for posts of it;
// see org.Census.
func (d *Desk) OpenCases(tx *db.Tx, node id.ID) (int64, error) {
	var n int64
	for _, column := range []string{"street_id", "platform_id", "grid_id", "micro_id", "department_id"} {
		for _, s := range openStates {
			var some int64
			if err := tx.Row(`SELECT COUNT(*) FROM cases WHERE `+column+` = $1 AND state = $2 AND parent_id IS NULL`, node, s).Scan(&some); err != nil {
				return n, fmt.Errorf("count open cases: %w", err)
			}
			n += some
		}
	}
	return n, nil
}

// maxWeighed is how many cases a look before an act goes through one by one.
const maxWeighed = 5000

// Weigh counts what an act that stands in this transaction would do to open
// cases; see org.Census. Each is looked at as the job would.
func (d *Desk) Weigh(tx *db.Tx, a org.Act) (w org.Weight, err error) {
	if a.Kind == org.Rename || a.Kind == org.Recode || a.Kind == org.Found && a.Tree == org.Units {
		return w, nil
	}
	var hub id.ID
	if hub, err = d.org.Hub(tx); err != nil {
		return w, err
	}
	env, err := d.env(tx, access.Operator("reorganisation", hub))
	if err != nil {
		return w, err
	}
	columns := []string{"street_id", "platform_id", "grid_id", "micro_id", "department_id"}
	seen := map[id.ID]bool{}
	for _, node := range nodesOf(a) {
		var last id.ID
		for {
			found, err := openAt(tx, columns, node, last, rehomeBatch)
			if err != nil {
				return w, err
			}
			for _, v := range found {
				last = v
				if seen[v] {
					continue
				}
				if seen[v] = true; len(seen) > maxWeighed {
					w.Looked, w.Cases = -1, -1
					return w, nil
				}
				moves, err := d.wouldMove(env, v)
				if err != nil {
					return w, err
				}
				w.Looked++
				if moves {
					w.Cases++
				}
			}
			if len(found) < rehomeBatch {
				break
			}
		}
	}
	if a.At.After(env.at) {
		w.Cases = w.Looked // nobody knows yet which of them will lie elsewhere
	}
	if w.Grants, err = d.access.GrantsAt(tx, ended(a)); err != nil {
		return w, err
	}
	return w, nil
}

func ended(a org.Act) []id.ID {
	var out []id.ID
	for _, h := range a.Heirs {
		if !slices.Contains(out, h.Old) {
			out = append(out, h.Old)
		}
	}
	return out
}

func (d *Desk) wouldMove(env *env, v id.ID) (bool, error) {
	c, err := get(env.tx, v)
	if err != nil {
		return false, err
	}
	if err := env.of(c); err != nil {
		return false, err
	}
	next, err := d.rehomed(env, c)
	return next.Nodes != c.Nodes || next.Post != c.Post || next.Intake != c.Intake || next.Handler != c.Handler || next.Department != c.Department, err
}
