package town_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
	"onegrid/internal/work/figures"
)

// With is short for a body.
type with = town.With

// place is what a scope lies in.
type place struct{ grid, located, platform, street, department, handler, village string }

var placeOf = map[string]place{
	own:   {"G1", "M1", "P1", "S1", "D1", "department handler 1", "village desk 1"},
	other: {"G4", "G4", "P3", "S2", "D2", "department handler 2", "village desk 2"},
}

var (
	bothScopes = []string{own, other}
	noScope    = []string{all}
)

func (m *matrix) next() int { m.n++; return m.n }

func (m *matrix) check(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// actorOf is who acts for a role, behind the front door.
func (m *matrix) actorOf(tx *db.Tx, who string) *access.Actor {
	by, err := m.App.Access.Actor(tx, m.Persons[who], m.Posts[who])
	m.check(err)
	by.Via = "desk"
	return by
}

// steps are the ordinary way of a case, each with the state it leads to.
var steps = []struct{ state, move string }{
	{"accepted", "accept"}, {"filed", "file"}, {"dispatched", "dispatch"}, {"taken", "take"}, {"handling", "handle"}, {"done", "done"}, {"checked", "check"}, {"closed", "close"},
}

// caseIn makes a case in a state; reporter is the person who reported it (none:
// the program), owner the post that handles it (none: the department's).
func (m *matrix) caseIn(scope, state, reporter string, owner id.ID) (c town.Case) {
	m.Helper()
	at := placeOf[scope]
	if owner.IsZero() {
		owner = m.Posts[at.handler]
	}
	m.Write(func(tx *db.Tx) error {
		by, cases := m.Operator(tx), m.App.Cases
		lon, lat := town.Middle(at.located)
		report := casework.Report{Item: "cleanliness", Condition: "pile", Text: fmt.Sprintf("暗号%s之事", scope), Form: json.RawMessage(`{"problem":"exposed"}`),
			Place: casework.PlaceIn{Lon: &lon, Lat: &lat, Datum: "wgs84"}}
		if state == "verifying" {
			report.Reporter = &casework.PartyIn{Name: "演示人", Phone: "13800000021"}
		}
		who := by
		if reporter != "" {
			who = m.actorOf(tx, reporter)
		}
		made, err := cases.Report(tx, who, report)
		if err != nil {
			return err
		}
		do := func(act casework.Act) {
			if err == nil {
				made, err = cases.Move(tx, by, made.ID, act, nil)
			}
		}
		until := tx.Now().Add(24 * time.Hour)
		for _, s := range steps {
			if state == "reported" || state == string(made.State) || state == "refused" || state == "verifying" && made.State == casework.Accepted {
				break
			}
			if (state == "suspended" || state == "suspend_asked") && made.State == casework.Handling {
				break
			}
			do(casework.Act{Move: s.move, Post: owner, Note: "好", Result: pass(s.move)})
			if s.state == state {
				break
			}
		}
		switch state {
		case "refused":
			do(casework.Act{Move: "refuse", Reason: "refuse_empty", Note: "空的"})
		case "suspend_asked", "suspended":
			do(casework.Act{Move: "suspend_ask", Reason: "suspend_part", Note: "等零件", Until: until})
		}
		if state == "suspended" {
			do(casework.Act{Move: "suspend_decide", Result: casework.Pass})
		}
		c.ID, c.Number, c.Version, c.State = made.ID, made.Number, made.Version, string(made.State)
		return err
	})
	return c
}

func pass(move string) casework.Outcome {
	if move == "check" {
		return casework.Pass
	}
	return ""
}

// file notes a photo of somebody that no case has yet.
func (m *matrix) file(who, kind string) (v id.ID) {
	m.Helper()
	m.Write(func(tx *db.Tx) error {
		by := m.Operator(tx)
		if _, ok := m.Persons[who]; ok {
			by = m.actorOf(tx, who)
		}
		f := m.photo
		f.Kind = kind
		f, err := m.App.Cases.AddFile(tx, by, f, "")
		v = f.ID
		return err
	})
	return v
}

// pictured is a photo of before by staff, on a case.
func (m *matrix) pictured(scope string) id.ID {
	who := placeOf[scope].village
	f, c := m.file(who, "before"), m.open(scope)
	m.Write(func(tx *db.Tx) error {
		_, err := m.App.Cases.Comment(tx, m.actorOf(tx, who), c.ID, casework.Comment{Text: "照片", Files: []id.ID{f}})
		return err
	})
	return f
}

// proposed is such a photo that was searched for faces, and the version of what
// is proposed.
func (m *matrix) proposed(scope string) (f id.ID, version int64) {
	f = m.pictured(scope)
	prepare := func() {
		m.Write(func(tx *db.Tx) error {
			c, err := m.App.Cases.PrepareCopy(tx, m.actorOf(tx, placeOf[scope].village), f)
			version = c.Version
			return err
		})
	}
	prepare()
	m.Later(0) // it is searched
	prepare()
	return f, version
}

// report is a resident with an own report.
func (m *matrix) report(at string) (p *town.Person, number, secret string) {
	m.Helper()
	m.Clock.Add(200 * time.Millisecond) // so many reports at one instant would be refused
	p = m.Stranger(resident)
	var sent struct {
		Report struct{ Number string }
		Secret string
	}
	a := p.Do("POST", "/api/public/reports", with{"key": formKey(), "what": "rubbish", "village": at, "near": "东门外", "text": "堆了三天", "phone": "13700000023"})
	if a.Status != 200 {
		m.Fatalf("a resident reports: %s %s", a, a.Body)
	}
	m.check(json.Unmarshal(a.Body, &sent))
	return p, sent.Report.Number, sent.Secret
}

// formKey is what a form of the public door carries.
func formKey() string {
	var b [22]byte
	_, _ = rand.Read(b[:])
	binary.BigEndian.PutUint64(b[:8], uint64(town.Morning.UnixMilli())<<16|uint64(b[6])<<8|uint64(b[7]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// has says whether a body names a thing.
func has(thing string) func([]byte) bool {
	return func(body []byte) bool { return bytes.Contains(body, []byte(thing)) }
}

func samples() []sample {
	return slices.Concat(caseSamples(), moveSamples(), gridSamples(), orgSamples(), staffSamples(), accessSamples(), officeSamples(), reorgSamples(), publicSamples(), flowSamples(),
		manySamples(), accessMoreSamples(), registrySamples(),
		noticeSamples(), deviceSamples(), placeSamples(), figuresSamples(),
		[]sample{everywhere})
}

// open is a case in work in a scope, made once for a row.
func (m *matrix) open(scope string) town.Case { return m.caseIn(scope, "dispatched", "", id.ID{}) }

func caseSamples() []sample {
	one := func(op, what, path string, body func(m *matrix, scope, actor string) any) sample {
		return sample{op: op, what: what, scopes: bothScopes, make: func(m *matrix, scope, actor string) ask {
			c := m.open(scope)
			a := ask{path: strings.NewReplacer("{id}", c.ID.String(), "{number}", c.Number).Replace(path)}
			if body != nil {
				a.body = body(m, scope, actor)
			}
			return a
		}}
	}
	list := func(what, query string) sample {
		return sample{op: "case.list", what: what, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			c := m.open(scope)
			return ask{path: "/api/cases?limit=200&" + m.fill(query, scope), shows: has(c.ID.String())}
		}}
	}
	said := func(*matrix, string, string) any { return with{"text": "补充一句", "internal": true} }
	return []sample{
		list("", "view=all"), list("search", "view=all&q="+url.QueryEscape("暗号")), list("of a street", "view=all&street={street}"),
		list("of a platform", "view=all&platform={platform}"), list("of a grid", "view=all&grid={grid}"), list("of a department", "view=all&department={department}"),
		{op: "case.counts", scopes: noScope, make: func(*matrix, string, string) ask { return ask{path: "/api/cases/counts"} }},
		{op: "case.duplicates", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			c := m.open(scope)
			lon, lat := town.Middle(placeOf[scope].located)
			return ask{path: fmt.Sprintf("/api/cases/duplicates?item=cleanliness&lon=%f&lat=%f", lon, lat), shows: has(c.ID.String())}
		}},
		{op: "case.tile", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			c := m.open(scope)
			return ask{path: caseTile(placeOf[scope].located, ""), shows: has(c.ID.String())}
		}},
		{op: "case.in_tile", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			c := m.open(scope)
			return ask{path: caseTile(placeOf[scope].located, "/list?limit=200"), shows: has(c.ID.String())}
		}},
		one("case.view", "", "/api/cases/{id}", nil), one("case.by_number", "", "/api/case-numbers/{number}", nil),
		one("case.comment", "", "/api/cases/{id}/comments", said),
		{op: "case.comment", what: "somebody else's file", scopes: []string{own}, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/cases/" + m.open(scope).ID.String() + "/comments", body: with{"text": "看照片", "internal": true, "file_ids": []id.ID{m.file("hub leader 1", "other")}}}
		}},
		{op: "case.claim", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/cases/" + m.caseIn(scope, "reported", "", id.ID{}).ID.String() + "/claim"}
		}},
		{op: "case.release", what: "of somebody else", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			c := m.caseIn(scope, "reported", "", id.ID{})
			m.Write(func(tx *db.Tx) error {
				_, _, err := m.App.Cases.Claim(tx, m.actorOf(tx, placeOf[scope].village), c.ID)
				return err
			})
			return ask{path: "/api/cases/" + c.ID.String() + "/claim"}
		}},
		{op: "case.reveal", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/cases/" + m.caseIn(scope, "verifying", "", id.ID{}).ID.String() + "/reveal", body: with{"purpose": "contact", "why": "问清地点"}}
		}},
		{op: "case.file_add", scopes: noScope, make: func(*matrix, string, string) ask {
			return ask{path: "/api/files", body: town.Form(town.Picture(), "kind", "before")}
		}},
		{op: "case.file", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			who := placeOf[scope].village
			f, c := m.file(who, "before"), m.open(scope)
			m.Write(func(tx *db.Tx) error {
				_, err := m.App.Cases.Comment(tx, m.actorOf(tx, who), c.ID, casework.Comment{Text: "照片", Files: []id.ID{f}})
				return err
			})
			return ask{path: "/api/files/" + f.String() + "?size=thumb"}
		}},
		{op: "case.file", what: "somebody else's upload", scopes: noScope, make: func(m *matrix, _, _ string) ask {
			return ask{path: "/api/files/" + m.file("hub leader 1", "other").String()}
		}},
		{op: "case.file_review", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/files/" + m.strange(scope).String() + "/review", body: with{"decision": "accept"}}
		}},
		{op: "case.copy_prepare", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/files/" + m.pictured(scope).String() + "/copy"}
		}},
		{op: "case.copy_release", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			f, version := m.proposed(scope)
			return ask{path: "/api/files/" + f.String() + "/copy/release", body: with{"regions": []with{{"x": 100, "y": 100, "w": 500, "h": 500}}, "version": version}}
		}},
		{op: "case.copy_withhold", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			f, version := m.proposed(scope)
			return ask{path: "/api/files/" + f.String() + "/copy/withhold", body: with{"version": version}}
		}},
		{op: "case.copy", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			f, version := m.proposed(scope)
			m.Write(func(tx *db.Tx) error {
				_, err := m.App.Cases.ReleaseCopy(tx, m.actorOf(tx, placeOf[scope].village), f, nil, version)
				return err
			})
			m.Later(0) // the copy is made
			return ask{path: "/api/files/" + f.String() + "/copy?size=thumb"}
		}},
		{op: "case.quarantine", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/quarantine?limit=200", shows: has(m.strange(scope).String())}
		}},
		report("", func(with, *matrix, string, string) {}),
		report("by its grid", func(b with, m *matrix, scope, _ string) {
			b["place"] = with{"grid_id": m.Nodes[placeOf[scope].grid]}
		}),
		report("with somebody else's file", func(b with, m *matrix, _, _ string) { b["file_ids"] = []id.ID{m.file("hub leader 1", "before")} }),
	}
}

func report(what string, change func(b with, m *matrix, scope, actor string)) sample {
	return sample{op: "case.report", what: what, scopes: bothScopes, make: func(m *matrix, scope, actor string) ask {
		b := town.Report("看到的", with{"place": town.At(placeOf[scope].located)})
		change(b, m, scope, actor)
		return ask{path: "/api/cases", body: b}
	}}
}

// fill puts the nodes of a scope into a path.
func (m *matrix) fill(path, scope string) string {
	at := placeOf[scope]
	return strings.NewReplacer("{street}", m.Nodes[at.street].String(), "{platform}", m.Nodes[at.platform].String(), "{grid}", m.Nodes[at.grid].String(),
		"{department}", m.Nodes[at.department].String(), "{hub}", m.Nodes["hub"].String()).Replace(path)
}

// strange is a photo of the public that nobody has looked at.
func (m *matrix) strange(scope string) (v id.ID) {
	m.Helper()
	key := formKey()
	p := m.Stranger(resident)
	a := p.Do("POST", "/api/public/files", town.Form(town.Picture(), "key", key))
	var f struct{ ID id.ID }
	m.check(json.Unmarshal(a.Body, &f))
	if a := p.Do("POST", "/api/public/reports", with{"key": key, "what": "rubbish", "village": placeOf[scope].platform, "near": "东门外", "file_ids": []id.ID{f.ID}}); a.Status != 200 {
		m.Fatalf("a resident reports with a photo: %s %s", a, a.Body)
	}
	return f.ID
}

func moveSamples() []sample {
	// On a case in a state, by whoever; body may change what is sent.
	on := func(move, what, state string, body func(m *matrix, scope, actor string) with) sample {
		return sample{op: "case.move", what: strings.TrimSpace(move + " " + what), scopes: bothScopes, make: func(m *matrix, scope, actor string) ask {
			return moves(m.caseIn(scope, state, "", id.ID{}), move, body(m, scope, actor))
		}}
	}
	// On a case whose handler is the asker's own post, where the role takes cases.
	mine := func(move, state string, body func(m *matrix, scope, actor string) with) sample {
		s := on(move, "", state, body)
		s.each = true
		s.make = func(m *matrix, scope, actor string) ask {
			var owner id.ID
			if scope == own && slices.Contains(m.may[actor], "case.take") {
				owner = m.Posts[name(actor)]
			}
			return moves(m.caseIn(scope, state, "", owner), move, body(m, scope, actor))
		}
		return s
	}
	// On a case that the asker reported, where the role reports.
	ofMine := func(move, state string, body with) sample {
		return sample{op: "case.move", what: move + " of an own report", scopes: []string{own}, each: true, make: func(m *matrix, scope, actor string) ask {
			reporter := ""
			if slices.Contains(m.may[actor], "case.report") && m.Posts[name(actor)] != (id.ID{}) {
				reporter = name(actor)
			}
			return moves(m.caseIn(scope, state, reporter, id.ID{}), move, body)
		}}
	}
	fixed := func(b with) func(*matrix, string, string) with {
		return func(*matrix, string, string) with { return b }
	}
	until := town.Morning.Add(24 * time.Hour)
	photo := func(kind string) func(m *matrix, scope, actor string) with {
		return func(m *matrix, _, actor string) with {
			return with{"note": "清完了", "file_ids": []id.ID{m.file(name(actor), kind)}}
		}
	}
	settle := on("settle", "", "reported", photo("after"))
	settle.each = true
	return []sample{
		on("accept", "", "reported", fixed(nil)),
		on("verify", "", "verifying", fixed(with{"result": "pass", "note": "属实"})),
		on("refuse", "", "reported", fixed(with{"reason": "refuse_empty", "note": "空的"})),
		settle,
		on("file", "", "accepted", fixed(nil)),
		on("dispatch", "", "filed", func(m *matrix, scope, _ string) with { return with{"post_id": m.Posts[placeOf[scope].handler]} }),
		on("dispatch", "to the other street", "filed", func(m *matrix, scope, _ string) with {
			away := map[string]string{own: "grid officer 2", other: "grid officer 1"}[scope]
			return with{"post_id": m.Posts[away]}
		}),
		mine("take", "dispatched", fixed(nil)), mine("handle", "taken", fixed(nil)), mine("done", "handling", photo("after")),
		mine("return", "dispatched", fixed(with{"reason": "return_not_mine", "note": "不归我管"})),
		mine("suspend_ask", "handling", fixed(with{"reason": "suspend_part", "note": "等零件", "until": until})),
		on("suspend_decide", "", "suspend_asked", fixed(with{"result": "pass"})),
		on("resume", "", "suspended", fixed(nil)),
		on("check", "", "done", fixed(with{"result": "pass"})),
		on("close", "", "checked", fixed(nil)),
		on("reopen", "", "closed", fixed(with{"reason": "reopen_not_fixed", "note": "没修好"})),
		on("withdraw", "", "reported", fixed(with{"reason": "withdraw_mistake"})),
		ofMine("withdraw", "reported", with{"reason": "withdraw_mistake"}),
		on("object", "", "closed", fixed(with{"note": "没修好"})), ofMine("object", "closed", with{"note": "没修好"}),
		on("rate", "", "closed", fixed(with{"score": 5})), ofMine("rate", "closed", with{"score": 5}),
		on("void_ask", "", "filed", fixed(with{"reason": "void_test", "note": "测试"})),
		{op: "case.move", what: "void_decide", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			c := m.caseIn(scope, "filed", "", id.ID{})
			m.Write(func(tx *db.Tx) error {
				_, err := m.App.Cases.Move(tx, m.Operator(tx), c.ID, casework.Act{Move: "void_ask", Reason: "void_test", Note: "测试"}, nil)
				return err
			})
			return moves(c, "void_decide", with{"result": "pass"})
		}},
		on("report", "is no move", "filed", fixed(nil)),
	}
}

func moves(c town.Case, move string, body with) ask {
	b := with{"move": move}
	for k, v := range body {
		b[k] = v
	}
	return ask{path: "/api/cases/" + c.ID.String() + "/moves", body: b}
}

// fixed is a request that is the same for everybody and changes nothing.
func fixed(op, what, path string, body any) sample {
	return sample{op: op, what: what, scopes: noScope, make: func(*matrix, string, string) ask { return ask{path: path, body: body} }}
}

// scoped is a read whose path names nodes of the scope.
func scoped(op, what, path string) sample {
	return sample{op: op, what: what, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask { return ask{path: m.fill(path, scope)} }}
}

func gridSamples() []sample {
	finds := func(op, what, path string) sample {
		return sample{op: op, what: what, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: m.fill(path, scope), shows: has(m.Nodes[placeOf[scope].grid].String())}
		}}
	}
	box := "west=116.9&south=36.8&east=117.2&north=37.0"
	return []sample{
		finds("grid.list", "", "/api/grids?limit=200"), finds("grid.list", "of a street", "/api/grids?limit=200&street={street}"),
		finds("grid.list", "search", "/api/grids?limit=200&q=G"), finds("grid.map", "", "/api/map/grids?"+box), scoped("grid.get", "", "/api/grids/{grid}"),
		{op: "grid.tile", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: tile(placeOf[scope].grid), shows: has(m.Nodes[placeOf[scope].grid].String())}
		}},
		{op: "grid.locate", scopes: bothScopes, make: func(_ *matrix, scope, _ string) ask {
			lon, lat := town.Middle(placeOf[scope].grid)
			return ask{path: fmt.Sprintf("/api/grids/locate?datum=wgs84&lon=%f&lat=%f", lon, lat)}
		}},
		fixed("grid.template", "", "/api/grids/templates/base", nil),
		{op: "grid.set_template", scopes: noScope, make: func(*matrix, string, string) ask {
			return ask{path: "/api/grids/templates/base", body: with{"check": "none", "segments": []with{{"source": "community", "length": 12}, {"source": "sequence", "length": 3}}}}
		}},
		{op: "grid.edit", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			at := placeOf[scope]
			return ask{path: m.fill("/api/grids/{grid}", scope), body: with{"name": at.grid, "platform_id": m.Nodes[at.platform], "households": m.next()}}
		}},
		{op: "grid.alias", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: m.fill("/api/grids/{grid}/codes/old", scope), body: with{"code": fmt.Sprintf("A%d", m.next())}}
		}},
		{op: "grid.import", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/grids/drawings", body: with{"datum": "wgs84", "dry_run": true, "drawing": json.RawMessage(fmt.Sprintf(
				`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"3701150032019%02d","name":"新","platform":%q},
				"geometry":{"type":"Polygon","coordinates":[[[118,36],[118.01,36],[118.01,36.01],[118,36.01],[118,36]]]}}]}`, m.next()%100, placeOf[scope].platform))}}
		}},
		{op: "grid.issue", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/grids/codes", body: with{"layer": "micro", "parent_id": m.Nodes[placeOf[scope].grid]}}
		}},
		scoped("figures.read", "of the hub", "/api/figures?node={hub}"), scoped("figures.read", "of a street", "/api/figures?node={street}"),
		scoped("figures.read", "of a platform", "/api/figures?node={platform}"), scoped("figures.read", "of a grid", "/api/figures?node={grid}"),
		scoped("figures.read", "of a department", "/api/figures?by=unit&node={department}"),
		fixed("figures.read", "of one's own place", "/api/figures", nil),
		fixed("figures.definitions", "", "/api/figures/definitions", nil),
		scoped("figures.sources", "of a street", "/api/figures/sources?measures=reported&node={street}"), scoped("figures.sources", "of a grid", "/api/figures/sources?measures=reported&node={grid}"),
		scoped("figures.sources", "of a department", "/api/figures/sources?measures=done&node={department}"),
		scoped("figures.export", "of a street", "/api/figures/export?format=csv&node={street}"), scoped("figures.export", "of a grid", "/api/figures/export?format=csv&node={grid}"),
		fixed("figures.open_csv", "not published here", figures.OpenCSV, nil), fixed("figures.open_json", "not published here", figures.OpenJSON, nil),
	}
}

// vacant makes a post that nobody holds.
func (m *matrix) vacant(scope string) (v id.ID) {
	m.Helper()
	at := placeOf[scope]
	m.Write(func(tx *db.Tx) error {
		p, err := m.App.Org.CreatePost(tx, m.Operator(tx), org.PostIn{Role: "volunteer", Name: text("空岗"), Unit: m.Nodes[at.platform], Level: org.AtVillage, Node: m.Nodes[at.platform]})
		v = p.ID
		return err
	})
	return v
}

// newcomer makes a person without a post.
func (m *matrix) newcomer() (v id.ID) {
	m.Helper()
	m.Write(func(tx *db.Tx) error {
		p, err := m.App.Org.CreatePerson(tx, m.Operator(tx), org.PersonIn{Name: fmt.Sprintf("新人%d", m.next())})
		v = p.ID
		return err
	})
	return v
}

// holding makes somebody hold, or be asked to stand in for, a new post.
func (m *matrix) holding(scope string, person id.ID, asked bool) (v id.ID) {
	m.Helper()
	post := m.vacant(scope)
	m.Write(func(tx *db.Tx) error {
		give, by := m.App.Org.Assign, m.Operator(tx)
		in := org.HoldingIn{Post: post, Person: person, From: tx.Now()}
		if asked { // not by the operator, whose word counts at once
			give, by = m.App.Org.Deputise, m.actorOf(tx, placeOf[scope].village)
			in.To = tx.Now().Add(24 * time.Hour)
		}
		h, err := give(tx, by, in)
		v = h.ID
		return err
	})
	return v
}

func orgSamples() []sample {
	finds := func(op, what, path string, of func(m *matrix, scope string) id.ID) sample {
		return sample{op: op, what: what, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: m.fill(path, scope), shows: has(of(m, scope).String())}
		}}
	}
	post := func(m *matrix, scope string) id.ID { return m.Posts[placeOf[scope].village] }
	holder := func(m *matrix, scope string) id.ID { return m.Persons[placeOf[scope].village] }
	on := func(op string, path string, body func(m *matrix, scope string) any, of func(m *matrix, scope string) id.ID) sample {
		return sample{op: op, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			a := ask{path: strings.ReplaceAll(path, "{id}", of(m, scope).String())}
			if body != nil {
				a.body = body(m, scope)
			}
			return a
		}}
	}
	tomorrow := town.Morning.Add(24 * time.Hour)
	return []sample{
		fixed("org.units", "", "/api/org/units", nil), fixed("org.divisions", "", "/api/org/divisions", nil),
		finds("org.posts", "", "/api/org/posts?limit=200", post), finds("org.posts", "of a unit", "/api/org/posts?limit=200&unit={platform}", post),
		finds("org.persons", "", "/api/org/persons?limit=200", holder), finds("org.persons", "search", "/api/org/persons?limit=200&q=village+desk", holder),
		{op: "org.unit_create", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/units", body: with{"kind": "platform", "code": fmt.Sprintf("N%d", m.next()), "name": named("新平台"), "parent_id": m.Nodes[placeOf[scope].street]}}
		}},
		on("org.unit_edit", "/api/org/units/{id}", func(m *matrix, scope string) any {
			at := placeOf[scope].platform
			return with{"code": at, "name": named(fmt.Sprintf("%s %d", at, m.next())), "calendar": "office", "duty_calendar": "office"}
		}, func(m *matrix, scope string) id.ID { return m.Nodes[placeOf[scope].platform] }),
		on("org.post_create", "/api/org/posts", func(m *matrix, scope string) any {
			v := m.Nodes[placeOf[scope].platform]
			return with{"role": "volunteer", "name": named("新岗"), "unit_id": v, "level": "village", "node_id": v}
		}, post),
		on("org.post_edit", "/api/org/posts/{id}", func(m *matrix, _ string) any { return with{"name": named(fmt.Sprintf("改名%d", m.next()))} },
			func(m *matrix, scope string) id.ID { return m.vacant(scope) }),
		on("org.person_create", "/api/org/persons", func(m *matrix, scope string) any {
			return with{"name": "新人", "unit_id": m.Nodes[placeOf[scope].platform]}
		}, post),
		on("org.hold", "/api/org/posts/{id}/holder", func(m *matrix, _ string) any { return with{"person_id": m.newcomer()} },
			func(m *matrix, scope string) id.ID { return m.vacant(scope) }),
		on("org.stand_in", "/api/org/posts/{id}/stand-in", func(m *matrix, _ string) any { return with{"person_id": m.newcomer(), "to": tomorrow} },
			func(m *matrix, scope string) id.ID { return m.vacant(scope) }),
		{op: "org.accept_stand_in", what: "asked of somebody else", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/holdings/" + m.holding(scope, m.newcomer(), true).String() + "/accept"}
		}},
		{op: "org.end_holding", scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
			return ask{path: "/api/org/holdings/" + m.holding(scope, m.newcomer(), false).String()}
		}},
	}
}

func named(s string) with { return with{"zh-CN": s, "en": s} }
