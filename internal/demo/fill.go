package demo

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/work/figures"
)

// ErrTaken says that a folder to be filled holds something.
var ErrTaken = fault.New(fault.Conflict, "demo.fill_taken")

// FillOptions say how much is to be made.
type FillOptions struct {
	Log      *slog.Logger
	Version  string
	Cases    int
	Now      func() time.Time
	Progress func(text string)
}

// Filled is what was made.
type Filled struct {
	Cases, Tasks, Open, Entries int64
	Originals                   int
	Took                        time.Duration
}

// The shares of what became of the cases, in thousandths. Byte for byte a case
// that was carried through every desk is three that were answered at once; ten
// million must fit on a small disk, so most are of the second kind, as at a
// city's hotline.
var fates = []struct {
	name  string
	share int
	tell  func(*teller, context.Context, Request) (id.ID, error)
}{
	{"answered at once", 720, (*teller).answered},
	{"refused", 230, (*teller).refused},
	{"carried through", 25, (*teller).carried},
	{"open", 25, (*teller).leftOpen},
}

// Fill makes a demo district with many cases in an empty folder or database:
// some hundred real requests are carried to their ends through the same services
// as everybody's, under a clock in the past, and their rows are repeated with
// other ids, numbers, times, places and words. What it makes is verified like
// anything else (journal verify, figures recompute). A fill that ends early
// leaves a folder that is no demo.
func Fill(ctx context.Context, c app.Config, o FillOptions) (f Filled, err error) {
	began := time.Now()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	known, err := readMarker(c.Dir)
	if err != nil {
		return f, err
	}
	if known != nil {
		return f, ErrTaken.With("dir", c.Dir)
	}
	b := &filler{options: o, config: c, random: rand.New(rand.NewPCG(uint64(o.Cases), 7))}
	if err := b.tell(ctx); err != nil {
		return f, err
	}
	f.Originals = len(b.originals)
	d, err := db.Open(ctx, db.Options{DSN: c.DSN(), Now: o.Now, Log: o.Log, Writers: 1, Exists: true, Bulk: true})
	if err != nil {
		return f, err
	}
	err = b.multiply(ctx, d)
	if e := d.Close(); err == nil {
		err = e
	}
	if err != nil {
		return f, err
	}
	if path, is := strings.CutPrefix(c.DSN(), "sqlite:"); is {
		if err := syncFile(path); err != nil {
			return f, err
		}
	}
	f.Cases, f.Tasks, f.Open, f.Entries, f.Took = b.made, b.tasks, b.open, b.chain.Number(), time.Since(began)
	return f, writeMarker(c.Dir, state{})
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

// filler is one filling.
type filler struct {
	options   FillOptions
	config    app.Config
	random    *rand.Rand
	zone      *time.Location
	from      time.Time // when the originals had all happened
	weeks     int       // how much later the open ones are copied
	originals []*original

	chain   *journal.Chain
	figures *figures.Copies
	serial  int64

	made, tasks, open int64
}

// original is a case to be copied, with what its copies may differ by.
type original struct {
	*casework.Original
	fate     int
	day      int64 // of its report, in the district's zone
	from, to int64 // how much a copy may be moved within its days, milliseconds
	end      int64 // of its last entry, milliseconds
	points   [][2]float64
	title    string
}

const (
	dayMS    = int64(24 * time.Hour / time.Millisecond)
	mostMove = int64(2 * time.Hour / time.Millisecond)
	calm     = 3 * 24 * time.Hour // for so long no deadline of an open original runs out
)

// span is over how many weeks the cases are spread. Longer than two years would
// be longer than some of them are kept.
func span(cases int) int { return min(max(cases/1000, 4), 100) }

// tell makes the district and the originals.
func (b *filler) tell(ctx context.Context) error {
	requests, err := Requests()
	if err != nil {
		return err
	}
	many := min(max(b.options.Cases/20, 60), 1000, len(requests))
	b.weeks = span(b.options.Cases)
	now := b.options.Now()
	b.from = now.Add(-time.Duration(b.weeks) * 7 * 24 * time.Hour).Truncate(time.Millisecond)
	clock := &Clock{}
	clock.Set(b.from.AddDate(0, 0, -24))
	a, err := app.Open(ctx, b.config, app.Ports{Now: clock.Now, Log: b.options.Log, Version: b.options.Version, Demo: true, Create: true})
	if err != nil {
		return err
	}
	defer a.Close()
	b.zone = a.Zone
	b.options.Progress("making the demo district")
	if err := LoadDistrict(ctx, a); err != nil {
		return err
	}
	if _, err := LoadDuty(ctx, a, now); err != nil {
		return err
	}
	t := &teller{app: a, clock: clock, door: NewStaff(a), staff: NewStaff(a), random: b.random}
	t.door.Story = true
	if err := t.staff.Prepare(ctx); err != nil {
		return err
	}
	b.options.Progress(fmt.Sprintf("carrying %d requests to their ends", many))
	told := make([][]id.ID, len(fates))
	refused := 0
	for i := range many {
		q := requests[i*len(requests)/many]
		fate := []int{0, 0, 0, 1, 2, 2, 2, 3, 3, 0}[i%10]
		// Their days go round, so that each weekday has some of each fate.
		back := 22 - i/10%14
		if fates[fate].name == "open" {
			back = 9 - i/10%3
		}
		y, m, d := b.from.In(b.zone).AddDate(0, 0, -back).Date()
		h := q.Opened.In(b.zone)
		q.Opened, q.Due, q.Untimed = time.Date(y, m, d, h.Hour(), h.Minute(), h.Second(), 0, b.zone), time.Time{}, false
		caseID, err := fates[fate].tell(t, ctx, q)
		if err != nil {
			if fault.Of(err).Kind == fault.Internal {
				return fmt.Errorf("request %d: %w", q.Number, err)
			}
			refused++ // nobody there could do it; there are enough others
			continue
		}
		told[fate] = append(told[fate], caseID)
		if i%100 == 99 {
			b.options.Progress(fmt.Sprintf("%d of %d", i+1, many))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	// What stays open is pressed for, until nothing more will happen to it by itself.
	for at := b.from.AddDate(0, 0, -5); !at.After(b.from); at = at.Add(3 * time.Hour) {
		clock.Set(at)
		if _, err := a.Cases.Sweep(ctx, a.DB); err != nil {
			return err
		}
	}
	if _, err := a.Figures.Fold(ctx); err != nil {
		return err
	}
	b.figures = a.Figures.Copies()
	return a.DB.Read(ctx, func(tx *db.Tx) error { return b.read(tx, a, told, refused) })
}

// read takes the originals up.
func (b *filler) read(tx *db.Tx, a *app.App, told [][]id.ID, refused int) error {
	counts := make([]int, len(fates))
	for fate, list := range told {
		for _, caseID := range list {
			o, ok, err := casework.ReadOriginal(tx, caseID)
			if err != nil {
				return err
			}
			if !ok || fates[fate].name == "open" && !o.Case.Closed.IsZero() ||
				fates[fate].name != "open" && o.Case.Closed.IsZero() || fates[fate].name == "open" && o.Stirs(b.from.Add(calm)) {
				continue
			}
			if fates[fate].name == "answered at once" && o.Tasks > 0 {
				continue // a sample of them is checked, and then carried further than most
			}
			n := &original{Original: o, fate: fate, day: (figures.Zone{Location: b.zone}).Day(o.Case.Recorded), from: -mostMove, to: mostMove, title: o.Case.Title}
			for _, e := range o.Entries {
				at := time.UnixMilli(e.Occurred).In(b.zone)
				y, m, d := at.Date()
				into := at.Sub(time.Date(y, m, d, 0, 0, 0, 0, b.zone)).Milliseconds()
				n.from, n.to, n.end = max(n.from, -into), min(n.to, dayMS-into-1), max(n.end, e.Occurred, e.Recorded)
			}
			if fates[fate].name == "open" {
				n.to = min(n.to, b.from.UnixMilli()-n.end)
			}
			if n.points, err = nearby(tx, a, o.Case, b.random); err != nil {
				return err
			}
			b.originals = append(b.originals, n)
			counts[fate]++
		}
	}
	for fate, n := range counts {
		b.options.Progress(fmt.Sprintf("%d originals %s", n, fates[fate].name))
		if n == 0 {
			return fmt.Errorf("no request could be %s", fates[fate].name)
		}
	}
	if refused > 0 {
		b.options.Progress(fmt.Sprintf("%d requests could not be carried on", refused))
	}
	return nil
}

// nearby are points around a case that lie at the same nodes.
func nearby(tx *db.Tx, a *app.App, c casework.Case, random *rand.Rand) ([][2]float64, error) {
	out := [][2]float64{{c.Lon, c.Lat}}
	for range 24 {
		p := [2]float64{c.Lon + (random.Float64()-0.5)*0.006, c.Lat + (random.Float64()-0.5)*0.006}
		place, found, err := a.Grids.Locate(tx, p)
		if err != nil {
			return nil, err
		}
		if found && place.Nodes == c.Nodes {
			out = append(out, p)
		}
	}
	return out, nil
}

// batch is what one transaction writes.
type batch struct {
	lots  []db.Lot
	end   journal.End
	cases int64
	err   error
}

const batchCases = 4000

// multiply writes the copies.
func (b *filler) multiply(ctx context.Context, d *db.DB) error {
	var again []string
	chance := rand.NewChaCha8([32]byte{1})
	if err := d.Write(ctx, func(tx *db.Tx) (err error) {
		if b.chain, err = journal.Continue(tx, chance); err != nil {
			return err
		}
		if b.serial, err = casework.NextSerial(tx); err != nil {
			return err
		}
		if err := casework.PrepareSearch(tx, true); err != nil {
			return err
		}
		again, err = db.DropIndexes(tx, slices.Concat(casework.CopiedTables(), []string{"case_search", "journal_entry", "journal_body", "fig_act", "fig_count", "fig_time"})...)
		return err
	}); err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan batch, 1)
	go func() {
		defer close(batches)
		b.makeAll(work, d.Engine(), batches, chance)
	}()
	began, last := time.Now(), time.Now()
	var written int64
	for one := range batches {
		if one.err != nil {
			return one.err
		}
		if err := d.Write(ctx, func(tx *db.Tx) error {
			for i := range one.lots {
				if err := tx.Copy(&one.lots[i]); err != nil {
					return err
				}
			}
			if err := one.end.Write(tx); err != nil {
				return err
			}
			return figures.FoldedTo(tx, one.end.Number)
		}); err != nil {
			return err
		}
		written += one.cases
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			rate := float64(written) / time.Since(began).Seconds()
			b.options.Progress(fmt.Sprintf("%d of %d cases, %.0f/s, %s to go", written, b.options.Cases, rate,
				time.Duration(float64(int64(b.options.Cases)-written)/rate*float64(time.Second)).Round(time.Second)))
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b.options.Progress(fmt.Sprintf("%d cases in %s; making %d indexes", written, time.Since(began).Round(time.Second), len(again)))
	for _, q := range again {
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(q); return err }); err != nil {
			return fmt.Errorf("%w in %s", err, q)
		}
	}
	b.options.Progress("putting the index of words into order")
	return d.Write(ctx, func(tx *db.Tx) error { return casework.PrepareSearch(tx, false) })
}

// makeAll makes all copies, day by day.
func (b *filler) makeAll(ctx context.Context, engine db.Engine, out chan<- batch, chance *rand.ChaCha8) {
	zone := figures.Zone{Location: b.zone}
	today := zone.Day(b.options.Now())
	first := zone.Day(b.from) + 1
	days := today - first + 1
	open := int64(b.options.Cases) * int64(fates[len(fates)-1].share) / 1000
	shut := int64(b.options.Cases) - open
	var left []*original
	for _, o := range b.originals {
		if fates[o.fate].name == "open" {
			left = append(left, o)
		}
	}
	slices.SortFunc(left, func(x, y *original) int { return cmp.Compare(x.day, y.day) })
	send := func(one batch) bool {
		select {
		case out <- one:
			return one.err == nil
		case <-ctx.Done():
			return false
		}
	}
	var done, opened int64
	var seen int // of left
	for day := first; day <= today; day++ {
		date := strings.ReplaceAll(figures.Date(day), "-", "")
		number := uint64(0)
		var copies []*copyOf
		add := func(o *original, days int64, shift int64) {
			copies = append(copies, &copyOf{original: o, days: days, copied: &casework.Copied{Of: o.Original, Shift: shift, Number: casework.NumberOf(date, number),
				Text: wordsOf(o.title, b.random)}})
			p := o.points[b.random.IntN(len(o.points))]
			c := copies[len(copies)-1].copied
			c.Lon, c.Lat = p[0], p[1]
			number++
		}
		// Those that are open are all of the last days.
		for seen < len(left) {
			o := left[seen]
			if o.day+int64(b.weeks)*7 > day {
				break
			}
			seen++
			n := open*int64(seen)/int64(len(left)) - opened
			opened += n
			b.open += n
			for range n {
				add(o, int64(b.weeks)*7, int64(b.weeks)*7*dayMS+b.move(o))
			}
		}
		pools := make([][]*original, len(fates))
		for _, o := range b.originals {
			if fates[o.fate].name != "open" && (day-o.day)%7 == 0 && o.end+(day-o.day)*dayMS+o.to <= b.options.Now().UnixMilli() {
				pools[o.fate] = append(pools[o.fate], o)
			}
		}
		n := shut*min(day-first+1, days-1)/(days-1) - done // what comes in today is still open
		for range n {
			pool := pools[b.fate()]
			if len(pool) == 0 {
				if pool = pools[0]; len(pool) == 0 {
					break // what happens today ends today only at noon
				}
			}
			o := pool[b.random.IntN(len(pool))]
			add(o, day-o.day, (day-o.day)*dayMS+b.move(o))
			done++
		}
		for some := range slices.Chunk(copies, batchCases) {
			one := b.batch(engine, some, chance)
			if !send(one) {
				return
			}
		}
		if !send(batch{lots: b.figures.Take(day), end: b.chain.End()}) {
			return
		}
	}
	send(batch{lots: b.figures.Take(today + 1000), end: b.chain.End()})
}

// move is how much a copy is moved within its days.
func (b *filler) move(o *original) int64 {
	if o.to <= o.from {
		return 0
	}
	return o.from + b.random.Int64N(o.to-o.from)
}

func (b *filler) fate() int {
	at := b.random.IntN(1000 - fates[len(fates)-1].share)
	for i, f := range fates {
		if at -= f.share; at < 0 {
			return i
		}
	}
	return 0
}

type copyOf struct {
	*original
	days   int64
	copied *casework.Copied
}

// batch makes the rows of some copies.
func (b *filler) batch(engine db.Engine, copies []*copyOf, chance *rand.ChaCha8) (one batch) {
	for _, c := range copies {
		if one.err = c.copied.Prepare(chance); one.err != nil {
			return one
		}
	}
	slices.SortFunc(copies, func(x, y *copyOf) int { return x.copied.ID().Compare(y.copied.ID()) })
	type spot struct{ copy, entry int }
	var all []journal.Copy
	var where []spot
	for i, c := range copies {
		for j, e := range c.copied.Entries() {
			all, where = append(all, e), append(where, spot{i, j})
		}
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Or(cmp.Compare(all[x].Recorded, all[y].Recorded), cmp.Compare(x, y)) })
	sorted := make([]journal.Copy, len(all))
	for i, at := range order {
		sorted[i] = all[at]
	}
	for rest := sorted; len(rest) > 0; {
		n := min(8+b.random.IntN(40), len(rest))
		if one.err = b.chain.Add(rest[:n]); one.err != nil {
			return one
		}
		rest = rest[n:]
	}
	entries := make([][]journal.Copy, len(copies))
	for i, c := range copies {
		entries[i] = make([]journal.Copy, len(c.Entries))
	}
	arrived := make(map[id.ID]int64, 2*len(copies))
	for i, at := range order {
		e := sorted[i]
		entries[where[at].copy][where[at].entry] = e
		if slices.Contains(casework.ArriveKinds, e.Of.Kind) {
			arrived[e.Subject] = e.Number
		}
	}
	lots := casework.CopyLots(engine)
	type same struct {
		o    *original
		days int64
	}
	counts := map[same]int64{}
	for i, c := range copies {
		c.copied.Rows(lots, b.serial, func(v id.ID) int64 { return arrived[v] })
		b.serial++
		counts[same{c.original, c.days}]++
		if one.err = b.figures.Add(c.Original, entries[i], c.days); one.err != nil {
			return one
		}
		b.tasks += int64(c.Tasks)
	}
	for k, n := range counts {
		if one.err = b.figures.Count(k.o.Original, n, k.days); one.err != nil {
			return one
		}
	}
	b.made += int64(len(copies))
	one.lots, one.cases = lots, int64(len(copies))
	more, end := b.chain.Take()
	one.lots, one.end = append(one.lots, more...), end
	return one
}

// What a report says beside what it is about.
var (
	wordPlaces  = []string{"东门", "西门", "南门", "北门", "小区广场", "幼儿园旁", "公交站台", "菜市场口", "村委会后", "河堤上", "学校对面", "卫生室门口", "停车场", "文化礼堂", "桥头", "变电箱旁", "快递柜边", "篮球场", "健身路径", "垃圾亭", "配电房", "水塔下", "老年活动室", "便利店前", "十字路口", "加油站旁", "工地围挡外", "楼道口", "地下车库", "沿街商铺"}
	wordStates  = []string{"已经三天", "早晚都有", "影响出行", "老人不便", "孩子经过危险", "气味很大", "夜里看不见", "下雨积水", "多次反映", "希望尽快", "请帮忙看看", "昨天开始", "一直没人管", "堵住通道", "声音很吵", "不知找谁", "刚刚发现", "比较严重", "越来越多", "请回复"}
	wordNumbers = []string{"号楼", "单元", "排", "组", "号杆", "号井", "栋"}
)

// wordsOf are a report's words: of some hundred thousand that occur, some rare.
func wordsOf(title string, r *rand.Rand) string {
	text := wordPlaces[r.IntN(len(wordPlaces))] + fmt.Sprint(1+r.IntN(400)) + wordNumbers[r.IntN(len(wordNumbers))] + title + "，" + wordStates[r.IntN(len(wordStates))]
	if r.IntN(4) == 0 {
		text += "，" + wordStates[r.IntN(len(wordStates))]
	}
	return text
}
