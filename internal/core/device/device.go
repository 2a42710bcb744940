// Package device owns the one register of devices (设备): cameras, vehicle
// trackers, sensors, loudspeakers, kiosks. A device has a key, a kind, a place and
// the grid it lies in, an owner unit, an online state with its last word, and a
// credential of its own. What a device says (pictures, tracks, levels) belongs to
// the rooms of work that use it.
//
// Tables: device.
//
// Promises callers rely on:
//   - Nothing in it is about a person: no holder, no driver, no resident. A camera
//     stands in it with its purpose and the text of its sign, or not at all.
//     (DESIGN.md section 9)
//   - Kinds are data (data/defaults/devices.json): whose rights they fall under,
//     how long one may be silent, whether a sign must hang there.
//   - A credential is shown once and stored hashed; a new one ends the one before.
//   - When a device must have spoken is stored (quiet_at); the sweeper finds it
//     offline, so that a lost timer loses no outage. Going offline and coming back
//     are entries of the journal; a heartbeat between is not.
//   - Scope is part of every query; what is out of sight is missing.
package device

import (
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"onegrid/internal/core/access"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Words are the sentences this room says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

//go:embed migrations/*.sql
var migrations embed.FS

// Room is what this room keeps in the database.
func Room() db.Room { return db.RoomOf("device", migrations) }

var (
	// ErrMissing says that there is no such device, or none the actor may see.
	ErrMissing = fault.New(fault.Missing, "device.missing")
	// ErrInvalid carries the wrong fields of an input.
	ErrInvalid = fault.New(fault.Invalid, "device.invalid")
	// ErrChanged says that somebody changed the device since it was read.
	ErrChanged = fault.New(fault.Changed, "device.changed")
	// ErrKeyTaken says that the key belongs to another device.
	ErrKeyTaken = fault.New(fault.Conflict, "device.key_taken")
	// ErrDiffers says that an imported row names a known key with other content.
	ErrDiffers = fault.New(fault.Conflict, "device.differs")
	// ErrEnded says that the device was taken out of service.
	ErrEnded = fault.New(fault.Conflict, "device.ended")
	// ErrCredential covers every heartbeat without a good credential, in the same
	// words.
	ErrCredential = fault.New(fault.SignIn, "device.credential")
)

// Kind is a kind of device (设备类别).
type Kind struct {
	Key    string     `json:"key"`
	Name   words.Text `json:"name"`
	Rights string     `json:"rights"`        // camera, fleet or sensor: <rights>.view and <rights>.manage
	Quiet  int        `json:"quiet_minutes"` // silent for longer means offline
	Sign   bool       `json:"sign"`          // needs a purpose and a sign text
}

// State is whether a device speaks (在线状态).
type State string

const (
	Unknown State = "unknown" // 从未上线: never heard of
	Online  State = "online"  // 在线
	Offline State = "offline" // 离线
	Ended   State = "ended"   // 已停用
)

// Device is one device of the register (设备).
type Device struct {
	ID         id.ID         `json:"id"`
	Key        string        `json:"key"`
	Kind       string        `json:"kind"`
	Name       words.Text    `json:"name"`
	Lon        float64       `json:"lon"`
	Lat        float64       `json:"lat"`
	Place      string        `json:"place,omitempty"`
	Unit       id.ID         `json:"unit_id"` // owner
	At         journal.Nodes `json:"nodes"`
	Department id.ID         `json:"-"`
	Purpose    string        `json:"purpose,omitempty"`
	Sign       *words.Text   `json:"sign,omitempty"`
	State      State         `json:"state" enum:"unknown,online,offline,ended"`
	Last       time.Time     `json:"last_at,omitzero"` // its last word
	Since      time.Time     `json:"since_at"`         // of the state
	QuietAt    time.Time     `json:"-"`                // offline when it has not spoken by then
	Quiet      int           `json:"quiet_minutes"`
	Issued     time.Time     `json:"credential_at,omitzero"`
	MadeUp     bool          `json:"made_up,omitempty"`
	Version    int64         `json:"version"`

	hash []byte
}

// Sight decides who may see the device: who has its place or its owner in scope.
func (d Device) Sight() journal.Sight { return journal.Sight{Nodes: d.At, Department: d.Department} }

// Input is what somebody registers or changes.
type Input struct {
	Key     string      `json:"key" maxLength:"40"`
	Kind    string      `json:"kind" maxLength:"40"`
	Name    words.Text  `json:"name"`
	Lon     float64     `json:"lon"`
	Lat     float64     `json:"lat"`
	Datum   string      `json:"datum" enum:"wgs84,gcj02,bd09"`
	Place   string      `json:"place,omitempty" maxLength:"120"`
	Unit    id.ID       `json:"unit_id"`
	Purpose string      `json:"purpose,omitempty" maxLength:"200"`
	Sign    *words.Text `json:"sign,omitempty"`
	Quiet   int         `json:"quiet_minutes,omitempty" minimum:"0" maximum:"10080"`
	MadeUp  bool        `json:"made_up,omitempty"`
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,39}$`)

// Devices is the room's service (设备登记).
type Devices struct {
	org   *org.Org
	grids *grid.Grids
	kinds []Kind
	kind  map[string]Kind
}

// New reads the kinds that ship.
func New(o *org.Org, g *grid.Grids, files fs.FS) (*Devices, error) {
	raw, err := fs.ReadFile(files, "defaults/devices.json")
	if err != nil {
		return nil, fmt.Errorf("kinds of devices: %w", err)
	}
	var f struct {
		Kinds []Kind `json:"kinds"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("devices.json: %w", err)
	}
	d := &Devices{org: o, grids: g, kinds: f.Kinds, kind: map[string]Kind{}}
	for _, k := range f.Kinds {
		d.kind[k.Key] = k
	}
	return d, nil
}

// view and manage are the permissions that a kind falls under.
func (k Kind) view() string   { return k.Rights + ".view" }
func (k Kind) manage() string { return k.Rights + ".manage" }

// build judges an input and places it.
func (d *Devices) build(tx *db.Tx, in Input) (Device, Kind, error) {
	wrong := ErrInvalid
	bad := func(field, code string, args ...any) { wrong = wrong.At("body."+field, code, args...) }
	kind, known := d.kind[in.Kind]
	if !known {
		bad("kind", "device.unknown_kind")
	}
	if !keyForm.MatchString(in.Key) {
		bad("key", "device.bad_key")
	}
	name := words.Text{Chinese: strings.TrimSpace(in.Name.Chinese), English: strings.TrimSpace(in.Name.English)}
	if n := utf8.RuneCountInString(name.Chinese); n < 1 || n > 60 || utf8.RuneCountInString(name.English) > 80 {
		bad("name", "device.bad_name")
	}
	if utf8.RuneCountInString(in.Place) > 120 || utf8.RuneCountInString(in.Purpose) > 200 {
		bad("place", "device.too_long")
	}
	if kind.Sign && strings.TrimSpace(in.Purpose) == "" {
		bad("purpose", "device.purpose_needed")
	}
	if kind.Sign && (in.Sign == nil || strings.TrimSpace(in.Sign.Chinese) == "" || strings.TrimSpace(in.Sign.English) == "") {
		bad("sign", "device.sign_needed")
	}
	if in.Sign != nil && (utf8.RuneCountInString(in.Sign.Chinese) > 200 || utf8.RuneCountInString(in.Sign.English) > 300) {
		bad("sign", "device.too_long")
	}
	if in.Quiet < 0 || in.Quiet > 7*24*60 {
		bad("quiet_minutes", "device.bad_quiet")
	}
	datum, err := geo.ParseDatum(in.Datum)
	if err != nil {
		bad("datum", "device.bad_datum")
	}
	out := Device{Key: in.Key, Kind: in.Kind, Name: name, Place: strings.TrimSpace(in.Place), Unit: in.Unit, Purpose: strings.TrimSpace(in.Purpose), Sign: in.Sign, Quiet: in.Quiet, MadeUp: in.MadeUp}
	if out.Quiet == 0 {
		out.Quiet = kind.Quiet
	}
	units, uerr := d.org.Snapshot(tx)
	if uerr != nil {
		return out, kind, uerr
	}
	unit, known := units.Unit(in.Unit)
	if !known || !unit.Open(tx.Now()) {
		bad("unit_id", "device.unknown_unit")
	}
	if unit.Kind == org.Department {
		out.Department = unit.ID
	}
	if err == nil {
		at, err := datum.ToWGS84(orb.Point{in.Lon, in.Lat})
		if err != nil {
			bad("lon", "device.bad_place")
		} else {
			at = geo.Round(at)
			out.Lon, out.Lat = at[0], at[1]
			place, found, err := d.grids.Locate(tx, at)
			switch {
			case err != nil && fault.Of(err).Kind == fault.Internal:
				return out, kind, err
			case err != nil || !found:
				bad("lon", "device.outside")
			default:
				out.At = place.Nodes
			}
		}
	}
	if len(wrong.Where) > 0 {
		return out, kind, wrong
	}
	return out, kind, nil
}

// Register adds a device. Permission <rights>.manage of its kind at its place.
// Codes: device.invalid, device.key_taken, access.denied.
func (d *Devices) Register(tx *db.Tx, by *access.Actor, in Input) (Device, error) {
	v, kind, err := d.build(tx, in)
	if err != nil {
		return v, err
	}
	if err := by.Check(kind.manage(), v.Sight()); err != nil {
		return v, err
	}
	v.ID, v.State, v.Since, v.Version = tx.NewID(), Unknown, tx.Now(), 1
	if err := tx.Try(func(tx *db.Tx) error { return insert(tx, v) }); db.Unique(err) {
		return v, ErrKeyTaken.With("key", v.Key)
	} else if err != nil {
		return v, err
	}
	note(tx, by.By(), v, nil, "device.register")
	return v, nil
}

// Edit changes a device; its key and kind stay. Permission <rights>.manage where
// it is and where it goes. Codes: device.missing, device.changed, device.ended,
// device.invalid.
func (d *Devices) Edit(tx *db.Tx, by *access.Actor, device id.ID, match int64, in Input) (Device, error) {
	old, kind, err := d.mine(tx, by, device)
	if err != nil {
		return old, err
	}
	if match != 0 && match != old.Version {
		return old, ErrChanged.With("version", old.Version)
	}
	if old.State == Ended {
		return old, ErrEnded
	}
	in.Key, in.Kind, in.MadeUp = old.Key, old.Kind, old.MadeUp
	v, _, err := d.build(tx, in)
	if err != nil {
		return v, err
	}
	if err := by.Check(kind.manage(), v.Sight()); err != nil {
		return v, err
	}
	v.ID, v.State, v.Last, v.Since, v.Issued, v.hash, v.Version = old.ID, old.State, old.Last, old.Since, old.Issued, old.hash, old.Version+1
	if v.State == Online {
		v.QuietAt = v.Last.Add(time.Duration(v.Quiet) * time.Minute)
	}
	if err := update(tx, v); err != nil {
		return v, err
	}
	before := old.Sight()
	note(tx, by.By(), v, &before, "device.edit")
	return v, nil
}

// End takes a device out of service; it stays readable. Its credential ends.
func (d *Devices) End(tx *db.Tx, by *access.Actor, device id.ID) (Device, error) {
	v, _, err := d.mine(tx, by, device)
	if err != nil || v.State == Ended {
		return v, err
	}
	v.State, v.Since, v.QuietAt, v.Issued, v.hash = Ended, tx.Now(), time.Time{}, time.Time{}, nil
	v.Version++
	if err := update(tx, v); err != nil {
		return v, err
	}
	note(tx, by.By(), v, nil, "device.end")
	return v, nil
}

// mine reads a device that the actor may manage; one that he can't even see is
// missing.
func (d *Devices) mine(tx *db.Tx, by *access.Actor, device id.ID) (Device, Kind, error) {
	v, err := d.Get(tx, by, device)
	if err != nil {
		return v, Kind{}, err
	}
	kind := d.kind[v.Kind]
	return v, kind, by.Check(kind.manage(), v.Sight())
}

// Get reads one device in the actor's scope. Code: device.missing.
func (d *Devices) Get(tx *db.Tx, by *access.Actor, device id.ID) (Device, error) {
	v, err := byID(tx, device)
	if err != nil {
		return v, err
	}
	kind := d.kind[v.Kind]
	if !by.Sees(kind.view(), v.Sight()) && !by.Sees(kind.manage(), v.Sight()) {
		return Device{}, ErrMissing
	}
	return v, nil
}

// secretBytes is the length of a credential's secret.
const secretBytes = 32

func hashOf(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// note writes what happened to a device.
func note(tx *db.Tx, by journal.By, v Device, before *journal.Sight, kind string) {
	e := journal.Entry{Kind: kind, Subject: v.ID, By: by, Version: v.Version, Sight: v.Sight(), Class: "register",
		Facts: map[string]string{"kind": v.Kind, "state": string(v.State)}, Body: map[string]any{"key": v.Key, "name": v.Name}}
	if before != nil && (before.Nodes != v.At || before.Department != v.Department) {
		e.Before = before
	}
	journal.Add(tx, e)
}
