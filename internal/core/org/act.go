package org

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/words"
)

// A reorganisation (调整) is a recorded act: who did it, when, why, which nodes it
// ended, began or changed, and who took over what. Units, statistical divisions
// and grids keep their acts here, because the same must follow from each: grants
// reach what was inherited, posts move to the heir, open cases are re-homed by a
// job. The rooms of the nodes change the nodes themselves, in the same
// transaction. (DESIGN.md sections 3.1, 3.2 and 5, scope)

// Tree is which of the trees an act belongs to; they stay apart.
type Tree string

const (
	Units     Tree = "unit"
	Divisions Tree = "division"
	Grids     Tree = "grid"
)

// Enum lists the values for the specification.
func (Tree) Enum() []string { return []string{"unit", "division", "grid"} }

// The kinds of acts. Not every tree knows each.
const (
	Found  = "found"  // 设立, 启用
	Rename = "rename" // 更名
	Recode = "recode" // 换码
	Move   = "move"   // 改隶
	Merge  = "merge"  // 合并
	Split  = "split"  // 拆分
	Close  = "close"  // 撤销, 停用
	Redraw = "redraw" // 改界, of grids alone
)

// PartKind is what an act did to a node.
type PartKind string

const (
	Ended   PartKind = "ended"
	Began   PartKind = "began"
	Changed PartKind = "changed"
)

// Face is what a node showed of itself: enough to tell its history.
type Face struct {
	Code   string     `json:"code"`
	Name   words.Text `json:"name"`
	Parent id.ID      `json:"parent_id,omitzero"` // the unit above; of a grid, the unit it belongs to
}

// Part is one node of an act.
type Part struct {
	Node id.ID    `json:"node_id"`
	Kind PartKind `json:"kind" enum:"ended,began,changed"`
	Was  *Face    `json:"was,omitempty"`
	Now  *Face    `json:"now,omitempty"`
}

// Heritage says that a node took over a share of one that ended (承接).
type Heritage struct {
	Old   id.ID   `json:"old_id"`
	Heir  id.ID   `json:"heir_id"`
	Share float64 `json:"share" doc:"Of the old node's ground or of what stood under it; 1 when one heir took all"`
}

// Transfer moves a post to another node or unit when the act takes effect. One
// that names no node ends.
type Transfer struct {
	Post id.ID `json:"post_id"`
	Unit id.ID `json:"unit_id,omitzero"`
	Node id.ID `json:"node_id,omitzero"`
}

// Act is one reorganisation as it is recorded.
type Act struct {
	ID       id.ID      `json:"id"`
	Tree     Tree       `json:"tree"`
	Kind     string     `json:"kind" enum:"found,rename,recode,move,merge,split,close,redraw"`
	At       time.Time  `json:"at"` // takes effect
	Recorded time.Time  `json:"recorded_at"`
	By       journal.By `json:"-"`
	Why      string     `json:"why"`
	Parts    []Part     `json:"parts"`
	Heirs    []Heritage `json:"heirs,omitempty"`
	Settled  bool       `json:"settled"` // what follows for posts and rights has been done

	transfers []Transfer
}

// content is what an act needs to remember until it takes effect.
type content struct {
	Heirs     []Heritage `json:"heirs,omitempty"`
	Transfers []Transfer `json:"transfers,omitempty"`
}

// RehomeJob asks for the open cases of the nodes of an act to be brought to
// where they belong now. core/casework does it; its argument is the act's id.
const RehomeJob = "casework.rehome"

const maxWhy = 500

// ErrWhy says that an act needs a reason.
var ErrWhy = fault.New(fault.Invalid, "org.why_needed")

// Reason trims why somebody reorganises and refuses none. Code: org.why_needed.
func Reason(why string) (string, error) {
	why = strings.TrimSpace(why)
	if n := utf8.RuneCountInString(why); n < 1 || n > maxWhy || !utf8.ValidString(why) || strings.ContainsRune(why, 0) {
		return "", ErrWhy.With("most", maxWhy).At("body.why", "org.why_needed", "most", maxWhy)
	}
	return why, nil
}

// Record keeps an act whose nodes were changed in this transaction, and does
// what follows from it at once or, for one that takes effect later, by the job.
// home names the unit of each heir, so that posts come under it. Rights were
// asked by the room that changed the nodes. Codes: org.why_needed.
func (o *Org) Record(tx *db.Tx, by journal.Who, a Act, home map[id.ID]id.ID, transfers ...Transfer) (Act, error) {
	var err error
	if a.Why, err = Reason(a.Why); err != nil {
		return a, err
	}
	if a.ID.IsZero() {
		a.ID = tx.NewID()
	}
	if a.At.IsZero() {
		a.At = tx.Now()
	}
	a.Recorded, a.By = tx.Now(), by.By()
	slices.SortFunc(a.Parts, func(x, y Part) int { return x.Node.Compare(y.Node) })
	if a.transfers, err = o.transfersOf(tx, a, home, transfers); err != nil {
		return a, err
	}
	_, err = tx.Exec(`INSERT INTO org_act (id, tree, kind, at, recorded, person, post, via, why, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		a.ID, string(a.Tree), a.Kind, db.Millis(a.At), db.Millis(a.Recorded), a.By.Person, a.By.Post, a.By.Via, a.Why,
		db.JSON(content{Heirs: a.Heirs, Transfers: a.transfers}))
	if err != nil {
		return a, fmt.Errorf("write act %s: %w", a.ID, err)
	}
	for _, p := range a.Parts {
		if err := insertPart(tx, a.ID, p); err != nil {
			return a, err
		}
	}
	for _, h := range a.Heirs {
		if err := insertInheritance(tx, Inheritance{From: h.Old, To: h.Heir, At: a.At, Share: h.Share, Act: a.ID}); err != nil {
			return a, err
		}
	}
	if err := o.wrote(tx, by, "org."+a.Kind, a.ID, 1, journal.Sight{}, a); err != nil {
		return a, err
	}
	if !a.At.After(tx.Now()) {
		if err := o.settle(tx, by, &a); err != nil {
			return a, err
		}
	}
	if a.Tree == Divisions || a.Kind == Rename || a.Kind == Recode {
		return a, nil // cases lie in grids and units, whatever those are called
	}
	_, err = jobs.Enqueue(tx, RehomeJob, a.ID, a.At)
	return a, err
}

// transfersOf adds to the transfers that somebody chose those that follow: a
// post at a node that ends goes to the heir with the largest share; one at a
// node that changed its unit goes along.
func (o *Org) transfersOf(tx *db.Tx, a Act, home map[id.ID]id.ID, chosen []Transfer) ([]Transfer, error) {
	out := slices.Clone(chosen)
	has := func(post id.ID) bool {
		return slices.ContainsFunc(out, func(t Transfer) bool { return t.Post == post })
	}
	for _, p := range a.Parts {
		var next Transfer
		switch p.Kind {
		case Ended:
			next.Node = MainHeir(a.Heirs, p.Node)
		case Changed:
			if home[p.Node].IsZero() {
				continue
			}
			next.Node = p.Node
		default:
			continue
		}
		next.Unit = home[next.Node]
		posts, err := all(tx, `SELECT `+postColumns+` FROM org_post WHERE node = $1 AND (valid_to IS NULL OR valid_to > $2)`, postFields, p.Node, db.Millis(a.At))
		if err != nil {
			return nil, err
		}
		for _, post := range posts {
			if !has(post.ID) && (next.Node != post.Node || next.Unit != post.Unit && p.Was != nil && post.Unit == p.Was.Parent) {
				out = append(out, Transfer{Post: post.ID, Unit: next.Unit, Node: next.Node})
			}
		}
	}
	return out, nil
}

// MainHeir is the heir of a node with the largest share; of equal ones the
// first. None when nobody took it over.
func MainHeir(heirs []Heritage, old id.ID) id.ID {
	var best Heritage
	for _, h := range heirs {
		if h.Old == old && h.Share > best.Share {
			best = h
		}
	}
	return best.Heir
}

// Settle does what follows from an act for posts, once, when it has come into
// force. Doing it again changes nothing. Code: org.missing.
func (o *Org) Settle(tx *db.Tx, by journal.Who, act id.ID) (Act, error) {
	a, err := o.Act(tx, act)
	if err != nil || a.Settled || a.At.After(tx.Now()) {
		return a, err
	}
	return a, o.settle(tx, by, &a)
}

func (o *Org) settle(tx *db.Tx, by journal.Who, a *Act) error {
	for _, t := range a.transfers {
		if err := o.transfer(tx, by, t); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`UPDATE org_act SET settled = $1 WHERE id = $2`, db.Millis(tx.Now()), a.ID); err != nil {
		return fmt.Errorf("settle act %s: %w", a.ID, err)
	}
	a.Settled = true
	return db.Bump(tx, room)
}

// transfer moves a post, or ends it, and tells whoever has it.
func (o *Org) transfer(tx *db.Tx, by journal.Who, t Transfer) error {
	p, err := postByID(tx, t.Post)
	if err != nil {
		return err
	}
	if !p.To.IsZero() && !p.To.After(tx.Now()) {
		return nil
	}
	was, err := postSight(tx, p)
	if err != nil {
		return err
	}
	if t.Node.IsZero() {
		p.To = tx.Now()
	} else {
		p.Node = t.Node
		if !t.Unit.IsZero() {
			p.Unit = t.Unit
		}
	}
	n, err := tx.Exec(`UPDATE org_post SET unit = $1, node = $2, valid_to = $3, version = version + 1 WHERE id = $4 AND version = $5`,
		p.Unit, p.Node, db.Millis(p.To), p.ID, p.Version)
	if err := changed(n, err, "move post", p.ID); err != nil {
		return err
	}
	p.Version++
	is, err := postSight(tx, p)
	if err != nil {
		return err
	}
	journal.Add(tx, journal.Entry{Kind: "org.post_move", Subject: p.ID, By: by.By(), Version: p.Version, Sight: is, Before: &was, Class: classHolding, Body: p})
	if o.guard == nil {
		return nil
	}
	holdings, err := holdingsWhere(tx, `post = $1 AND (valid_to IS NULL OR valid_to > $2)`, p.ID, db.Millis(tx.Now()))
	for _, h := range holdings {
		o.guard.Changed(tx, h.Person)
	}
	return err
}

// Act reads one act. Code: org.missing.
func (o *Org) Act(tx *db.Tx, act id.ID) (Act, error) {
	acts, err := actsWhere(tx, `id = $1`, act)
	if err != nil {
		return Act{}, err
	}
	if len(acts) == 0 {
		return Act{}, ErrMissing
	}
	return acts[0], nil
}

// ActsOn lists the acts on a node, newest first.
func (o *Org) ActsOn(tx *db.Tx, node id.ID) ([]Act, error) {
	return actsWhere(tx, `id IN (SELECT act FROM org_act_node WHERE node = $1)`, node)
}

// maxActs is how many acts one answer lists.
const maxActs = 500

// Acts lists the acts of a tree, or of all, newest first, before an instant.
func (o *Org) Acts(tx *db.Tx, tree Tree, before time.Time, limit int) ([]Act, error) {
	if before.IsZero() {
		before = time.UnixMilli(1 << 52)
	}
	return actsWhere(tx, `($1 = '' OR tree = $1) AND recorded < $2 ORDER BY recorded DESC, id DESC LIMIT $3`, string(tree), db.Millis(before), min(limit, maxActs))
}

func actsWhere(tx *db.Tx, where string, args ...any) ([]Act, error) {
	type row struct {
		Act
		content content
		settled time.Time
		tree    string
	}
	rows, err := all(tx, `SELECT id, tree, kind, at, recorded, person, post, via, why, content, settled FROM org_act WHERE `+where, func(r *row) []any {
		return []any{&r.ID, &r.tree, &r.Kind, db.Time(&r.At), db.Time(&r.Recorded), &r.By.Person, &r.By.Post, &r.By.Via, &r.Why, db.ScanJSON(&r.content), db.Time(&r.settled)}
	}, args...)
	if err != nil {
		return nil, err
	}
	out := make([]Act, len(rows))
	for i, r := range rows {
		a := r.Act
		a.Tree, a.Heirs, a.transfers, a.Settled = Tree(r.tree), r.content.Heirs, r.content.Transfers, !r.settled.IsZero()
		a.Parts, err = all(tx, `SELECT node, part, was, now FROM org_act_node WHERE act = $1 ORDER BY node`, func(p *Part) []any {
			return []any{&p.Node, (*string)(&p.Kind), db.ScanJSON(&p.Was), db.ScanJSON(&p.Now)}
		}, a.ID)
		if err != nil {
			return nil, err
		}
		out[i] = a
	}
	slices.SortFunc(out, func(a, b Act) int { return cmp.Or(b.Recorded.Compare(a.Recorded), b.ID.Compare(a.ID)) })
	return out, nil
}

func insertPart(tx *db.Tx, act id.ID, p Part) error {
	face := func(f *Face) any {
		if f == nil {
			return nil
		}
		return db.JSON(f)
	}
	_, err := tx.Exec(`INSERT INTO org_act_node (act, node, part, was, now) VALUES ($1, $2, $3, $4, $5)`, act, p.Node, string(p.Kind), face(p.Was), face(p.Now))
	return wrap(err, "write part of act", act)
}

// errDry undoes what a trial did.
var errDry = errors.New("org: only tried")

// Trial does something and takes it back, so that what would follow can be
// looked at before: look runs while it stands.
func Trial(tx *db.Tx, do func(*db.Tx) error, look func(*db.Tx) error) error {
	err := tx.Try(func(tx *db.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		if err := look(tx); err != nil {
			return err
		}
		return errDry
	})
	if errors.Is(err, errDry) {
		return nil
	}
	return err
}
