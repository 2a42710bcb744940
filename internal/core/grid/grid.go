// Package grid owns the grids (网格): their layers, borders, codes and history,
// and the answer to "which grid does this place lie in?".
//
// It does not own streets and platforms (core/org), nor who looks after a grid:
// posts point to grids, not the other way round.
//
// Tables: grid_grid, grid_code, grid_past, grid_succession, grid_template.
//
// Promises callers rely on:
//   - Each layer is a partition: a position lies in exactly one grid of it, or
//     in none outside the area. A drawing with gaps or overlaps beyond the
//     tolerance never gets in (Build, Import).
//   - Special grids are stored as drawn and cut out of the ordinary ones when a
//     layer is loaded, so that nobody redraws ten neighbours for one market.
//   - Grids are dated; the locator is one immutable value for each period
//     between two changes, the same on both database engines.
//   - A code is given out once and never to a second grid.
package grid

import (
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/id"
)

// room is the name under which versions and migrations of this room are kept.
const room = "grid"

var (
	// ErrMissing says that there is no such grid, or none this actor may see.
	ErrMissing = fault.New(fault.Missing, "grid.missing")
	// ErrInvalid carries the wrong fields of an input.
	ErrInvalid = fault.New(fault.Invalid, "grid.invalid")
	// ErrChanged says that somebody changed the grid since it was read.
	ErrChanged = fault.New(fault.Changed, "grid.changed")
	// ErrPartition says that a drawing has a gap or an overlap, and where.
	ErrPartition = fault.New(fault.Invalid, "grid.no_partition")
	// ErrLayerRefused says of a sound grid that its layer was refused as a whole.
	ErrLayerRefused = fault.New(fault.Invalid, "grid.layer_refused")
	// ErrCodeUsed says that the code belongs, or once belonged, to another grid.
	ErrCodeUsed = fault.New(fault.Conflict, "grid.code_used")
	// ErrNoCode says that a grid has no code.
	ErrNoCode = fault.New(fault.Invalid, "grid.code_missing")
	// ErrCodeTwice says that two grids of one file have the same code.
	ErrCodeTwice = fault.New(fault.Invalid, "grid.code_twice")
	// ErrNoFeatures says that a file holds no polygon at all.
	ErrNoFeatures = fault.New(fault.Invalid, "grid.no_features")
	// ErrCodesExhausted says that no number is left under a prefix.
	ErrCodesExhausted = fault.New(fault.Conflict, "grid.codes_exhausted")
	// ErrEnded says that the grid has ended.
	ErrEnded = fault.New(fault.Conflict, "grid.ended")
	// ErrPast says that a change of borders cannot be dated back.
	ErrPast = fault.New(fault.Invalid, "grid.dated_back")
	// ErrFuture says that a known grid changes now or not at all: what is to
	// hold later is a new grid with a code of its own.
	ErrFuture = fault.New(fault.Invalid, "grid.change_is_now")
)

// Layer is which partition a grid belongs to (网格层).
type Layer string

const (
	// Base is the governance grids (基础网格).
	Base Layer = "base"
	// Micro is the micro grids inside them (微网格).
	Micro Layer = "micro"
)

// Layers lists the layers, outer first.
var Layers = []Layer{Base, Micro}

// Enum lists the values for the specification.
func (Layer) Enum() []string { return []string{"base", "micro"} }

func (l Layer) known() bool { return l == Base || l == Micro }

// Kind is what sort of grid it is (网格类型).
type Kind string

const (
	// Comprehensive is an ordinary governance grid (综合网格).
	Comprehensive Kind = "comprehensive"
	// Special is a grid of its own for a park, a market, an office building
	// (专属网格). It is cut out of the ordinary ones and may belong directly to
	// a street. (DESIGN.md section 10)
	Special Kind = "special"
)

// Enum lists the values for the specification.
func (Kind) Enum() []string { return []string{"comprehensive", "special"} }

func (k Kind) known() bool { return k == Comprehensive || k == Special }

// Grid is the smallest area that people are responsible for (网格).
type Grid struct {
	ID         id.ID     `json:"id"`
	Layer      Layer     `json:"layer"`
	Kind       Kind      `json:"kind"`
	Code       string    `json:"code"`
	Name       string    `json:"name"`
	Platform   id.ID     `json:"platform_id,omitzero"` // unit; none for a special grid directly under a street
	Street     id.ID     `json:"street_id,omitzero"`   // unit
	Parent     id.ID     `json:"parent_id,omitzero"`   // of a micro grid, its base grid
	Households int64     `json:"households,omitempty"`
	MadeUp     bool      `json:"made_up,omitempty"` // its border is invented, and screens say so
	From       time.Time `json:"from"`
	To         time.Time `json:"to,omitzero"` // first instant at which it is no more
	Version    int64     `json:"version"`
	Shape      geo.Shape `json:"-"` // as drawn: special grids are not yet cut out
}

// Open says whether the grid exists at an instant.
func (g Grid) Open(at time.Time) bool {
	return !at.Before(g.From) && (g.To.IsZero() || at.Before(g.To))
}

// Place is where a position lies (所在网格). Micro has a zero id where the base
// grid is not divided further.
type Place struct {
	Base  Grid          `json:"base"`
	Micro Grid          `json:"micro,omitzero"`
	Nodes journal.Nodes `json:"nodes"`
}

// Code is one code a grid has or had (网格编码). Scheme "grid" is our own.
type Code struct {
	Scheme string    `json:"scheme"`
	Code   string    `json:"code"`
	Layer  Layer     `json:"layer"`
	Grid   id.ID     `json:"-"` // none while it is reserved
	From   time.Time `json:"from"`
	To     time.Time `json:"to,omitzero"`
}

// ownScheme is the scheme of the codes that the grid centre gives out.
const ownScheme = "grid"

// Succession says that a grid took over ground of one that ended (承接).
type Succession struct {
	Old   id.ID     `json:"old_id"`
	Heir  id.ID     `json:"heir_id"`
	Share float64   `json:"share"` // of the old grid's ground
	At    time.Time `json:"at"`
}
