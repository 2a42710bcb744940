// Package figures (统计) folds the journal into rollups and answers every count,
// share and stage time from them, with the acts behind each number. It owns the
// tables fig_*, writes nothing else and reads nothing but the journal, so that
// all figures can be recomputed and must come out equal (Recompute).
//
// A figure belongs to the day of its act, in the district's time zone, and to
// the responsible nodes that the case had when the act was done. Nothing is
// ever subtracted: what is put right later is an act of its own. A read adds
// the part of the journal that is not folded yet and says how old the rest is.
//
// By unit (承办单位) an act counts once, for one unit: reports, acceptances,
// refusals, filings and merges for the desk that did them; a dispatch for whom it
// went to; a return for who sent back; work done for who did it, and its checks,
// closings, reopenings and ratings for who handled it, whoever pressed the button;
// a clock that ran out for who had the case. Both sides of the rates that an
// evaluation may use (rates.go) then are of the same unit. The time of a stage
// counts for the unit that had the case when its clock stopped: the dispatch
// stage for who dispatched, whomever it went to, the check for who had to close.
//
//	figures.go   what is counted, and how an act is folded
//	rates.go     shares with their parts and bases
//	period.go    the period before, and the same a year earlier
//	answer.go    the table: rows, totals, rates, stage times
//	source.go    the acts behind a number
//	export.go    the table as a file
//	round.go     evaluation rounds of units (考评)
//	suppress.go  holding back small counts
//	open.go      the public file
//
// Promises callers rely on: a number and the list of its acts agree; whoever
// may not see a matter's confidentiality level gets neither; a share without a
// base is no figure, and never 0.
package figures

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/id"
)

// Measure is one thing that is counted (指标).
type Measure string

const (
	Reported   Measure = "reported"    // 上报
	Accepted   Measure = "accepted"    // 受理
	Refused    Measure = "refused"     // 不予受理、不予立案
	Filed      Measure = "filed"       // 立案
	Dispatched Measure = "dispatched"  // 派遣
	Settled    Measure = "settled"     // 就地解决
	Done       Measure = "done"        // 处置完成
	Closed     Measure = "closed"      // 结案
	ClosedLate Measure = "closed_late" // 超期结案: closed, and the handling clock had run out at done
	Timed      Measure = "timed"       // 有期限的结案: closed and comparable with a deadline
	Returned   Measure = "returned"    // 退回
	Reworked   Measure = "reworked"    // 返工: a check that failed
	Checked    Measure = "checked"     // 核查通过
	Reopened   Measure = "reopened"    // 重开: opened again after closing; a refusal that is judged anew was never closed
	Withdrawn  Measure = "withdrawn"   // 撤回
	Voided     Measure = "voided"      // 作废
	Merged     Measure = "merged"      // 并案: a duplicate report goes with another case; it is never closed a second time
	Unmerged   Measure = "unmerged"    // 拆开: and on its own again
	Rated      Measure = "rated"       // 评价
	Stars      Measure = "stars"       // 评分之和: mean = stars / rated
	Overdue    Measure = "overdue"     // 超期: a clock ran out, counted once a clock
	OnTime     Measure = "on_time"     // 按期结案: closed, comparable, and not late

	// What became of applications (审批).
	Approved  Measure = "approved"  // 批准
	Declined  Measure = "declined"  // 不予批准
	Given     Measure = "given"     // 兑现: what was approved has been handed over
	Corrected Measure = "corrected" // 要求补正
	Objected  Measure = "objected"  // 公示异议
	Appealed  Measure = "appealed"  // 申诉
	Granted   Measure = "granted"   // 申诉后批准
	Upheld    Measure = "upheld"    // 申诉后维持
)

// Measures lists all measures in the order in which they are shown.
var Measures = []Measure{Reported, Accepted, Refused, Filed, Dispatched, Settled, Done, Closed, ClosedLate, Timed,
	Returned, Reworked, Checked, Reopened, Withdrawn, Voided, Merged, Unmerged, Rated, Stars, Overdue, OnTime,
	Approved, Declined, Given, Corrected, Objected, Appealed, Granted, Upheld}

// bits are the measures by their place in Act.Measures. The places are stored:
// new ones are added at the end. Stars have none, see starShift.
var bits = []Measure{Reported, Accepted, Refused, Filed, Dispatched, Settled, Done, Closed, ClosedLate, Timed,
	Returned, Reworked, Checked, Reopened, Withdrawn, Voided, Merged, Unmerged, Rated, Overdue, OnTime,
	Approved, Declined, Given, Corrected, Objected, Appealed, Granted, Upheld}

// starShift is where the score of a rating stands in Act.Measures.
const starShift = 56

// Cube is one way of cutting the counts.
type Cube int64

const (
	ByItem    Cube = 1 // item × node × day
	ByChannel Cube = 2 // channel × node × day
	ByUnit    Cube = 3 // unit × item × day
)

// Cell is the place of one count: the node or unit, the item or channel, the day.
type Cell struct {
	Cube    Cube
	Node    id.ID
	Key     string
	Day     int64 // days since 1970-01-01 in the district's time zone
	Secrecy journal.Secrecy
	Measure Measure
}

// TimeCell is the place of one stage time.
type TimeCell struct {
	Cube    Cube // ByItem or ByUnit
	Node    id.ID
	Item    string
	Stage   string
	Day     int64
	Secrecy journal.Secrecy
	Bucket  int64
}

// What an act was about.
type What struct {
	Item, Channel string
	Unit          id.ID
	Stage         string // whose time it ended; empty when none counts
	Answers       id.ID  // the unit whose stage it was
	Secrecy       journal.Secrecy
}

// Act is one entry of the journal that some figure counts (统计来源).
type Act struct {
	Number   int64
	Day      int64
	Case     id.ID
	Place    journal.Nodes
	What     What
	Measures int64
}

// has says how often the act counts as a measure.
func (a Act) has(m Measure) int64 { return valued(a.Measures, m) }

func valued(mask int64, m Measure) int64 {
	if m == Stars {
		return mask >> starShift
	}
	if i := slices.Index(bits, m); i >= 0 {
		return mask >> i & 1
	}
	return 0
}

// maskOf is the measures as one number.
func maskOf(counts map[Measure]int64) (mask int64) {
	for m, n := range counts {
		if m == Stars {
			mask |= n << starShift
		} else if i := slices.Index(bits, m); i >= 0 && n > 0 {
			mask |= 1 << i
		}
	}
	return mask
}

// id of a place or of what an act was about: it follows from the content, so that
// folding twice gives the same.
func hashed(parts ...[]byte) int64 {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte{byte(len(p))})
		h.Write(p)
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil)))
}

func placeKey(n journal.Nodes) int64 {
	return hashed(n.Hub[:], n.Street[:], n.Platform[:], n.Grid[:], n.Micro[:])
}

func (w What) key() int64 {
	return hashed([]byte(w.Item), []byte(w.Channel), w.Unit[:], []byte(w.Stage), w.Answers[:], []byte{byte(w.Secrecy)})
}

// Tally is a set of counts: what some part of the journal adds up to.
type Tally struct {
	Counts map[Cell]int64
	Times  map[TimeCell]int64
	Acts   map[int64]Act // by number
}

// NewTally is an empty tally.
func NewTally() Tally {
	return Tally{Counts: map[Cell]int64{}, Times: map[TimeCell]int64{}, Acts: map[int64]Act{}}
}

// Zone is the time zone that days belong to.
type Zone struct{ *time.Location }

// Day is the day of an instant, in days since 1970-01-01.
func (z Zone) Day(t time.Time) int64 {
	y, m, d := t.In(z.Location).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// Date is the date of a day, as YYYY-MM-DD.
func Date(day int64) string { return time.Unix(day*86400, 0).UTC().Format(time.DateOnly) }

// Fold adds one entry of the journal to the tally. Entries that no figure
// counts add nothing. Tasks are not counted as reports (DESIGN: one idea).
func (t Tally) Fold(z Zone, e journal.Entry, f casework.ActFacts) {
	if f.Task != "" {
		return
	}
	day := z.Day(e.Occurred)
	nodes := []id.ID{e.Sight.Hub, e.Sight.Street, e.Sight.Platform, e.Sight.Grid, e.Sight.Micro}
	nodes = slices.DeleteFunc(nodes, id.ID.IsZero)
	secrecy := e.Sight.Secrecy
	unit := f.Unit
	if !f.Handler.IsZero() {
		unit = f.Handler
	}
	counts := counted(e.Kind, f)
	for measure, n := range counts {
		for _, node := range nodes {
			t.Counts[Cell{ByItem, node, f.Item, day, secrecy, measure}] += n
			t.Counts[Cell{ByChannel, node, f.Channel, day, secrecy, measure}] += n
		}
		if !unit.IsZero() {
			t.Counts[Cell{ByUnit, unit, f.Item, day, secrecy, measure}] += n
		}
	}
	what := What{Item: f.Item, Channel: f.Channel, Unit: unit, Secrecy: secrecy}
	if f.Stage != "" && !f.Untimed {
		if what.Stage, what.Answers = f.Stage, f.Answers; what.Answers.IsZero() {
			what.Answers = f.Unit
		}
		bucket := Bucket(time.Duration(f.UsedMS) * time.Millisecond)
		for _, node := range nodes {
			t.Times[TimeCell{ByItem, node, f.Item, f.Stage, day, secrecy, bucket}]++
		}
		if !what.Answers.IsZero() {
			t.Times[TimeCell{ByUnit, what.Answers, f.Item, f.Stage, day, secrecy, bucket}]++
		}
	}
	if mask := maskOf(counts); mask != 0 || what.Stage != "" {
		t.Acts[e.Number] = Act{Number: e.Number, Day: day, Case: e.Subject, Place: e.Sight.Nodes, What: what, Measures: mask}
	}
}

// Add adds another tally to this one.
func (t Tally) Add(other Tally) {
	for c, n := range other.Counts {
		t.Counts[c] += n
	}
	for c, n := range other.Times {
		t.Times[c] += n
	}
	for number, a := range other.Acts {
		t.Acts[number] = a
	}
}

// counted says what an act counts as.
func counted(kind string, f casework.ActFacts) map[Measure]int64 {
	switch kind {
	case "case.report":
		return map[Measure]int64{Reported: 1}
	case "case.accept":
		if f.From != "reported" {
			return nil // accepted once more after a failed verification
		}
		return map[Measure]int64{Accepted: 1}
	case "case.refuse":
		return map[Measure]int64{Refused: 1}
	case "case.file":
		return map[Measure]int64{Filed: 1}
	case "case.dispatch":
		return map[Measure]int64{Dispatched: 1}
	case "case.settle":
		return map[Measure]int64{Settled: 1, Done: 1}
	case "case.done":
		return map[Measure]int64{Done: 1}
	case "case.close":
		m := map[Measure]int64{Closed: 1}
		if f.Comparable && !f.Untimed {
			m[Timed] = 1
			if f.Late {
				m[ClosedLate] = 1
			} else {
				m[OnTime] = 1
			}
		}
		return m
	case "case.return":
		return map[Measure]int64{Returned: 1}
	case "case.check":
		if f.Result == "fail" {
			return map[Measure]int64{Reworked: 1}
		}
		return map[Measure]int64{Checked: 1}
	case "case.object":
		if f.Flow == string(catalog.Approval) {
			return map[Measure]int64{Objected: 1} // to what is posted; nothing is opened again
		}
		return afterClosing(f)
	case "case.reopen":
		return afterClosing(f)
	case "case.withdraw":
		if f.To == "withdrawn" {
			return map[Measure]int64{Withdrawn: 1}
		}
		return nil
	case "case.void_decide":
		if f.To == "voided" {
			return map[Measure]int64{Voided: 1}
		}
		return nil
	case "case.merge":
		return map[Measure]int64{Merged: 1}
	case "case.unmerge":
		return map[Measure]int64{Unmerged: 1}
	case "case.rate":
		return map[Measure]int64{Rated: 1, Stars: int64(f.Score)}
	case "case.late":
		return map[Measure]int64{Overdue: 1}
	case "case.correct":
		return map[Measure]int64{Corrected: 1}
	case "case.approve":
		if f.To == string(casework.Approved) {
			return map[Measure]int64{Approved: 1}
		}
		return map[Measure]int64{Declined: 1}
	case "case.give":
		return map[Measure]int64{Given: 1}
	case "case.appeal":
		return map[Measure]int64{Appealed: 1}
	case "case.appeal_decide":
		if f.To == string(casework.Approved) {
			return map[Measure]int64{Granted: 1}
		}
		return map[Measure]int64{Upheld: 1}
	}
	return nil
}

// afterClosing counts a reopening. Where a refusal is judged anew nothing was
// handled and nobody closed it: it would stand above the line of the reopening
// rate of a unit, and never below.
func afterClosing(f casework.ActFacts) map[Measure]int64 {
	if f.From == string(casework.Refused) {
		return nil
	}
	return map[Measure]int64{Reopened: 1}
}

// growth is the width of a bucket of stage times: neighbours differ by 10 %, so
// that the middle of a bucket is at most 5 % off (DESIGN: figures).
const growth = 1.1

// Bucket is the logarithmic bucket of a stage time; 0 holds all below a second.
func Bucket(d time.Duration) int64 {
	if d < time.Second {
		return 0
	}
	return 1 + int64(math.Floor(math.Log(d.Seconds())/math.Log(growth)))
}

// Middle is the stage time that stands for a bucket: its geometric middle.
func Middle(bucket int64) time.Duration {
	if bucket <= 0 {
		return 0
	}
	return time.Duration(math.Pow(growth, float64(bucket-1)+0.5) * float64(time.Second))
}

// Quantile is the stage time below which the share q of the counted cases lies;
// ok is false when nothing was counted.
func Quantile(buckets map[int64]int64, q float64) (value time.Duration, ok bool) {
	var total int64
	keys := make([]int64, 0, len(buckets))
	for b, n := range buckets {
		total += n
		keys = append(keys, b)
	}
	if total == 0 {
		return 0, false
	}
	slices.Sort(keys)
	rank := int64(math.Ceil(q * float64(total)))
	rank = max(rank, 1)
	var seen int64
	for _, b := range keys {
		seen += buckets[b]
		if seen >= rank {
			return Middle(b), true
		}
	}
	return Middle(keys[len(keys)-1]), true
}
