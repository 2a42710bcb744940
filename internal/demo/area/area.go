// Package area draws the demo's district: the start-up area with its real four
// streets and 304 villages, and, made up and marked so, everything that could
// not be found: where the boundaries run, which villages share one of the 166
// village platforms, the grids and their codes, and who works there.
//
// The same seed always draws the same area. Nothing here is the real division,
// and no name here is a person's. (notes/domain.md 4a, section 6)
package area

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"strings"

	"onegrid/internal/kit/words"
)

//go:generate go test -run TestShippedAreaIsTheDrawnOne . -args -update

// Seed is the one that data/demo/area.geojson was drawn with.
const Seed = 20221031

// How many there are of each. 166 platforms stand in the brief; it counts more
// than 200 grids. (notes/domain.md section 1)
const (
	Platforms = 166
	BaseGrids = 208
	specials  = 8 // of the base grids, cut out and directly under a street
)

// Point is a position: longitude, latitude (WGS84), seven decimals.
type Point [2]float64

// Ring is a closed line; the last point is the first. Outer rings run
// anticlockwise, holes clockwise.
type Ring []Point

// Area is the whole drawn district (演示区域).
type Area struct {
	Streets   []Street
	Villages  []Village
	Platforms []Platform
	Grids     []Grid // base grids by code, then micro grids by code
}

// Street is one of the four streets (街道). Name and code are real, its outline
// is made up.
type Street struct {
	Code    string
	Name    words.Text
	Outline Ring
}

// Village is one statistical village (村). Name and code are real, its position
// is made up.
type Village struct {
	Code, Name, Street string
	Platform           string // made up
	At                 Point
}

// Platform is a village platform (村居平台), made up: which villages share one is
// not known. Its code is that of its first village.
type Platform struct {
	Code, Street string
	Name         words.Text
	Villages     []string // codes
}

// Grid is a made-up grid (网格). Special grids stand directly under a street.
type Grid struct {
	Code       string
	Layer      string // "base" or "micro"
	Kind       string // "comprehensive" or "special"
	Name       words.Text
	Platform   string // code; none for a special grid
	Street     string // code
	Parent     string // code of the base grid that a micro grid lies in
	Households int
	Shape      []Ring // outer ring first, then holes
}

// streetNames are the romanised names of the four streets, by code; the list
// that ships has Chinese names only.
var streetNames = map[string]string{
	"370105017000": "Daqiao Street",
	"370115003000": "Cuizhai Street",
	"370115004000": "Sungeng Street",
	"370115006000": "Taiping Street",
}

// readDivisions reads the real streets and villages, in the order of their codes.
func readDivisions(files fs.FS) ([]Street, []Village, error) {
	f, err := files.Open("divisions/qibuqu.csv")
	if err != nil {
		return nil, nil, fmt.Errorf("divisions of the demo: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, nil, fmt.Errorf("divisions of the demo: %w", err)
	}
	var streets []Street
	var villages []Village
	for _, r := range rows[1:] {
		switch r[2] {
		case "street":
			streets = append(streets, Street{Code: r[0], Name: words.Text{Chinese: r[1], English: streetNames[r[0]]}})
		case "village":
			villages = append(villages, Village{Code: r[0], Name: r[1], Street: r[3]})
		}
	}
	return streets, villages, nil
}

// stem is a village's name without the words for its committee.
func stem(name string) string {
	for _, end := range []string{"村民委员会", "居民委员会", "村委会", "居委会"} {
		if s, ok := strings.CutSuffix(name, end); ok {
			return strings.TrimSuffix(s, "社区")
		}
	}
	return name
}
