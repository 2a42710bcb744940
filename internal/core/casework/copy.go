package casework

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/jobs"
)

// A photo that staff took leaves the staff side only as a copy (公开副本): the
// program proposes where faces are, a person looks at the whole photo, adds and
// takes away, and releases it; a job then makes the copy with those places made
// unrecognisable, and only that is shown. Nothing is released without a person,
// and the photo itself stays here. (DESIGN.md section 9)

// Copy is the copy of a photo for outside, or what is to become one.
type Copy struct {
	State    string    `json:"state" enum:"searching,proposed,making,released,withheld"`
	Searched bool      `json:"searched"` // the program looked for faces; else a person does alone
	Found    []Region  `json:"found"`    // where it thinks faces are
	Regions  []Region  `json:"regions"`  // what is, or will be, made unrecognisable
	Version  int64     `json:"version"`
	At       time.Time `json:"at"`
	Released time.Time `json:"released_at,omitzero"`
	By       string    `json:"person_name,omitempty"` // who released or withheld it

	File   id.ID  `json:"-"`
	Case   id.ID  `json:"-"`
	View   string `json:"-"`
	Thumb  string `json:"-"`
	Person id.ID  `json:"-"`
	Post   id.ID  `json:"-"`
}

// Region is a box on a picture, in ten-thousandths of its width and height.
type Region struct {
	X int `json:"x" minimum:"0" maximum:"10000"`
	Y int `json:"y" minimum:"0" maximum:"10000"`
	W int `json:"w" minimum:"1" maximum:"10000"`
	H int `json:"h" minimum:"1" maximum:"10000"`
}

// States of a copy.
const (
	CopySearching = "searching" // 正在找人脸
	CopyProposed  = "proposed"  // 等人看
	CopyMaking    = "making"    // 已放行，正在打码
	CopyReleased  = "released"  // 已放行
	CopyWithheld  = "withheld"  // 不公开
)

const (
	regionWhole = 10_000 // the whole width or height
	regionsMost = 100
	searchTime  = 30 * time.Second
)

// What can be wrong with a copy.
var (
	ErrNoCopy      = fault.New(fault.Missing, "case.no_copy")
	ErrCopyChanged = fault.New(fault.Changed, "case.copy_changed")
	ErrCopyKind    = fault.New(fault.Conflict, "case.copy_kind")
	ErrRegion      = fault.New(fault.Invalid, "case.bad_region")
)

// Faces finds faces in a picture, only to blur them; *face.Finder does.
type Faces interface {
	Find(ctx context.Context, img image.Image) ([]image.Rectangle, error)
}

// copyJob searches a photo, or makes the copy that was released: whichever its
// row asks for.
const copyJob = "casework.copy"

const copyColumns = `file_id, case_id, state, searched, found, regions, view, thumb, version, person_id, post_id, at, released_at`

func scanCopy(r scanner) (Copy, error) {
	var c Copy
	err := r.Scan(&c.File, &c.Case, &c.State, &c.Searched, db.ScanJSON(&c.Found), db.ScanJSON(&c.Regions), db.Text(&c.View), db.Text(&c.Thumb),
		&c.Version, &c.Person, &c.Post, db.Time(&c.At), db.Time(&c.Released))
	return c, err
}

func getCopy(tx *db.Tx, file id.ID) (Copy, error) {
	c, err := scanCopy(tx.Row(`SELECT `+copyColumns+` FROM case_copy WHERE file_id = $1`, file))
	if errors.Is(err, db.ErrNoRows) {
		return c, ErrNoCopy
	}
	if err != nil {
		return c, fmt.Errorf("read copy: %w", err)
	}
	return c, nil
}

// copiesOf are the copies of a case's photos, by file.
func copiesOf(tx *db.Tx, caseID id.ID) (map[id.ID]Copy, error) {
	rows, err := tx.Query(`SELECT `+copyColumns+` FROM case_copy WHERE case_id = $1`, caseID)
	if err != nil {
		return nil, fmt.Errorf("read copies: %w", err)
	}
	defer rows.Close()
	out := map[id.ID]Copy{}
	for rows.Next() {
		c, err := scanCopy(rows)
		if err != nil {
			return nil, fmt.Errorf("read copies: %w", err)
		}
		out[c.File] = c
	}
	return out, rows.Err()
}

// mayLeave says whether a photo is of the kind that a reporter can be shown:
// before and after, taken by staff.
func mayLeave(f File) bool {
	return f.Owner == "" && f.State == FileAttached && f.View != "" && (f.Kind == "before" || f.Kind == "after")
}

// propose has a photo searched that the reporter is going to ask for: the one of
// after, on a case that somebody outside follows. Others are searched when
// somebody asks for it, and never otherwise.
func (d *Desk) propose(env *env, c Case, file id.ID) error {
	if !c.Parent.IsZero() { // a task's photos stand on its case
		var err error
		if c, err = get(env.tx, c.Parent); err != nil {
			return err
		}
	}
	if !c.Public {
		return nil
	}
	f, err := scanFile(env.tx.Row(`SELECT `+fileColumns+` FROM case_file WHERE id = $1`, file))
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	if !mayLeave(f) || f.Kind != "after" {
		return nil
	}
	return search(env.tx, f)
}

// search writes the row of a copy and asks for the job.
func search(tx *db.Tx, f File) error {
	_, err := tx.Exec(`INSERT INTO case_copy (`+copyColumns+`) VALUES ($1, $2, $3, $4, '[]', '[]', NULL, NULL, 1, NULL, NULL, $5, NULL) ON CONFLICT (file_id) DO NOTHING`,
		f.ID, f.Case, CopySearching, false, db.Millis(tx.Now()))
	if err != nil {
		return fmt.Errorf("write copy: %w", err)
	}
	_, err = jobs.Enqueue(tx, copyJob, f.ID, tx.Now())
	return err
}

// releasable is a photo whose copy the actor may decide on. Codes:
// case.file_missing, case.copy_kind, access.denied.
func (d *Desk) releasable(tx *db.Tx, by *access.Actor, file id.ID) (File, Case, error) {
	f, err := d.FileFor(tx, by, file)
	if err != nil {
		return f, Case{}, err
	}
	if f.Case.IsZero() || !mayLeave(f) {
		return f, Case{}, ErrCopyKind
	}
	c, err := get(tx, f.Case)
	if err != nil {
		return f, c, err
	}
	return f, c, by.Check("case.copy_release", c.Sight())
}

// PrepareCopy has a photo searched for faces, so that somebody can release a
// copy of it. Permission case.copy_release. Codes: case.file_missing, case.copy_kind.
func (d *Desk) PrepareCopy(tx *db.Tx, by *access.Actor, file id.ID) (Copy, error) {
	f, _, err := d.releasable(tx, by, file)
	if err != nil {
		return Copy{}, err
	}
	c, err := getCopy(tx, file)
	if err == nil {
		return c, nil
	}
	if !errors.Is(err, ErrNoCopy) {
		return c, err
	}
	if err := search(tx, f); err != nil {
		return c, err
	}
	return getCopy(tx, file)
}

// ReleaseCopy lets a copy of a photo out in which these regions are made
// unrecognisable; none is an answer too, if nobody can be made out. Whoever
// releases has seen the photo in that version of the proposal. Permission
// case.copy_release. Codes: case.file_missing, case.no_copy, case.copy_changed,
// case.bad_region.
func (d *Desk) ReleaseCopy(tx *db.Tx, by *access.Actor, file id.ID, regions []Region, version int64) (Copy, error) {
	if err := goodRegions(regions); err != nil {
		return Copy{}, err
	}
	return d.decideCopy(tx, by, file, version, "case.copy_release", func(c *Copy) {
		c.State, c.Regions, c.Released = CopyMaking, append([]Region{}, regions...), tx.Now()
	})
}

// WithholdCopy keeps a photo on the staff side, also one that was out. Permission
// case.copy_release. Codes: case.file_missing, case.no_copy, case.copy_changed.
func (d *Desk) WithholdCopy(tx *db.Tx, by *access.Actor, file id.ID, version int64) (Copy, error) {
	return d.decideCopy(tx, by, file, version, "case.copy_withhold", func(c *Copy) { c.State, c.Released = CopyWithheld, time.Time{} })
}

func (d *Desk) decideCopy(tx *db.Tx, by *access.Actor, file id.ID, version int64, kind string, decide func(*Copy)) (Copy, error) {
	_, on, err := d.releasable(tx, by, file)
	if err != nil {
		return Copy{}, err
	}
	c, err := getCopy(tx, file)
	if err != nil {
		return c, err
	}
	if c.Version != version || c.State == CopySearching || c.State == CopyMaking {
		return c, ErrCopyChanged.With("version", c.Version)
	}
	// Whatever was out is not any more: the old copy is not shown for a moment
	// after somebody decided against it.
	old := []string{c.View, c.Thumb}
	c.View, c.Thumb, c.Person, c.Post = "", "", by.Person, by.Post
	decide(&c)
	c.Version++
	_, err = tx.Exec(`UPDATE case_copy SET state = $1, regions = $2, view = NULL, thumb = NULL, version = $3, person_id = $4, post_id = $5, released_at = $6 WHERE file_id = $7`,
		c.State, db.JSON(c.Regions), c.Version, c.Person, c.Post, db.Millis(c.Released), file)
	if err != nil {
		return c, fmt.Errorf("write copy: %w", err)
	}
	if err := dropBytes(tx, old...); err != nil {
		return c, err
	}
	if c.State == CopyMaking {
		if _, err := jobs.Enqueue(tx, copyJob, file, tx.Now()); err != nil {
			return c, err
		}
	}
	env, err := d.env(tx, by)
	if err != nil {
		return c, err
	}
	if err := env.of(on); err != nil {
		return c, err
	}
	body := &Body{Files: []id.ID{file}, Internal: true}
	if kind == "case.copy_release" {
		body.Count = len(c.Regions)
	}
	note(env, by.By(), on, nil, kind, 0, body)
	return d.namedCopy(env, c), nil
}

// dropBytes has stored files removed that no row names any more.
func dropBytes(tx *db.Tx, names ...string) error {
	for _, name := range names {
		if name == "" {
			continue
		}
		if _, err := jobs.Enqueue(tx, originalJob, name, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) namedCopy(env *env, c Copy) Copy {
	if p, ok := env.org.Person(c.Person); ok {
		c.By = p.Name
	}
	return c
}

func goodRegions(regions []Region) error {
	if len(regions) > regionsMost {
		return ErrRegion.At("body.regions", "case.too_many", "most", regionsMost)
	}
	for i, r := range regions {
		if r.X < 0 || r.Y < 0 || r.W < 1 || r.H < 1 || r.X+r.W > regionWhole || r.Y+r.H > regionWhole {
			return ErrRegion.At(fmt.Sprintf("body.regions.%d", i), "case.bad_region")
		}
	}
	return nil
}

// CopyContent gives staff the copy as it is shown outside. Codes:
// case.file_missing, case.no_copy.
func (d *Desk) CopyContent(tx *db.Tx, by *access.Actor, file id.ID, size string) (*httpx.Content, error) {
	f, err := d.FileFor(tx, by, file)
	if err != nil {
		return nil, err
	}
	c, err := getCopy(tx, file)
	if err != nil {
		return nil, err
	}
	if c.State != CopyReleased {
		return nil, ErrNoCopy
	}
	return d.copyContent(c, f, size)
}

// copyContent gives out a copy. Nobody keeps it without asking again: it may be
// taken back at any time.
func (d *Desk) copyContent(c Copy, f File, size string) (*httpx.Content, error) {
	out, err := d.content(c.of(f), size)
	if err == nil {
		out.Cache = "private, no-cache"
	}
	return out, err
}

// of is a photo as its copy shows it.
func (c Copy) of(f File) File {
	f.View, f.Thumb, f.At = c.View, c.Thumb, c.Released
	return f
}

// followCopy does what copyJob says; doing it again changes nothing.
func (d *Desk) followCopy(ctx context.Context, store *db.DB, file id.ID) error {
	var c Copy
	var f File
	err := store.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = getCopy(tx, file); err != nil {
			return err
		}
		f, err = scanFile(tx.Row(`SELECT `+fileColumns+` FROM case_file WHERE id = $1`, file))
		return err
	})
	if errors.Is(err, ErrNoCopy) || errors.Is(err, db.ErrNoRows) || err == nil && f.State != FileAttached {
		return nil // the case was emptied meanwhile
	}
	if err != nil {
		return err
	}
	switch c.State {
	case CopySearching:
		return d.searchFaces(ctx, store, c, f)
	case CopyMaking:
		return d.makeCopy(ctx, store, c, f)
	}
	return nil
}

// searchFaces proposes what to make unrecognisable. A photo that can't be
// searched is proposed without: then a person does it alone.
func (d *Desk) searchFaces(ctx context.Context, store *db.DB, c Copy, f File) error {
	raw, err := d.stored(ctx, f.View)
	if err != nil {
		return err
	}
	found, searched := []Region{}, false
	if d.faces != nil {
		in, cancel := context.WithTimeout(ctx, searchTime)
		err = d.pictures.Look(in, raw, func(img image.Image) error {
			boxes, err := d.faces.Find(in, img)
			for _, b := range boxes[:min(len(boxes), regionsMost)] {
				found = append(found, regionOf(b, img.Bounds()))
			}
			return err
		})
		cancel()
		if ctx.Err() != nil {
			return ctx.Err() // the program stops; the job comes again
		}
		if searched = err == nil; !searched {
			found = []Region{}
			d.log.WarnContext(ctx, "a photo was not searched for faces", "file", f.ID.String(), "err", err)
		}
	}
	return store.WriteFor(ctx, f.Case, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE case_copy SET state = $1, searched = $2, found = $3, regions = $3, version = version + 1 WHERE file_id = $4 AND state = $5 AND version = $6`,
			CopyProposed, searched, db.JSON(found), c.File, CopySearching, c.Version)
		if err != nil {
			return fmt.Errorf("write proposal: %w", err)
		}
		return nil
	})
}

// makeCopy makes the copy that a person released.
func (d *Desk) makeCopy(ctx context.Context, store *db.DB, c Copy, f File) error {
	raw, err := d.stored(ctx, f.View)
	if err != nil {
		return err
	}
	var size image.Rectangle
	if err := d.pictures.Look(ctx, raw, func(img image.Image) error { size = img.Bounds(); return nil }); err != nil {
		return err
	}
	boxes := make([]image.Rectangle, 0, len(c.Regions))
	for _, r := range c.Regions {
		boxes = append(boxes, r.on(size))
	}
	p, err := d.pictures.Obscure(ctx, raw, boxes)
	if err != nil {
		return err
	}
	var names [2]string
	for i, data := range [][]byte{p.View, p.Thumb} {
		if names[i], err = d.keep(ctx, d.files, data); err != nil {
			return err
		}
	}
	return store.WriteFor(ctx, f.Case, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE case_copy SET state = $1, view = $2, thumb = $3, version = version + 1 WHERE file_id = $4 AND state = $5 AND version = $6`,
			CopyReleased, names[0], names[1], c.File, CopyMaking, c.Version)
		if err != nil {
			return fmt.Errorf("write copy: %w", err)
		}
		if n == 0 { // somebody decided otherwise meanwhile
			return dropBytes(tx, names[:]...)
		}
		return nil
	})
}

// stored reads a stored picture of ours.
func (d *Desk) stored(ctx context.Context, name string) ([]byte, error) {
	h, err := blob.ParseHash(name)
	if err != nil {
		return nil, err
	}
	r, err := d.files.Open(ctx, h)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxUpload))
	return raw, errors.Join(err, r.Close())
}

// regionOf is a box of a picture in parts of it.
func regionOf(b, of image.Rectangle) Region {
	b = b.Intersect(of).Sub(of.Min)
	w, h := max(1, of.Dx()), max(1, of.Dy())
	r := Region{X: b.Min.X * regionWhole / w, Y: b.Min.Y * regionWhole / h, W: max(1, b.Dx()*regionWhole/w), H: max(1, b.Dy()*regionWhole/h)}
	r.W, r.H = min(r.W, regionWhole-r.X), min(r.H, regionWhole-r.Y)
	return r
}

// on is a region in the pixels of a picture, rounded outwards.
func (r Region) on(of image.Rectangle) image.Rectangle {
	up := func(v, n int) int { return (v*n + regionWhole - 1) / regionWhole }
	return image.Rect(r.X*of.Dx()/regionWhole, r.Y*of.Dy()/regionWhole, up(r.X+r.W, of.Dx()), up(r.Y+r.H, of.Dy())).Add(of.Min)
}

// withCopies adds to staff's view of the photos what became of their copies.
func (d *Desk) withCopies(env *env, caseID id.ID, files []File) error {
	if !slices.ContainsFunc(files, mayLeave) {
		return nil
	}
	copies, err := copiesOf(env.tx, caseID)
	if err != nil {
		return err
	}
	for i, f := range files {
		files[i].Leaves = mayLeave(f)
		if c, ok := copies[f.ID]; ok && mayLeave(f) {
			c = d.namedCopy(env, c)
			files[i].Copy = &c
		}
	}
	return nil
}

// forgetCopies drops the copies of a case's photos and has their bytes removed.
func forgetCopies(tx *db.Tx, caseID id.ID) error {
	copies, err := copiesOf(tx, caseID)
	if err != nil {
		return err
	}
	for _, c := range copies {
		if err := dropBytes(tx, c.View, c.Thumb); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`DELETE FROM case_copy WHERE case_id = $1`, caseID); err != nil {
		return fmt.Errorf("forget copies: %w", err)
	}
	return nil
}

type copyOut struct{ Body Copy }

type copyReleaseIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Regions []Region `json:"regions" maxItems:"100" doc:"what is made unrecognisable; none when nobody can be made out"`
		Version int64    `json:"version" doc:"of the proposal that was looked at"`
	}
}

type copyWithholdIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Version int64 `json:"version"`
	}
}

type copyIn struct {
	ID id.ID `path:"id"`
}

type copyGetIn struct {
	ID      id.ID  `path:"id"`
	Size    string `query:"size" enum:"thumb,view" default:"view"`
	Version int64  `query:"version" doc:"of the copy; tells one from the next, and nothing else"`
}

func (d *Desk) copyRoutes(e *httpx.Edge, tags []string) {
	out := func(c Copy, err error) (*copyOut, error) { return &copyOut{c}, err }
	httpx.Write(e, httpx.Op{ID: "case.copy_prepare", Method: "POST", Path: "/api/files/{id}/copy", Permission: "case.copy_release", Summary: "Have a photo searched for faces, to release a copy", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *copyIn) (*copyOut, error) {
			return out(d.PrepareCopy(tx, by, in.ID))
		})
	httpx.Write(e, httpx.Op{ID: "case.copy_release", Method: "POST", Path: "/api/files/{id}/copy/release", Permission: "case.copy_release", Summary: "Release a copy with faces made unrecognisable", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *copyReleaseIn) (*copyOut, error) {
			return out(d.ReleaseCopy(tx, by, in.ID, in.Body.Regions, in.Body.Version))
		})
	httpx.Write(e, httpx.Op{ID: "case.copy_withhold", Method: "POST", Path: "/api/files/{id}/copy/withhold", Permission: "case.copy_release", Summary: "Keep a photo on the staff side", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *copyWithholdIn) (*copyOut, error) {
			return out(d.WithholdCopy(tx, by, in.ID, in.Body.Version))
		})
	httpx.Download(e, httpx.Op{ID: "case.copy", Method: "GET", Path: "/api/files/{id}/copy", SignedIn: true, Summary: "The released copy of a photo", Tags: tags},
		func(tx *db.Tx, by *access.Actor, in *copyGetIn) (*httpx.Content, error) {
			return d.CopyContent(tx, by, in.ID, in.Size)
		})
}
