package db

import (
	"strconv"
	"strings"
)

// Among is what stands between the brackets of IN for values, from $1 on, and the
// arguments: 1, 4, 16, 64 … of them, the last one repeated, so that lists of all
// lengths share a few prepared statements. Empty without values.
func Among[T any](values []T, argument func(T) any) (marks string, args []any) {
	if len(values) == 0 {
		return "", nil
	}
	n := 1
	for n < len(values) {
		n *= 4
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
		args = append(args, argument(values[min(i, len(values)-1)]))
	}
	return b.String(), args
}
