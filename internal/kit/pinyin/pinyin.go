// Package pinyin reads Chinese characters as syllables without tones, for
// search by pinyin, initials and sound-alikes. The readings come from
// go-pinyin's table; of characters with several, the small dictionary here says
// which ones a name can have, the usual one first (长 in a name is chang before
// zhang). Everything else has the table's first reading only: its rare ones
// would only find what nobody meant.
//
// It knows no names and keeps nothing but the table, which is made ready at the
// first use.
package pinyin

import (
	"slices"
	"strings"
	"sync"

	"github.com/mozillazg/go-pinyin"
)

// Syllable is a syllable without its tone, such as "zhai". 0 is none.
type Syllable uint16

// polyphones are the readings that a character can have in the name of a place,
// the usual one first.
var polyphones = map[rune]string{
	'长': "chang zhang", '乐': "le yue lao", '曲': "qu", '堡': "bao pu bu", '石': "shi dan", '单': "dan shan", '仇': "qiu chou", '解': "jie xie",
	'盖': "gai ge", '任': "ren", '曾': "zeng ceng", '翟': "zhai di", '尉': "wei yu", '查': "cha zha", '重': "chong zhong", '朝': "chao zhao",
	'行': "xing hang", '会': "hui kuai", '泊': "bo po", '泺': "luo", '洼': "wa", '济': "ji", '角': "jiao", '落': "luo", '都': "du dou",
	'盛': "sheng cheng", '藏': "zang cang", '员': "yuan yun", '召': "zhao shao", '六': "liu lu", '区': "qu ou", '幢': "zhuang chuang",
	'弄': "long nong", '厕': "ce", '华': "hua", '佛': "fo", '哈': "ha", '杓': "shao biao", '堤': "di ti", '乘': "cheng sheng", '缪': "miao mou",
	'朴': "pu piao", '种': "zhong chong", '隗': "wei kui", '圈': "quan juan", '薄': "bo bao", '宿': "su xiu", '柏': "bai bo", '参': "can shen",
	'降': "jiang xiang", '绿': "lv", '厦': "sha xia", '祭': "ji zhai", '句': "ju gou", '阿': "a e", '涡': "wo guo", '浒': "hu xu", '圩': "wei xu",
	'校': "xiao jiao", '调': "diao tiao", '传': "chuan zhuan", '给': "gei ji", '尺': "chi", '万': "wan", '冯': "feng", '贾': "jia", '肖': "xiao",
	'吴': "wu", '王': "wang", '于': "yu", '子': "zi", '家': "jia", '大': "da", '太': "tai", '号': "hao", '里': "li", '泵': "beng", '壳': "ke qiao",
	'塔': "ta", '蚌': "beng bang", '枞': "cong zong", '亳': "bo", '郯': "tan", '莘': "shen xin", '芫': "yan yuan", '牟': "mu mou", '费': "fei bi",
	'繁': "fan po", '洗': "xi xian", '冼': "xian", '黑': "hei", '纪': "ji", '那': "na", '应': "ying", '折': "zhe she", '车': "che", '广': "guang",
	'燕': "yan", '宁': "ning", '沈': "shen chen", '台': "tai", '埠': "bu", '埔': "pu bu", '岔': "cha", '峪': "yu", '垡': "fa", '疃': "tuan",
	'䢺': "zhai", '夼': "kuang", '崮': "gu", '洙': "zhu", '汶': "wen", '潍': "wei", '淄': "zi", '鹊': "que", '埝': "nian", '簸': "bo", '碾': "nian",
	'便': "bian", '和': "he", '好': "hao", '发': "fa", '教': "jiao", '服': "fu", '监': "jian", '控': "kong", '食': "shi", '中': "zhong", '地': "di",
	'创': "chuang", '技': "ji", '兴': "xing", '青': "qing", '化': "hua", '少': "shao", '红': "hong", '观': "guan", '卫': "wei", '省': "sheng",
}

// phrases are words in which a character has another reading than usual.
var phrases = map[string]string{
	"银行": "yin hang", "音乐": "yin yue", "成长": "cheng zhang", "校长": "xiao zhang", "单家": "shan jia", "单庄": "shan zhuang", "都要": "dou yao",
	"会计": "kuai ji", "重点": "zhong dian", "重型": "zhong xing", "朝霞": "zhao xia", "朝晖": "zhao hui", "六安": "lu an", "六合": "lu he", "弄清": "nong qing",
}

type tables struct {
	spelling []string            // by syllable
	id       map[string]Syllable //
	first    map[rune]Syllable   // of the table
	several  map[rune][]Syllable // of the dictionary here
	phrase   map[string][]Syllable
	class    []Syllable // syllables that sound alike to many speakers have one class
	longest  int
}

var ready = sync.OnceValue(func() *tables {
	t := &tables{spelling: []string{""}, id: map[string]Syllable{}, first: make(map[rune]Syllable, len(pinyin.PinyinDict)), several: map[rune][]Syllable{}, phrase: map[string][]Syllable{}}
	// The syllables in the order of the alphabet, so that a number means the
	// same in every run.
	seen := map[string]bool{}
	plainOf := make(map[rune]string, len(pinyin.PinyinDict))
	for r, list := range pinyin.PinyinDict {
		one, _, _ := strings.Cut(list, ",")
		p := plain(one)
		plainOf[rune(r)], seen[p] = p, true
	}
	for _, m := range []map[string]string{phrases, byRune(polyphones)} {
		for _, list := range m {
			for p := range strings.FieldsSeq(list) {
				seen[p] = true
			}
		}
	}
	all := make([]string, 0, len(seen))
	for p := range seen {
		all = append(all, p)
	}
	slices.Sort(all)
	for _, p := range all {
		t.id[p] = Syllable(len(t.spelling))
		t.spelling = append(t.spelling, p)
		t.longest = max(t.longest, len(p))
	}
	for r, p := range plainOf {
		t.first[r] = t.id[p]
	}
	list := func(s string) (out []Syllable) {
		for p := range strings.FieldsSeq(s) {
			out = append(out, t.id[p])
		}
		return out
	}
	for r, s := range polyphones {
		t.several[r] = list(s)
	}
	for w, s := range phrases {
		t.phrase[w] = list(s)
	}
	classes := map[string]Syllable{}
	t.class = make([]Syllable, len(t.spelling))
	for i, p := range t.spelling {
		if i == 0 {
			continue
		}
		c, ok := classes[alike(p)]
		if !ok {
			c = Syllable(i)
			classes[alike(p)] = c
		}
		t.class[i] = c
	}
	return t
})

func byRune(m map[rune]string) map[string]string {
	out := make(map[string]string, len(m))
	for r, s := range m {
		out[string(r)] = s
	}
	return out
}

// plain takes the tone marks off a syllable; ü is written v, as people type it.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case 'ā', 'á', 'ǎ', 'à':
			return 'a'
		case 'ē', 'é', 'ě', 'è', 'ế', 'ề', 'ê':
			return 'e'
		case 'ī', 'í', 'ǐ', 'ì':
			return 'i'
		case 'ō', 'ó', 'ǒ', 'ò':
			return 'o'
		case 'ū', 'ú', 'ǔ', 'ù':
			return 'u'
		case 'ü', 'ǖ', 'ǘ', 'ǚ', 'ǜ':
			return 'v'
		case 'ń', 'ň', 'ǹ':
			return 'n'
		case 'ḿ':
			return 'm'
		}
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, s)
}

// alike is what a syllable sounds like to speakers who do not part zh from z, n
// from l, or -ng from -n.
func alike(p string) string {
	switch {
	case strings.HasPrefix(p, "zh"), strings.HasPrefix(p, "ch"), strings.HasPrefix(p, "sh"):
		p = p[:1] + p[2:]
	case strings.HasPrefix(p, "n"):
		p = "l" + p[1:]
	}
	if strings.HasSuffix(p, "ng") && !strings.HasSuffix(p, "ong") {
		p = p[:len(p)-1]
	}
	return strings.ReplaceAll(p, "v", "u")
}

// Of gives the readings of each character of a text, the usual one first; none
// for what is no Chinese character.
func Of(text []rune) [][]Syllable {
	t := ready()
	out := make([][]Syllable, len(text))
	for i, r := range text {
		if several, ok := t.several[r]; ok {
			out[i] = several
		} else if one, ok := t.first[r]; ok {
			out[i] = []Syllable{one}
		}
	}
	for i := 0; i+1 < len(text); i++ {
		if read, ok := t.phrase[string(text[i:i+2])]; ok {
			for k, s := range read {
				out[i+k] = append([]Syllable{s}, without(out[i+k], s)...)
			}
		}
	}
	return out
}

func without(list []Syllable, s Syllable) []Syllable {
	return slices.DeleteFunc(slices.Clone(list), func(o Syllable) bool { return o == s })
}

// String is the syllable as it is typed.
func (s Syllable) String() string { return ready().spelling[s] }

// Class is the same for syllables that many speakers do not part.
func (s Syllable) Class() Syllable { return ready().class[s] }

// Find gives the syllable that is spelt so.
func Find(spelling string) (Syllable, bool) {
	s, ok := ready().id[spelling]
	return s, ok
}

// Longest is the length of the longest syllable.
func Longest() int { return ready().longest }
