package place

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// The index holds every place of the district in memory, whole once and then
// what changed: rows carry the running number of their last change. A search is
// one pass over the signatures of all names, 64 bytes each and sixty-four at a
// time where none of them can fit, and a close look at what is left. So it finds the same on both engines, a change is a few rows
// appended, nothing is stored beside the register, and the program starts
// without waiting for it. (notes/geo.md section 6; docs/proof/places.md)

// entry is one place in the index.
type entry struct {
	id       id.ID
	parent   int32 // entry; -1 for none
	nodes    int32 // in book.nodes
	kind     int16 // in book.kinds
	shown    Shown
	name     string
	own      []int32 // tokens of the present name
	skip     int     // of these, how many only repeat the name of what it belongs to
	lon, lat float64
	located  bool
	madeUp   bool
	open     bool
	parts    bool // something has it as its parent
}

// line is one name under which a place is found.
type line struct {
	entry int32
	own   []int32
	skip  int
	usage Usage // "" for the present name
	name  string
}

// sign is what a line's whole path has: its characters, the sounds of its
// syllables, its first letters, and which first letter follows which when words
// like 村 and 路 are left out or not; end is what its own name has, on which the
// last piece of a query must fall.
type sign struct {
	char, sound, pair bits
	letter, end       uint64
}

func (g *sign) add(o sign) {
	g.char.add(o.char)
	g.sound.add(o.sound)
	g.pair.add(o.pair)
	g.letter |= o.letter
	g.end |= o.end
}

// blockSize is how many lines have one sign in common.
const blockSize = 64

// shelf is the index; nil lines until it was first asked for.
type shelf struct {
	mu      sync.RWMutex
	loaded  bool
	upTo    int64
	entries []entry
	byID    map[id.ID]int32
	lines   []line
	signs   []sign
	blocks  []sign            // of each blockSize lines
	linesOf map[int32][]int32 // of entries that have several
	firstOf []int32           // first line of each entry; -1
	tokens  []*token
	token   map[string]int32
	nodes   []journal.Nodes
	nodeOf  map[journal.Nodes]int32
	kinds   []string
	kindOf  map[string]int16
	dead    int // lines that mean nothing any more
}

func (s *shelf) reset() {
	s.loaded, s.upTo, s.dead = false, 0, 0
	s.entries, s.lines, s.signs, s.blocks, s.firstOf, s.tokens, s.nodes, s.kinds = nil, nil, nil, nil, nil, nil, nil, nil
	s.byID, s.linesOf, s.token = map[id.ID]int32{}, map[int32][]int32{}, map[string]int32{}
	s.nodeOf, s.kindOf = map[journal.Nodes]int32{}, map[string]int16{}
}

// indexRow is what the index reads of a place.
type indexRow struct {
	id, parent id.ID
	kind, name string
	nodes      journal.Nodes
	located    bool
	lon, lat   float64
	shown      int64
	madeUp     bool
	to         time.Time
	seq        int64
}

func (r *indexRow) fields() []any {
	return []any{&r.id, &r.kind, &r.parent, &r.name, &r.nodes.Hub, &r.nodes.Street, &r.nodes.Platform, &r.nodes.Grid, &r.nodes.Micro,
		db.ScanBool(&r.located), db.Float(&r.lon), db.Float(&r.lat), &r.shown, db.ScanBool(&r.madeUp), db.Time(&r.to), &r.seq}
}

// maxSeq is the number of the last change that a transaction sees.
func maxSeq(tx *db.Tx) (n int64, err error) {
	if err := tx.Row(`SELECT COALESCE(MAX(seq), 0) FROM place_place`).Scan(&n); err != nil {
		return 0, fmt.Errorf("look for changed places: %w", err)
	}
	return n, nil
}

// fresh makes the index at least as new as the transaction and gives it locked
// for reading.
func (p *Places) fresh(tx *db.Tx) (*shelf, error) {
	if tx.Writable() {
		// What is not committed must never get into what all readers share.
		return nil, db.ErrMisuse.Because(errors.New("places are searched in a reading transaction"))
	}
	s := &p.index
	want, err := maxSeq(tx)
	if err != nil {
		return nil, err
	}
	for {
		s.mu.RLock()
		if s.loaded && s.upTo >= want {
			return s, nil
		}
		s.mu.RUnlock()
		if err := p.load(tx, want); err != nil {
			return nil, err
		}
	}
}

// load reads what is newer than the index.
func (p *Places) load(tx *db.Tx, want int64) error {
	s := &p.index
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded && s.upTo >= want {
		return nil
	}
	if !s.loaded || s.dead > 1000 && s.dead > len(s.lines)/2 {
		s.reset()
	}
	rows, err := all(tx, "places", `SELECT id, kind, parent, name, hub_id, street_id, platform_id, grid_id, micro_id,
		located, lon, lat, shown, made_up, valid_to, seq FROM place_place WHERE seq > $1 ORDER BY seq`, (*indexRow).fields, s.upTo)
	if err != nil {
		return err
	}
	more := map[id.ID][]Name{}
	if s.loaded && len(rows) <= 500 {
		for _, r := range rows {
			if more[r.id], err = namesOf(tx, r.id); err != nil {
				return err
			}
		}
	} else if more, err = allNames(tx); err != nil {
		return err
	}
	whole := !s.loaded
	if whole {
		// Neighbours lie together, so that a block has little in it.
		slices.SortStableFunc(rows, func(a, b indexRow) int { return a.nodes.Platform.Compare(b.nodes.Platform) })
	}
	renamed := false
	for i := range rows {
		renamed = s.take(&rows[i], more[rows[i].id]) || renamed
		s.upTo = max(s.upTo, rows[i].seq)
	}
	// Parents may come after their parts.
	for i := range rows {
		e := s.byID[rows[i].id]
		s.entries[e].parent = -1
		if up, ok := s.byID[rows[i].parent]; ok && !rows[i].parent.IsZero() {
			s.entries[e].parent = up
			s.entries[up].parts = true
		}
	}
	if whole || renamed {
		clear(s.blocks)
		for i := range s.lines {
			s.signLine(int32(i))
		}
	} else {
		for i := range rows {
			for _, l := range s.linesAt(s.byID[rows[i].id]) {
				s.signLine(l)
			}
		}
	}
	s.loaded = true
	return nil
}

func allNames(tx *db.Tx) (map[id.ID][]Name, error) {
	type row struct {
		place id.ID
		name  Name
	}
	rows, err := all(tx, "names", `SELECT place, name, usage, valid_from, valid_to FROM place_name`, func(r *row) []any {
		return append([]any{&r.place}, r.name.fields()...)
	})
	out := map[id.ID][]Name{}
	for _, r := range rows {
		out[r.place] = append(out[r.place], r.name)
	}
	return out, err
}

// take puts one row in place of what was known, and says whether what lies
// below is called otherwise now.
func (s *shelf) take(r *indexRow, more []Name) (renamed bool) {
	e, was := s.byID[r.id]
	if !was {
		e = int32(len(s.entries))
		s.byID[r.id] = e
		s.entries = append(s.entries, entry{})
		s.firstOf = append(s.firstOf, -1)
	}
	old := s.entries[e]
	for _, l := range s.linesAt(e) {
		s.lines[l].entry = -1
		s.signs[l] = sign{}
		s.dead++
	}
	delete(s.linesOf, e)
	s.firstOf[e] = -1
	next := entry{id: r.id, parent: -1, nodes: s.nodesAt(r.nodes), kind: s.kindAt(r.kind), name: r.name, own: s.cutName(r.name),
		lon: r.lon, lat: r.lat, located: r.located, madeUp: r.madeUp, open: r.to.IsZero(), parts: old.parts}
	for k, n := range shownRank {
		if n == r.shown {
			next.shown = k
		}
	}
	if was && old.parent >= 0 {
		next.parent = old.parent
	}
	s.entries[e] = next
	if next.open {
		s.addLine(e, line{entry: e, own: next.own, name: r.name})
		seen := map[string]bool{r.name: true}
		for _, n := range more {
			if !seen[n.Name] && (n.Usage == Former || n.To.IsZero()) {
				seen[n.Name] = true
				s.addLine(e, line{entry: e, own: s.cutName(n.Name), usage: n.Usage, name: n.Name})
			}
		}
	}
	return was && old.parts && (old.name != r.name || old.parent >= 0 && s.entries[old.parent].id != r.parent)
}

func (s *shelf) addLine(e int32, l line) {
	n := int32(len(s.lines))
	s.lines = append(s.lines, l)
	s.signs = append(s.signs, sign{})
	if int(n)%blockSize == 0 {
		s.blocks = append(s.blocks, sign{})
	}
	if s.firstOf[e] < 0 {
		s.firstOf[e] = n
		return
	}
	if s.linesOf[e] == nil {
		s.linesOf[e] = []int32{s.firstOf[e]}
	}
	s.linesOf[e] = append(s.linesOf[e], n)
}

// linesAt are the lines of an entry.
func (s *shelf) linesAt(e int32) []int32 {
	if list, ok := s.linesOf[e]; ok {
		return list
	}
	if s.firstOf[e] < 0 {
		return nil
	}
	return []int32{s.firstOf[e]}
}

func (s *shelf) cutName(name string) []int32 {
	texts := cut(fold(name))
	out := make([]int32, len(texts))
	for i, t := range texts {
		n, ok := s.token[t]
		if !ok {
			n = int32(len(s.tokens))
			one := tokenOf(t)
			s.tokens = append(s.tokens, &one)
			s.token[t] = n
		}
		out[i] = n
	}
	return out
}

func (s *shelf) nodesAt(n journal.Nodes) int32 {
	at, ok := s.nodeOf[n]
	if !ok {
		at = int32(len(s.nodes))
		s.nodes = append(s.nodes, n)
		s.nodeOf[n] = at
	}
	return at
}

func (s *shelf) kindAt(key string) int16 {
	at, ok := s.kindOf[key]
	if !ok {
		at = int16(len(s.kinds))
		s.kinds = append(s.kinds, key)
		s.kindOf[key] = at
	}
	return at
}

// signLine notes what a line's whole path has. A facility whose name repeats
// its village's (马店村卫生室) is treated as if it did not: people ask for both.
func (s *shelf) signLine(n int32) {
	l := &s.lines[n]
	if l.entry < 0 {
		return
	}
	l.skip = 0
	var ups [10]int32
	depth := 0
	for up := s.entries[l.entry].parent; up >= 0 && depth < len(ups); up = s.entries[up].parent {
		ups[depth] = up
		depth++
		if l.skip == 0 {
			l.skip = s.repeats(l.own, s.entries[up].own)
		}
	}
	var g sign
	var before [4]uint64 // first letters that the next one can follow
	put := func(tokens []int32) {
		for _, t := range tokens {
			one := s.tokens[t]
			g.char.add(one.char)
			g.sound.add(one.sound)
			g.letter |= one.letter
			for _, b := range before {
				g.pair.add(pairBits(b, one.letter))
			}
			if one.weak {
				copy(before[1:], before[:3])
				before[0] = one.letter
			} else {
				before = [4]uint64{one.letter}
			}
		}
	}
	for i := depth - 1; i >= 0; i-- {
		up := &s.entries[ups[i]]
		put(up.own[up.skip:])
	}
	put(l.own[l.skip:])
	for _, t := range l.own[l.skip:] {
		g.end |= s.tokens[t].end
	}
	s.signs[n] = g
	s.blocks[int(n)/blockSize].add(g)
	if l.usage == "" {
		s.entries[l.entry].skip = l.skip
	}
}

// repeats is how many tokens of a name only repeat that of what it belongs to,
// with or without its last word.
func (s *shelf) repeats(own, above []int32) int {
	if len(own) == 0 || s.tokens[own[0]].digit {
		return 0
	}
	n := 0
	for n < len(own) && n < len(above) && own[n] == above[n] {
		n++
	}
	for k := len(above); k > n; k-- {
		if !s.tokens[above[k-1]].weak {
			return 0
		}
	}
	if n == len(own) {
		return 0
	}
	return n
}

// length is how many tokens the names have that lead to an own name.
func (s *shelf) length(e int32, own []int32) int {
	n := len(own)
	for up, depth := s.entries[e].parent, 0; up >= 0 && depth < 10; up, depth = s.entries[up].parent, depth+1 {
		n += len(s.entries[up].own) - s.entries[up].skip
	}
	return n
}

// names are the names of the tree down to an entry.
func (s *shelf) names(e int32) []string {
	var out []string
	for ; e >= 0 && len(out) < 10; e = s.entries[e].parent {
		out = append(out, s.entries[e].name)
	}
	slices.Reverse(out)
	return out
}
