package notice

import (
	"slices"
	"time"
)

// The ladder (通知阶梯): a message goes up by its priority's rungs until somebody
// has acted on it, or, where nobody must, until it has arrived. Which rung is
// due is data (rung, rung_at); the sweeper climbs. This file is the rule alone:
// it touches no database and no clock.

// moment is what the rule looks at beside the notice.
type moment struct {
	now       time.Time
	quiet     bool // it is night
	quietEnds time.Time
	onDuty    bool
}

// How long a held message waits before it is looked at again.
const (
	lookOffDuty = 10 * time.Minute
	lookNobody  = 5 * time.Minute
)

// Why a message is held.
const (
	heldQuiet   = "quiet"
	heldOffDuty = "off_duty"
	heldNobody  = "nobody"
)

// move is what happens to a notice now.
type move struct {
	send Channel   // climb a rung: send by this channel
	rung int       // how many rungs are behind it then
	next bool      // give it to the next post
	wait time.Time // nothing before then
	held string    // why
	end  bool      // the ladder has no rung left
}

// climb says what is to be done with an open notice. dead says that the last
// rung could not work: the next channel then does not wait for its minutes; the
// next post always does.
func climb(n Notice, t *Template, rungs []Rung, dead bool, m moment) move {
	if n.Only != "" { // a test that its own recipient asked for
		if n.Rung > 0 {
			return move{end: true}
		}
		return move{send: n.Only, rung: 1}
	}
	if !n.resident() {
		switch {
		case n.Person.IsZero() && n.Urgent, !n.Person.IsZero() && !m.onDuty && n.Urgent:
			return move{next: true}
		case n.Person.IsZero():
			return move{wait: m.now.Add(lookNobody), held: heldNobody}
		case !m.onDuty:
			return move{wait: m.now.Add(lookOffDuty), held: heldOffDuty}
		}
	}
	if m.quiet && t.Quiet && !n.Urgent {
		return move{wait: m.quietEnds, held: heldQuiet}
	}
	base := n.Base
	if base.IsZero() {
		base = m.now
	}
	for i := n.Rung; i < len(rungs); i++ {
		r := rungs[i]
		if !t.allows(r.Channel) || r.Channel == Next && !n.MustAct {
			continue
		}
		due := base.Add(time.Duration(r.After) * time.Minute)
		if due.After(m.now) && (!dead || r.Channel == Next) {
			return move{wait: due, rung: i}
		}
		if r.Channel == Next {
			return move{next: true, rung: i + 1}
		}
		return move{send: r.Channel, rung: i + 1}
	}
	return move{end: true}
}

// rungsFor is the ladder of a notice.
func (s Settings) rungsFor(n Notice) []Rung {
	switch {
	case n.Template == newsKey:
		return newsRungs
	case n.resident():
		return s.Ladders.Resident
	case n.Urgent:
		return s.Ladders.Urgent
	case n.MustAct:
		return s.Ladders.MustAct
	}
	return s.Ladders.Ordinary
}

// night says whether an instant lies in the quiet hours, and when they end.
func (s Settings) night(at time.Time, zone *time.Location) (quiet bool, ends time.Time) {
	local := at.In(zone)
	from, to := clockOf(s.Quiet.From), clockOf(s.Quiet.To)
	if from == to {
		return false, time.Time{}
	}
	now := local.Hour()*60 + local.Minute()
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, to, 0, 0, zone)
	switch {
	case from < to:
		return now >= from && now < to, day
	case now >= from:
		return true, time.Date(local.Year(), local.Month(), local.Day()+1, 0, to, 0, 0, zone)
	}
	return now < to, day
}

// clockOf reads "21:30" as minutes of the day.
func clockOf(s string) int {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0
	}
	return t.Hour()*60 + t.Minute()
}

// checkLadder judges a ladder: known channels, each once, minutes that rise, the
// next post last.
func checkLadder(rungs []Rung, resident bool) string {
	seen := []Channel{}
	last := 0
	for i, r := range rungs {
		switch {
		case !slices.Contains([]Channel{Push, Mail, SMS, Next}, r.Channel), resident && r.Channel != SMS, slices.Contains(seen, r.Channel):
			return "notice.ladder_channel"
		case r.After < last || r.After > 7*24*60:
			return "notice.ladder_minutes"
		case r.Channel == Next && i != len(rungs)-1:
			return "notice.ladder_next_last"
		}
		seen, last = append(seen, r.Channel), r.After
	}
	return ""
}
