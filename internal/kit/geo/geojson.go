package geo

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/paulmach/orb"

	"onegrid/internal/kit/fault"
)

var (
	// ErrJSON says that a text is not JSON, or not GeoJSON at all.
	ErrJSON = fault.New(fault.Invalid, "geo.bad_geojson")
	// ErrGeometry says that a feature's geometry is missing, is no polygon, or
	// has a ring or position that cannot be read.
	ErrGeometry = fault.New(fault.Invalid, "geo.bad_geometry")
	// ErrCRS says that a file declares coordinates that are neither WGS84 nor
	// CGCS2000 degrees.
	ErrCRS = fault.New(fault.Invalid, "geo.foreign_crs")
)

// Feature is one polygon or multipolygon of a GeoJSON file with its
// properties, as it stood there: not rounded, its datum not known. Err says
// why this one cannot be used; the others still can.
type Feature struct {
	Properties map[string]any
	Shape      orb.MultiPolygon
	Err        error
}

// Text gives a property that is a text, or the digits of a whole number.
func (f Feature) Text(name string) (string, bool) {
	switch v := f.Properties[name].(type) {
	case string:
		return strings.TrimSpace(v), true
	case json.Number:
		return v.String(), !strings.ContainsAny(v.String(), ".eE-")
	}
	return "", false
}

// ReadGeoJSON reads a FeatureCollection or a single Feature of polygons and
// multipolygons (RFC 7946). A text that is no GeoJSON, or declares a foreign
// coordinate system, is refused whole; a feature that cannot be used carries
// its own fault.
func ReadGeoJSON(text []byte) ([]Feature, error) {
	var top struct {
		Type     string            `json:"type"`
		Features []json.RawMessage `json:"features"`
		CRS      *struct {
			Properties struct {
				Name string `json:"name"`
			} `json:"properties"`
		} `json:"crs"`
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(text, &top); err != nil {
		return nil, notJSON(text, err)
	}
	if top.CRS != nil && !knownCRS(top.CRS.Properties.Name) {
		return nil, ErrCRS.With("crs", clip(top.CRS.Properties.Name))
	}
	switch top.Type {
	case "FeatureCollection":
	case "Feature":
		top.Features = []json.RawMessage{text}
	default:
		return nil, ErrJSON.With("why", "type "+clip(top.Type), "line", 1)
	}
	features := make([]Feature, len(top.Features))
	for i, raw := range top.Features {
		features[i] = readFeature(raw)
	}
	return features, nil
}

// knownCRS accepts the ways in which older files name longitude and latitude
// in WGS84 or CGCS2000.
func knownCRS(name string) bool {
	n := strings.ToUpper(name)
	for _, end := range []string{"CRS84", "4326", "4490"} {
		if strings.HasSuffix(n, end) {
			return true
		}
	}
	return false
}

// notJSON names the line at which reading failed.
func notJSON(text []byte, err error) error {
	at := int64(len(text))
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &shape):
		at = shape.Offset
	}
	at = max(0, min(at, int64(len(text))))
	return ErrJSON.With("line", 1+bytes.Count(text[:at], []byte("\n")), "why", err.Error())
}

func readFeature(raw []byte) Feature {
	var in struct {
		Type       string         `json:"type"`
		Properties map[string]any `json:"properties"`
		Geometry   *struct {
			Type        string          `json:"type"`
			Coordinates json.RawMessage `json:"coordinates"`
		} `json:"geometry"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // a code of fifteen digits must stay as it is written
	if err := d.Decode(&in); err != nil {
		return Feature{Err: ErrGeometry.With("why", err.Error())}
	}
	f := Feature{Properties: in.Properties}
	switch {
	case in.Type != "Feature":
		f.Err = ErrGeometry.With("why", "type "+clip(in.Type))
	case in.Geometry == nil:
		f.Err = ErrGeometry.With("why", "no geometry")
	default:
		f.Shape, f.Err = readGeometry(in.Geometry.Type, in.Geometry.Coordinates)
	}
	return f
}

// ReadGeometry reads a GeoJSON geometry that is a Polygon or MultiPolygon.
func ReadGeometry(raw []byte) (orb.MultiPolygon, error) {
	var in struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, ErrGeometry.With("why", err.Error())
	}
	return readGeometry(in.Type, in.Coordinates)
}

func readGeometry(kind string, raw []byte) (orb.MultiPolygon, error) {
	var polygons [][][][]float64
	var err error
	switch kind {
	case "MultiPolygon":
		err = json.Unmarshal(raw, &polygons)
	case "Polygon":
		var one [][][]float64
		err = json.Unmarshal(raw, &one)
		polygons = [][][][]float64{one}
	default:
		return nil, ErrGeometry.With("why", "geometry "+clip(kind))
	}
	if err != nil {
		return nil, ErrGeometry.With("why", err.Error())
	}
	if len(polygons) == 0 {
		return nil, ErrGeometry.With("why", "no polygon")
	}
	out := make(orb.MultiPolygon, len(polygons))
	for i, rings := range polygons {
		if len(rings) == 0 {
			return nil, ErrGeometry.With("why", "no ring")
		}
		for _, positions := range rings {
			ring := make(orb.Ring, len(positions))
			for j, c := range positions {
				if len(c) < 2 {
					return nil, ErrGeometry.With("why", "position without longitude and latitude")
				}
				ring[j] = orb.Point{c[0], c[1]}
				if err := Check(ring[j]); err != nil {
					return nil, err
				}
			}
			if len(ring) < 4 || ring[0] != ring[len(ring)-1] {
				return nil, ErrGeometry.With("why", "ring of fewer than four positions, or not closed")
			}
			out[i] = append(out[i], ring)
		}
	}
	return out, nil
}
