package access_test

import (
	"slices"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Whoever finds an unlocked computer cannot change how its owner signs in: the
// owner proves again who sits there. A changed second factor ends the other
// sessions, and the old authenticator.
func TestOwnerChangesTheSecondFactor(t *testing.T) {
	each(t, nil, func(o *office) {
		b := o.admin(0)
		elsewhere := o.browser("203.0.113.40")
		elsewhere.secret = b.secret
		elsewhere.signsIn("system")

		var s access.Security
		b.gets("200", "GET", "/api/session/security", nil, &s)
		if !s.Password || !s.Factor || s.Recovery != 8 || len(s.Sessions) != 2 || s.Confirmed.IsZero() {
			t.Fatalf("%+v", s)
		}
		o.clock.Add(15 * time.Minute)
		s = access.Security{}
		b.gets("200", "GET", "/api/session/security", nil, &s)
		if !s.Confirmed.IsZero() {
			t.Fatal("the proof does not grow old")
		}
		b.gets("403 access.confirm_first", "POST", "/api/session/factor", nil, nil)
		b.gets("403 access.confirm_first", "POST", "/api/session/recovery", nil, nil)
		b.gets("401 access.wrong_credentials", "POST", "/api/session/confirm", m{"password": "not it at all", "totp": b.code()}, nil)
		b.gets("401 access.wrong_credentials", "POST", "/api/session/confirm", m{"password": goodPassword, "totp": "000000"}, nil)
		b.gets("401 access.wrong_credentials", "POST", "/api/session/confirm", m{"password": goodPassword}, nil)
		b.gets("204", "POST", "/api/session/confirm", m{"password": goodPassword, "totp": b.code()}, nil)
		b.gets("409 access.begin_again", "POST", "/api/session/factor/confirm", m{"totp": "000000"}, nil)

		old := b.secret
		var e access.Enrolment
		b.gets("200", "POST", "/api/session/factor", nil, &e)
		b.gets("422 access.wrong_code", "POST", "/api/session/factor/confirm", m{"totp": b.code()}, nil) // of the old one
		elsewhere.gets("200", "GET", "/api/session", nil, nil)
		b.secret = e.Secret
		var codes struct {
			Codes []string `json:"recovery_codes"`
		}
		b.gets("200", "POST", "/api/session/factor/confirm", m{"totp": b.code()}, &codes)
		if len(codes.Codes) != 8 {
			t.Fatalf("%d recovery codes", len(codes.Codes))
		}
		b.gets("200", "GET", "/api/session", nil, nil)
		elsewhere.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		o.clock.Add(time.Minute)
		elsewhere.secret = old
		elsewhere.gets("401 access.wrong_credentials", "POST", "/api/session", m{"name": "system", "password": goodPassword, "totp": elsewhere.code()}, nil)
		b.signsIn("system")

		// New recovery codes: the old ones open nothing, a new one once.
		first := codes.Codes[0]
		b.gets("200", "POST", "/api/session/recovery", nil, &codes)
		elsewhere.gets("401 access.wrong_credentials", "POST", "/api/session", m{"name": "system", "password": goodPassword, "totp": first}, nil)
		elsewhere.gets("200", "POST", "/api/session", m{"name": "system", "password": goodPassword, "totp": codes.Codes[0]}, nil)
		b.gets("200", "GET", "/api/session/security", nil, &s)
		if s.Recovery != 7 {
			t.Fatalf("%d codes left", s.Recovery)
		}
		for _, kind := range []string{"access.factor_change", "access.recovery_change"} {
			if n := len(o.entries(kind)); n != 1 {
				t.Fatalf("%d entries %s", n, kind)
			}
		}
	})
}

// Somebody sees his own sessions, ends one of them, and reaches nobody else's.
func TestOwnSessions(t *testing.T) {
	each(t, nil, func(o *office) {
		b, other := o.admin(0), o.admin(1)
		elsewhere := o.browser("203.0.113.40")
		elsewhere.secret = b.secret
		elsewhere.signsIn("system")
		var s, theirs access.Security
		b.gets("200", "GET", "/api/session/security", nil, &s)
		other.gets("200", "GET", "/api/session/security", nil, &theirs)
		i := slices.IndexFunc(s.Sessions, func(v access.SessionView) bool { return !v.Here })
		if len(s.Sessions) != 2 || i < 0 || s.Sessions[i].Address != "203.0.113.40" {
			t.Fatalf("%+v", s.Sessions)
		}
		b.gets("404 access.missing", "DELETE", "/api/session/others/"+theirs.Sessions[0].ID.String(), nil, nil)
		other.gets("200", "GET", "/api/session", nil, nil)
		b.gets("204", "DELETE", "/api/session/others/"+s.Sessions[i].ID.String(), nil, nil)
		elsewhere.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		b.gets("200", "GET", "/api/session/security", nil, &s)
		if len(s.Sessions) != 1 || len(o.entries("access.session_end")) != 1 {
			t.Fatalf("%+v", s.Sessions)
		}
	})
}

func TestClientName(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0": "Edge · Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/604.1":     "Safari · iPhone",
		"Mozilla/5.0 (Linux; Android 13; V2055A) AppleWebKit/537.36 Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49":        "WeChat · Android",
		"curl/8.5.0": "",
		"":           "",
	} {
		if got := access.ClientName(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

// oneGrid is a district of one grid.
type oneGrid struct{ id id.ID }

func (g oneGrid) NodesOf(_ *db.Tx, v id.ID) (journal.Nodes, error) {
	if v != g.id {
		return journal.Nodes{}, grid.ErrMissing
	}
	return journal.Nodes{Grid: v}, nil
}
func (g oneGrid) Title(*db.Tx, id.ID) (string, error) { return "河畔 370115003201001", nil }
func (g oneGrid) Find(_ *db.Tx, l grid.Layer, _ string, _ int) ([]grid.Grid, error) {
	if l != grid.Base {
		return nil, nil
	}
	return []grid.Grid{{ID: g.id, Name: "河畔", Code: "370115003201001"}}, nil
}

// Administrators find people and places by a part of the name, and lists say
// who has what, where, given by whom. Nobody else reads them.
func TestAdministratorsFindPeopleAndPlaces(t *testing.T) {
	g := oneGrid{nid(900)}
	each(t, func(o *access.Options) { o.Places = g }, func(o *office) {
		system, security, auditor := o.admin(0), o.admin(1), o.admin(2)
		an := o.person("安某（演示）")
		if _, err := o.holds(an, o.post("village_desk", "village", o.platform, o.platform), "holder", time.Time{}); err != nil {
			t.Fatal(err)
		}
		var people struct{ Items []access.Colleague }
		for _, b := range []*browser{system, security, auditor} {
			b.gets("200", "GET", "/api/accounts/people?q=安某", nil, &people)
			if len(people.Items) != 1 || people.Items[0].ID != an || people.Items[0].Account || len(people.Items[0].Posts) != 1 {
				t.Fatalf("%+v", people)
			}
		}
		system.gets("200", "GET", "/api/accounts/people?without_account=true", nil, &people)
		if len(people.Items) != 1 {
			t.Fatalf("without an account: %+v", people)
		}
		var nodes struct{ Items []access.Node }
		for level, want := range map[string]int{"street": 1, "village": 1, "grid": 1, "micro_grid": 0, "department": 0} {
			security.gets("200", "GET", "/api/grants/nodes?level="+level, nil, &nodes)
			if len(nodes.Items) != want {
				t.Errorf("%s: %+v", level, nodes)
			}
		}
		security.gets("422 request.invalid", "GET", "/api/grants/nodes?level=moon", nil, nil)
		system.gets("403 access.denied", "GET", "/api/grants/nodes?level=street", nil, nil)
		security.gets("201", "POST", "/api/grants", m{"person_id": an, "role": "volunteer", "level": "grid", "node_id": g.id, "why": "志愿服务"}, nil)
		var grants struct{ Items []access.GrantView }
		auditor.gets("200", "GET", "/api/grants?person="+an.String(), nil, &grants)
		if v := grants.Items; len(v) != 1 || v[0].NodeName.Chinese == "" || v[0].RoleName.English == "" || v[0].GivenByName != security.me.Person.Name {
			t.Fatalf("%+v", grants)
		}
		desk := o.staff(system, security, "an.desk", an)
		for _, path := range []string{"/api/accounts/people", "/api/accounts", "/api/grants", "/api/grants/nodes?level=street"} {
			desk.gets("403 access.denied", "GET", path, nil, nil)
		}
	})
}
