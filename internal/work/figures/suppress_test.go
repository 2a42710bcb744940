package figures

import (
	"testing"

	"pgregory.net/rapid"
)

// attacker knows the threshold's table as it was published: the cells that are
// shown, and that a count is never negative.
type attacker struct {
	value [][]int64 // the truth, in the order in which it is tried first
	held  Held
	most  int64
	tries int
}

// can says whether some table that fits all that is shown has another value in a
// cell than the true one. It tries tables cell by cell and knows nothing of how
// cells were chosen.
func (a *attacker) can(row, column int, want int64) bool {
	guess := make([][]int64, len(a.value))
	for i := range guess {
		guess[i] = make([]int64, len(a.value[i]))
	}
	a.tries = 0
	return a.fill(guess, 1, 1, row, column, want)
}

func (a *attacker) fill(g [][]int64, i, j, row, column int, want int64) bool {
	if a.tries++; a.tries > 3_000_000 {
		return false
	}
	if i == len(g) {
		return a.fits(g, 0, len(g), row, column, want)
	}
	if j == len(g[i]) {
		var sum int64
		for _, v := range g[i][1:] {
			sum += v
		}
		g[i][0] = sum
		if !a.held[i][0] && sum != a.value[i][0] || row == i && column == 0 && sum != want {
			return false
		}
		return a.fill(g, i+1, 1, row, column, want)
	}
	switch {
	case row == i && column == j:
		g[i][j] = want
		return a.fill(g, i, j+1, row, column, want)
	case !a.held[i][j]:
		g[i][j] = a.value[i][j]
		return a.fill(g, i, j+1, row, column, want)
	}
	// The true value first, then its neighbours.
	for d := int64(0); d <= a.most; d++ {
		for _, v := range []int64{a.value[i][j] + d, a.value[i][j] - d} {
			if v < 0 || d == 0 && v != a.value[i][j] {
				continue
			}
			g[i][j] = v
			if a.fill(g, i, j+1, row, column, want) {
				return true
			}
			if d == 0 {
				break
			}
		}
	}
	return false
}

func (a *attacker) fits(g [][]int64, from, rows, row, column int, want int64) bool {
	for j := range g[0] {
		var sum int64
		for i := 1; i < rows; i++ {
			sum += g[i][j]
		}
		g[0][j] = sum
		if !a.held[0][j] && sum != a.value[0][j] || row == 0 && column == j && sum != want {
			return false
		}
	}
	return true
}

// Whatever the table: no count below the threshold is shown, what is shown is
// true, and no count that is held back for its size can be worked out from the
// rest, totals included. What fits the published numbers goes from the truth up
// by the threshold, so the truth can't be told from a count that may be shown.
func TestSmallCountsCannotBeWorkedOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(1, 3).Draw(t, "items"), rapid.IntRange(1, 3).Draw(t, "streets")
		threshold := rapid.Int64Range(2, 5).Draw(t, "threshold")
		values := make([][]int64, rows)
		for i := range values {
			for range columns {
				// Mostly nothing or little: that is where it is hard.
				values[i] = append(values[i], rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 6), rapid.Int64Range(0, 30)).Draw(t, "n"))
			}
		}
		table, held := newTableau(values), Suppress(values, threshold)
		for i := range table.value {
			for j, v := range table.value[i] {
				small := v > 0 && v < threshold
				if small && !held[i][j] {
					t.Fatalf("%v: the count at %d/%d is shown", values, i, j)
				}
				if !small {
					continue
				}
				for _, other := range []int64{v + 1, v + threshold} {
					a := &attacker{value: table.value, held: held, most: threshold}
					if !a.can(i, j, other) {
						t.Fatalf("%v with threshold %d: %d at %d/%d can be told from %d; held back: %v (%d tries)", values, threshold, v, i, j, other, held, a.tries)
					}
				}
			}
		}
	})
}

// A table without small counts is shown whole, and one below the least threshold
// too.
func TestNothingIsHeldBackWithoutNeed(t *testing.T) {
	for name, c := range map[string]struct {
		values    [][]int64
		threshold int64
	}{
		"large counts": {[][]int64{{5, 9}, {0, 12}}, 5},
		"no threshold": {[][]int64{{1, 1}, {1, 0}}, 1},
		"no table":     {nil, 5},
	} {
		for _, row := range Suppress(c.values, c.threshold) {
			for _, held := range row {
				if held {
					t.Errorf("%s: something is held back", name)
				}
			}
		}
	}
}

// One small count takes the cheapest others with it: one more in its row, its
// column, and where these meet, rather than any total.
func TestOthersAreHeldBackWithIt(t *testing.T) {
	held := Suppress([][]int64{{2, 40, 50}, {60, 30, 70}, {80, 90, 99}}, 5)
	want := Held{{false, false, false, false}, {false, true, true, false}, {false, true, true, false}, {false, false, false, false}}
	for i := range want {
		for j := range want[i] {
			if held[i][j] != want[i][j] {
				t.Fatalf("held back: %v", held)
			}
		}
	}
}
