package pdf

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"onegrid/data"
)

func em(s string) float64 { return width(s, 10) }

// Lines are as wide as they may be, keep every character, and neither begin
// with a closing mark nor end with an opening one.
func TestLines(t *testing.T) {
	for text, want := range map[string][]string{
		"东门外垃圾堆了三天。":         {"东门外垃", "圾堆了三", "天。"},
		"一二三四。五六":            {"一二三", "四。五六"},
		"一二三（四五）":            {"一二三", "（四五）"},
		"ab cd efgh":         {"ab cd", "efgh"},
		"好\n\n好":             {"好", "", "好"},
		"":                   {""},
		"abcdefghijklmnopqr": nil,
	} {
		got := Lines(text, 41, em)
		if want != nil && strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("东门外的垃圾abc019 ，。（）“”《》、：/-\n"))).Draw(t, "text")
		most := rapid.Float64Range(22, 400).Draw(t, "width")
		got := Lines(text, most, em)
		plain := func(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
		if a, b := plain(strings.Join(got, "")), plain(text); a != b {
			t.Fatalf("%q became %q", b, a)
		}
		for i, l := range got {
			// A run of marks that is wider than the line has to be cut somewhere.
			first, _ := utf8.DecodeRuneInString(l)
			if em(l) > most+0.01 && utf8.RuneCountInString(l) > 1 {
				t.Fatalf("line %q is %.1f wide, more than %.1f", l, em(l), most)
			}
			if i > 0 && most > 200 && strings.ContainsRune("，。、：", first) && !strings.ContainsAny(text, "\n") && !marks(text) {
				t.Fatalf("a line begins with %q in %q", first, got)
			}
		}
	})
}

// marks says whether a text has long runs of marks.
func marks(s string) bool {
	n := 0
	for _, r := range s {
		if strings.ContainsRune(closing+opening+"/-", r) || r < 0x80 {
			n++
		} else {
			n = 0
		}
		if n > 4 {
			return true
		}
	}
	return false
}

func picture(w, h int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			img.Set(x, y, color.RGBA{uint8(x), uint8(y), 128, 255})
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil)
	return b.Bytes()
}

func sample(t *testing.T) (*Doc, []byte) {
	t.Helper()
	d, err := New(Meta{Title: "案件", Author: "演示", Made: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	d.Title("20261124-K7P2M9X-R 东门外垃圾堆了三天")
	d.Fields([]Field{{"地点", "大桥街道 鹊山东社区，七号胡同口东侧（靠近公厕）"}, {"没有", ""}, {"负责", "区中枢值班员"}})
	d.Heading("经过")
	for range 40 {
		d.Entries([]Entry{{When: "11月24日 10:02", What: "受理", Said: []string{"看过，属实。明天上午派车去清，先把路口围起来，免得有人踩到玻璃。"}, Small: "综合岗 · 用时 6 分"}})
	}
	d.Text("生僻字：𠮷、犇、骉；emoji：🌊。")
	d.Pictures([]Picture{{picture(320, 240), "处置前"}, {picture(200, 400), "处置后"}, {picture(64, 48), "其他"}})
	out, err := d.Bytes(func(n, of int) (string, string) {
		return "由演示打印", strings.Join([]string{"第", string(rune('0' + n)), "页"}, " ")
	})
	if err != nil {
		t.Fatal(err)
	}
	return d, out
}

// read is the text that a reader finds in a file.
func read(t *testing.T, file []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("pdftotext", "-enc", "UTF-8", name, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext (package poppler-utils, see scripts/setup): %v", err)
	}
	return string(text)
}

// What was written is read back the same, on as many pages as it takes, and
// what the font lacks is named.
func TestTextIsReadBack(t *testing.T) {
	d, file := sample(t)
	text := read(t, file)
	plain := strings.Join(strings.Fields(text), "")
	for _, want := range []string{"20261124-K7P2M9X-R", "东门外垃圾堆了三天", "大桥街道鹊山东社区，七号胡同口东侧（靠近公厕）", "看过，属实。明天上午派车去清，先把路口围起来，免得有人踩到玻璃。", "〔U+20BB7〕", "〔U+1F30A〕", "由演示打印", "第1页", "第3页"} {
		if !strings.Contains(plain, want) {
			t.Errorf("%s is not in what is read", want)
		}
	}
	if strings.Contains(plain, "没有") {
		t.Error("a fact without a value is printed")
	}
	if got := string(d.Missing()); !strings.Contains(got, "𠮷") || !strings.Contains(got, "🌊") || strings.Contains(got, "门") {
		t.Errorf("missing are %q", got)
	}
	if n := len(file); n > 400_000 {
		t.Errorf("a file of %d bytes", n)
	}
}

// Every character of the divisions' names and of the words this program says
// is in the font.
func TestFontHasOurOwnWords(t *testing.T) {
	d, err := New(Meta{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range []string{"defaults/items.json", "defaults/words.json", "defaults/reasons.json", "defaults/stages.json", "defaults/roles.json", "defaults/departments.json", "divisions/qibuqu.csv"} {
		b, err := data.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n += len(b)
		d.known(string(b))
	}
	if len(d.Missing()) > 0 || n < 100_000 {
		t.Errorf("of %d bytes the font lacks %q", n, string(d.Missing()))
	}
}

func TestWrongPictureIsSaid(t *testing.T) {
	d, err := New(Meta{})
	if err != nil {
		t.Fatal(err)
	}
	d.Pictures([]Picture{{JPEG: []byte("no picture")}})
	if _, err := d.Bytes(func(int, int) (string, string) { return "", "" }); err == nil {
		t.Error("a broken picture is printed")
	}
}
