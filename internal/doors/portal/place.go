package portal

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/catalog"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Street is a street with the villages and communities that a resident may
// choose (街道).
type Street struct {
	Name     string    `json:"name"`
	Villages []Village `json:"villages"`
}

// Village is one place to choose (村居): residents know their village, not the
// platform that covers it.
type Village struct {
	Key  string `json:"key" doc:"the code of the village"`
	Name string `json:"name"`

	platform id.ID
}

// streetsOf lists the streets with their villages, in the order of their codes.
// A platform that covers no village of the list stands there by its own name,
// so that no part of the district is left out.
func streetsOf(o *org.Snapshot, lang words.Language, at time.Time) []Street {
	covered := map[id.ID][]Village{}
	names := map[id.ID]org.Division{}
	for _, d := range o.Divisions {
		if within(d.From, d.To, at) {
			names[d.ID] = d
		}
	}
	for _, v := range o.Villages {
		if d, ok := names[v.Village]; ok && within(v.From, v.To, at) {
			covered[v.Platform] = append(covered[v.Platform], Village{Key: d.Code, Name: everyday(d.Name), platform: v.Platform})
		}
	}
	var out []Street
	for _, u := range o.Units { // in the order of their codes
		if u.Kind != org.Street || !within(u.From, u.To, at) {
			continue
		}
		s := Street{Name: everyday(u.Name.In(lang))}
		for _, p := range o.Children(u.ID) {
			if p.Kind != org.Platform || !within(p.From, p.To, at) {
				continue
			}
			if some := covered[p.ID]; len(some) > 0 {
				s.Villages = append(s.Villages, some...)
			} else {
				s.Villages = append(s.Villages, Village{Key: p.Code, Name: everyday(p.Name.In(lang)), platform: p.ID})
			}
		}
		slices.SortFunc(s.Villages, func(a, b Village) int { return cmp.Compare(a.Key, b.Key) })
		if len(s.Villages) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// everyday is what people call a place of the statistical list or of the
// managing organisation: 马店村 rather than 马店村村民委员会, 大桥街道 rather than
// 大桥街道平台.
func everyday(name string) string {
	for _, end := range []string{"村民委员会", "居民委员会", "类似社区", "平台", " platform", " Platform"} {
		if short := strings.TrimSuffix(name, end); short != name && short != "" {
			return short
		}
	}
	return name
}

func within(from, to, at time.Time) bool {
	return !at.Before(from) && (to.IsZero() || at.Before(to))
}

// villageOf finds a village by its key.
func villageOf(streets []Street, key string) (Village, bool) {
	for _, s := range streets {
		for _, v := range s.Villages {
			if v.Key == key {
				return v, true
			}
		}
	}
	return Village{}, false
}

// Choice is one word for what something is about.
type Choice struct {
	Key  string `json:"key"`
	Name string `json:"name"`

	item, condition string
}

// anything is the choice of somebody who can't tell: the desk chooses.
const anything = "anything"

// common are the words that stand on the form, in the order of how often they
// are needed, with the item they mean. An office that does not have one of the
// items has a shorter row.
var common = []Choice{
	{Key: "rubbish", item: "cleanliness"},
	{Key: "facility", item: "public_facility"},
	{Key: "water", item: "flood_water"},
	{Key: "rubble", item: "waste_rubble"},
	{Key: "fire", item: "fire_hazard"},
	{Key: "neighbours", item: "neighbour_dispute"},
}

// general is the item whose cases the desk sorts out itself.
const general = "opinion"

// choicesOf gives the common words, with the one that leaves the choice to the
// desk at their end, and the rest of what a resident may raise here. Items that
// need a consent of their own, such as a guardian's, can't be raised on one
// screen.
func choicesOf(c *catalog.Snapshot, say func(key string) string, lang words.Language, at time.Time) (first, rest []Choice) {
	open := map[string]catalog.Item{}
	var items []catalog.Item
	for _, i := range c.Items(at) {
		if i.Public && i.Flow == catalog.Handling && (i.Consent.Kind == "none" || i.Consent.Kind == "consent") && i.MayRaise(catalog.FromResident) {
			open[i.Key] = i
			items = append(items, i)
		}
	}
	for _, w := range common {
		if _, ok := open[w.item]; ok {
			w.Name = say("portal.what_" + w.Key)
			first = append(first, w)
		}
	}
	if _, ok := open[general]; ok {
		first = append(first, Choice{Key: anything, Name: say("portal.choose_for_me"), item: general})
	}
	for _, i := range items {
		if !slices.ContainsFunc(first, func(w Choice) bool { return w.item == i.Key && w.Key != anything }) {
			rest = append(rest, Choice{Key: i.Key, Name: i.Name.In(lang), item: i.Key})
		}
	}
	return first, rest
}

func choiceOf(key string, lists ...[]Choice) (Choice, bool) {
	for _, l := range lists {
		for _, c := range l {
			if c.Key == key {
				return c, true
			}
		}
	}
	return Choice{}, false
}
