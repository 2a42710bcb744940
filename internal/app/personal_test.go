package app_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"onegrid/data"
	"onegrid/internal/app"
	"onegrid/internal/kit/personal"
)

// column is one column as the migrations make it.
type column struct{ table, name, kind string }

var (
	createTable = regexp.MustCompile(`(?is)CREATE (?:VIRTUAL )?TABLE (?:IF NOT EXISTS )?(\w+) *(?:USING \w+)? *\((.*?)\n?\);`)
	addColumn   = regexp.MustCompile(`(?i)ALTER TABLE (\w+) ADD COLUMN (\w+) +(\w+)`)
	oneColumn   = regexp.MustCompile(`^\s*(\w+)\s+(BYTEA|TEXT|BIGINT|BIGSERIAL|DOUBLE PRECISION|INTEGER|TSVECTOR|JSONB?)\b`)
	upPart      = regexp.MustCompile(`(?s)-- \+goose Down.*`)
)

// columns reads every column that the migrations of all rooms make.
func columns(t *testing.T) []column {
	t.Helper()
	files, err := filepath.Glob("../*/*/migrations/*.sql")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	var out []column
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := upPart.ReplaceAllString(string(raw), "")
		for _, m := range createTable.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[0], "USING fts5") {
				out = append(out, column{m[1], strings.TrimSpace(strings.SplitN(m[2], ",", 2)[0]), "TEXT"})
				continue
			}
			for line := range strings.SplitSeq(m[2], "\n") {
				if c := oneColumn.FindStringSubmatch(line); c != nil {
					out = append(out, column{m[1], c[1], strings.ToUpper(c[2])})
				}
			}
		}
		for _, m := range addColumn.FindAllStringSubmatch(text, -1) {
			out = append(out, column{m[1], m[2], strings.ToUpper(m[3])})
		}
	}
	return out
}

var (
	// ofPeople are names that say a column is about people, whatever its type.
	ofPeople = regexp.MustCompile(`(?i)(name|phone|mobile|email|mail|birth|(^|_)age$|gender|sex$|address|person|resident|account|owner$|contact|guardian|applicant|holder|member|child|illness|health|income|bank|id_number|nation|plate|lon$|lat$|note|words|text|remark|comment|photo|face|voice)`)
	// technical are names that say that a column is about nobody.
	technical = regexp.MustCompile(`^(id|key|code|kind|state|status|version|place|seq|n|day|class|level|layer|scheme|step|at|.*_at|.*_from|.*_to|until|valid_.*|post|.*_post|.*_case|node|unit|grid|street|platform|village|department|parent|calendar|role|op|item|flow|condition|hash|salt|lease|measure|permission)$`)
)

// asks says whether somebody must have declared a column: everything that can
// hold words or bytes, and every number whose name is about people.
func (c column) asks() bool {
	if ofPeople.MatchString(c.name) {
		return true
	}
	if technical.MatchString(c.name) {
		return false
	}
	if c.kind == "BYTEA" && strings.HasSuffix(c.name, "_id") {
		return false
	}
	return slices.Contains([]string{"TEXT", "BYTEA", "TSVECTOR", "JSON", "JSONB"}, c.kind)
}

// Every stored column that may be about people is declared by the room that owns
// it: in its personal.go, as a field of the register with purpose and term, or as
// plain after somebody looked. A new table stops here until that was done.
func TestEveryColumnAboutPeopleIsDeclared(t *testing.T) {
	rooms := app.Personal()
	all := columns(t)
	if len(all) < 200 {
		t.Fatalf("only %d columns were read", len(all))
	}
	there := map[string]bool{}
	tables := map[string]bool{}
	for _, c := range all {
		there[c.table+"."+c.name], tables[c.table] = true, true
		if !c.asks() || slices.ContainsFunc(rooms, func(r personal.Room) bool { return r.Knows(c.table, c.name) }) {
			continue
		}
		t.Errorf("column %s.%s (%s) is not declared: add it to Personal() of its room, under Fields if it can say anything about a person, else under Plain", c.table, c.name, c.kind)
	}
	for _, r := range rooms {
		for _, f := range r.Fields {
			if !there[f.Key] {
				t.Errorf("%s declares %s, which no migration makes", r.Name, f.Key)
			}
		}
		for _, p := range r.Plain {
			if !there[p] && !tables[p] {
				t.Errorf("%s calls %s plain, which no migration makes", r.Name, p)
			}
		}
	}
}

// A declared field has both languages, a purpose of the register and a term.
func TestDeclaredFieldsAreWhole(t *testing.T) {
	var p struct {
		Purposes []struct {
			Key, Use string
			Fields   []string
		}
	}
	var c struct{ Classes []struct{ Key string } }
	read(t, "defaults/purposes.json", &p)
	read(t, "defaults/retention.json", &c)
	keeps, classes := map[string]bool{}, map[string]bool{personal.OfItem: true}
	for _, one := range p.Purposes {
		keeps[one.Key] = one.Use == "keep"
	}
	for _, one := range c.Classes {
		classes[one.Key] = true
	}
	seen := map[string]bool{}
	var keys []string
	for _, r := range app.Personal() {
		for _, f := range r.Fields {
			if seen[f.Key] {
				t.Errorf("%s is declared twice", f.Key)
			}
			seen[f.Key] = true
			keys = append(keys, f.Key)
			if f.Name.Chinese == "" || f.Name.English == "" || f.Level != personal.Basic && f.Level != personal.Sensitive || !slices.Contains([]string{personal.Resident, personal.Staff, personal.Anyone}, f.Whose) {
				t.Errorf("%s: %+v", f.Key, f)
			}
			if len(f.Purposes) == 0 || !classes[f.Retention] {
				t.Errorf("%s has no purpose or no term (%v, %q)", f.Key, f.Purposes, f.Retention)
			}
			for _, one := range f.Purposes {
				if !keeps[one] {
					t.Errorf("%s is kept for %q, which is no purpose of keeping", f.Key, one)
				}
			}
		}
	}
	for _, one := range p.Purposes {
		for _, pattern := range one.Fields {
			if !strings.HasPrefix(pattern, "form.") && !slices.ContainsFunc(keys, func(k string) bool { return personal.Covers(pattern, k) }) {
				t.Errorf("purpose %s covers %s, which nobody declares", one.Key, pattern)
			}
		}
	}
}

// plainInForms are fields of forms whose names sound like people and that are
// about places, bodies or numbers.
var plainInForms = []string{
	"cleanliness.bin_no", "housing_unit_change.name", "housing_unit_change.address", "illegal_structure.address", "waste_rubble.site_name",
	"work_site.site_name", "waste_rubble.truck_no", "public_facility.number_plate", "public_facility.owner_known", "notice_read.language",
}

// Every field of a form that asks about people says how personal it is, and its
// item says what for and how long.
func TestFormFieldsAboutPeopleAreDeclared(t *testing.T) {
	var file struct {
		Items []struct {
			Key, Retention string
			Consent        struct{ Kind string }
			Form           struct {
				Properties map[string]struct {
					Personal string `json:"x-personal"`
				}
			}
		}
	}
	read(t, "defaults/items.json", &file)
	if len(file.Items) == 0 {
		t.Fatal("no items were read")
	}
	for _, i := range file.Items {
		asks := false
		for name, p := range i.Form.Properties {
			asks = asks || p.Personal == "basic" || p.Personal == "sensitive"
			if p.Personal == "none" && ofPeople.MatchString(name) && !slices.Contains(plainInForms, i.Key+"."+name) {
				t.Errorf("form field %s.%s sounds like people and is declared as none", i.Key, name)
			}
		}
		if asks && (i.Consent.Kind == "none" || i.Retention == "") {
			t.Errorf("item %s asks about people without consent or term", i.Key)
		}
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := fs.ReadFile(data.FS, name)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatal(name, err)
	}
}
