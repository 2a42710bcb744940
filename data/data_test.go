package data_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"onegrid/data"
)

// object is one JSON object of a default file.
type object map[string]any

func (o object) text(k string) string { s, _ := o[k].(string); return s }

func (o object) list(k string) []object {
	var out []object
	l, _ := o[k].([]any)
	for _, v := range l {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func (o object) texts(k string) []string {
	var out []string
	l, _ := o[k].([]any)
	for _, v := range l {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

func (o object) object(k string) object { m, _ := o[k].(map[string]any); return m }

func (o object) number(k string) float64 { n, _ := o[k].(float64); return n }

// shipped are the default files.
var shipped = []string{
	"calendar", "departments", "devices", "functions", "groups", "items", "notices", "places", "plans",
	"purposes", "reasons", "retention", "roles", "services", "staffing", "stages", "words",
}

// defaults are the default files by name.
type defaults struct {
	*testing.T
	files map[string]object
}

func load(t *testing.T) *defaults {
	t.Helper()
	names, err := fs.Glob(data.FS, "defaults/*.json")
	if err != nil {
		t.Fatal(err)
	}
	d := &defaults{T: t, files: map[string]object{}}
	for _, n := range names {
		raw, err := fs.ReadFile(data.FS, n)
		if err != nil {
			t.Fatal(err)
		}
		var o object
		if err := json.Unmarshal(raw, &o); err != nil {
			t.Fatalf("%s: %v", n, err)
		}
		if o.number("version") < 1 {
			t.Errorf("%s has no version", n)
		}
		d.files[strings.TrimSuffix(strings.TrimPrefix(n, "defaults/"), ".json")] = o
	}
	// Each name must be known: a file that nobody looks for is checked by nothing.
	for n := range d.files {
		if !slices.Contains(shipped, n) {
			t.Errorf("defaults/%s.json is not listed in shipped", n)
		}
	}
	for _, n := range shipped {
		if d.files[n] == nil {
			t.Fatalf("defaults/%s.json is missing", n)
		}
	}
	return d
}

// keys are the keys of a list; none may stand there twice.
func (d *defaults) keys(file, list string) map[string]object {
	d.Helper()
	out := map[string]object{}
	for _, o := range d.files[file].list(list) {
		k := o.text("key")
		if _, twice := out[k]; twice || k == "" {
			d.Errorf("%s.%s: key %q twice or empty", file, list, k)
		}
		out[k] = o
	}
	if len(out) == 0 {
		d.Fatalf("%s.%s is empty", file, list)
	}
	return out
}

// refers demands that keys are known.
func refers[T any](d *defaults, at string, known map[string]T, keys ...string) {
	d.Helper()
	for _, k := range keys {
		if _, ok := known[k]; !ok {
			d.Errorf("%s refers to %q", at, k)
		}
	}
}

// Roles hold known permissions at known scopes, what excludes each other says so
// on both sides and why, and the three administrators share nothing and touch no
// case and no resident. (DESIGN.md section 8)
func TestRoles(t *testing.T) {
	d := load(t)
	roles, permissions, scopes := d.keys("roles", "roles"), d.keys("roles", "permissions"), d.keys("roles", "scope_kinds")
	held := map[string][]string{}
	for key, r := range roles {
		refers(d, "role "+key, permissions, r.texts("permissions")...)
		refers(d, "role "+key, scopes, r.texts("scope_kinds")...)
		refers(d, "role "+key, roles, r.texts("incompatible")...)
		for _, p := range r.texts("permissions") {
			held[p] = append(held[p], key)
		}
		for _, other := range r.texts("incompatible") {
			if !slices.Contains(roles[other].texts("incompatible"), key) {
				t.Errorf("%s excludes %s but not the other way round", key, other)
			}
			if !slices.ContainsFunc(d.files["roles"].list("incompatibilities"), func(o object) bool {
				return slices.Contains(o.texts("roles"), key) && slices.Contains(o.texts("roles"), other) && o.object("why") != nil
			}) {
				t.Errorf("%s excludes %s without a reason", key, other)
			}
		}
	}
	for p := range permissions {
		if len(held[p]) == 0 {
			t.Errorf("nobody holds %s", p)
		}
	}
	for key, r := range d.keys("roles", "two_person_rules") {
		refers(d, "two-person rule "+key, permissions, r.text("first"), r.text("second"))
	}
	content := regexp.MustCompile(`^(case|task|apply|resident|patrol|benefit|camera|footage\.(approve|release|blur|request))`)
	admins := []string{"system_admin", "security_admin", "auditor"}
	for p, who := range held {
		n := 0
		for _, a := range admins {
			if slices.Contains(who, a) {
				n++
			}
		}
		if n > 1 || n == 1 && content.MatchString(p) {
			t.Errorf("%s is held by %v", p, who)
		}
	}
}

// Departments, staffing and retention refer to what is there and keep their
// bounds.
func TestOrganisation(t *testing.T) {
	d := load(t)
	roles, items, calendars := d.keys("roles", "roles"), d.keys("items", "items"), d.keys("calendar", "calendars")
	departments := d.keys("departments", "departments")
	if len(departments) != 9 {
		t.Errorf("%d departments", len(departments))
	}
	for key, x := range departments {
		refers(d, "department "+key, items, x.texts("items")...)
		refers(d, "department "+key, calendars, x.text("calendar"), x.text("duty_calendar"))
	}
	police := departments["police_liaison"].object("limits")
	if police["registry_query"] != false || police["bulk_export"] != false {
		t.Error("the police liaison may query the registry")
	}
	for _, r := range d.files["staffing"].list("rules") {
		for _, p := range r.list("posts") {
			refers(d, "staffing", roles, p.text("role"))
			if p.number("min") > p.number("max") || p["mandatory"] == true && p.number("min") < 1 {
				t.Errorf("staffing of %s: %v", r.text("key"), p)
			}
		}
		refers(d, "staffing", roles, r.object("open_list").texts("roles")...)
	}
	for _, k := range d.files["staffing"].object("vacancy").texts("cover_order") {
		if k != "stand_in" {
			refers(d, "cover order", roles, k)
		}
	}
	statuses := d.keys("retention", "statuses")
	classes := d.keys("retention", "classes")
	for key, c := range classes {
		refers(d, "retention "+key, statuses, c.text("reason_status"))
		if term := c.object("term"); (term == nil) != (c.text("then") == "keep") || term != nil && term.number("value") <= 0 {
			t.Errorf("retention %s: %v then %s", key, term, c.text("then"))
		}
	}
	if log := classes["access_log"].object("term"); log.text("unit") != "year" && log.number("value") < 6 {
		t.Error("access logs are kept for less than six months")
	}
	for key, i := range items {
		refers(d, "item "+key, classes, i.text("retention"))
		refers(d, "item "+key, d.keys("items", "indices"), i.texts("indices")...)
		for _, r := range i.list("route") {
			refers(d, "route of "+key, roles, r.text("role"))
			if dep := r.text("department"); dep != "" && !slices.Contains(departments[dep].texts("items"), key) {
				t.Errorf("department %s does not list %s", dep, key)
			}
		}
		for _, v := range []string{"verify", "check"} {
			for _, by := range i.object(v).texts("by") {
				refers(d, v+" of "+key, roles, by)
				may := roles[by].texts("permissions")
				if by != "resident" && !slices.ContainsFunc([]string{"case.verify", "case.check", "apply.home_check", "apply.review", "org.team_view"},
					func(p string) bool { return slices.Contains(may, p) }) {
					t.Errorf("%s of %s is given to %s, who may not", v, key, by)
				}
			}
		}
	}
	decides := map[string]string{"suspend": "case.suspend_decide", "extend": "case.extend_decide", "void": "case.void_decide"}
	for key, r := range d.keys("reasons", "reasons") {
		e := r.object("effect")
		if a := e.text("approval"); a != "" {
			refers(d, "reason "+key, roles, a)
			if p := decides[r.text("kind")]; p != "" && !slices.Contains(roles[a].texts("permissions"), p) {
				t.Errorf("%s is approved by %s, who may not", key, a)
			}
		}
		refers(d, "reason "+key, roles, e.texts("tells")...)
	}
	for _, e := range d.files["calendar"].object("warn").list("escalate") {
		refers(d, "escalation", roles, e.text("to"))
	}
}

var hole = regexp.MustCompile(`\{(\w+)\}`)

// holes are the variables of a text, sorted; both languages must use the same.
func (d *defaults) holes(at string, text object) []string {
	d.Helper()
	of := func(s string) []string {
		var out []string
		for _, m := range hole.FindAllStringSubmatch(s, -1) {
			out = append(out, m[1])
		}
		slices.Sort(out)
		return out
	}
	zh, en := of(text.text("zh-CN")), of(text.text("en"))
	if !slices.Equal(zh, en) {
		d.Errorf("%s: the languages use %v and %v", at, zh, en)
	}
	return slices.Compact(en)
}

// Messages declare the variables they use, and nothing personal goes out by SMS
// or push, which show on a locked screen.
func TestNotices(t *testing.T) {
	d := load(t)
	variables, used := d.keys("notices", "variables"), map[string]bool{}
	private := regexp.MustCompile(`\{(answer|reason|amount|service|papers|purpose|what_next|item|place|unit|post|reader)\}`)
	for key, n := range d.keys("notices", "templates") {
		var all []string
		for _, part := range []string{"title", "body", "short"} {
			if text := n.object(part); text != nil {
				all = append(all, d.holes("notice "+key, text)...)
			}
		}
		slices.Sort(all)
		all = slices.Compact(all)
		declared := slices.Sorted(slices.Values(n.texts("variables")))
		if !slices.Equal(all, declared) {
			t.Errorf("notice %s declares %v and uses %v", key, declared, all)
		}
		refers(d, "notice "+key, variables, all...)
		for _, v := range all {
			used[v] = true
		}
		short := n.object("short")
		if short == nil {
			short = n.object("body")
		}
		open := slices.ContainsFunc(n.texts("channels"), func(c string) bool { return c == "sms" || c == "push" })
		warning := strings.HasPrefix(n.text("event"), "warning.") || strings.HasPrefix(n.text("event"), "supply.")
		if warning != (n.text("data") == "public") {
			t.Errorf("notice %s: only warnings say everything on a locked screen", key)
		}
		if open && !warning && private.MatchString(short.text("en")) {
			t.Errorf("notice %s sends personal matters by SMS or push", key)
		}
	}
	for v := range variables {
		if !used[v] {
			t.Errorf("variable %s is never used", v)
		}
	}
}

// Plans name known items, roles and departments; who activates and ends one may
// do so; residents are told at the begin and at the end.
func TestPlans(t *testing.T) {
	d := load(t)
	roles, items := d.keys("roles", "roles"), d.keys("items", "items")
	departments, variables := d.keys("departments", "departments"), d.keys("notices", "variables")
	plans := d.keys("plans", "plans")
	if len(plans) != 6 {
		t.Errorf("%d plans", len(plans))
	}
	for key, p := range plans {
		at := "plan " + key
		refers(d, at, items, p.texts("items")...)
		refers(d, at, d.keys("retention", "classes"), p.text("retention"))
		levels := map[string]bool{}
		for _, l := range p.list("levels") {
			levels[l.text("key")] = false
			for _, r := range l.texts("activated_by") {
				if !slices.Contains(roles[r].texts("permissions"), "plan.activate") {
					t.Errorf("%s: %s may not activate", at, r)
				}
			}
		}
		for _, r := range p.object("ends").texts("ended_by") {
			if !slices.Contains(roles[r].texts("permissions"), "plan.end") {
				t.Errorf("%s: %s may not end", at, r)
			}
		}
		ids := map[string]bool{}
		for _, task := range p.list("tasks") {
			refers(d, at, roles, task.text("role"))
			if dep := task.text("department"); dep != "" {
				refers(d, at, departments, dep)
			}
			if m := task.number("within_minutes"); ids[task.text("id")] || m < 1 || m > 240 || len(task.texts("levels")) == 0 {
				t.Errorf("%s task %s", at, task.text("id"))
			}
			ids[task.text("id")] = true
			refers(d, at, levels, task.texts("levels")...)
			for _, l := range task.texts("levels") {
				levels[l] = true
			}
		}
		for l, has := range levels {
			if !has {
				t.Errorf("%s has no task at level %s", at, l)
			}
		}
		told := map[string]bool{}
		for _, m := range p.list("residents") {
			told[m.text("when")] = true
			refers(d, at, variables, d.holes(at, m.object("text"))...)
		}
		if !told["activated"] || !told["ended"] {
			t.Errorf("%s tells residents %v", at, told)
		}
		for _, g := range p.list("call_groups") {
			refers(d, at, roles, g.texts("members")...)
		}
	}
}

// Services lead to an item that residents may raise, with steps that do not run
// backwards, and the glossary has one word for one thing.
func TestServicesAndWords(t *testing.T) {
	d := load(t)
	roles, items, departments := d.keys("roles", "roles"), d.keys("items", "items"), d.keys("departments", "departments")
	order := map[string]float64{}
	for key, s := range d.keys("stages", "stages") {
		order[key] = s.number("order")
	}
	stage := map[string]string{}
	for _, f := range d.files["stages"].list("flows") {
		for _, s := range f.list("states") {
			stage[f.text("key")+" "+s.text("key")] = s.text("stage")
		}
	}
	kinds := d.keys("services", "kinds")
	strict := []string{"none", "consent", "separate", "guardian"}
	services := d.keys("services", "services")
	if len(services) != 20 {
		t.Errorf("%d services", len(services))
	}
	for key, s := range services {
		at := "service " + key
		refers(d, at, kinds, s.text("kind"))
		flow := kinds[s.text("kind")].text("flow")
		if name := s.text("item"); name != "" {
			i := items[name]
			refers(d, at, items, name)
			flow = i.text("flow")
			if !slices.Contains(i.texts("raised_by"), "resident") {
				t.Errorf("%s uses an item that residents cannot raise", at)
			}
			if slices.Index(strict, s.object("consent").text("kind")) < slices.Index(strict, i.object("consent").text("kind")) {
				t.Errorf("%s asks for less consent than its item", at)
			}
		} else if s.text("kind") == "case" {
			t.Errorf("%s has no item", at)
		}
		last := 0.0
		for _, step := range s.list("steps") {
			refers(d, at, roles, step.text("role"))
			st, ok := stage[flow+" "+step.text("state")]
			if o := order[st]; !ok || o < last {
				t.Errorf("%s: step %s", at, step.text("state"))
			} else {
				last = o
			}
		}
		h := s.object("handled_by")
		refers(d, at, roles, h.text("role"))
		if dep := h.text("department"); dep != "" {
			refers(d, at, departments, dep)
		}
		for _, x := range s.list("documents") {
			refers(d, at, d.keys("services", "document_ways"), x.text("how"))
		}
	}
	zh, en := map[string]bool{}, map[string]bool{}
	for key, w := range d.keys("words", "words") {
		c, e := w.text("zh-CN"), strings.ToLower(w.text("en"))
		if zh[c] || en[e] {
			t.Errorf("word %s: %s, %s twice", key, c, e)
		}
		zh[c], en[e] = true, true
		refers(d, "word "+key, d.keys("words", "fields"), w.text("field"))
	}
}

// The divisions are whole: 4 streets and 304 villages, each with its parent in
// the file; the holidays cover the years the calendar promises.
func TestDivisionsAndHolidays(t *testing.T) {
	raw, err := fs.ReadFile(data.FS, "divisions/qibuqu.csv")
	if err != nil {
		t.Fatal(err)
	}
	level := map[string]string{}
	count := map[string]int{}
	for n, line := range strings.Split(strings.TrimSpace(strings.ReplaceAll(string(raw), "\r", "")), "\n")[1:] {
		f := strings.Split(line, ",")
		if len(f) != 4 || len(f[0]) != 12 || level[f[0]] != "" || f[3] != "" && level[f[3]] == "" {
			t.Errorf("line %d: %s", n+2, line)
			continue
		}
		level[f[0]] = f[2]
		count[f[2]]++
	}
	if count["street"] != 4 || count["village"] != 304 {
		t.Errorf("%v", count)
	}
	h := load(t).files["calendar"].object("holidays")
	for y := h.number("first_year"); y <= h.number("last_year"); y++ {
		if _, err := fs.Stat(data.FS, fmt.Sprintf("holidays/%.0f.json", y)); err != nil {
			t.Errorf("%v: %v", y, err)
		}
	}
}

// Nothing that ships names a place on somebody's machine, and all of it together
// stays small.
func TestNothingOfOneMachine(t *testing.T) {
	machine := regexp.MustCompile(`(^|[\s"(\x60])/(home|work|tmp|root|Users|var)/`)
	total := 0
	err := fs.WalkDir(data.FS, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(data.FS, path)
		total += len(raw)
		if !strings.HasSuffix(path, ".gz") && machine.Match(raw) {
			t.Errorf("%s names a folder of one machine", path)
		}
		return err
	})
	if err != nil || total > 4<<20 {
		t.Errorf("%d bytes, %v", total, err)
	}
}
