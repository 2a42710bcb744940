package casework

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"slices"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
)

// runs does the jobs that wait.
func (h *house) runs() {
	h.Helper()
	runner := jobs.NewRunner(h.db, jobs.Options{})
	h.desk.Jobs(runner, h.db)
	for {
		n, err := runner.Step(h.ctx)
		h.must(err)
		if n == 0 {
			return
		}
	}
}

func (h *house) copyOf(file id.ID) (c Copy) {
	h.Helper()
	h.read(func(tx *db.Tx) (err error) { c, err = getCopy(tx, file); return err })
	return c
}

// releases lets a copy of a photo out, as somebody at a desk does.
func (h *house) releases(who string, file id.ID, regions ...Region) {
	h.Helper()
	h.runs()
	h.write(func(tx *db.Tx) error {
		_, err := h.desk.ReleaseCopy(tx, h.as(tx, who), file, regions, h.copyOf(file).Version)
		return err
	})
	h.runs()
}

// finder finds what a test says.
type finder struct {
	boxes []image.Rectangle
	err   error
	asked int
}

func (s *finder) Find(context.Context, image.Image) ([]image.Rectangle, error) {
	s.asked++
	return s.boxes, s.err
}

// stripes is a photo by somebody whose every pixel is known.
func (h *house) stripes(name, kind string) id.ID {
	h.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 400, 200))
	for y := range 200 {
		for x := range 400 {
			m.SetRGBA(x, y, color.RGBA{uint8(x / 4 % 2 * 255), uint8(y / 4 % 2 * 255), 128, 255})
		}
	}
	var b bytes.Buffer
	h.must(jpeg.Encode(&b, m, nil))
	f, err := h.desk.KeepPicture(h.ctx, &b, h.files)
	h.must(err)
	f.Kind = kind
	h.write(func(tx *db.Tx) (err error) {
		f, err = h.desk.AddFile(tx, h.as(tx, name), f, "")
		return err
	})
	return f.ID
}

// shown is the picture that the reporter of a case gets.
func (h *house) shownTo(c Case, file id.ID, size string) (img image.Image, raw []byte, err error) {
	h.Helper()
	err = h.db.Read(h.ctx, func(tx *db.Tx) error {
		content, err := h.desk.PublicFile(tx, c.ID, file, size)
		if err != nil {
			return err
		}
		r, err := content.Open()
		h.must(err)
		raw, err = io.ReadAll(r)
		h.must(errors.Join(err, r.Close()))
		img, err = jpeg.Decode(bytes.NewReader(raw))
		return err
	})
	return img, raw, err
}

// handledWith is a case of the public that was done with a photo of after.
func (h *house) doneWith(photo id.ID) Case {
	h.Helper()
	c := h.reports("", Report{Text: "东门外垃圾堆了三天"})
	h.does("village", c, Act{Move: "accept"})
	h.does("officer", h.task(c), Act{Move: "verify", Result: Pass, Note: "属实"})
	h.does("village", c, Act{Move: "file"})
	h.does("village", c, Act{Move: "dispatch", Post: h.posts["works"]})
	h.does("works", c, Act{Move: "take"})
	h.does("works", c, Act{Move: "handle"})
	return h.does("works", c, Act{Move: "done", Note: "清完了", ResidentText: "清走了", Files: []id.ID{photo}})
}

// A photo by staff reaches the reporter only as a copy in which faces are made
// unrecognisable, after a person looked at it and released it, and after a
// second one checked the case; the photo itself never does.
func TestOnlyAReleasedCopyLeaves(t *testing.T) {
	eachHouse(t, func(h *house) {
		finds := &finder{boxes: []image.Rectangle{image.Rect(100, 50, 180, 130)}}
		h.desk.faces = finds
		photo := h.stripes("works", "after")
		c := h.doneWith(photo)
		if got := h.copyOf(photo); got.State != CopySearching || finds.asked != 0 {
			h.Fatalf("searched in the request: %+v, asked %d times", got, finds.asked)
		}
		decide := func(who string, version int64, regions []Region) error {
			return h.db.Write(h.ctx, func(tx *db.Tx) error {
				_, err := h.desk.ReleaseCopy(tx, h.as(tx, who), photo, regions, version)
				return err
			})
		}
		if err := decide("village", h.copyOf(photo).Version, nil); !errors.Is(err, ErrCopyChanged) {
			h.Fatalf("released before it was searched: %v", err)
		}
		h.runs()
		made := h.copyOf(photo)
		if made.State != CopyProposed || !made.Searched || !slices.Equal(made.Regions, []Region{{2500, 2500, 2000, 4000}}) {
			h.Fatalf("proposed %+v", made)
		}
		h.runs()
		if finds.asked != 1 {
			h.Fatalf("searched %d times", finds.asked)
		}
		hidden := func(when string) {
			h.Helper()
			if _, _, err := h.shownTo(c, photo, "view"); !errors.Is(err, ErrFileMissing) {
				h.Errorf("%s the reporter gets the photo: %v", when, err)
			}
			if p := h.public(c); len(p.Photos) != 0 {
				h.Errorf("%s the reporter sees %+v", when, p.Photos)
			}
		}
		hidden("before the check")
		h.does("officer", h.task(c), Act{Move: "check", Result: Pass, Note: "干净了"})
		c = h.does("village", c, Act{Move: "close"})
		hidden("unreleased, but closed,")

		// The staff's page shows the proposal; who may not release does not.
		files := h.page("village", c).Files
		if i := slices.IndexFunc(files, func(f File) bool { return f.ID == photo }); i < 0 || files[i].Copy == nil || files[i].Copy.State != CopyProposed {
			h.Fatalf("the desk sees %+v", files)
		}
		for who, want := range map[string]error{"works": access.ErrDenied, "officer": access.ErrDenied, "village2": ErrFileMissing} {
			if err := decide(who, made.Version, nil); !errors.Is(err, want) {
				h.Errorf("%s releases: %v, want %v", who, err, want)
			}
		}
		for _, bad := range [][]Region{{{X: -1, Y: 0, W: 10, H: 10}}, {{X: 9999, Y: 0, W: 2, H: 1}}, {{X: 0, Y: 0, W: 0, H: 1}}, make([]Region, regionsMost+1)} {
			if err := decide("village", made.Version, bad); !errors.Is(err, ErrRegion) {
				h.Errorf("released with %d regions %+v: %v", len(bad), bad[0], err)
			}
		}
		if err := decide("village", made.Version-1, nil); !errors.Is(err, ErrCopyChanged) {
			h.Errorf("released an old proposal: %v", err)
		}

		// A person adds a region that was missed and releases.
		regions := []Region{{2500, 2500, 2000, 4000}, {7000, 1000, 2000, 4000}}
		h.must(decide("village", made.Version, regions))
		hidden("released, but not made yet,")
		h.runs()
		if made = h.copyOf(photo); made.State != CopyReleased || made.Person != h.who["village"] || made.Released.IsZero() {
			h.Fatalf("released as %+v", made)
		}
		if p := h.public(c); len(p.Photos) != 1 || p.Photos[0].Own || p.Photos[0].ID != photo {
			h.Fatalf("the reporter sees %+v", p.Photos)
		}
		img, raw, err := h.shownTo(c, photo, "view")
		h.must(err)
		if bytes.Contains(raw, []byte("Exif")) || bytes.Count(raw, []byte{0xff, 0xd8, 0xff}) != 1 {
			h.Error("the copy carries hidden data")
		}
		busy := func(at image.Rectangle) (n int) { // how often the stripes still change
			for x := at.Min.X + 1; x < at.Max.X; x++ {
				a, _, _, _ := img.At(x-1, at.Min.Y+9).RGBA()
				b, _, _, _ := img.At(x, at.Min.Y+9).RGBA()
				if max(a, b)-min(a, b) > 0x4000 {
					n++
				}
			}
			return n
		}
		if a, b, rest := busy(image.Rect(104, 56, 176, 126)), busy(image.Rect(284, 26, 356, 96)), busy(image.Rect(10, 150, 90, 190)); a != 0 || b != 0 || rest < 10 {
			h.Errorf("stripes change %d and %d times where it is blurred, %d elsewhere", a, b, rest)
		}
		if _, small, err := h.shownTo(c, photo, "thumb"); err != nil || len(small) == 0 {
			h.Errorf("the small copy: %v", err)
		}
		// The photo itself stands as it was, for staff alone.
		h.read(func(tx *db.Tx) error {
			f, err := h.desk.FileFor(tx, h.as(tx, "village"), photo)
			if err != nil || f.View == made.View || f.Thumb == made.Thumb || f.Blob == f.View {
				h.Errorf("the photo is %+v, %v", f, err)
			}
			return nil
		})

		// Somebody complains: it is taken back at once, and the act stands on the
		// timeline; its bytes are removed.
		h.write(func(tx *db.Tx) error {
			_, err := h.desk.WithholdCopy(tx, h.as(tx, "street"), photo, made.Version)
			return err
		})
		hidden("withheld")
		h.runs()
		name, err := blob.ParseHash(made.View)
		h.must(err)
		if lies, err := h.files.Has(context.Background(), name); err != nil || lies {
			h.Errorf("the withheld copy still lies in the store: %v", err)
		}
		if k := kinds(h.page("village", c)); k["case.copy_release"] != 1 || k["case.copy_withhold"] != 1 {
			h.Errorf("the timeline has %v", k)
		}
		for _, m := range h.public(c).Messages {
			if m.Text.Chinese != "清走了" {
				h.Errorf("the reporter is told %q", m.Text.Chinese)
			}
		}
		// Withheld is not for ever.
		h.releases("village", photo)
		if _, _, err := h.shownTo(c, photo, "view"); err != nil {
			h.Errorf("released again: %v", err)
		}
	})
}

// What nobody outside is going to see is not searched for faces; a photo that
// can't be searched is proposed without, and a person does it alone.
func TestPhotosAreSearchedOnlyToBeBlurred(t *testing.T) {
	eachHouse(t, func(h *house) {
		finds := &finder{err: context.DeadlineExceeded}
		h.desk.faces = finds
		inner := h.handled()
		photo := h.stripes("works", "after")
		inner = h.does("works", inner, Act{Move: "done", Note: "清完了", Files: []id.ID{photo}})
		h.runs()
		if finds.asked != 0 && !inner.Public {
			h.Fatal("a photo that stays inside was searched")
		}
		before := h.stripes("works", "before")
		after := h.stripes("works", "after")
		c := h.doneWith(after)
		h.runs()
		if made := h.copyOf(after); made.State != CopyProposed || made.Searched || len(made.Found) != 0 {
			h.Fatalf("a search that failed: %+v", made)
		}
		// Only photos of before and after by staff can be shown at all.
		if err := h.db.Write(h.ctx, func(tx *db.Tx) error { _, err := h.desk.PrepareCopy(tx, h.as(tx, "works"), before); return err }); !errors.Is(err, ErrCopyKind) {
			h.Errorf("a loose photo: %v", err)
		}
		prepares := func(who string, file id.ID) error {
			return h.db.Write(h.ctx, func(tx *db.Tx) error { _, err := h.desk.PrepareCopy(tx, h.as(tx, who), file); return err })
		}
		if !inner.Public {
			h.must(prepares("street", photo))
			h.must(prepares("street", photo))
			finds.err = nil
			h.runs()
			if made := h.copyOf(photo); made.State != CopyProposed || !made.Searched {
				h.Errorf("asked for: %+v", made)
			}
		}
		// Emptying the case takes the copies along.
		h.releases("village", after)
		made := h.copyOf(after)
		h.write(func(tx *db.Tx) error { return h.desk.Forget(tx, journal.By{Via: "system"}, c.ID) })
		h.runs()
		h.read(func(tx *db.Tx) error {
			if _, err := getCopy(tx, after); !errors.Is(err, ErrNoCopy) {
				h.Errorf("the copy of an emptied case: %v", err)
			}
			return nil
		})
		name, err := blob.ParseHash(made.View)
		h.must(err)
		if lies, err := h.files.Has(context.Background(), name); err != nil || lies {
			h.Errorf("its bytes still lie in the store: %v", err)
		}
	})
}

// The store's sweep keeps the bytes of copies.
func TestSweepKeepsCopies(t *testing.T) {
	eachHouse(t, func(h *house) {
		photo := h.stripes("works", "after")
		h.doneWith(photo)
		h.releases("village", photo, Region{0, 0, 5000, 5000})
		made := h.copyOf(photo)
		var want []blob.Hash
		for _, name := range []string{made.View, made.Thumb} {
			v, err := blob.ParseHash(name)
			h.must(err)
			want = append(want, v)
		}
		kept, err := h.desk.Wanted(h.ctx, h.db, want)
		h.must(err)
		if len(kept) != 2 {
			h.Errorf("wanted are %d of 2", len(kept))
		}
	})
}

// Regions and boxes are the same thing in two measures, and a box never shrinks.
func TestRegions(t *testing.T) {
	of := image.Rect(0, 0, 333, 777)
	for _, b := range []image.Rectangle{image.Rect(0, 0, 333, 777), image.Rect(1, 1, 2, 2), image.Rect(300, 700, 333, 777), image.Rect(17, 400, 90, 401)} {
		r := regionOf(b, of)
		if err := goodRegions([]Region{r}); err != nil {
			t.Errorf("%v gives %+v: %v", b, r, err)
		}
		if back := r.on(of); !back.In(of) || back.Min.X > b.Min.X || back.Min.Y > b.Min.Y || b.Max.X-back.Max.X > 1 || b.Max.Y-back.Max.Y > 1 {
			t.Errorf("%v came back as %v", b, back)
		}
	}
}

// Papers of a declined application end with its term: the answers go, the case
// stays. (data/defaults/retention.json, declined_papers)
func TestPapersOfDeclinedApplicationsEnd(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.counter()
		c := h.decidable()
		c = h.does("civil", c, Act{Move: "approve", Result: Fail, Reason: "decline_rule", Note: "收入超线"})
		find := func(before time.Time) (over []registry.Over) {
			h.read(func(tx *db.Tx) (err error) {
				over, err = h.desk.findDeclined(tx, registry.Class{}, before, registry.Over{}, 10)
				return err
			})
			return over
		}
		if over := find(c.Closed.Add(h.desk.term)); len(over) != 0 {
			h.Fatalf("ended while it can be appealed: %+v", over)
		}
		over := find(c.Closed.Add(h.desk.term + time.Minute))
		if len(over) != 1 || over[0].ID != c.ID {
			h.Fatalf("found %+v", over)
		}
		h.write(func(tx *db.Tx) error {
			return h.desk.endDeclined(tx, journal.By{Via: "system"}, registry.Class{}, over)
		})
		h.read(func(tx *db.Tx) error {
			r, err := h.desk.open(tx, c.ID)
			if err != nil || r.Form != nil {
				h.Errorf("the answers still stand: %s, %v", r.Form, err)
			}
			return nil
		})
		if over := find(c.Closed.Add(h.desk.term + time.Minute)); len(over) != 0 {
			h.Errorf("found again: %+v", over)
		}
	})
}
