package area

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"

	"onegrid/internal/kit/words"
)

// Unit is one body of the demo's organisation (机构), in the columns that
// `import units` reads. Parents stand before their children.
type Unit struct {
	Kind         string // hub, street, platform, department, grid_centre
	Key          string // of a department: its key in departments.json
	Code         string
	Name         words.Text
	Parent       string // code
	Calendar     string
	DutyCalendar string
	Villages     []string // codes that a platform covers
	MadeUp       bool
}

// Post is one place that work is given to (岗位).
type Post struct {
	Key   string
	Role  string
	Name  words.Text
	Unit  string // code
	Level string // scope kind of roles.json
	Node  string // code of a unit or a grid
}

// Person is somebody made up (演示人员); the name says so and is nobody's.
type Person struct {
	Key  string
	Name string
}

// Holding says that a person holds a post or stands in for it (任职、代班).
type Holding struct {
	Post, Person string // keys
	StandIn      bool
	Days         int // of a stand-in: for how long from now
}

// Account is one that the demo's sign-in page offers (演示账号).
type Account struct {
	Name   string // what one signs in with
	Person string // key
	Post   string // key: the post to act for at first
	Label  words.Text
}

// Staff is who works in the area, all made up.
type Staff struct {
	Units    []Unit
	Posts    []Post
	Persons  []Person
	Holdings []Holding
	Accounts []Account
}

// Codes of the units that have no statistical code.
const (
	HubCode        = "qibuqu"
	GridCentreCode = "qibuqu-grid-centre"
)

// Vacant is how many base grids have no full-time officer of their own: the
// brief counts some 180 officers for more than 200 grids. (notes/domain.md 1a)
const Vacant = 22

// standIns is for how many of them a neighbour stands in; the others fall to the
// grid head.
const standIns = 14

// crowd is where most of the demo's requests lie: the accounts work there.
var crowd = Point{117.068, 36.9588}

// staffing builds Staff.
type staffing struct {
	Staff
	area   *Area
	number map[string]int // of persons by kind
}

// Staff gives the area its people. files are the shipped data (data.FS).
func (a *Area) Staff(files fs.FS) (Staff, error) {
	s := &staffing{area: a, number: map[string]int{}}
	if err := s.units(files); err != nil {
		return Staff{}, err
	}
	s.hub()
	for _, st := range a.Streets {
		s.street(st)
	}
	s.villages()
	s.departments()
	s.officers()
	s.helpers()
	s.neighbours()
	if err := s.accounts(); err != nil {
		return Staff{}, err
	}
	return s.Staff, nil
}

func (s *staffing) units(files fs.FS) error {
	raw, err := fs.ReadFile(files, "defaults/departments.json")
	if err != nil {
		return fmt.Errorf("departments of the demo: %w", err)
	}
	var d struct {
		Departments []struct {
			Key, Code    string
			Name         words.Text
			Calendar     string
			DutyCalendar string `json:"duty_calendar"`
		}
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return fmt.Errorf("departments of the demo: %w", err)
	}
	s.Units = append(s.Units,
		Unit{Kind: "hub", Code: HubCode, Name: words.Text{Chinese: "起步区中枢平台", English: "Start-up area hub"}, Calendar: "office", DutyCalendar: "office", MadeUp: true},
		Unit{Kind: "grid_centre", Code: GridCentreCode, Name: words.Text{Chinese: "网格化服务管理中心", English: "Grid service centre"}, Parent: HubCode, Calendar: "office", DutyCalendar: "office", MadeUp: true},
	)
	for _, st := range s.area.Streets {
		s.Units = append(s.Units, Unit{
			Kind: "street", Code: st.Code, Parent: HubCode, Calendar: "office", DutyCalendar: "office",
			Name: words.Text{Chinese: st.Name.Chinese + "平台", English: st.Name.English + " platform"},
		})
	}
	for _, p := range s.area.Platforms {
		s.Units = append(s.Units, Unit{
			Kind: "platform", Code: p.Code, Parent: p.Street, Calendar: "village_hall", DutyCalendar: "office", Villages: p.Villages, MadeUp: true,
			Name: words.Text{Chinese: p.Name.Chinese + "平台", English: p.Name.English + " platform"},
		})
	}
	for _, x := range d.Departments {
		s.Units = append(s.Units, Unit{
			Kind: "department", Key: x.Key, Code: x.Code, Name: x.Name, Parent: HubCode, Calendar: x.Calendar, DutyCalendar: x.DutyCalendar,
		})
	}
	return nil
}

// person makes up somebody: what the person does, a number, and that it is a
// demo. No name that could be a person's.
func (s *staffing) person(what string) string {
	s.number[what]++
	key := fmt.Sprintf("%s-%d", what, s.number[what])
	s.Persons = append(s.Persons, Person{Key: key, Name: fmt.Sprintf("%s %03d（演示）", what, s.number[what])})
	return key
}

// post adds a post; its key is the role, the node and a number.
func (s *staffing) post(role string, name words.Text, unit, level, node string) string {
	base := role + "@" + node
	key := base
	for n := 2; slices.ContainsFunc(s.Posts[max(0, len(s.Posts)-8):], func(p Post) bool { return p.Key == key }); n++ {
		key = fmt.Sprintf("%s#%d", base, n)
	}
	s.Posts = append(s.Posts, Post{Key: key, Role: role, Name: name, Unit: unit, Level: level, Node: node})
	return key
}

func (s *staffing) holds(post, person string) {
	s.Holdings = append(s.Holdings, Holding{Post: post, Person: person})
}

// staffed adds posts of one role at one node, each with a person of its own.
func (s *staffing) staffed(n int, role, zh, en, unit, level, node string) {
	for i := range n {
		name := words.Text{Chinese: zh, English: en}
		if n > 1 {
			name = words.Text{Chinese: fmt.Sprintf("%s %d", zh, i+1), English: fmt.Sprintf("%s %d", en, i+1)}
		}
		s.holds(s.post(role, name, unit, level, node), s.person(roleWord[role]))
	}
}

// roleWord is what a made-up person is called by.
var roleWord = map[string]string{
	"hub_officer": "中枢值班员", "hub_leader": "中枢值班领导", "figures_clerk": "考评员", "plan_editor": "预案管理员",
	"device_keeper": "设备管理员", "footage_blurrer": "录像复核员", "data_protection_officer": "个人信息保护负责人",
	"grid_clerk": "网格编码员", "grid_centre_leader": "网格中心负责人",
	"system_admin": "系统管理员", "security_admin": "安全管理员", "auditor": "审计管理员",
	"street_desk": "街道派遣员", "street_leader": "街道负责人", "service_reviewer": "街道服务审核员", "service_payer": "发放经办",
	"mediator": "调解员", "lawyer": "驻点律师", "counsellor": "心理服务人员",
	"department_handler": "部门经办", "department_leader": "部门负责人", "wall_viewer": "大屏查看员",
	"venue_keeper": "场地管理员", "volunteer": "志愿者", "property_staff": "物业管理员", "residents_rep": "群众代表", "building_head": "楼长",
}

func (s *staffing) hub() {
	for _, x := range []struct {
		n            int
		role, zh, en string
	}{
		{3, "hub_officer", "中枢值班", "Hub duty officer"}, {1, "hub_leader", "中枢值班领导", "Hub duty leader"},
		{1, "figures_clerk", "考评", "Evaluation clerk"}, {1, "plan_editor", "预案管理", "Plan editor"},
		{1, "device_keeper", "设备管理", "Device keeper"}, {1, "footage_blurrer", "录像遮挡复核", "Footage blur reviewer"},
		{1, "data_protection_officer", "个人信息保护负责人", "Data protection officer"}, {1, "wall_viewer", "大屏查看", "Wall viewer"},
	} {
		s.staffed(x.n, x.role, x.zh, x.en, HubCode, "district", HubCode)
	}
	s.staffed(1, "grid_clerk", "网格编码", "Grid code clerk", GridCentreCode, "district", HubCode)
	s.staffed(1, "grid_centre_leader", "网格中心负责人", "Grid centre leader", GridCentreCode, "district", HubCode)
	s.staffed(1, "system_admin", "系统管理", "System administrator", HubCode, "system", HubCode)
	s.staffed(1, "security_admin", "安全管理", "Security administrator", HubCode, "system", HubCode)
	s.staffed(1, "auditor", "审计管理", "Audit administrator", HubCode, "system", HubCode)
}

func (s *staffing) street(st Street) {
	for _, x := range []struct {
		n            int
		role, zh, en string
	}{
		{3, "street_desk", "派遣", "dispatcher"}, {1, "street_leader", "负责人", "leader"},
		{1, "service_reviewer", "服务审核", "service reviewer"}, {1, "service_payer", "发放经办", "payment clerk"},
		{1, "mediator", "调解", "mediator"}, {1, "lawyer", "驻点律师", "visiting lawyer"}, {1, "counsellor", "心理服务", "counsellor"},
	} {
		s.staffed(x.n, x.role, st.Name.Chinese+x.zh, st.Name.English+" "+x.en, st.Code, "street", st.Code)
	}
}

// villages gives each platform a desk, a service clerk (one person holds both)
// and a leader, who is also the head of the platform's grids.
func (s *staffing) villages() {
	for _, p := range s.area.Platforms {
		desk, leader := s.person("村居值班员"), s.person("村居负责人")
		name := func(zh, en string) words.Text {
			return words.Text{Chinese: p.Name.Chinese + zh, English: p.Name.English + " " + en}
		}
		s.holds(s.post("village_desk", name("值班", "desk"), p.Code, "village", p.Code), desk)
		s.holds(s.post("service_clerk", name("便民服务", "service clerk"), p.Code, "village", p.Code), desk)
		s.holds(s.post("village_leader", name("负责人", "leader"), p.Code, "village", p.Code), leader)
		for _, g := range s.area.Grids {
			if g.Layer == "base" && g.Platform == p.Code {
				s.holds(s.post("grid_head", gridPost(g, "网格长", "head"), p.Code, "grid", g.Code), leader)
			}
		}
	}
	for _, g := range s.area.Grids {
		if g.Kind == "special" {
			s.holds(s.post("grid_head", gridPost(g, "网格长", "head"), g.Street, "grid", g.Code), s.person("专属网格长"))
		}
	}
}

func gridPost(g Grid, zh, en string) words.Text {
	return words.Text{Chinese: g.Name.Chinese + zh, English: g.Name.English + " " + en}
}

// unitOf is the body that a grid's posts belong to.
func unitOf(g Grid) string {
	if g.Platform != "" {
		return g.Platform
	}
	return g.Street
}

func (s *staffing) departments() {
	for _, u := range s.Units {
		if u.Kind == "department" {
			s.staffed(2, "department_handler", u.Name.Chinese+"经办", u.Name.English+" handler", u.Code, "department", u.Code)
			s.staffed(1, "department_leader", u.Name.Chinese+"负责人", u.Name.English+" leader", u.Code, "department", u.Code)
		}
	}
}

// base lists the base grids.
func (s *staffing) base() []Grid {
	return slices.DeleteFunc(slices.Clone(s.area.Grids), func(g Grid) bool { return g.Layer != "base" })
}

// officers gives every base grid the post of a full-time officer; some stay
// vacant, and a neighbour of the same street stands in for most of those.
func (s *staffing) officers() {
	grids := s.base()
	vacant := map[int]bool{}
	home := at(grids, crowd) // not vacant: somebody signs in there
	for i := range grids {
		if len(vacant) < Vacant && grids[i].Kind == "comprehensive" && i != home && i%9 == 4 {
			vacant[i] = true
		}
	}
	type officer struct{ person, street string }
	var there []officer
	posts := make([]string, len(grids))
	for i, g := range grids {
		posts[i] = s.post("grid_officer", gridPost(g, "专职网格员", "officer"), unitOf(g), "grid", g.Code)
		if !vacant[i] {
			p := s.person("网格员")
			s.holds(posts[i], p)
			there = append(there, officer{p, g.Street})
		}
	}
	stood := 0
	for i, g := range grids {
		if !vacant[i] || stood == standIns {
			continue
		}
		near := slices.IndexFunc(there, func(o officer) bool { return o.street == g.Street })
		if near < 0 {
			continue
		}
		s.Holdings = append(s.Holdings, Holding{Post: posts[i], Person: there[near].person, StandIn: true, Days: 30 + 5*(stood%8)})
		there = slices.Delete(there, near, near+1) // one each
		stood++
	}
}

// helpers gives the grids their guide, their part-time officers and the micro
// grids their group leaders. A guide looks after up to three grids.
func (s *staffing) helpers() {
	guide, guided := "", 3
	street := ""
	for _, g := range s.base() {
		if guided == 3 || g.Street != street {
			guide, guided, street = s.person("网格指导员"), 0, g.Street
		}
		guided++
		s.holds(s.post("grid_guide", gridPost(g, "指导员", "guide"), g.Street, "grid", g.Code), guide)
		n := 3
		if g.Kind == "special" {
			n = 1
		}
		for range n {
			s.holds(s.post("part_officer", gridPost(g, "兼职网格员", "part-time officer"), unitOf(g), "grid", g.Code), s.person("兼职网格员"))
		}
	}
	for _, g := range s.area.Grids {
		if g.Layer == "micro" {
			s.holds(s.post("group_leader", gridPost(g, "党小组长", "group leader"), g.Platform, "micro_grid", g.Code), s.person("党小组长"))
		}
	}
}

// neighbours adds the open list of helping people (S of 31NS) where the accounts
// work; elsewhere it is empty, as it may be. (data/defaults/staffing.json)
func (s *staffing) neighbours() {
	home := s.home()
	s.staffed(1, "venue_keeper", home.Name.Chinese+"学堂管理", home.Name.English+" venue keeper", home.Platform, "village", home.Platform)
	for _, x := range [][3]string{
		{"volunteer", "志愿者", "volunteer"}, {"property_staff", "物业", "property staff"}, {"residents_rep", "群众代表", "residents' representative"},
	} {
		s.staffed(1, x[0], home.Name.Chinese+x[1], home.Name.English+" "+x[2], home.Platform, "grid", home.Code)
	}
	m := s.firstMicro()
	s.staffed(1, "building_head", m.Name.Chinese+"楼长", m.Name.English+" building head", m.Platform, "micro_grid", m.Code)
}

// home is the grid where the accounts work.
func (s *staffing) home() Grid {
	grids := s.base()
	return grids[at(grids, crowd)]
}

func (s *staffing) firstMicro() Grid {
	return s.area.Grids[slices.IndexFunc(s.area.Grids, func(g Grid) bool { return g.Layer == "micro" })]
}

// at finds the grid that a position lies in.
func at(grids []Grid, p Point) int {
	return slices.IndexFunc(grids, func(g Grid) bool {
		in := false
		for _, r := range g.Shape {
			for i := 1; i < len(r); i++ {
				a, b := r[i-1], r[i]
				if a[1] > p[1] != (b[1] > p[1]) && p[0] < a[0]+(b[0]-a[0])*(p[1]-a[1])/(b[1]-a[1]) {
					in = !in
				}
			}
		}
		return in
	})
}

// accounts offers one of each kind of desk, where the requests are.
func (s *staffing) accounts() error {
	home, micro := s.home(), s.firstMicro()
	standIn := s.Holdings[slices.IndexFunc(s.Holdings, func(h Holding) bool { return h.StandIn })]
	for _, x := range []struct {
		name, post string
		label      words.Text
	}{
		{"hub", "hub_officer@" + HubCode, words.Text{Chinese: "中枢值班员", English: "Hub duty officer"}},
		{"hub2", "hub_officer@" + HubCode + "#2", words.Text{Chinese: "中枢值班员（二号席）", English: "Hub duty officer (second desk)"}},
		{"hub-leader", "hub_leader@" + HubCode, words.Text{Chinese: "中枢值班领导", English: "Hub duty leader"}},
		{"street", "street_desk@" + home.Street, words.Text{Chinese: "街道派遣员", English: "Street dispatcher"}},
		{"street2", "street_desk@" + other(s.area.Streets, home.Street), words.Text{Chinese: "另一街道的派遣员", English: "Dispatcher of another street"}},
		{"street-leader", "street_leader@" + home.Street, words.Text{Chinese: "街道负责人", English: "Street leader"}},
		{"village", "village_desk@" + home.Platform, words.Text{Chinese: "村居平台值班", English: "Village desk"}},
		{"grid-head", "grid_head@" + home.Code, words.Text{Chinese: "网格长", English: "Grid head"}},
		{"officer", "grid_officer@" + home.Code, words.Text{Chinese: "专职网格员", English: "Full-time officer"}},
		{"stand-in", standIn.Post, words.Text{Chinese: "专职网格员（兼代班）", English: "Full-time officer who also stands in"}},
		{"part-officer", "part_officer@" + home.Code, words.Text{Chinese: "兼职网格员", English: "Part-time officer"}},
		{"guide", "grid_guide@" + home.Code, words.Text{Chinese: "网格指导员", English: "Grid guide"}},
		{"village-leader", "village_leader@" + home.Platform, words.Text{Chinese: "村居负责人", English: "Village leader"}},
		{"service", "service_clerk@" + home.Platform, words.Text{Chinese: "便民服务窗口", English: "Service clerk"}},
		{"venue", "venue_keeper@" + home.Platform, words.Text{Chinese: "场地与课程管理员", English: "Venue keeper"}},
		{"group-leader", "group_leader@" + micro.Code, words.Text{Chinese: "党小组长", English: "Group leader"}},
		{"building-head", "building_head@" + micro.Code, words.Text{Chinese: "楼长", English: "Building head"}},
		{"volunteer", "volunteer@" + home.Code, words.Text{Chinese: "志愿者", English: "Volunteer"}},
		{"property", "property_staff@" + home.Code, words.Text{Chinese: "物业管理人员", English: "Property staff"}},
		{"residents-rep", "residents_rep@" + home.Code, words.Text{Chinese: "群众代表", English: "Residents’ representative"}},
		{"reviewer", "service_reviewer@" + home.Street, words.Text{Chinese: "街道服务审核", English: "Street service reviewer"}},
		{"payer", "service_payer@" + home.Street, words.Text{Chinese: "发放经办", English: "Payment clerk"}},
		{"lawyer", "lawyer@" + home.Street, words.Text{Chinese: "驻点律师", English: "Visiting lawyer"}},
		{"mediator", "mediator@" + home.Street, words.Text{Chinese: "调解员", English: "Mediator"}},
		{"counsellor", "counsellor@" + home.Street, words.Text{Chinese: "心理服务人员", English: "Counsellor"}},
		{"department", "department_handler@urban_management", words.Text{Chinese: "城市管理部门经办", English: "Handler, urban management"}},
		{"department2", "department_handler@housing", words.Text{Chinese: "住房和城乡建设部门经办", English: "Handler, housing and construction"}},
		{"department-leader", "department_leader@urban_management", words.Text{Chinese: "城市管理部门负责人", English: "Leader, urban management"}},
		{"benefits-leader", "department_leader@civil_affairs", words.Text{Chinese: "民政部门负责人", English: "Leader, civil affairs"}},
		{"evaluation", "figures_clerk@" + HubCode, words.Text{Chinese: "考评员", English: "Evaluation clerk"}},
		{"data-protection", "data_protection_officer@" + HubCode, words.Text{Chinese: "个人信息保护负责人", English: "Data protection officer"}},
		{"plans", "plan_editor@" + HubCode, words.Text{Chinese: "预案管理员", English: "Plan editor"}},
		{"devices", "device_keeper@" + HubCode, words.Text{Chinese: "设备管理员", English: "Device keeper"}},
		{"footage", "footage_blurrer@" + HubCode, words.Text{Chinese: "录像遮挡复核", English: "Footage blur reviewer"}},
		{"wall", "wall_viewer@" + HubCode, words.Text{Chinese: "大屏查看", English: "Wall viewer"}},
		{"grid-centre", "grid_clerk@" + HubCode, words.Text{Chinese: "网格中心编码员", English: "Grid centre code clerk"}},
		{"grid-centre-leader", "grid_centre_leader@" + HubCode, words.Text{Chinese: "网格中心负责人", English: "Grid centre leader"}},
		{"system-admin", "system_admin@" + HubCode, words.Text{Chinese: "系统管理员", English: "System administrator"}},
		{"security-admin", "security_admin@" + HubCode, words.Text{Chinese: "安全管理员", English: "Security administrator"}},
		{"auditor", "auditor@" + HubCode, words.Text{Chinese: "审计管理员", English: "Audit administrator"}},
	} {
		post := s.key(x.post)
		n := slices.IndexFunc(s.Holdings, func(h Holding) bool { return h.Post == post })
		if n < 0 {
			return fmt.Errorf("the demo's account %s has no post %s", x.name, x.post)
		}
		s.Accounts = append(s.Accounts, Account{Name: x.name, Person: s.Holdings[n].Person, Post: post, Label: x.label})
	}
	return nil
}

// key turns a department's key into its code within a post's key.
func (s *staffing) key(post string) string {
	for _, u := range s.Units {
		if u.Kind == "department" {
			for _, role := range []string{"department_handler@", "department_leader@"} {
				if post == role+u.Key {
					return role + u.Code
				}
			}
		}
	}
	return post
}

func other(streets []Street, code string) string {
	i := slices.IndexFunc(streets, func(s Street) bool { return s.Code == code })
	return streets[(i+1)%len(streets)].Code
}
