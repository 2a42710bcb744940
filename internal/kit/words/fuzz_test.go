package words

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// Whatever header comes, one of our languages is chosen.
func FuzzNegotiate(f *testing.F) {
	for _, s := range []string{"zh-CN,zh;q=0.9,en;q=0.8", "en;q=NaN", "en;q=1e9", "*", ";;,,q=", strings.Repeat("en,", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if l := Negotiate(header); l != Chinese && l != English {
			t.Fatalf("%q chooses %q", header, l)
		}
	})
}

// Whatever stands in a sentence and its argument, something is said, and an
// argument is never read as a placeholder in its turn.
func FuzzFill(f *testing.F) {
	f.Add("还剩 {n:remaining}，{s}", "文字", int64(-1)<<63, 1e300)
	f.Add("{n:duration}{n:date}{n:time}{x:number}{s:date}", "2026-11-27T09:00:00+08:00", int64(1)<<62, -0.0005)
	f.Add("{s}", "{n}", int64(7), 0.0)
	f.Fuzz(func(t *testing.T, sentence, s string, n int64, x float64) {
		for _, v := range []any{s, n, x, time.Duration(n), time.UnixMilli(n).UTC(), json.Number(s), []string{s, s}, Text{Chinese: s}, nil} {
			for _, l := range []Language{Chinese, English, "xx"} {
				Fill(l, sentence, map[string]any{"s": s, "n": v, "x": x})
				if got := Fill(l, "{n}", map[string]any{"n": "{s}", "s": s}); got != "{s}" {
					t.Fatalf("an argument was filled in: %q", got)
				}
			}
		}
	})
}
