package place

import (
	"testing"

	"pgregory.net/rapid"
)

// The plain way to lay a query over names, one row of tokens from the village
// down: what the way by paths must agree with.

// laid is the names that a query is laid over, as one row of tokens.
type laid struct {
	tokens []*token
	start  []int // of each token: where its name starts
	end    []int // and ends
	own    int   // where the place's own name starts
	inside []int // what leaving out the first n tokens would cost between two that are asked for
	tail   []int // the same at the end of a name
}

// put adds a name; the last one put is the own one.
func (l *laid) put(tokens []*token) {
	from := len(l.tokens)
	l.own = from
	for _, t := range tokens {
		l.tokens = append(l.tokens, t)
		l.start = append(l.start, from)
		l.end = append(l.end, from+len(tokens))
	}
}

func (l *laid) ready() {
	l.inside, l.tail = append(l.inside[:0], 0), append(l.tail[:0], 0)
	for i, t := range l.tokens {
		in, out := skipInside, skipTail
		switch {
		case t.weak:
			in, out = skipWeak, skipWeak
		case t.digit:
			in = skipDigits
		}
		if i >= l.own && !t.weak {
			out = skipOwnTail
		}
		l.inside = append(l.inside, l.inside[i]+in)
		l.tail = append(l.tail, l.tail[i]+out)
	}
}

// gap is what lies between taking token k-1 and token j; k is 0 before the
// first.
func (l *laid) gap(k, j int) int {
	if k > 0 && l.start[k-1] == l.start[j] {
		return l.inside[j] - l.inside[k]
	}
	cost := 0
	if l.start[j] < j {
		cost += skipHead
	}
	if k > 0 {
		end := l.end[k-1]
		cost += min(l.tail[end]-l.tail[k], mostOwnTail)
		for at := end; at < l.start[j]; at = l.end[at] {
			cost += skipSegment
		}
	}
	return cost
}

// score lays the pieces of a query over the names and gives the least cost, or
// none. With mistake, one piece may be wrong, too many, or two swapped.
func (l *laid) score(q []piece, mistake bool, row *[3][2][]int) int {
	m := len(l.tokens)
	if len(q) == 0 || len(q) > maxPieces || m == 0 {
		return none
	}
	layers := 1
	if mistake {
		layers = 2
	}
	// row[i%3][e][j]: the first i pieces are used up, e mistakes were made, and
	// the last one that was found is token j-1 (j = 0: none yet).
	for i := range 3 {
		for e := range 2 {
			if cap(row[i][e]) < m+1 {
				row[i][e] = make([]int, m+1)
			}
			row[i][e] = row[i][e][:m+1]
			for j := range row[i][e] {
				row[i][e][j] = none
			}
		}
	}
	row[0][0][0] = 0
	for i := 1; i <= len(q); i++ {
		p := &q[i-1]
		now, before := &row[i%3], &row[(i+2)%3]
		swap := &row[(i+1)%3] // two pieces before
		for e := range layers {
			for j := range m + 1 {
				now[e][j] = none
			}
		}
		for e := range layers {
			for j := 1; j <= m; j++ {
				c := match(p, l.tokens[j-1])
				if c < none {
					best := none
					for k := range j {
						if b := before[e][k]; b < none {
							best = min(best, b+l.gap(k, j-1))
						}
					}
					if best < none {
						now[e][j] = min(now[e][j], best+c)
					}
				}
				if e == 0 || p.is == pieceDigits || l.tokens[j-1].digit {
					continue
				}
				// Another character stood there.
				for k := range j {
					if b := before[0][k]; b < none {
						now[1][j] = min(now[1][j], b+l.gap(k, j-1)+costMistake)
					}
				}
				// This piece and the one before are swapped.
				if i >= 2 && j >= 2 && l.start[j-1] == l.start[j-2] {
					a, b := match(p, l.tokens[j-2]), match(&q[i-2], l.tokens[j-1])
					if a < none && b < none {
						for k := range j - 1 {
							if s := swap[0][k]; s < none {
								now[1][j] = min(now[1][j], s+l.gap(k, j-2)+a+b+costMistake)
							}
						}
					}
				}
			}
			if e == 1 && p.is != pieceDigits {
				// One too many.
				for j := range m + 1 {
					if b := before[0][j]; b < none {
						now[1][j] = min(now[1][j], b+costMistake)
					}
				}
			}
		}
	}
	best := none
	last := &row[len(q)%3]
	for e := range layers {
		for j := l.own + 1; j <= m; j++ {
			if c := last[e][j]; c < none {
				best = min(best, c+min(l.tail[m]-l.tail[j], mostOwnTail))
			}
		}
	}
	return best
}

// A path that is kept and gone on from costs what laying the whole row costs.
func TestPathsCostWhatTheWholeRowCosts(t *testing.T) {
	names := []string{"马店村", "幸福路", "西街", "12号", "4号楼", "二单元", "东街村", "学校", "路", "太平村团结路", "重庆里", "3"}
	alphabet := []string{"马", "店", "村", "幸", "福", "路", "西", "街", "1", "12", "4", "号", "mdc", "xing", "fu", "xinfu", "x", "lu", "东", "重", "庆", "里", "团", "结"}
	rapid.Check(t, func(t *rapid.T) {
		s := &shelf{}
		s.reset()
		var whole laid
		line := rapid.SliceOfN(rapid.SampledFrom(names), 1, 4).Draw(t, "names")
		var row []token
		for _, n := range line {
			for _, at := range s.cutName(n) {
				row = append(row, *s.tokens[at])
			}
		}
		at := 0
		for _, n := range line {
			own := s.cutName(n)
			list := make([]*token, 0, len(own))
			for range own {
				list = append(list, &row[at])
				at++
			}
			whole.put(list)
		}
		whole.ready()
		query := ""
		for _, part := range rapid.SliceOfN(rapid.SampledFrom(alphabet), 1, 7).Draw(t, "query") {
			query += part
		}
		for _, wrong := range []bool{false, true} {
			for _, r := range read(query, wrong) {
				for _, mistake := range []bool{false, true} {
					var rows [3][2][]int
					want := whole.score(r.pieces, mistake, &rows)
					w := newWalk(s, r.pieces, mistake)
					above := w.root()
					for _, n := range line[:len(line)-1] {
						above = w.below(above, s.cutName(n))
					}
					if got := w.end(above, s.cutName(line[len(line)-1])); got != want {
						t.Fatalf("%q over %q, mistake %v, reading %v: %d by paths, %d over the row", query, line, mistake, r.pieces, got, want)
					}
				}
			}
		}
	})
}
