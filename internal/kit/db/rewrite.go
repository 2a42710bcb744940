package db

import "strings"

// ordinal rewrites $1, $2, … to ? and says which argument belongs to each. The
// SQLite driver looks up every named parameter among all arguments, which grows
// with the square of a multi-row insert; a plain ? it takes by position.
func ordinal(q string) (sql string, order []int) {
	var b strings.Builder
	b.Grow(len(q))
	for i := 0; i < len(q); {
		switch c := q[i]; {
		case c == '\'' || c == '"':
			end := i + 1
			for end < len(q) && q[end] != c {
				end++
			}
			end = min(end+1, len(q))
			b.WriteString(q[i:end])
			i = end
		case c == '-' && strings.HasPrefix(q[i:], "--"):
			end := strings.IndexByte(q[i:], '\n')
			if end < 0 {
				end = len(q) - i
			}
			i += end // comments are left out
		case c == '$' && i+1 < len(q) && q[i+1] >= '1' && q[i+1] <= '9':
			n := 0
			for i++; i < len(q) && q[i] >= '0' && q[i] <= '9'; i++ {
				n = n*10 + int(q[i]-'0')
			}
			b.WriteByte('?')
			order = append(order, n-1)
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), order
}
