// Package place owns places (地点): the addresses (地址) as one tree of village,
// road, estate, building, staircase and room, and the facilities (设施、场所): hall,
// school room, canteen, pump, camera site, whatever kinds the office keeps. A
// place is a thing with scope: it has the responsible node at each level, and
// who may see it follows from them.
//
// It does not own grids (core/grid), posts (core/org) nor opening hours
// (core/calendar), and no person: who lives somewhere is none of its business.
//
// Tables: place_place, place_name, place_code, place_kind, place_state.
//
// Promises callers rely on:
//   - Names and codes are dated: what a place was called is still found, and a
//     code is never given to a second place.
//   - A place's grid comes from the locator, or from a platform that has only
//     one, and follows when grids or units change (Settle). A road or a village
//     is wide: its own position says nothing about the grid of what happened
//     there, so it never lends its grid to anybody.
//   - Search answers from an index in memory that is the same on both database
//     engines and as new as the reader's transaction (index.go).
//   - The public sees names of villages, roads, estates and public facilities;
//     what people live in is found by staff in scope only, and its position is
//     shown to the public only coarsely. (DESIGN.md section 10)
//   - An import accounts for every row.
package place

import (
	"embed"
	"math"
	"time"

	"github.com/paulmach/orb"

	"onegrid/internal/core/calendar"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// room is the name under which versions and migrations of this room are kept.
const room = "place"

// Words holds the texts this room says itself.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// The permissions of roles.json that this room asks for.
const (
	permView = "place.view"
	permEdit = "place.edit"
)

// class is the retention class of what this room writes to the journal: a
// register of the office, without personal data.
const class = "register"

var (
	// ErrMissing says that there is no such place, or none this actor may see.
	ErrMissing = fault.New(fault.Missing, "place.missing")
	// ErrInvalid carries the wrong fields of an input.
	ErrInvalid = fault.New(fault.Invalid, "place.invalid")
	// ErrChanged says that somebody changed the place since it was read.
	ErrChanged = fault.New(fault.Changed, "place.changed")
	// ErrEnded says that the place is no more.
	ErrEnded = fault.New(fault.Conflict, "place.ended")
	// ErrTwice says that there is such a place under the same parent already.
	ErrTwice = fault.New(fault.Conflict, "place.twice")
	// ErrOutside says that a position lies in no grid of the district.
	ErrOutside = fault.New(fault.Invalid, "place.outside")
	// ErrCodeUsed says that a code belongs, or once belonged, to another place.
	ErrCodeUsed = fault.New(fault.Conflict, "place.code_used")
	// ErrHasParts says that a place with others under it cannot end yet.
	ErrHasParts = fault.New(fault.Conflict, "place.has_parts")
	// ErrKind says that there is no such kind.
	ErrKind = fault.New(fault.Missing, "place.kind_missing")
	// ErrQuery says that there is nothing in a query to look for.
	ErrQuery = fault.New(fault.Invalid, "place.query")
	// ErrTooMany says that a piece of map has too many places to show.
	ErrTooMany = fault.New(fault.Invalid, "place.too_many")
)

// Class is address or facility.
type Class string

const (
	Address  Class = "address"  // 地址
	Facility Class = "facility" // 设施、场所
)

// Enum lists the values for the specification.
func (Class) Enum() []string { return []string{"address", "facility"} }

// Kind is a kind of place (地点类型). Those of addresses and their rank in the
// tree are fixed; kinds of facilities are data.
type Kind struct {
	Key    string     `json:"key"`
	Class  Class      `json:"class"`
	Name   words.Text `json:"name"`
	Rank   int64      `json:"rank,omitempty" doc:"Of an address: a parent has a smaller one"`
	Wide   bool       `json:"wide,omitempty" doc:"Reaches over several grids: its own position names none"`
	Home   bool       `json:"home,omitempty" doc:"People live there: the public sees it only coarsely"`
	Public bool       `json:"public,omitempty" doc:"The public finds it"`
	Desk   bool       `json:"desk,omitempty" doc:"For desks only, not for the grid"`
	Ended  bool       `json:"ended,omitempty" doc:"No new ones"`
	// Ships says that the kind comes with the program.
	Ships   bool  `json:"ships,omitempty"`
	Version int64 `json:"version,omitempty"`
}

// facilityRank stands below every address: a facility has no parts.
const facilityRank = 9

func (k Kind) rank() int64 {
	if k.Class == Facility {
		return facilityRank
	}
	return k.Rank
}

// Shown says whether the public finds a place.
type Shown string

const (
	ShownByKind Shown = ""
	ShownYes    Shown = "yes"
	ShownNo     Shown = "no"
)

// Enum lists the values for the specification.
func (Shown) Enum() []string { return []string{"", "yes", "no"} }

// Equipment is one line of what a facility has (设备清单).
type Equipment struct {
	Name  string `json:"name" minLength:"1" maxLength:"60"`
	Count int64  `json:"count,omitempty" minimum:"0" maximum:"100000"`
	Note  string `json:"note,omitempty" maxLength:"120"`
}

// Details are what is known of a facility; of an address only the note.
type Details struct {
	Calendar  string      `json:"calendar,omitempty" maxLength:"40" doc:"Key of the calendar with its opening hours"`
	Keeper    id.ID       `json:"keeper_id,omitzero" doc:"Post that keeps it"`
	Capacity  int64       `json:"capacity,omitempty" minimum:"0" maximum:"1000000" doc:"People"`
	Phone     string      `json:"phone,omitempty" maxLength:"30" doc:"Of the office, never of a person"`
	Equipment []Equipment `json:"equipment,omitempty" maxItems:"100"`
	Note      string      `json:"note,omitempty" maxLength:"300"`
}

// Place is one address or facility (地点).
type Place struct {
	ID     id.ID  `json:"id"`
	Kind   string `json:"kind"`
	Parent id.ID  `json:"parent_id,omitzero"`
	Name   string `json:"name" doc:"Its own part: 3号楼, not the whole address"`
	journal.Nodes
	Home    id.ID     `json:"home_id,omitzero" doc:"Unit it was given to, where neither position nor parent says so"`
	Located bool      `json:"located"`
	Lon     float64   `json:"lon,omitempty" doc:"WGS84"`
	Lat     float64   `json:"lat,omitempty"`
	Shown   Shown     `json:"shown,omitempty"`
	Details Details   `json:"details,omitzero"`
	MadeUp  bool      `json:"made_up,omitempty"`
	Named   time.Time `json:"named_from"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to,omitzero"`
	Version int64     `json:"version"`

	rank int64
	seq  int64
}

// Open says whether the place exists at an instant.
func (p Place) Open(at time.Time) bool { return p.To.IsZero() || at.Before(p.To) }

// Usage is what a second name is.
type Usage string

const (
	Former Usage = "former" // 曾用名
	Alias  Usage = "alias"  // 别名
)

// Name is what a place is or was called beside its present name.
type Name struct {
	Name  string    `json:"name"`
	Usage Usage     `json:"usage"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to,omitzero"`
}

// Code is one code a place has or had. Scheme "division" is the statistical
// list's; others are the office's own or somebody else's.
type Code struct {
	Scheme string    `json:"scheme"`
	Code   string    `json:"code"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to,omitzero"`
}

// Spot is where a place is, for whoever files something there.
type Spot struct {
	ID       id.ID
	Label    string // village, road, house …: as people say it
	Located  bool   // the position is that of the place itself, not of something wide
	Lon, Lat float64
	Nodes    journal.Nodes
}

// coarseStep is the side of the cells in which the public sees homes, in
// degrees: about 500 m.
const coarseStep = 0.005

// Coarse gives the middle of the cell in which a position lies.
func Coarse(lon, lat float64) (float64, float64) {
	mid := func(v float64) float64 { return math.Round((math.Floor(v/coarseStep)+0.5)*coarseStep*1e4) / 1e4 }
	return mid(lon), mid(lat)
}

// Units tells the organisation as a transaction sees it; *org.Org does.
type Units interface {
	Snapshot(tx *db.Tx) (*org.Snapshot, error)
}

// Grids says where a position lies; *grid.Grids does.
type Grids interface {
	Locate(tx *db.Tx, at orb.Point) (grid.Place, bool, error)
	Only(tx *db.Tx, platform id.ID) (grid.Grid, int, error)
	ByID(tx *db.Tx, v id.ID) (grid.Grid, bool, error)
	Snapshot(tx *db.Tx) (*grid.Snapshot, error)
}

// Hours knows calendars; *calendar.Calendars does.
type Hours interface {
	For(tx *db.Tx, key string) (*calendar.Calendar, error)
	Get(tx *db.Tx, key string) (calendar.Sheet, error)
}

// Options are what app passes in.
type Options struct {
	Org       Units
	Grids     Grids
	Calendars Hours
	Kinds     []Kind // that ship, see LoadKinds
}

// Places is the places of one installation. Its acts run in the caller's
// transaction.
type Places struct {
	org       Units
	grids     Grids
	calendars Hours
	kinds     *db.Cached[*kinds]
	index     shelf
}

// New is the places of an organisation.
func New(o Options) *Places {
	return &Places{org: o.Org, grids: o.Grids, calendars: o.Calendars, kinds: cacheKinds(o.Kinds)}
}
