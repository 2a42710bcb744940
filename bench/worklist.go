package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"
)

// listGoal is how long a list may take at p99.
const listGoal = 5.0 // ms

// readers are who asks for lists: one of each kind of desk, and of the field.
var readers = []string{"hub", "street", "village", "officer", "department"}

// aList is one list as a screen asks for it. deep makes the cursor of a page far
// in it: how many days before now the cases on it were closed.
type aList struct {
	name, query string
	deep        int
}

// lists are all lists of cases, and the others that desks and field have.
func lists() []aList {
	out := []aList{
		{name: "open", query: "/api/cases?limit=50"},
		{name: "mine", query: "/api/cases?view=mine&limit=50"},
		{name: "watched", query: "/api/cases?view=watched&limit=50"},
		{name: "all", query: "/api/cases?view=all&limit=50"},
		{name: "closed", query: "/api/cases?view=closed&limit=50"},
		{name: "closed, a month back", query: "/api/cases?view=closed&limit=50", deep: 30},
		{name: "closed, a year back", query: "/api/cases?view=closed&limit=50", deep: 365},
		{name: "all, a year back", query: "/api/cases?view=all&limit=50", deep: 365},
		{name: "late", query: "/api/cases?late=true&limit=50"},
		{name: "near", query: "/api/cases?near=true&limit=50"},
		{name: "open, a common item", query: "/api/cases?item=public_facility&limit=50"},
		{name: "open, a rare item", query: "/api/cases?item=fire_hazard&limit=50"},
		{name: "closed, a common item", query: "/api/cases?view=closed&item=public_facility&limit=50"},
		{name: "closed, a rare item", query: "/api/cases?view=closed&item=fire_hazard&limit=50"},
		{name: "closed, a channel", query: "/api/cases?view=closed&channel=field&limit=50"},
		{name: "search, a common word", query: "/api/cases?view=all&limit=50&q=" + url.QueryEscape("影响出行")},
		{name: "search, rarer words", query: "/api/cases?view=all&limit=50&q=" + url.QueryEscape("桥头217号井")},
		{name: "counts", query: "/api/cases/counts"},
		{name: "notices", query: "/api/notices?limit=50"},
		{name: "notices, count", query: "/api/notices/count"},
		{name: "places", query: "/api/places?class=address&limit=50"},
		{name: "devices", query: "/api/devices?limit=50"},
		{name: "deadline changes", query: "/api/deadline-changes?limit=50"},
	}
	for _, s := range states {
		out = append(out, aList{name: "state " + s, query: "/api/cases?state=" + s + "&limit=50"})
	}
	return out
}

// listDetails are what only this scenario tells.
type listDetails struct {
	List   string  `json:"list"`
	Reader string  `json:"reader"`
	Rows   int     `json:"rows"`
	Load   float64 `json:"load"`
	Over   bool    `json:"over_goal,omitempty"`
}

// worklists measures every list on filled districts.
func worklists(ctx context.Context, o options) error {
	for _, engine := range o.engines {
		sizes, err := o.large.casesOr(engine, "100000")
		if err != nil {
			return err
		}
		for _, cases := range sizes {
			s, err := o.openSite(ctx, engine, cases)
			if err != nil {
				return err
			}
			_, err = s.worklist(ctx, o)
			s.close()
			if err != nil {
				return fmt.Errorf("%s, %d cases: %w", engine, cases, err)
			}
		}
	}
	return nil
}

// worklist asks each list by one client at a time. Lists that somebody may not see
// are left out.
func (s *site) worklist(ctx context.Context, o options) (all []Result, err error) {
	p, err := s.start(ctx, o)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	fmt.Printf("\nlists on %s, %d cases: p50 / p99 in ms, one client\n", s.engine, s.cases)
	each := min(o.length/10, 2*time.Second)
	over := 0
	for _, reader := range readers {
		c, err := signIn(ctx, transport, p.url, reader)
		if err != nil {
			return nil, err
		}
		for _, l := range lists() {
			path := l.query
			if l.deep > 0 {
				at := fmt.Sprintf(`{"a":%d}`, -time.Now().AddDate(0, 0, -l.deep).UnixMilli())
				path += "&cursor=" + base64.RawURLEncoding.EncodeToString([]byte(at))
			}
			var page struct {
				Items []any `json:"items"`
			}
			if err := c.send(ctx, http.MethodGet, path, nil, &page); err != nil {
				fmt.Fprintf(os.Stderr, "bench: %s does not get %s: %v\n", reader, l.name, err)
				continue
			}
			var times []time.Duration
			began := time.Now()
			for len(times) < 300 && (time.Since(began) < each || len(times) < 20) {
				from := time.Now()
				if err := c.send(ctx, http.MethodGet, path, nil, nil); err != nil {
					return nil, fmt.Errorf("%s of %s: %w", l.name, reader, err)
				}
				times = append(times, time.Since(from))
			}
			m := measured{rate: float64(len(times)) / time.Since(began).Seconds(), details: listDetails{List: l.name, Reader: reader, Rows: len(page.Items), Load: loadAverage()}}
			m.p50, m.p99 = quantiles(times)
			if m.p99 >= listGoal {
				d := m.details.(listDetails)
				d.Over = true
				m.details = d
				over++
			}
			r := summed("worklist", s.engine, "lists/s", s.cases, []measured{m})
			all = append(all, r)
			mark := ""
			if m.p99 >= listGoal {
				mark = "  over the goal"
			}
			fmt.Printf("  %-12s %-24s %4d rows %8.2f %8.2f%s\n", reader, l.name, len(page.Items), m.p50, m.p99, mark)
		}
	}
	for _, r := range all {
		r.print()
	}
	fmt.Printf("%d of %d lists over %.0f ms at p99; load average %.1f\n", over, len(all), listGoal, loadAverage())
	return all, nil
}
