package db

import "testing"

// Lists of many lengths share few statements, and ask for nothing else.
func TestAmongHasFewLengths(t *testing.T) {
	lengths := map[int]bool{}
	for n := range 65 {
		values := make([]int, n)
		for i := range values {
			values[i] = i
		}
		marks, args := Among(values, func(v int) any { return v })
		lengths[len(args)] = true
		if n == 0 && marks != "" || n > 0 && (args[n-1] != n-1 || args[len(args)-1] != n-1) {
			t.Errorf("%d values: %s %v", n, marks, args)
		}
	}
	if len(lengths) != 5 { // 0, 1, 4, 16, 64
		t.Errorf("lengths %v", lengths)
	}
}
