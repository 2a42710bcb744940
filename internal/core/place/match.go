package place

// A query is laid over the names from the village down to the place itself. All
// of it must be used up; of the names, parts may be left out, and what is left
// out costs: little for 村, 路 and 号, more for what makes the name. The last
// piece must fall on the place's own name, or every house of a road would be an
// answer to the road's name.

// What leaving out costs.
const (
	skipWeak    = 1 // a word that says what a thing is
	skipInside  = 4 // another, between two that are asked for
	skipDigits  = 6 // a number
	skipTail    = 2 // another at the end of a name above the own one
	skipOwnTail = 3 // another at the end of the own name: its beginning was asked for
	mostOwnTail = 9
	skipHead    = 6 // the beginning of a name
	skipSegment = 1 // a whole name between two
	costFormer  = 2 // found under a name it had
)

const maxPieces = 48

// lead is what using up the first pieces of a query over the names above a
// place costs: the houses of a road share it. Below it a new name begins.
type lead struct {
	matched []int // by mistakes and pieces; something was found
	nothing []int // nothing was found yet
}

// walk lays one reading of a query over many names.
type walk struct {
	s       *shelf
	q       []piece
	layers  int            // 2 if one piece may be wrong, too many, or two swapped
	fits    []int32        // by piece and token, once asked for
	paths   map[int32]lead // by entry: what it costs to come out below it
	ground  lead
	in      []int // by mistakes and pieces: the least cost to come to a new name
	over    []int // by mistakes, pieces and tokens of the present name
	inside  []int // what leaving out its first n tokens costs between two that are asked for
	own     []int // the same at its end, where it is the place's own name
	tail    []int // and where it is one above
	entries [10]int32
}

const unknown = -1

func newWalk(s *shelf, q []piece, mistake bool) *walk {
	w := &walk{s: s, q: q, layers: 1, paths: map[int32]lead{}}
	if mistake {
		w.layers = 2
	}
	w.in = make([]int, w.layers*(len(q)+1))
	w.ground = w.fresh()
	w.ground.nothing[0] = 0
	if mistake && len(q) > 0 && q[0].is != pieceDigits {
		w.ground.nothing[len(q)+1+1] = costMistake // the first is one too many
	}
	return w
}

func (w *walk) fresh() lead {
	n := w.layers * (len(w.q) + 1)
	list := make([]int, 2*n)
	for i := range list {
		list[i] = none
	}
	return lead{matched: list[:n], nothing: list[n:]}
}

// fit is what it costs to take piece i for a token.
func (w *walk) fit(i int, t int32) int {
	if w.fits == nil {
		w.fits = make([]int32, len(w.q)*len(w.s.tokens))
		for i := range w.fits {
			w.fits[i] = unknown
		}
	}
	at := i*len(w.s.tokens) + int(t)
	if w.fits[at] == unknown {
		w.fits[at] = int32(match(&w.q[i], w.s.tokens[t])) //nolint:gosec // at most none
	}
	return int(w.fits[at])
}

// root is the path to a name that has none above it.
func (w *walk) root() lead { return w.ground }

// lay lays the query over one name below a path: the least cost to have used
// up the first i pieces, e of them mistakes, with the name's token j the last
// that was found.
func (w *walk) lay(above lead, name []int32) {
	n, m := len(w.q)+1, len(name)
	for i := range w.in {
		w.in[i] = min(above.matched[i], above.nothing[i])
	}
	w.inside, w.own, w.tail = append(w.inside[:0], 0), append(w.own[:0], 0), append(w.tail[:0], 0)
	for j, at := range name {
		t := w.s.tokens[at]
		in, own, out := skipInside, skipOwnTail, skipTail
		switch {
		case t.weak:
			in, own, out = skipWeak, skipWeak, skipWeak
		case t.digit:
			in = skipDigits
		}
		w.inside = append(w.inside, w.inside[j]+in)
		w.own = append(w.own, w.own[j]+own)
		w.tail = append(w.tail, w.tail[j]+out)
	}
	if need := w.layers * n * m; cap(w.over) < need {
		w.over = make([]int, need)
	} else {
		w.over = w.over[:need]
	}
	for e := range w.layers {
		for j := range m {
			w.over[e*n*m+j] = none
		}
		for i := 1; i < n; i++ {
			p := &w.q[i-1]
			for j, t := range name {
				best := none
				if c := w.fit(i-1, t); c < none {
					best = min(best, w.reach(e, i-1, j, m)+c)
				}
				if e == 1 && p.is != pieceDigits {
					if !w.s.tokens[t].digit {
						// Another character stood there.
						best = min(best, w.reach(0, i-1, j, m)+costMistake)
						// This piece and the one before are swapped.
						if i >= 2 && j >= 1 {
							a, b := w.fit(i-1, name[j-1]), w.fit(i-2, t)
							if a < none && b < none {
								best = min(best, w.reach(0, i-2, j-1, m)+a+b+costMistake)
							}
						}
					}
					// One too many.
					best = min(best, w.over[(i-1)*m+j]+costMistake)
				}
				w.over[e*n*m+i*m+j] = min(best, none)
			}
		}
	}
}

// reach is the least cost to have used up i pieces, e of them mistakes, and
// stand before the name's token j: from a name above, or from a token of this
// one.
func (w *walk) reach(e, i, j, m int) int {
	n := len(w.q) + 1
	best := w.in[e*n+i]
	if j > 0 {
		best += skipHead
	}
	row := w.over[e*n*m+i*m:]
	for k := range j {
		if row[k] < none {
			best = min(best, row[k]+w.inside[j]-w.inside[k+1])
		}
	}
	return best
}

// below is the path to what lies below a name.
func (w *walk) below(above lead, name []int32) lead {
	w.lay(above, name)
	out := w.fresh()
	copy(out.nothing, above.nothing)
	n, m := len(w.q)+1, len(name)
	for e := range w.layers {
		for i := range n {
			best := min(above.matched[e*n+i]+skipSegment, none)
			for j := range m {
				best = min(best, w.over[e*n*m+i*m+j]+min(w.tail[m]-w.tail[j+1], mostOwnTail))
			}
			out.matched[e*n+i] = best
		}
	}
	return out
}

// end is the cost of the whole query if this is the place's own name.
func (w *walk) end(above lead, name []int32) int {
	if len(w.q) == 0 || len(w.q) > maxPieces {
		return none
	}
	w.lay(above, name)
	n, m := len(w.q)+1, len(name)
	best := none
	for e := range w.layers {
		for j := range m {
			best = min(best, w.over[e*n*m+len(w.q)*m+j]+min(w.own[m]-w.own[j+1], mostOwnTail))
		}
	}
	return best
}

// above is the path to an entry's own name.
func (w *walk) above(e int32) lead {
	depth := 0
	at := w.ground
	for up := w.s.entries[e].parent; up >= 0 && depth < len(w.entries); up = w.s.entries[up].parent {
		if known, ok := w.paths[up]; ok {
			at = known
			break
		}
		w.entries[depth] = up
		depth++
	}
	for i := depth - 1; i >= 0; i-- {
		up := &w.s.entries[w.entries[i]]
		at = w.below(at, up.own[up.skip:])
		w.paths[w.entries[i]] = at
	}
	return at
}
