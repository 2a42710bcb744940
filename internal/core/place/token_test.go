package place

import (
	"slices"
	"strings"
	"testing"
)

func TestNamesAreCutInOneWay(t *testing.T) {
	for in, want := range map[string]string{
		"幸福路１２号": "幸 福 路 12 号", "三号楼二单元": "3 号 楼 2 单 元", "3栋": "3 号 楼", "12#楼": "12 号 楼", "十里铺": "十 里 铺", "二十一号": "21 号",
		"A区12-3": "a 区 12 3", "一百零五室": "105 室", "第一小学": "第 一 小 学", "八里村六组": "八 里 村 6 组", "三庆城": "三 庆 城", "": "",
	} {
		if got := strings.Join(cut(fold(in)), " "); got != want {
			t.Errorf("%s is cut %q, want %q", in, got, want)
		}
	}
}

func TestOneMistake(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"dian", "dian", true}, {"dain", "dian", true}, {"dan", "dian", true}, {"diang", "dian", true}, {"dien", "dian", true}, {"dein", "dian", false}, {"ma", "dian", false}, {"", "a", true}} {
		if got := oneAway(c.a, c.b); got != c.want {
			t.Errorf("%s, %s: %v", c.a, c.b, got)
		}
	}
}

// Letters are read as syllables, as first letters and as both.
func TestLettersAreReadInSeveralWays(t *testing.T) {
	ways := func(q string, wrong bool) (out []string) {
		for _, r := range read(q, wrong) {
			var w []string
			for _, p := range r.pieces {
				w = append(w, p.text)
			}
			out = append(out, strings.Join(w, "'"))
		}
		return out
	}
	for q, want := range map[string]string{"madiancun": "ma'dian'cun", "xian": "xi'an", "mdc": "m'd'c", "madc": "ma'd'c", "xfl12h": "x'f'l'12'h", "马店xfl": "马'店'x'f'l", "zhzh": "zh'zh", "cuizhai": "cui'zhai"} {
		if got := ways(q, false); !slices.Contains(got, want) {
			t.Errorf("%s is read %v, not %s", q, got, want)
		}
	}
	if got := ways("madaincun", true); !slices.ContainsFunc(got, func(w string) bool { return strings.HasPrefix(w, "ma'dai") && strings.HasSuffix(w, "cun") }) {
		t.Errorf("%v", got)
	}
	if got := ways(strings.Repeat("xian", 10), false); len(got) > maxReadings {
		t.Errorf("%d ways", len(got))
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"马店村12号", "madiancun", "３栋２单元", "一百", "zhch", "第十"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 200 {
			return
		}
		for _, wrong := range []bool{false, true} {
			for _, r := range read(s, wrong) {
				if len(r.pieces) == 0 {
					t.Fatal("a reading without pieces")
				}
			}
		}
	})
}
