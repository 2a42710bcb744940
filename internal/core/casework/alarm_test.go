package casework

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
)

func (h *house) sends(name, source string, alarms ...Alarm) (out AlarmsOut, err error) {
	h.Helper()
	err = h.db.Write(h.ctx, func(tx *db.Tx) error {
		out, err = h.desk.Alarms(tx, h.as(tx, name), AlarmsIn{Source: source, Alarms: alarms})
		return err
	})
	return out, err
}

func water(n int, key string) Alarm {
	return Alarm{ExternalID: fmt.Sprintf("w-%d", n), Key: key, Item: "flood_water", Condition: "ponding", Text: "下穿桥积水 20 厘米", Place: inG1}
}

// A storm of alarms is one case that counts them. Its rows add up however often
// they are sent, and the first one after its end opens a follow-up.
func TestStormIsOneCase(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.seat("machine", "exchange_client", "UM", org.AtDepartment, "UM")
		var rows []Alarm
		for n := range 400 {
			rows = append(rows, water(n, "bridge-1/level"))
		}
		rows = append(rows, water(7, "bridge-1/level"), water(400, "bridge-2/level"), Alarm{ExternalID: "bad", Key: "k", Item: "ghosts", Place: inG1},
			Alarm{ExternalID: "outside", Key: "k", Item: "flood_water", Condition: "ponding", Place: point(120, 30)}, Alarm{Key: "k", Item: "flood_water"})
		out, err := h.sends("machine", "flood.level", rows...)
		h.must(err)
		if out.Rows != 405 || out.Opened != 2 || out.Counted != 399 || out.Repeated != 1 || out.Refused != 3 || len(out.Items) != 405 {
			h.Fatalf("%d rows: %d opened, %d counted, %d repeated, %d refused", out.Rows, out.Opened, out.Counted, out.Repeated, out.Refused)
		}
		if got := out.Items[402]; got.Outcome != AlarmRefused || got.Code != ErrItemUnknown.Code || got.Why == nil || got.Why.English == "" {
			h.Errorf("a refused row says %+v", got)
		}
		open := h.list("hub", Filter{View: "open"})
		if len(open) != 2 {
			h.Fatalf("%d cases are open", len(open))
		}
		var c Case
		h.read(func(tx *db.Tx) (err error) { c, err = get(tx, out.Items[0].Case); return err })
		p := h.page("hub", c)
		if p.Alarms == nil || p.Alarms.Count != 400 || c.Channel != "sensor" || c.Number != out.Items[0].Number {
			h.Errorf("the case shows %+v", p.Alarms)
		}
		if n := kinds(p)["case.alarm"]; n != 1 {
			h.Errorf("one message wrote %d lines", n)
		}
		// The same message once more, with another answer for none of its rows.
		out, err = h.sends("machine", "flood.level", rows...)
		h.must(err)
		if out.Repeated != 402 || out.Refused != 3 {
			h.Errorf("again: %+v", AlarmsOut{out.Rows, out.Opened, out.Counted, out.Repeated, out.Refused, nil})
		}
		h.clock.Add(10 * time.Minute)
		out, err = h.sends("machine", "flood.level", water(1000, "bridge-1/level"))
		h.must(err)
		p = h.page("hub", c)
		if out.Counted != 1 || p.Alarms.Count != 401 || p.Alarms.Last.Sub(p.Alarms.First) != 10*time.Minute || kinds(p)["case.alarm"] != 1 {
			h.Errorf("one more: %+v, %d lines", p.Alarms, kinds(p)["case.alarm"])
		}

		// The case ends; the water comes back.
		h.does("village", c, Act{Move: "refuse", Reason: "refuse_empty", Note: "已经退水"})
		out, err = h.sends("machine", "flood.level", water(2000, "bridge-1/level"), water(2001, "bridge-1/level"))
		h.must(err)
		if out.Opened != 1 || out.Counted != 1 || out.Items[0].Case == c.ID || out.Items[1].Case != out.Items[0].Case {
			h.Fatalf("after the end: %+v", out.Items)
		}
		if r := h.page("hub", c).Related; len(r) != 1 || r[0].Direction != "followed_by" || r[0].Case.ID != out.Items[0].Case {
			h.Errorf("the old case is linked with %+v", r)
		}
		if p := h.page("hub", c); p.Alarms.Count != 401 {
			h.Errorf("the old case counts on: %+v", p.Alarms)
		}

		// A storm that was merged counts on as long as its main case is open.
		var storm Case
		h.read(func(tx *db.Tx) (err error) { storm, err = get(tx, out.Items[0].Case); return err })
		main := h.reports("village", Report{Item: "flood_water", Condition: "ponding", Text: "桥下都是水"})
		_, err = h.merges("village", main, MergeIn{Cases: ids(storm), Reason: "merge_sensor", Note: "同一处积水"})
		h.must(err)
		out, err = h.sends("machine", "flood.level", water(3000, "bridge-1/level"))
		h.must(err)
		if out.Counted != 1 || out.Items[0].Case != storm.ID {
			h.Errorf("on a merged storm: %+v", out.Items)
		}

		// Every row ever sent is in one of the four sums, and each that was taken
		// stands behind one case.
		h.read(func(tx *db.Tx) error {
			sources, err := h.desk.Sources(tx, h.as(tx, "hub"))
			if err != nil || len(sources) != 1 || sources[0].Rows != 405+405+1+2+1 || sources[0].Refused != 6 || sources[0].Opened != 3 || sources[0].Counted != 402 {
				h.Errorf("the source accounts for %+v, %v", sources, err)
			}
			var external, counted int64
			if err := tx.Row(`SELECT COUNT(*) FROM case_external WHERE source = 'flood.level'`).Scan(&external); err != nil {
				return err
			}
			if err := tx.Row(`SELECT SUM(n) FROM case_storm`).Scan(&counted); err != nil {
				return err
			}
			if external != sources[0].Opened+sources[0].Counted || counted != external {
				h.Errorf("%d rows are kept, the cases count %d", external, counted)
			}
			return nil
		})
	})
}

// Who may not send, and what is refused as a whole.
func TestAlarmsAreRefused(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.seat("machine", "exchange_client", "UM", org.AtDepartment, "UM")
		h.seat("rival", "exchange_client", "HO", org.AtDepartment, "HO")
		_, err := h.sends("machine", "flood.level", water(1, "k"))
		h.must(err)
		before := h.list("hub", Filter{View: "all"})
		for _, r := range []struct {
			name, source string
			alarms       []Alarm
			want         *fault.Fault
		}{
			{"officer", "flood.level", []Alarm{water(2, "k")}, access.ErrDenied},
			{"hub", "flood.level", []Alarm{water(2, "k")}, access.ErrDenied},
			{"rival", "flood.level", []Alarm{water(2, "k")}, ErrSourceTaken},
			{"machine", "Flood Level!", []Alarm{water(2, "k")}, ErrSource},
			{"machine", "flood.level", nil, ErrAlarms},
			{"machine", "flood.level", make([]Alarm, maxAlarms+1), ErrAlarms},
		} {
			if _, err := h.sends(r.name, r.source, r.alarms...); !errors.Is(err, r.want) {
				h.Errorf("%s sends %d rows as %s: %v, want %s", r.name, len(r.alarms), r.source, err, r.want.Code)
			}
		}
		// Its own name is its own: the same row of another source is another one.
		out, err := h.sends("rival", "gas.leak", water(1, "k"))
		h.must(err)
		if out.Opened != 1 {
			h.Errorf("another source's row: %+v", out.Items)
		}
		future := water(9, "k")
		future.Occurred = h.clock.Now().Add(time.Hour)
		long := water(10, "k")
		long.Text = string(make([]byte, maxText+1))
		patrol := water(11, "new")
		patrol.Item, patrol.Condition = "patrol", ""
		out, err = h.sends("machine", "flood.level", future, long, patrol, Alarm{ExternalID: "x", Item: "flood_water"})
		h.must(err)
		want := []string{ErrFuture.Code, "", ErrNotRaisable.Code, ErrAlarmKey.Code}
		for i, w := range want {
			// A row that is only counted needs no words; a new case does not take
			// broken ones.
			if got := out.Items[i]; w != "" && got.Code != w {
				h.Errorf("row %d: %+v, want %s", i, got, w)
			}
		}
		if after := h.list("hub", Filter{View: "all"}); len(after) != len(before)+1 {
			h.Errorf("refused rows made %d cases", len(after)-len(before)-1)
		}
		if e := h.timeline(before[0]); e[0].By.Via != "sensor" || e[0].By == (journal.By{}) {
			h.Errorf("reported by %+v", e[0].By)
		}
	})
}

func TestMilestones(t *testing.T) {
	for n, want := range map[int64]int64{0: 0, 1: 1, 2: 2, 4: 2, 5: 5, 9: 5, 10: 10, 199: 100, 200: 200, 401: 200, 5000: 5000, 9999: 5000} {
		if got := milestone(n); got != want {
			t.Errorf("milestone(%d) = %d, want %d", n, got, want)
		}
	}
}
