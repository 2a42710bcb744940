package figures

import "slices"

// Rate is a share, or a mean, with what it is made of (指标率). Its name and its
// definition in the reader's words are texts figures.rate.KEY and
// figures.rate.KEY.is.
type Rate struct {
	Key        string    `json:"key"`
	Parts      []Measure `json:"parts" doc:"measures added up above the line"`
	Bases      []Measure `json:"bases" doc:"measures added up below the line"`
	Mean       bool      `json:"mean,omitempty" doc:"a mean rather than a share"`
	Lower      bool      `json:"lower,omitempty" doc:"less is better"`
	Evaluation bool      `json:"evaluation,omitempty" doc:"both sides count for the unit that handles: an evaluation may use it"`
}

// Rates lists all rates in the order in which they are shown. Parts and bases are
// both acts of the period: a share can pass 100 % where the base lies in an
// earlier period, and its definition says so.
var Rates = []Rate{
	{Key: "filing", Parts: []Measure{Filed}, Bases: []Measure{Reported}},                                          // 立案率
	{Key: "closing", Parts: []Measure{Closed}, Bases: []Measure{Filed, Settled}},                                  // 结案率
	{Key: "on_time", Parts: []Measure{OnTime}, Bases: []Measure{Timed}, Evaluation: true},                         // 按期结案率
	{Key: "return", Parts: []Measure{Returned}, Bases: []Measure{Dispatched}, Lower: true, Evaluation: true},      // 退回率
	{Key: "rework", Parts: []Measure{Reworked}, Bases: []Measure{Checked, Reworked}, Lower: true},                 // 返工率
	{Key: "check_pass", Parts: []Measure{Checked}, Bases: []Measure{Checked, Reworked}, Evaluation: true},         // 核查通过率
	{Key: "repeat", Parts: []Measure{Merged}, Bases: []Measure{Reported}, Lower: true},                            // 重复上报率
	{Key: "reopen", Parts: []Measure{Reopened}, Bases: []Measure{Closed}, Lower: true, Evaluation: true},          // 重开率
	{Key: "settled", Parts: []Measure{Settled}, Bases: []Measure{Done}},                                           // 就地解决率
	{Key: "rating", Parts: []Measure{Stars}, Bases: []Measure{Rated}, Mean: true, Evaluation: true},               // 满意度
	{Key: "approval", Parts: []Measure{Approved, Granted}, Bases: []Measure{Approved, Declined, Granted, Upheld}}, // 批准率
}

// RateOf finds a rate.
func RateOf(key string) (Rate, bool) {
	i := slices.IndexFunc(Rates, func(r Rate) bool { return r.Key == key })
	if i < 0 {
		return Rate{}, false
	}
	return Rates[i], true
}

// Ratio is a rate's value. Without a base there is none: Value is absent then,
// never 0.
type Ratio struct {
	Part  int64    `json:"part"`
	Base  int64    `json:"base"`
	Value *float64 `json:"value,omitempty" doc:"part / base; absent without a base: no data"`
}

// Of is the rate of these counts.
func (r Rate) Of(counts map[Measure]int64) Ratio {
	var out Ratio
	for _, m := range r.Parts {
		out.Part += counts[m]
	}
	for _, m := range r.Bases {
		out.Base += counts[m]
	}
	return out.divided()
}

func (r Ratio) divided() Ratio {
	if r.Value = nil; r.Base > 0 {
		v := float64(r.Part) / float64(r.Base)
		r.Value = &v
	}
	return r
}

// ratios are all rates of these counts, by key.
func ratios(counts map[Measure]int64) map[string]Ratio {
	out := make(map[string]Ratio, len(Rates))
	for _, r := range Rates {
		out[r.Key] = r.Of(counts)
	}
	return out
}
