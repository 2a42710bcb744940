package catalog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onegrid/data"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

// clerk is somebody who may do some things.
type clerk struct {
	by  journal.By
	may []string
}

var errDenied = fault.New(fault.Forbidden, "clerk.denied")

func (c *clerk) By() journal.By                       { return c.by }
func (c *clerk) Sees(p string, at journal.Sight) bool { return c.Check(p, at) == nil }
func (c *clerk) Check(p string, _ journal.Sight) error {
	if slices.Contains(c.may, p) {
		return nil
	}
	return errDenied
}

func person(last byte, may ...string) *clerk {
	p := id.Must("0190163d-8694-739b-aea5-966c26f8ad90")
	p[15] = last
	return &clerk{by: journal.By{Person: p, Via: "desk"}, may: may}
}

// office is the register on one engine, with a clock that stands still.
type office struct {
	*testing.T
	db    *db.DB
	clock *dbtest.Clock
	*catalog.Catalog
}

func each(t *testing.T, story func(o *office)) {
	t.Helper()
	clock := dbtest.NewClock(time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC))
	set := func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() }
	dbtest.EachWith(t, set, []db.Room{journal.Room(), catalog.Room()}, func(t *testing.T, d *db.DB) {
		o := &office{T: t, db: d, clock: clock, Catalog: catalog.New(catalog.Known{
			Role:       func(k string) bool { return k != "nobody" },
			Department: func(k string) bool { return k != "nowhere" },
		})}
		o.must(func(tx *db.Tx) error { return o.Seed(tx, person(1)) })
		story(o)
	})
}

func (o *office) write(fn func(tx *db.Tx) error) error { return o.db.Write(context.Background(), fn) }

func (o *office) must(fn func(tx *db.Tx) error) {
	o.Helper()
	if err := o.write(fn); err != nil {
		o.Fatal(err)
	}
}

// item reads an item in force; its error is the answer.
func (o *office) item(key string) (i catalog.Item, err error) {
	err = o.db.Read(context.Background(), func(tx *db.Tx) error {
		i, err = o.Item(tx, key)
		return err
	})
	return i, err
}

func (o *office) entries() (n int64) {
	err := o.db.Read(context.Background(), func(tx *db.Tx) (err error) { n, err = journal.Head(tx); return err })
	if err != nil {
		o.Fatal(err)
	}
	return n
}

// A fresh register has the defaults, each with a journal entry; seeding again
// changes nothing, not even what was edited meanwhile.
func TestSeedIsIdempotent(t *testing.T) {
	each(t, func(o *office) {
		before := o.entries()
		if before != 27 {
			o.Errorf("%d journal entries", before)
		}
		var list []catalog.Item
		o.must(func(tx *db.Tx) (err error) { list, err = o.Items(tx); return err })
		if len(list) != 27 || list[0].Code != "01-01" || list[26].Code != "10-02" {
			o.Fatalf("%d items", len(list))
		}
		defaults, _, err := catalog.Defaults()
		if err != nil {
			o.Fatal(err)
		}
		for _, d := range defaults {
			i, err := o.item(d.Key)
			a, _ := json.Marshal(d)
			b, _ := json.Marshal(i)
			if err != nil || !bytes.Equal(a, b) {
				o.Errorf("%s came back changed: %v", d.Key, err)
			}
		}
		edited := list[9]
		edited.Name = words.Text{Chinese: "环境卫生与保洁", English: "Cleanliness and sweeping"}
		o.must(func(tx *db.Tx) error { _, err := o.Edit(tx, person(2, "item.edit"), edited.Key, 1, edited); return err })
		o.must(func(tx *db.Tx) error { return o.Seed(tx, person(1)) })
		if i, _ := o.item(edited.Key); i.Name != edited.Name || i.Admission.Version != 2 || o.entries() != before+1 {
			o.Errorf("%+v, %d entries", i.Name, o.entries())
		}
	})
}

// An edit makes a new version; the old one stays as it was for the cases that
// have it. Who may not, edits an old version or writes nonsense is refused and
// nothing is changed.
func TestEditMakesAVersion(t *testing.T) {
	each(t, func(o *office) {
		ann := person(2, "item.edit")
		old, err := o.item("cleanliness")
		if err != nil {
			o.Fatal(err)
		}
		edit := func(by journal.Who, known int64, change func(*catalog.Item)) error {
			raw, _ := json.Marshal(old)
			var i catalog.Item
			if err := json.Unmarshal(raw, &i); err != nil {
				o.Fatal(err)
			}
			change(&i)
			return o.write(func(tx *db.Tx) error { _, err := o.Edit(tx, by, "cleanliness", known, i); return err })
		}
		at := o.entries()
		for name, c := range map[string]struct {
			by     journal.Who
			known  int64
			change func(*catalog.Item)
			want   *fault.Fault
			field  string
		}{
			"not allowed":     {person(3), 1, func(*catalog.Item) {}, errDenied, ""},
			"old version":     {ann, 7, func(*catalog.Item) {}, catalog.ErrItemChanged, ""},
			"one language":    {ann, 1, func(i *catalog.Item) { i.Name.English = "" }, catalog.ErrItemInvalid, "body.name"},
			"unknown role":    {ann, 1, func(i *catalog.Item) { i.Route[0].Role = "nobody" }, catalog.ErrItemInvalid, "body.route.0.role"},
			"unknown dept":    {ann, 1, func(i *catalog.Item) { i.Route[3].Department = "nowhere" }, catalog.ErrItemInvalid, "body.route.3.department"},
			"unknown flow":    {ann, 1, func(i *catalog.Item) { i.Flow = "dance" }, catalog.ErrItemInvalid, "body.flow"},
			"unknown word":    {ann, 1, func(i *catalog.Item) { i.Evidence[0].Kind = "rumour" }, catalog.ErrItemInvalid, "body.evidence.0.kind"},
			"condition twice": {ann, 1, func(i *catalog.Item) { i.Conditions[1].Key = i.Conditions[0].Key }, catalog.ErrItemInvalid, "body.conditions.1.key"},
			"bad limit":       {ann, 1, func(i *catalog.Item) { i.Conditions[0].Limits.Handle.Clock = "moon" }, catalog.ErrItemInvalid, "body.conditions.0.limits.handle"},
			"no handle limit": {ann, 1, func(i *catalog.Item) { i.Conditions[0].Limits.Handle = nil }, catalog.ErrItemInvalid, "body.conditions.0.limits.handle"},
			"own checker":     {ann, 1, func(i *catalog.Item) { i.Check.NeverBy = "" }, catalog.ErrItemInvalid, "body.check.never_by"},
			"open form": {ann, 1, func(i *catalog.Item) {
				i.Form = swap(i.Form, `"additionalProperties":false`, `"additionalProperties":true`)
			}, catalog.ErrItemInvalid, "body.form"},
			"form from outside": {ann, 1, func(i *catalog.Item) {
				i.Form = swap(i.Form, `"type":"object"`, `"type":"object","$ref":"file:///etc/passwd"`)
			}, catalog.ErrItemInvalid, "body.form"},
			"no consent": {ann, 1, func(i *catalog.Item) { i.Form = swap(i.Form, `"x-personal":"none"`, `"x-personal":"sensitive"`) }, catalog.ErrItemInvalid, "body.consent.kind"},
			"no purpose": {ann, 1, func(i *catalog.Item) {
				i.Purpose, i.Consent.Kind, i.Form = nil, "separate", swap(i.Form, `"x-personal":"none"`, `"x-personal":"sensitive"`)
			}, catalog.ErrItemInvalid, "body.purpose"},
			"duplicates by nothing": {ann, 1, func(i *catalog.Item) { i.Duplicates.Same = []string{"colour"} }, catalog.ErrItemInvalid, "body.duplicates.same.0"},
		} {
			err := edit(c.by, c.known, c.change)
			named := c.field == "" || slices.ContainsFunc(fault.Of(err).Where, func(w fault.Where) bool { return w.Path == c.field })
			if !errors.Is(err, c.want) || !named {
				o.Errorf("%s: %v", name, err)
			}
		}
		if i, _ := o.item("cleanliness"); i.Admission.Version != 1 || o.entries() != at {
			o.Fatalf("a refused edit changed something: version %d", i.Admission.Version)
		}
		if err := edit(ann, 1, func(i *catalog.Item) { i.Conditions[1].Limits.Handle.Units = 6 }); err != nil {
			o.Fatal(err)
		}
		if err := edit(ann, 1, func(*catalog.Item) {}); !errors.Is(err, catalog.ErrItemChanged) {
			o.Errorf("a second edit of the same version: %v", err)
		}
		o.must(func(tx *db.Tx) error {
			first, err := o.ItemVersion(tx, "cleanliness", 1)
			if err != nil {
				return err
			}
			now, err := o.Item(tx, "cleanliness")
			if err != nil {
				return err
			}
			if first.Conditions[1].Limits.Handle.Units != 4 || now.Conditions[1].Limits.Handle.Units != 6 || now.Admission.Version != 2 {
				o.Errorf("%+v, %+v", first.Conditions[1].Limits.Handle, now.Conditions[1].Limits.Handle)
			}
			s, err := o.Snapshot(tx)
			if err != nil {
				return err
			}
			return s.ValidateForm(first, json.RawMessage(`{"problem":"exposed"}`))
		})
		var last []journal.Entry
		if err := o.db.Read(context.Background(), func(tx *db.Tx) (err error) { last, err = journal.Since(tx, at, 10); return err }); err != nil {
			o.Fatal(err)
		}
		if len(last) != 1 || last[0].Kind != "item.edit" || last[0].Version != 2 || last[0].By.Person != ann.by.Person {
			o.Errorf("%+v", last)
		}
	})
}

func swap(raw json.RawMessage, old, with string) json.RawMessage {
	return json.RawMessage(strings.Replace(string(raw), old, with, 1))
}

// Admission (准入): a proposal changes nothing until somebody else decides; the
// term ends by itself; an urgent one gives way to what was in force before; what
// was withdrawn stays withdrawn. (notes/domain.md 2b)
func TestAdmission(t *testing.T) {
	each(t, func(o *office) {
		begin := o.clock.Now()
		defer o.clock.Set(begin)
		dept, centre := person(4, "item.propose", "item.decide"), person(5, "item.decide", "item.end")
		base, err := o.item("cleanliness")
		if err != nil {
			o.Fatal(err)
		}
		snow := base
		snow.Key, snow.Code, snow.Name = "snow", "04-05", words.Text{Chinese: "清雪除冰", English: "Snow and ice"}
		propose := func(i catalog.Item) (out catalog.Item) {
			i.Admission.Why = "今冬要用"
			o.must(func(tx *db.Tx) (err error) { out, err = o.Propose(tx, dept, i); return err })
			return out
		}
		decide := func(by journal.Who, key string, d catalog.Decision) error {
			return o.write(func(tx *db.Tx) error { _, err := o.Decide(tx, by, key, d); return err })
		}
		if p := propose(snow); p.Admission.Status != catalog.StatusProposed || p.Admission.Version != 1 {
			o.Fatalf("%+v", p.Admission)
		}
		if _, err := o.item("snow"); !errors.Is(err, catalog.ErrNotAdmitted) {
			o.Errorf("a proposal is in force: %v", err)
		}
		for want, got := range map[*fault.Fault]error{
			catalog.ErrSameHand:    decide(dept, "snow", catalog.Decision{Version: 1, Admit: true, TermMonths: 12}),
			catalog.ErrItemChanged: decide(centre, "snow", catalog.Decision{Version: 2, Admit: true, TermMonths: 12}),
			catalog.ErrTerm:        decide(centre, "snow", catalog.Decision{Version: 1, Admit: true}),
			catalog.ErrItem:        decide(centre, "rain", catalog.Decision{Version: 1, Admit: true, TermMonths: 12}),
			catalog.ErrNotProposed: decide(centre, "cleanliness", catalog.Decision{Version: 1, Admit: true, TermMonths: 12}),
			errDenied:              decide(person(6), "snow", catalog.Decision{Version: 1, Admit: true, TermMonths: 12}),
		} {
			if !errors.Is(got, want) {
				o.Errorf("%v instead of %s", got, want.Code)
			}
		}
		if err := decide(centre, "snow", catalog.Decision{Version: 1, Admit: true, TermMonths: 12}); err != nil {
			o.Fatal(err)
		}
		if i, err := o.item("snow"); err != nil || i.Admission.Version != 2 {
			o.Errorf("%+v, %v", i.Admission, err)
		}
		// An urgent version for a week, then the ordinary one again.
		urgent := snow
		urgent.Closing = words.Text{Chinese: "主路先通", English: "Main roads first"}
		propose(urgent)
		if err := decide(centre, "snow", catalog.Decision{Version: 3, Admit: true, Urgent: true, Until: begin.AddDate(0, 0, 7)}); err != nil {
			o.Fatal(err)
		}
		o.clock.Set(begin.AddDate(0, 0, 6))
		if i, _ := o.item("snow"); i.Admission.Version != 4 {
			o.Errorf("version %d in the urgent week", i.Admission.Version)
		}
		o.clock.Set(begin.AddDate(0, 0, 7))
		if i, _ := o.item("snow"); i.Admission.Version != 2 {
			o.Errorf("version %d after the urgent week", i.Admission.Version)
		}
		o.clock.Set(begin.AddDate(0, 12, 0))
		if _, err := o.item("snow"); !errors.Is(err, catalog.ErrNotAdmitted) {
			o.Errorf("in force after its term: %v", err)
		}
		// A declined change leaves the item in force; a withdrawal ends it.
		changed := base
		changed.Closing = words.Text{Chinese: "扫过就行", English: "Swept once"}
		changed.Admission.Version = 0
		propose(changed)
		if err := decide(centre, "cleanliness", catalog.Decision{Version: 2, Note: "现有要求更严"}); err != nil {
			o.Fatal(err)
		}
		if i, err := o.item("cleanliness"); err != nil || i.Admission.Version != 1 {
			o.Errorf("%+v, %v", i.Admission, err)
		}
		o.must(func(tx *db.Tx) error { _, err := o.End(tx, centre, "cleanliness", 3, "并入城市管理"); return err })
		if _, err := o.item("cleanliness"); !errors.Is(err, catalog.ErrNotAdmitted) {
			o.Errorf("in force after it was withdrawn: %v", err)
		}
		o.must(func(tx *db.Tx) error { _, err := o.ItemVersion(tx, "cleanliness", 1); return err })
	})
}

// A proposal waits for its decision alone: the grid centre does not edit past it,
// another department does not put its own in its place, and who applied, declined
// or withdrew said why. A declined proposal does not lock the item.
func TestAdmissionIsSaidAndWaitedFor(t *testing.T) {
	each(t, func(o *office) {
		dept, rival := person(4, "item.propose"), person(7, "item.propose")
		centre, editor := person(5, "item.decide", "item.end"), person(2, "item.edit")
		base, err := o.item("cleanliness")
		if err != nil {
			o.Fatal(err)
		}
		propose := func(by journal.Who, why string) error {
			return o.write(func(tx *db.Tx) error {
				i := base
				i.Admission.Why = why
				_, err := o.Propose(tx, by, i)
				return err
			})
		}
		edit := func() error {
			return o.write(func(tx *db.Tx) error { _, err := o.Edit(tx, editor, "cleanliness", 0, base); return err })
		}
		decide := func(d catalog.Decision) error {
			return o.write(func(tx *db.Tx) error { _, err := o.Decide(tx, centre, "cleanliness", d); return err })
		}
		listed := func() (l catalog.Listed) {
			o.must(func(tx *db.Tx) error {
				s, err := o.Snapshot(tx)
				if err == nil {
					all := s.Register(tx.Now())
					l = all[slices.IndexFunc(all, func(l catalog.Listed) bool { return l.Key == "cleanliness" })]
				}
				return err
			})
			return l
		}
		is := func(err error, want *fault.Fault) {
			o.Helper()
			if !errors.Is(err, want) {
				o.Errorf("%v instead of %s", err, want.Code)
			}
		}
		is(propose(dept, "  "), catalog.ErrUnsaid)
		is(propose(dept, strings.Repeat("长", 501)), catalog.ErrUnsaid)
		if err := propose(dept, "街面垃圾增多"); err != nil {
			o.Fatal(err)
		}
		is(propose(rival, "我们也要"), catalog.ErrWaits)
		is(edit(), catalog.ErrWaits)
		if l := listed(); l.Standing != catalog.InForce || l.Proposal == nil || l.Proposal.Why != "街面垃圾增多" || l.Admission.Version != 1 || l.Newest != 2 {
			o.Errorf("%+v", l)
		}
		if err := propose(dept, "街面垃圾明显增多"); err != nil {
			o.Errorf("the applicant may better it: %v", err)
		}
		is(decide(catalog.Decision{Version: 3}), catalog.ErrUnsaid)
		if err := decide(catalog.Decision{Version: 3, Note: "人手不够"}); err != nil {
			o.Fatal(err)
		}
		if l := listed(); l.Standing != catalog.InForce || l.Proposal != nil || l.Newest != 4 {
			o.Errorf("%+v", l)
		}
		if err := edit(); err != nil {
			o.Errorf("a declined proposal locks the item: %v", err)
		}
		if l := listed(); l.Admission.Version != 5 || l.Admission.Status != catalog.StatusDefault {
			o.Errorf("%+v", l.Admission)
		}
		is(o.write(func(tx *db.Tx) error { _, err := o.End(tx, centre, "cleanliness", 5, ""); return err }), catalog.ErrUnsaid)
		o.must(func(tx *db.Tx) error { _, err := o.End(tx, centre, "cleanliness", 5, "并入城市管理"); return err })
		if l := listed(); l.Standing != catalog.Ended || l.Admission.Answer != "并入城市管理" {
			o.Errorf("%+v", l)
		}
		is(edit(), catalog.ErrNotAdmitted)
	})
}

// The register says two months before that a term ends, and afterwards that it
// has; what was never admitted is applied for or declined.
func TestRegisterSaysHowItemsStand(t *testing.T) {
	each(t, func(o *office) {
		begin := o.clock.Now()
		defer o.clock.Set(begin)
		dept, centre := person(4, "item.propose"), person(5, "item.decide")
		standing := func(key string) (s catalog.Standing) {
			o.must(func(tx *db.Tx) error {
				reg, err := o.Snapshot(tx)
				for _, l := range reg.Register(tx.Now()) {
					if l.Key == key {
						s = l.Standing
					}
				}
				return err
			})
			return s
		}
		expect := func(key string, want catalog.Standing) {
			o.Helper()
			if s := standing(key); s != want {
				o.Errorf("%s is %q, not %q", key, s, want)
			}
		}
		base, err := o.item("cleanliness")
		if err != nil {
			o.Fatal(err)
		}
		base.Admission.Why = "试试"
		for n, key := range []string{"ice_one", "ice_two"} {
			base.Key, base.Code = key, fmt.Sprintf("04-2%d", n)
			o.must(func(tx *db.Tx) error { _, err := o.Propose(tx, dept, base); return err })
			expect(key, catalog.Applied)
		}
		o.must(func(tx *db.Tx) error {
			_, err := o.Decide(tx, centre, "ice_one", catalog.Decision{Version: 1, Note: "不需要"})
			return err
		})
		o.must(func(tx *db.Tx) error {
			_, err := o.Decide(tx, centre, "ice_two", catalog.Decision{Version: 1, Admit: true, TermMonths: 6})
			return err
		})
		expect("ice_one", catalog.Declined)
		expect("ice_two", catalog.InForce)
		until := begin.AddDate(0, 6, 0)
		for _, at := range []struct {
			when time.Time
			want catalog.Standing
		}{
			{until.AddDate(0, 0, -60).Add(-time.Millisecond), catalog.InForce}, {until.AddDate(0, 0, -60), catalog.Ending},
			{until.Add(-time.Millisecond), catalog.Ending}, {until, catalog.Ended},
		} {
			o.clock.Set(at.when)
			expect("ice_two", at.want)
		}
	})
}

// Reasons, stages and clocks are edited in place; what the program's moves rest
// on cannot be changed by words.
func TestEditEntries(t *testing.T) {
	each(t, func(o *office) {
		ann := person(2, "item.edit")
		edit := func(by journal.Who, kind, key string, known int64, content string) error {
			return o.write(func(tx *db.Tx) error {
				_, err := o.EditEntry(tx, by, kind, key, known, json.RawMessage(content))
				return err
			})
		}
		clock := `{"key":"accept","name":{"zh-CN":"受理","en":"Accept"},"default":{"clock":"working-hour","minutes":45},"urgent":{"clock":"urgent-hour","minutes":10}}`
		for want, got := range map[*fault.Fault]error{
			errDenied:               edit(person(3), "stage_clock", "accept", 1, clock),
			catalog.ErrEntryChanged: edit(ann, "stage_clock", "accept", 2, clock),
			catalog.ErrEntry:        edit(ann, "stage_clock", "dream", 1, clock),
		} {
			if !errors.Is(got, want) {
				o.Errorf("%v instead of %s", got, want.Code)
			}
		}
		for name, c := range map[string][3]string{
			"other key":       {"stage_clock", "verify", clock},
			"unknown field":   {"stage_clock", "accept", swapText(clock, `"key"`, `"colour":1,"key"`)},
			"bad limit":       {"stage_clock", "accept", swapText(clock, `"minutes":45`, `"minutes":45,"units":2`)},
			"no language":     {"stage_clock", "accept", swapText(clock, `"Accept"`, `""`)},
			"no refusal text": {"reason", "refuse_not_ours", `{"key":"refuse_not_ours","kind":"refuse","name":{"zh-CN":"不","en":"no"},"needs_note":true,"effect":{"owner":"unchanged","clock":"stop"}}`},
			"other kind":      {"stage", "closed", `{"key":"closed","order":6}`},
			"not JSON":        {"stage", "closed", `{`},
		} {
			err := edit(ann, c[0], c[1], 0, c[2])
			if !errors.Is(err, catalog.ErrEntryInvalid) && !errors.Is(err, catalog.ErrEntry) {
				o.Errorf("%s: %v", name, err)
			}
		}
		if err := edit(ann, "stage_clock", "accept", 1, clock); err != nil {
			o.Fatal(err)
		}
		var s *catalog.Snapshot
		o.must(func(tx *db.Tx) (err error) { s, err = o.Snapshot(tx); return err })
		if c, err := s.StageClock("accept"); err != nil || c.Default.Minutes != 45 {
			o.Errorf("%+v, %v", c, err)
		}
		// A flow's words may change, its states may not.
		var flow catalog.Entry
		o.must(func(tx *db.Tx) error {
			list, err := o.Entries(tx, "flow")
			flow = list[0]
			return err
		})
		if err := edit(ann, "flow", flow.Key, 0, swapText(string(flow.Content), `"草稿"`, `"未提交"`)); err != nil {
			o.Error(err)
		}
		if err := edit(ann, "flow", flow.Key, 0, swapText(string(flow.Content), `"clock":"handle"`, `"clock":"none"`)); !errors.Is(err, catalog.ErrEntryInvalid) {
			o.Errorf("a flow lost a clock: %v", err)
		}
	})
}

func swapText(s, old, with string) string { return strings.Replace(s, old, with, 1) }

// Items are imported from a file: every row accounted for, refused ones named by
// field, a repetition takes nothing twice.
func TestImportItems(t *testing.T) {
	each(t, func(o *office) {
		base, err := o.item("errand")
		if err != nil {
			o.Fatal(err)
		}
		row := func(change func(*catalog.Item)) string {
			i := base
			i.Admission = catalog.Admission{Status: "default", Version: 1, TermMonths: 12, ProposedBy: "grid_centre"}
			change(&i)
			raw, err := json.Marshal(i)
			if err != nil {
				o.Fatal(err)
			}
			return string(raw)
		}
		rows := []string{
			row(func(i *catalog.Item) { i.Key, i.Code = "meals", "03-05" }),
			row(func(*catalog.Item) {}), // the default itself
			row(func(i *catalog.Item) { i.Closing.English = "Other words" }),
			row(func(i *catalog.Item) { i.Key, i.Function = "odd", "astrology" }),
			`{"key":"odd","colour":"red"}`,
			`"no object"`,
		}
		path := filepath.Join(o.TempDir(), "items.json")
		if err := os.WriteFile(path, []byte(`{"items":[`+strings.Join(rows, ",")+`]}`), 0o600); err != nil {
			o.Fatal(err)
		}
		run := func() (table.Report, map[string]string) {
			r, err := table.Open(path, table.Options{})
			if err != nil {
				o.Fatal(err)
			}
			defer r.Close()
			refused := map[string]string{}
			rep, err := table.Job{Rows: r, Take: table.Each(o.db.Write, func(tx *db.Tx, row table.Row) (table.Outcome, error) {
				return o.ImportItem(tx, person(2, "item.edit"), row)
			}), Refuse: func(r table.Row, f *fault.Fault) {
				field := ""
				if len(f.Where) > 0 {
					field = f.Where[0].Path
				}
				refused[string(rune('0'+r.Number))+" "+field] = f.Code
			}}.Run(context.Background())
			if err != nil {
				o.Fatal(err)
			}
			return rep, refused
		}
		rep, refused := run()
		want := map[string]string{"3 key": "catalog.row_differs", "4 function": "catalog.item_invalid", "5 row": "catalog.row_invalid", "6 ": "table.no_object"}
		if rep.Read != 6 || rep.Taken != 1 || rep.Repeated != 1 || rep.Refused != 4 || len(refused) != 4 {
			o.Errorf("%+v, %v", rep, refused)
		}
		for k, v := range want {
			if refused[k] != v {
				o.Errorf("%q: %s, want %s", k, refused[k], v)
			}
		}
		if i, err := o.item("meals"); err != nil || i.Admission.Until.IsZero() {
			o.Errorf("%+v, %v", i.Admission, err)
		}
		if rep, _ := run(); rep.Taken != 0 || rep.Repeated != 2 || rep.Refused != 4 {
			o.Errorf("again: %+v", rep)
		}
	})
}

// The operations answer over HTTP in the shapes the screens use.
func TestOverHTTP(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC))
	d := dbtest.Open(t, db.SQLite, func(o *db.Options) { o.Now, o.Ledger = clock.Now, journal.New() },
		[]db.Room{httpx.Room(), journal.Room(), catalog.Room()})
	c := catalog.New(catalog.Known{})
	if err := d.Write(t.Context(), func(tx *db.Tx) error { return c.Seed(tx, person(1)) }); err != nil {
		t.Fatal(err)
	}
	texts, err := words.New(words.Source{Room: "httpx", Files: httpx.Words}, words.Source{Room: "catalog", Files: catalog.Words})
	if err != nil {
		t.Fatal(err)
	}
	e, err := httpx.New(httpx.Options{
		Title: "catalogue", Version: "1", DB: d, Words: texts, Now: clock.Now,
		Who: func(*http.Request, httpx.Op) (httpx.Caller, error) {
			return httpx.Caller{By: person(2, "item.edit"), Key: "ann"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Routes(e)
	s := httptest.NewServer(e.Handler())
	defer s.Close()
	do := func(method, path, body, match string) (int, string) {
		r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if match != "" {
			r.Header.Set("If-Match", match)
		}
		a, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, _ := io.ReadAll(a.Body)
		return a.StatusCode, string(b)
	}
	_, list := do("GET", "/api/items", "", "")
	var items struct{ Items []catalog.Item }
	if err := json.Unmarshal([]byte(list), &items); err != nil || len(items.Items) != 27 {
		t.Fatalf("%d items, %v: %.200s", len(items.Items), err, list)
	}
	for path, want := range map[string]string{
		"/api/items/cleanliness":           `"zh-CN":"环境卫生"`,
		"/api/items/cleanliness?version=1": `"04-01"`,
		"/api/items/cleanliness/versions":  `"items":[{`,
		"/api/reasons?kind=refuse":         `"kind":"refuse"`,
		"/api/words/stages":                `"key":"handling"`,
		"/api/catalog/stage_clock":         `"version":1`,
	} {
		if code, body := do("GET", path, "", ""); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.300s", path, code, body)
		}
	}
	for path, want := range map[string]int{"/api/items/none": 404, "/api/items/cleanliness?version=9": 404, "/api/items/none/versions": 404, "/api/catalog/none": 404} {
		if code, body := do("GET", path, "", ""); code != want {
			t.Errorf("%s: %d %.300s", path, code, body)
		}
	}
	one := items.Items[9]
	one.Closing.English = "Clean"
	raw, _ := json.Marshal(one)
	if code, body := do("PUT", "/api/items/"+one.Key, string(raw), `"1"`); code != 200 || !strings.Contains(body, `"version":2`) {
		t.Errorf("%d %.500s", code, body)
	}
	if code, body := do("PUT", "/api/items/"+one.Key, string(raw), `"1"`); code != 412 || !strings.Contains(body, "catalog.item_changed") {
		t.Errorf("%d %.500s", code, body)
	}
	one.Name.English = ""
	raw, _ = json.Marshal(one)
	if code, body := do("PUT", "/api/items/"+one.Key, string(raw), ""); code != 422 || !strings.Contains(body, `"path":"body.name"`) {
		t.Errorf("%d %.500s", code, body)
	}
	if code, body := do("PUT", "/api/catalog/warn/warn", `{"content":{"before_due_share":0.5,"colours":[{"key":"calm","from_share":0}],"escalate":[]}}`, ""); code != 200 {
		t.Errorf("%d %.500s", code, body)
	}
	if code, _ := do("POST", "/api/items/"+one.Key+"/end", `{"note":"不用了"}`, ""); code != 403 {
		t.Errorf("ended without the permission: %d", code)
	}
}

// Every code that this room and the table reader can answer has a sentence in
// both languages.
func TestEveryCodeHasItsWords(t *testing.T) {
	code := regexp.MustCompile(`fault\.New\(fault\.\w+, "([a-z_.]+)"\)`)
	for room, dir := range map[string]string{"catalog": ".", "table": "../../kit/table"} {
		files := os.DirFS(dir)
		texts, err := words.New(words.Source{Room: room, Files: files})
		if err != nil {
			t.Fatal(err)
		}
		sources, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(sources) < 4 {
			t.Fatal(sources, err)
		}
		for _, name := range sources {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range code.FindAllSubmatch(raw, -1) {
				if !texts.Has(string(m[1])) {
					t.Errorf("%s: %s has no sentence", name, m[1])
				}
			}
		}
	}
}

// Whoever imports the shipped register as it is finds every item there already.
func TestImportOfTheShippedItemsTakesNothing(t *testing.T) {
	each(t, func(o *office) {
		f, err := data.FS.Open("defaults/items.json")
		if err != nil {
			o.Fatal(err)
		}
		defer f.Close()
		r, err := table.NewReader(f, "items.json", table.Options{})
		if err != nil {
			o.Fatal(err)
		}
		report, err := table.Job{Rows: r, Take: table.Each(o.db.Write, func(tx *db.Tx, row table.Row) (table.Outcome, error) {
			return o.ImportItem(tx, person(2, "item.edit"), row)
		}), Refuse: func(r table.Row, f *fault.Fault) { o.Errorf("row %d: %v %v", r.Number, f, f.Where) }}.Run(context.Background())
		if err != nil {
			o.Fatal(err)
		}
		if report.Repeated == 0 || report.Repeated != report.Read {
			o.Errorf("%+v", report)
		}
	})
}
