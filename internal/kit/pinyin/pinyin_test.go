package pinyin

import (
	"strings"
	"testing"
)

func spell(s string) string {
	var out []string
	for _, list := range Of([]rune(s)) {
		if len(list) == 0 {
			out = append(out, "-")
			continue
		}
		out = append(out, list[0].String())
	}
	return strings.Join(out, " ")
}

// Names that a plain table reads wrongly.
func TestNamesAreReadAsPeopleSayThem(t *testing.T) {
	for name, want := range map[string]string{
		"崔寨": "cui zhai", "鹊山": "que shan", "长安": "chang an", "泺口": "luo kou", "孙耿": "sun geng", "单元": "dan yuan", "单家": "shan jia",
		"重庆路": "chong qing lu", "银行": "yin hang", "音乐厅": "yin yue ting", "行政": "xing zheng", "曲家": "qu jia", "仇家": "qiu jia", "绿地": "lv di",
		"吕家": "lv jia", "大桥街道": "da qiao jie dao", "31号a座": "- - hao - zuo", "成长路": "cheng zhang lu", "翟家": "zhai jia", "冯塘": "feng tang",
	} {
		if got := spell(name); got != want {
			t.Errorf("%s is read %q, want %q", name, got, want)
		}
	}
}

// A character with two readings is found under both.
func TestSecondReadings(t *testing.T) {
	has := func(r rune, spelling string) bool {
		s, ok := Find(spelling)
		if !ok {
			t.Fatalf("no syllable %s", spelling)
		}
		for _, one := range Of([]rune{r})[0] {
			if one == s {
				return true
			}
		}
		return false
	}
	for r, s := range map[rune]string{'长': "zhang", '乐': "yue", '单': "shan", '堡': "pu", '翟': "di", '重': "zhong"} {
		if !has(r, s) {
			t.Errorf("%c cannot be read %s", r, s)
		}
	}
	if has('家', "gu") || has('冯', "ping") {
		t.Error("rare readings are only noise")
	}
}

func TestSoundAlikes(t *testing.T) {
	class := func(s string) Syllable {
		v, ok := Find(s)
		if !ok {
			t.Fatalf("no syllable %s", s)
		}
		return v.Class()
	}
	for a, b := range map[string]string{"zhang": "zan", "shi": "si", "chen": "cheng", "lin": "ning", "lv": "lu", "nan": "lan"} {
		if class(a) != class(b) {
			t.Errorf("%s and %s sound alike", a, b)
		}
	}
	for a, b := range map[string]string{"ma": "fa", "dong": "don", "xi": "qi"} {
		if v, ok := Find(b); ok && class(a) == v.Class() {
			t.Errorf("%s and %s do not sound alike", a, b)
		}
	}
}
