package area

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// properties of a grid in the file, in the columns that `import grids` reads.
type properties struct {
	Code       string `json:"code"`
	Layer      string `json:"layer"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	NameZH     string `json:"name_zh"`
	NameEN     string `json:"name_en"`
	Platform   string `json:"platform,omitempty"`
	Street     string `json:"street"`
	Parent     string `json:"parent,omitempty"`
	Households int    `json:"households,omitempty"`
	MadeUp     bool   `json:"made_up"`
}

// GeoJSON writes the grids as a FeatureCollection, one feature a line, so that a
// change shows as a change of lines.
func (a *Area) GeoJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("{\"type\":\"FeatureCollection\",\"features\":[\n")
	for i, g := range a.Grids {
		p, err := json.Marshal(properties{
			Code: g.Code, Layer: g.Layer, Kind: g.Kind, Name: g.Name.Chinese, NameZH: g.Name.Chinese, NameEN: g.Name.English,
			Platform: g.Platform, Street: g.Street, Parent: g.Parent, Households: g.Households, MadeUp: true,
		})
		if err != nil {
			return nil, fmt.Errorf("grid %s: %w", g.Code, err)
		}
		fmt.Fprintf(&b, `{"type":"Feature","properties":%s,"geometry":{"type":"Polygon","coordinates":[`, p)
		for n, r := range g.Shape {
			if n > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('[')
			for m, at := range r {
				if m > 0 {
					b.WriteByte(',')
				}
				b.WriteByte('[')
				b.WriteString(strconv.FormatFloat(at[0], 'f', -1, 64))
				b.WriteByte(',')
				b.WriteString(strconv.FormatFloat(at[1], 'f', -1, 64))
				b.WriteByte(']')
			}
			b.WriteByte(']')
		}
		b.WriteString("]}}")
		if i < len(a.Grids)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return b.Bytes(), nil
}
