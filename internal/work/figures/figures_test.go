package figures

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The middle of a bucket stands for every time in it with an error of at most
// 5 %, from a second to two years.
func TestBucketErrorIsAtMostFivePercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(1000, 2*366*86400*1000).Draw(t, "ms")
		d := time.Duration(ms) * time.Millisecond
		off := math.Abs(Middle(Bucket(d)).Seconds()-d.Seconds()) / d.Seconds()
		if off > 0.05 {
			t.Fatalf("%s stands for %s: %.1f %% off", Middle(Bucket(d)), d, 100*off)
		}
	})
}

// A quantile taken from buckets is within 5 % of the one taken from the times
// themselves, and no figure is given where nothing was counted.
func TestQuantileOfBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.SliceOfN(rapid.IntRange(1, 5_000_000), 1, 60).Draw(t, "seconds")
		q := rapid.Float64Range(0.01, 1).Draw(t, "q")
		buckets := map[int64]int64{}
		for _, s := range seconds {
			buckets[Bucket(time.Duration(s)*time.Second)]++
		}
		slices.Sort(seconds)
		truth := float64(seconds[int(math.Ceil(q*float64(len(seconds))))-1])
		got, ok := Quantile(buckets, q)
		if !ok || math.Abs(got.Seconds()-truth)/truth > 0.05 {
			t.Fatalf("quantile %.2f is %s, truly %.0f s", q, got, truth)
		}
	})
	if _, ok := Quantile(nil, 0.5); ok {
		t.Fatal("a median of nothing")
	}
}

// A day begins at midnight in the district, not in Greenwich.
func TestDayOfTheDistrict(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	z := Zone{shanghai}
	before := time.Date(2026, 4, 30, 15, 59, 59, 0, time.UTC)
	if got := Date(z.Day(before)); got != "2026-04-30" {
		t.Errorf("one second before midnight is on %s", got)
	}
	if got := Date(z.Day(before.Add(time.Second))); got != "2026-05-01" {
		t.Errorf("midnight is on %s", got)
	}
}
