package blob

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/blob/s3test"
	"onegrid/internal/kit/db/dbtest"
)

// between lets something happen after a store was asked for a file that is to go
// and before it removes it, as on another machine.
type between struct {
	Backend
	area string
	act  func()
}

func (b *between) Drop(ctx context.Context, area string, h Hash) error {
	if act := b.act; act != nil && area == b.area {
		b.act = nil
		act()
	}
	return b.Backend.Drop(ctx, area, h)
}

// Two machines share a store. One sweeps an orphan; between its last look and the
// removal the other puts the same content again and refers to it. The file can be
// read the whole time and stays; what nobody refers to is gone in the end, also
// from where it was put aside, and so is what is erased meanwhile.
func TestReferredToWhileSwept(t *testing.T) {
	for _, ground := range []string{"folder", "bucket"} {
		t.Run(ground, func(t *testing.T) {
			ctx, clock := context.Background(), dbtest.NewClock(time.Now().Truncate(time.Second))
			dir, open := t.TempDir(), (func() *Store)(nil)
			if ground == "bucket" {
				server := s3test.Start(t)
				open = func() *Store {
					s, err := OpenBucket(ctx, BucketOptions{Endpoint: server.Endpoint, Bucket: server.Bucket, Region: "us-east-1", Key: server.Key, Secret: server.Secret,
						PathStyle: true, Temp: t.TempDir()}, Options{Now: clock.Now})
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(s.Close)
					return s
				}
			} else {
				open = func() *Store {
					s, err := Open(dir, Options{Now: clock.Now, Beside: true})
					if err != nil {
						t.Fatal(err)
					}
					return s
				}
			}
			one, two := open(), open()
			slow := &between{Backend: one.back, area: "cases"}
			one.back = slow
			sweeps, puts := area(t, one), area(t, two)
			put := func(a *Area, text string) Hash {
				t.Helper()
				ref, err := a.Put(ctx, strings.NewReader(text), 100)
				if err != nil {
					t.Fatal(err)
				}
				return ref.Hash
			}
			reads := func(a *Area, h Hash) string {
				f, err := a.Open(ctx, h)
				if errors.Is(err, ErrMissing) {
					return ""
				}
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				raw, err := io.ReadAll(f)
				if err != nil {
					t.Fatal(err)
				}
				return string(raw)
			}
			referred := map[Hash]bool{}
			sweep := func() int {
				t.Helper()
				n, _, err := sweeps.Sweep(ctx, 24*time.Hour, func(context.Context, []Hash) (map[Hash]bool, error) { return referred, nil })
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			h, orphan := put(puts, "again"), put(puts, "orphan")
			clock.Add(25 * time.Hour)
			put(puts, "orphan") // as new: it goes later
			slow.act = func() {
				put(puts, "again")
				referred[h] = true
			}
			if n := sweep(); n != 1 || slow.act != nil {
				t.Fatalf("%d were put aside", n)
			}
			if there, err := puts.Has(ctx, h); err != nil || there {
				t.Fatalf("the race did not happen: %v %v", there, err)
			}
			// Nothing is lost: it is read, it is in a backup, it goes back to its place.
			if reads(puts, h) != "again" || reads(sweeps, h) != "again" {
				t.Fatal("what is referred to can't be read")
			}
			met := map[Hash]int{}
			if err := one.Each(ctx, func(area string, h Hash, _ int64) error {
				if met[h]++; area != "cases" {
					t.Errorf("%s is in area %s", h, area)
				}
				return nil
			}); err != nil || met[h] != 1 || met[orphan] != 1 {
				t.Errorf("a backup meets %v, %v", met, err)
			}
			clock.Add(60 * time.Hour)
			if n := sweep(); n != 1 {
				t.Fatalf("%d were put aside, the orphan was to be", n)
			}
			if there, err := puts.Has(ctx, h); err != nil || !there {
				t.Fatalf("it did not go back: %v", err)
			}
			if there, err := puts.Has(ctx, orphan); err != nil || there || reads(puts, orphan) != "orphan" {
				t.Fatalf("the orphan is not aside: %v %v", there, err)
			}
			clock.Add(60 * time.Hour)
			sweep()
			if reads(puts, orphan) != "" || reads(puts, h) != "again" {
				t.Fatal("the orphan is still there, or what is referred to went")
			}
			// What is erased is erased where it was put aside, too.
			secret := put(puts, "secret")
			clock.Add(25 * time.Hour)
			sweep()
			if reads(puts, secret) != "secret" {
				t.Fatal("it was to be put aside")
			}
			if err := puts.Remove(ctx, secret); err != nil || reads(puts, secret) != "" {
				t.Fatalf("what is erased is still there: %v", err)
			}
			areas, err := one.back.Areas(ctx)
			if err != nil || len(areas) > 2 {
				t.Errorf("left behind: %v %v", areas, err)
			}
		})
	}
}

func area(t *testing.T, s *Store) *Area {
	t.Helper()
	a, err := s.Area("cases", 0)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
