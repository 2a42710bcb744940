package town_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/town"
)

// marks stand in what belongs to the other street and the other department, in
// every field that holds words, and nowhere else. Who sees them without the
// right has been told what he must not know.
var marks = []string{"暗号另街之事", "暗号另街之处", "暗号另街之言", "暗号另街之人", "13911112222", "暗号另街之物"}

// abused is a town under requests of chance.
type abused struct {
	*matrix
	*chance
	sent, taken, refused int
	compared             int // refused ones around which the whole database was compared
	codes                map[string]int
	whole                float64 // how often it is
	part, turn           int     // each one asks every part-th operation, beginning elsewhere each time
}

// Everybody sends what chance makes of the OpenAPI document to every operation:
// the answer is never a fault of ours; a refusal is a problem with a code and
// changes nothing; and nobody of the one street sees a word of the other's. A
// few here, each operation and more rounds with ONEGRID_PROOF (scripts/proof abuse);
// ONEGRID_ABUSE_SEED begins elsewhere, ONEGRID_ABUSE_ROUNDS says how many.
func TestRequestsOfChance(t *testing.T) {
	rounds, seed, whole, part := 1, uint64(20261127), 0.06, 4
	if os.Getenv("ONEGRID_PROOF") != "" {
		rounds, seed, whole, part = 4, uint64(time.Now().Unix()), 0.2, 1 //nolint:forbidigo // another walk each time
	}
	for name, use := range map[string]func(n uint64){"ONEGRID_ABUSE_SEED": func(n uint64) { seed = n }, "ONEGRID_ABUSE_ROUNDS": func(n uint64) { rounds = int(n) }} {
		if s := os.Getenv(name); s != "" {
			n, err := strconv.ParseUint(s, 10, 31)
			if err != nil {
				t.Fatal(err)
			}
			use(n)
		}
	}
	town.Each(t, func(w *town.Town) {
		x := newAbused(w, seed)
		x.whole, x.part = whole, part
		// First who may see one side only; then those who may do more, and so may
		// move something from one side to the other.
		for range rounds {
			for _, who := range []string{"grid officer 1", "village desk 1", "street leader 1", "department handler 1", nobody, anonymous} {
				x.everything(who, marks)
			}
		}
		for range rounds {
			for _, who := range []string{"hub officer 1", "hub leader 1", "grid clerk 1", "security admin 1", "system admin 1", "auditor 1", "data protection officer 1"} {
				x.everything(who, nil)
			}
		}
		w.Verified()
		t.Logf("seed %d: %d requests to %d operations, %d taken, %d refused with %d different codes; the whole database compared around %d of them",
			seed, x.sent, len(x.every), x.taken, x.refused, len(x.codes), x.compared)
		if x.taken < len(x.every)/4 || len(x.codes) < 40 || x.compared < 10 {
			t.Errorf("chance got nowhere: %d taken, codes %v", x.taken, slices.Sorted(maps.Keys(x.codes)))
		}
	})
}

func newAbused(w *town.Town, seed uint64) *abused {
	w.Helper()
	m := newMatrix(w)
	spec, err := w.App.Edge.OpenAPI()
	m.check(err)
	c, err := newChance(seed, spec)
	m.check(err)
	x := &abused{matrix: m, chance: c, codes: map[string]int{}}
	x.ids = []string{id.ID{9}.String()}
	for _, of := range []map[string]id.ID{w.Nodes, w.Posts, w.Persons, w.Accounts, w.Holdings} {
		for _, key := range slices.Sorted(maps.Keys(of)) {
			x.ids = append(x.ids, of[key].String())
		}
	}
	x.texts = []string{"东门外垃圾", "cleanliness", "pile", "office", "contact", "2026-11-24", "20261124", "base", "G1", "S1", "P1", "urban_management", "case.view", "desk", "10:00", "370115003201001", "7"}
	x.known = map[string][]any{"item": {"cleanliness", "opinion", "flood_water"}, "condition": {"pile"}, "datum": {"wgs84", "gcj02"}, "layer": {"base", "micro"},
		"role": asAny(w.Roles), "key": {"cleanliness", "refuse_empty", "accept"}, "kind": {"before", "after", "street", "platform"}, "purpose": {"contact", "visit"},
		"move": {"accept", "file", "dispatch", "take", "handle", "done", "check", "close", "refuse", "withdraw"}, "reason": {"refuse_empty", "return_not_mine", "suspend_part"},
		"table": {"units", "posts", "people"}, "z": {14}, "format": {"csv", "xlsx", "json"}, "calendar": {"office"}, "channel": {"desk", "sms", "mail", "push"}, "cursor": {""},
		"account": {"nobody-of-that-name"}}
	// A few cases on both sides, with words of their own in every place that
	// takes words.
	for n, state := range []string{"reported", "accepted", "filed", "dispatched", "handling", "done", "closed"} {
		x.ids = append(x.ids, x.caseIn(own, state, "", id.ID{}).ID.String())
		c := x.marked(n)
		x.ids = append(x.ids, c.ID.String())
		x.known["number"] = append(x.known["number"], any(c.Number))
	}
	return x
}

func asAny(list []string) (out []any) {
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

// marked is a case of the other side whose every word is a mark.
func (x *abused) marked(n int) (c town.Case) {
	x.Helper()
	x.Write(func(tx *db.Tx) error {
		by, cases := x.Operator(tx), x.App.Cases
		lon, lat := town.Middle("G4")
		report := casework.Report{Item: "cleanliness", Condition: "pile", Text: marks[0] + fmt.Sprint(n), Form: json.RawMessage(`{"problem":"exposed"}`),
			Place: casework.PlaceIn{Lon: &lon, Lat: &lat, Datum: "wgs84", Words: marks[1]}}
		if n%4 < 2 { // with a reporter, somebody has to verify before it is filed
			report.Reporter = &casework.PartyIn{Name: marks[3], Phone: marks[4]}
		}
		made, err := cases.Report(tx, by, report)
		if err != nil {
			return err
		}
		if _, err := cases.Comment(tx, by, made.ID, casework.Comment{Text: marks[2], Internal: true}); err != nil {
			return err
		}
		for _, move := range []string{"accept", "file", "dispatch"}[:n%4] {
			if made, err = cases.Move(tx, by, made.ID, casework.Act{Move: move, Post: x.Posts["department handler 2"], Note: marks[5]}, nil); err != nil {
				return err
			}
		}
		c.ID, c.Number = made.ID, made.Number
		return nil
	})
	return c
}

// everything asks the operations once, as somebody.
func (x *abused) everything(who string, hidden []string) {
	x.Helper()
	x.turn++
	for n, op := range x.every {
		if (n+x.turn)%x.part != 0 {
			continue
		}
		if op.Kind == "stream" || op.ID == "access.demo_sign_in" {
			continue // the one waits for what never comes, the other makes somebody else of who asks
		}
		x.sends(who, op, x.chance.request(op), hidden)
	}
}

// sends sends one request and judges the answer.
func (x *abused) sends(who string, op operation, a ask, hidden []string) {
	x.Helper()
	p := x.someone(who)
	var before map[string]string
	var head int64
	if a.method != "GET" {
		head = x.Head()
		if x.often(x.whole) {
			before = x.Contents()
		}
	}
	got := p.Do(a.method, a.path, a.body, a.headers...)
	x.sent++
	told := fmt.Sprintf("%s sends %s %.300s %.600s", who, a.method, a.path, said(a.body))
	for _, mark := range hidden {
		if bytes.Contains(got.Body, []byte(mark)) {
			x.Fatalf("%s\nand is told %q: %s %.2000s", told, mark, got, got.Body)
		}
	}
	switch {
	case got.Status >= 500:
		x.Errorf("%s\nanswer: %s %.2000s", told, got, got.Body)
	case got.Status >= 400:
		x.refused++
		x.codes[got.Code]++
		if media := got.Header.Get("Content-Type"); got.Code == "" || got.Code == "internal" || media != "application/problem+json" {
			x.Errorf("%s\nis no problem with a code: %s %s %.500s", told, got, media, got.Body)
		}
		if a.method != "GET" {
			x.changedNothing(told, head, before)
		}
	default:
		x.taken++
	}
	if got.Status == 401 {
		x.SignInAnew() // it signed itself out, or ended its sessions
	}
}

// someone is who asks: somebody of the town, or a stranger.
func (x *abused) someone(who string) *town.Person {
	if who == anonymous {
		return x.Stranger(who)
	}
	return x.As(who)
}

// noted are the tables in which a refusal may stand: who tried to get in, whose
// session is alive, what was used up, and that somebody was refused.
var noted = []string{"access_attempt", "access_session", "access_ceremony", "journal_entry", "journal_body", "journal_seal", "journal_head"}

// changedNothing demands that a refused request left the tables and the journal
// as they were.
func (x *abused) changedNothing(told string, head int64, before map[string]string) {
	x.Helper()
	x.Read(func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT kind FROM journal_entry WHERE number > $1`, head)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var kind string
			if err := rows.Scan(&kind); err != nil {
				return err
			}
			if kind != "access.refused" {
				x.Errorf("%s\nis refused and wrote %s into the journal", told, kind)
			}
		}
		return rows.Err()
	})
	if before == nil {
		return
	}
	x.compared++
	for table, now := range x.Contents() {
		if before[table] != now && !slices.Contains(noted, table) {
			x.Errorf("%s\nis refused and changed %s", told, table)
		}
	}
}

func said(body any) string {
	switch b := body.(type) {
	case nil:
		return ""
	case town.Raw:
		return b.Type + " " + strconv.QuoteToASCII(string(b.Body))
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
