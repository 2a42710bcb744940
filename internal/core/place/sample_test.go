package place

import (
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"onegrid/data"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/pinyin"
	"onegrid/internal/kit/words"
)

// The sample is made-up addresses and facilities under the real village names of
// the four streets, always the same for one size. (Show 5)

// sampleRow is one made-up place.
type sampleRow struct {
	kind, name string
	parent     int // row; -1
	village    int
}

// sampleVillage is one real village name in its street.
type sampleVillage struct {
	name   string
	street int
}

var roads = strings.Fields(`幸福路 建设路 兴隆街 文化路 学府路 创新路 黄河大道 滨河路 解放路 人民路 长安街 振兴路 富强路 团结路 和平路 光明街 育才路
	青年路 工农路 胜利街 朝阳路 迎宾路 康宁路 安居路 乐业路 花园路 桃园街 柳林路 槐荫路 杏花街 梨园路 枣林路 泉水路 鹊山路 泺口路 崔寨路 孙耿路 太平路 大桥路
	顺河街 堤口路 沿河路 东环路 西环路 南环路 北环路 中心街 前街 后街 东街 西街 南北街 商业街 集市路 水厂路 供电路 医院路 学校路 工业路 科技路 金桥路 银杏路 梧桐街
	翠湖路 明珠路 新华路 新村路 古槐街 庙前街 祠堂街 井台街 碾坊街 油坊街 酒厂路 粮站路 车站路 邮电路 旭升路 永安路 永和街 德润路 仁和路 崇文路 尚学路 博雅路`)

var estates = strings.Fields(`阳光小区 锦绣花园 幸福家园 书香苑 御景园 凤凰城 泉景嘉苑 龙湖花园 安康小区 和谐家园 绿地新城 水岸华庭 翡翠城 麒麟公馆 望河小区 鑫源小区 春晖苑 秋实苑`)

var facilities = strings.Fields(`卫生室:clinic 幸福院:hall 农家书屋:library 文化广场:square 便民服务站:service_centre 小学:school_room 幼儿园:school_room 排灌站:pump 公共厕所:toilet
	健身广场:square 农贸市场:market 食堂:canteen 避难场所:shelter 公交站:bus_stop 村委会:village_office 大集:market 红白理事会:hall 老年活动室:hall 垃圾收集点:waste_point
	水塔:pump 变电所:store_room 应急物资库:store_room 监控点:camera_site 文化礼堂:hall 快递驿站:service_centre`)

func sampleVillages(t testing.TB) (streets []string, villages []sampleVillage) {
	t.Helper()
	f, err := data.FS.Open("divisions/qibuqu.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for _, r := range rows[1:] {
		switch r[2] {
		case "street":
			at[r[0]] = len(streets)
			streets = append(streets, r[1])
		case "village":
			name := r[1]
			for _, end := range []string{"村民委员会", "居民委员会"} {
				name = strings.TrimSuffix(name, end)
			}
			villages = append(villages, sampleVillage{name, at[r[3]]})
		}
	}
	return streets, villages
}

// sampleRows makes n places, parents before their parts.
func sampleRows(villages []sampleVillage, n int) []sampleRow {
	r := rand.New(rand.NewPCG(5, 5))
	var rows []sampleRow
	put := func(kind, name string, parent, village int) int {
		rows = append(rows, sampleRow{kind, name, parent, village})
		return len(rows) - 1
	}
	tops := make([]int, len(villages))
	for v, one := range villages {
		tops[v] = put("village", one.name, -1, v)
	}
	each := n/len(villages) + 1
	for v, one := range villages {
		from := len(rows)
		for _, f := range facilities {
			name, kind, _ := strings.Cut(f, ":")
			if r.IntN(3) > 0 {
				name = one.name + name // half of the offices write the village's name in front
			}
			put(kind, name, tops[v], v)
		}
		order := r.Perm(len(roads))[:10]
		var here []int
		for _, k := range order {
			here = append(here, put("road", roads[k], tops[v], v))
		}
		for _, k := range r.Perm(len(estates))[:2] {
			e := put("estate", estates[k], tops[v], v)
			for b := 1; b <= 6+r.IntN(10); b++ {
				house := put("building", fmt.Sprintf("%d号楼", b), e, v)
				for u := 1; u <= 3; u++ {
					put("unit", fmt.Sprintf("%d单元", u), house, v)
				}
			}
		}
		for number := 1; len(rows)-from < each; number++ {
			for _, road := range here {
				put("building", fmt.Sprintf("%d号", number), road, v)
			}
		}
	}
	return rows[:n]
}

// sampleTown is the organisation and the register that belong to a sample: each
// village with a platform of its own.
type sampleTown struct {
	streets  []string
	villages []sampleVillage
	rows     []sampleRow
	units    *org.Snapshot
	platform []id.ID
	street   []id.ID
	hub      id.ID
	*Places
}

func (s *sampleTown) Snapshot(*db.Tx) (*org.Snapshot, error) { return s.units, nil }

// noGrids is a district whose grids nobody drew.
type noGrids struct{}

func (noGrids) Locate(*db.Tx, orb.Point) (grid.Place, bool, error) { return grid.Place{}, false, nil }
func (noGrids) Only(*db.Tx, id.ID) (grid.Grid, int, error)         { return grid.Grid{}, 0, nil }
func (noGrids) ByID(*db.Tx, id.ID) (grid.Grid, bool, error)        { return grid.Grid{}, false, nil }
func (noGrids) Snapshot(*db.Tx) (*grid.Snapshot, error)            { return &grid.Snapshot{}, nil }
func numbered(n int) (v id.ID) {
	v = id.Must("0190163d-8694-739b-aea5-966c26f8ad00")
	v[13], v[14], v[15] = byte(n>>16), byte(n>>8), byte(n)
	return v
}

func newSample(t testing.TB, size int) *sampleTown {
	s := &sampleTown{}
	s.streets, s.villages = sampleVillages(t)
	s.rows = sampleRows(s.villages, size)
	s.hub = numbered(1 << 20)
	text := func(n string) words.Text { return words.Text{Chinese: n, English: n} }
	units := []org.Unit{{ID: s.hub, Kind: org.Hub, Code: "hub", Name: text("起步区")}}
	for i, n := range s.streets {
		s.street = append(s.street, numbered(1<<20+1+i))
		units = append(units, org.Unit{ID: s.street[i], Kind: org.Street, Code: fmt.Sprint("s", i), Name: text(n + "平台"), Parent: s.hub})
	}
	for i, v := range s.villages {
		s.platform = append(s.platform, numbered(1<<20+100+i))
		units = append(units, org.Unit{ID: s.platform[i], Kind: org.Platform, Code: fmt.Sprint("p", i), Name: text(v.name + "平台"), Parent: s.street[v.street]})
	}
	s.units = org.NewSnapshot(org.Rules{}, units, nil, nil, nil, nil, nil, nil)
	ships, err := LoadKinds(data.FS)
	if err != nil {
		t.Fatal(err)
	}
	s.Places = New(Options{Org: s, Grids: noGrids{}, Kinds: ships})
	return s
}

// fill writes the sample straight into the register.
func (s *sampleTown) fill(t testing.TB, d *db.DB) {
	t.Helper()
	rank := map[string]int64{}
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		kinds, err := s.Kinds(tx)
		for _, k := range kinds {
			rank[k.Key] = k.rank()
		}
		return err
	})
	for from := 0; err == nil && from < len(s.rows); from += 5000 {
		err = d.Write(context.Background(), func(tx *db.Tx) error {
			for i := from; i < min(from+5000, len(s.rows)); i++ {
				r := s.rows[i]
				var parent id.ID
				if r.parent >= 0 {
					parent = numbered(r.parent)
				}
				_, err := tx.Exec(`INSERT INTO place_place (`+columns+`) VALUES
					($1, $2, $3, $4, $5, 1, $6, $7, $8, NULL, NULL, NULL, 0, 0, 0, 0, '{}', 1, 1, NULL, 1, $9)`,
					numbered(i), r.kind, rank[r.kind], parent, r.name, s.hub, s.street[s.villages[r.village].street], s.platform[r.village], int64(i+1))
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// asked is one labelled query: who asks what, and which place is meant.
type asked struct {
	sort  string
	query string
	near  journal.Nodes
	want  int
}

func (s *sampleTown) nodes(village int) journal.Nodes {
	return journal.Nodes{Hub: s.hub, Street: s.street[s.villages[village].street], Platform: s.platform[village]}
}

// label is what people say, from the village or from the road on.
func (s *sampleTown) label(row int, village bool) string {
	var names []string
	for i := row; i >= 0; i = s.rows[i].parent {
		if s.rows[i].parent < 0 && !village && i != row {
			break
		}
		names = append([]string{s.rows[i].name}, names...)
	}
	return labelOf(names, s.rows[row].kind != "village" && len(names) > 1 && strings.HasPrefix(s.rows[row].name, s.villages[s.rows[row].village].name))
}

func typed(text string, initials bool) string {
	var b strings.Builder
	for i, list := range pinyin.Of([]rune(text)) {
		switch {
		case len(list) == 0:
			b.WriteRune([]rune(text)[i])
		case initials:
			b.WriteByte(list[0].String()[0])
		default:
			b.WriteString(list[0].String())
		}
	}
	return b.String()
}

// askedOf makes the labelled queries: as people at the hub, at a street and at a
// village say, type and mistype them.
func (s *sampleTown) askedOf() []asked {
	r := rand.New(rand.NewPCG(7, 7))
	byKind := map[string][]int{}
	for i, row := range s.rows {
		kind := row.kind
		if k := kind; k != "village" && k != "road" && k != "estate" && k != "building" && k != "unit" {
			kind = "facility"
		}
		byKind[kind] = append(byKind[kind], i)
	}
	pick := func(kind string) int { return byKind[kind][r.IntN(len(byKind[kind]))] }
	var out []asked
	put := func(sort, query string, near journal.Nodes, want int) {
		out = append(out, asked{sort, query, near, want})
	}
	short := func(row int) string { // 马店幸福路12号
		return strings.Replace(s.label(row, true), s.villages[s.rows[row].village].name, Stem(s.villages[s.rows[row].village].name), 1)
	}
	atStreet := func(row int) journal.Nodes {
		n := s.nodes(s.rows[row].village)
		n.Platform = id.ID{}
		return n
	}
	anything := []string{"road", "building", "facility", "estate", "building", "unit"}
	for i := range 110 { // as it is written
		row := pick(anything[i%len(anything)])
		switch i % 3 {
		case 0:
			put("text, at the village", s.label(row, false), s.nodes(s.rows[row].village), row)
		case 1:
			put("text, from the street", s.label(row, true), atStreet(row), row)
		default:
			put("text, without 村", short(row), atStreet(row), row)
		}
	}
	// Two-character names: villages by their stem, asked for in their street.
	twice := map[string]int{}
	for _, v := range s.villages {
		twice[fmt.Sprint(Stem(v.name), v.street)]++
	}
	for n := 0; n < 90; {
		row := pick("village")
		v := s.villages[s.rows[row].village]
		if stem := Stem(v.name); utf8.RuneCountInString(stem) == 2 && twice[fmt.Sprint(stem, v.street)] == 1 {
			put("two characters", stem, atStreet(row), row)
			n++
		}
	}
	for i := range 110 {
		row := pick(anything[i%len(anything)])
		if i%2 == 0 {
			put("pinyin, at the village", typed(s.label(row, false), false), s.nodes(s.rows[row].village), row)
		} else {
			put("pinyin, from the street", typed(s.label(row, true), false), atStreet(row), row)
		}
	}
	for i := range 90 {
		row := pick(anything[i%len(anything)])
		if i%2 == 0 {
			put("initials, at the village", typed(s.label(row, false), true), s.nodes(s.rows[row].village), row)
		} else {
			put("initials, from the street", typed(s.label(row, true), true), atStreet(row), row)
		}
	}
	alike := map[rune]rune{'幸': '兴', '福': '富', '建': '健', '设': '社', '文': '闻', '化': '话', '学': '雪', '府': '甫', '新': '心', '路': '录', '河': '和', '安': '庵',
		'兴': '星', '家': '佳', '王': '汪', '李': '里', '张': '章', '卫': '为', '生': '声', '室': '事', '园': '圆', '小': '晓', '广': '光', '场': '厂'}
	for n := 0; n < 100; {
		row := pick(anything[n%len(anything)])
		near := s.nodes(s.rows[row].village)
		q := []rune(s.label(row, n%2 == 1))
		var han []int
		for k, c := range q {
			if c > 0x2e80 {
				han = append(han, k)
			}
		}
		if len(han) < 3 {
			row = pick("facility")
			near, q = s.nodes(s.rows[row].village), []rune(s.label(row, true))
			han = han[:0]
			for k := range q {
				han = append(han, k)
			}
		}
		k := han[r.IntN(len(han))]
		switch n % 5 {
		case 0: // another character with the same or nearly the same sound
			ok := false
			for _, c := range han {
				if other, known := alike[q[c]]; known {
					q[c], ok = other, true
					break
				}
			}
			if !ok {
				q[k] = '的'
			}
			put("one mistake: sounds alike", string(q), near, row)
		case 1: // a wrong character
			q[k] = []rune("山水田天人口手目")[r.IntN(8)]
			put("one mistake: wrong character", string(q), near, row)
		case 2: // one missing
			q = append(q[:k:k], q[k+1:]...)
			put("one mistake: character missing", string(q), near, row)
		case 3: // two swapped
			k = han[r.IntN(len(han)-1)]
			if q[k+1] <= 0x2e80 || q[k] == q[k+1] {
				continue
			}
			q[k], q[k+1] = q[k+1], q[k]
			put("one mistake: two swapped", string(q), near, row)
		default: // a letter of the pinyin
			p := []byte(typed(s.label(row, n%2 == 1), false))
			at := r.IntN(len(p))
			if p[at] < 'a' || p[at] > 'z' {
				continue
			}
			switch r.IntN(3) {
			case 0:
				p[at] = byte('a' + r.IntN(26))
			case 1:
				p = append(p[:at:at], p[at+1:]...)
			default:
				p = append(p[:at+1:at+1], append([]byte{byte('a' + r.IntN(26))}, p[at+1:]...)...)
			}
			put("one mistake: letter of pinyin", string(p), near, row)
		}
		n++
	}
	return out
}
