package figures

// Suppression (小数抑制). A table of counts with its totals is published cell by
// cell; a count below a threshold is held back, and so many others with it that
// nobody can work it out again from the totals.
//
// Think of every cell, the totals too, as an edge between its row and its column,
// row and column 0 being the totals. In each row and each column the cells minus
// their total are zero, so values can only change along closed ways of edges, up
// and down in turn. A held back cell is safe if it lies on such a way of held back
// cells along which it can rise by the threshold: then the published numbers fit
// its true value, one that is a threshold higher, and all between.

// Held says which cells are held back. Row 0 and column 0 are the totals.
type Held [][]bool

// Suppress decides what is held back of a table: values[item][street], threshold
// being the smallest count that may be shown. Nothing is held back below 2.
func Suppress(values [][]int64, threshold int64) Held {
	t := newTableau(values)
	if threshold < 2 {
		return t.held
	}
	type at struct{ row, column int }
	var small []at
	for i := range t.value {
		for j, v := range t.value[i] {
			if v > 0 && v < threshold {
				t.held[i][j] = true
				small = append(small, at{i, j})
			}
		}
	}
	for _, c := range small {
		t.protect(c.row, c.column, threshold)
	}
	return t.held
}

// tableau is a table with its totals in row and column 0.
type tableau struct {
	value [][]int64
	held  Held
}

func newTableau(values [][]int64) *tableau {
	columns := 1
	for _, row := range values {
		columns = max(columns, len(row)+1)
	}
	t := &tableau{value: make([][]int64, len(values)+1), held: make(Held, len(values)+1)}
	for i := range t.value {
		t.value[i], t.held[i] = make([]int64, columns), make([]bool, columns)
	}
	for i, row := range values {
		for j, v := range row {
			t.value[i+1][j+1] = v
			t.value[i+1][0] += v
			t.value[0][j+1] += v
			t.value[0][0] += v
		}
	}
	return t
}

// turned says whether a cell stands on the other side of its row's and column's
// equation: the totals do, the total of all twice over.
func turned(i, j int) bool { return (i == 0) != (j == 0) }

// room is by how much a cell's part in the equations can rise or fall: a count
// can grow without end and fall to nothing; what is nothing is known to be so.
func (t *tableau) room(i, j int, up bool) int64 {
	v := t.value[i][j]
	if v == 0 {
		return 0
	}
	if up != turned(i, j) {
		return 1 << 60
	}
	return v
}

// cost of holding back one more cell: what is lost with it, totals above all.
func (t *tableau) cost(i, j int) int64 {
	switch {
	case t.held[i][j]:
		return 1
	case i == 0 || j == 0:
		return 1000 + 4*t.value[i][j]
	}
	return 1000 + t.value[i][j]
}

// protect finds the cheapest closed way through a cell along which it can rise by
// need, and holds back all on it. There always is one: by the totals.
func (t *tableau) protect(row, column int, need int64) {
	rows, columns := len(t.value), len(t.value[0])
	// The cell itself rises as a count, so its part in the equations falls where it
	// is turned; from its row on, the way changes direction at every step.
	first := turned(row, column)
	const far = 1 << 62
	cost := make([]int64, rows+columns) // rows, then columns
	from := make([]int, rows+columns)
	done := make([]bool, rows+columns)
	for n := range cost {
		cost[n], from[n] = far, -1
	}
	cost[row] = 0
	for {
		next := -1
		for n := range cost {
			if !done[n] && cost[n] < far && (next < 0 || cost[n] < cost[next]) {
				next = n
			}
		}
		if next < 0 || next == rows+column {
			break
		}
		done[next] = true
		if next < rows { // along the cells of a row: the opposite of the cell
			for j := range columns {
				t.step(next, j, rows+j, next, first, need, row, column, cost, from, done)
			}
		} else { // along the cells of a column: as the cell
			for i := range rows {
				t.step(i, next-rows, i, next, !first, need, row, column, cost, from, done)
			}
		}
	}
	for n := rows + column; from[n] >= 0; n = from[n] {
		a, b := from[n], n
		if a >= rows {
			a, b = b, a
		}
		t.held[a][b-rows] = true
	}
}

// step tries to reach a row or column over one cell.
func (t *tableau) step(i, j, to, at int, up bool, need int64, row, column int, cost []int64, from []int, done []bool) {
	if i == row && j == column || done[to] || t.room(i, j, up) < need {
		return
	}
	if c := cost[at] + t.cost(i, j); c < cost[to] {
		cost[to], from[to] = c, at
	}
}
