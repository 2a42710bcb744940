package blob

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"time"
)

// The facts that a camera writes into a picture, read without trust: every
// offset is checked, every loop is bounded, and anything odd is "not known".
// Tags after the EXIF 2.32 standard (CIPA DC-008).
const (
	tagOrientation = 0x0112
	tagDateTime    = 0x0132
	tagExif        = 0x8769
	tagGPS         = 0x8825
	tagTaken       = 0x9003
	tagOffset      = 0x9011

	gpsLatitudeRef  = 1
	gpsLatitude     = 2
	gpsLongitudeRef = 3
	gpsLongitude    = 4

	maxEntries = 256
)

// Position is where a picture was taken, as its camera says (WGS84).
type Position struct {
	Lon float64 `json:"lon"`
	Lat float64 `json:"lat"`
}

// exif is what we read out of a picture.
type exif struct {
	orientation int       // 1 to 8
	taken       time.Time // zero: not known
	position    *Position
}

// tiff is an EXIF block: a small TIFF file.
type tiff struct {
	data  []byte
	order binary.ByteOrder
}

// entry is one fact of a TIFF directory.
type entry struct {
	kind  uint16
	count uint32
	value []byte // as long as kind and count say
}

var sizes = map[uint16]uint32{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}

// readExif reads an EXIF block; zone is meant when the camera names none.
func readExif(data []byte, zone *time.Location) exif {
	e := exif{orientation: 1}
	data = bytes.TrimPrefix(data, []byte("Exif\x00\x00"))
	if len(data) < 8 {
		return e
	}
	t := tiff{data: data}
	switch string(data[:4]) {
	case "II*\x00":
		t.order = binary.LittleEndian
	case "MM\x00*":
		t.order = binary.BigEndian
	default:
		return e
	}
	main := t.directory(t.order.Uint32(data[4:]))
	if o, ok := t.number(main[tagOrientation]); ok && o >= 1 && o <= 8 {
		e.orientation = int(o)
	}
	detail := map[uint16]entry{}
	if at, ok := t.number(main[tagExif]); ok {
		detail = t.directory(at)
	}
	when := text(detail[tagTaken])
	if when == "" {
		when = text(main[tagDateTime])
	}
	e.taken = takenAt(when, text(detail[tagOffset]), zone)
	if at, ok := t.number(main[tagGPS]); ok {
		e.position = t.position(t.directory(at))
	}
	return e
}

// directory reads the facts of one directory.
func (t tiff) directory(at uint32) map[uint16]entry {
	facts := map[uint16]entry{}
	if uint64(at)+2 > uint64(len(t.data)) {
		return facts
	}
	n := min(int(t.order.Uint16(t.data[at:])), maxEntries)
	for i := range n {
		p := uint64(at) + 2 + uint64(i)*12
		if p+12 > uint64(len(t.data)) {
			return facts
		}
		raw := t.data[p : p+12]
		e := entry{kind: t.order.Uint16(raw[2:]), count: t.order.Uint32(raw[4:])}
		size := uint64(sizes[e.kind]) * uint64(e.count)
		switch {
		case size == 0 || size > 1<<12:
			continue
		case size <= 4:
			e.value = raw[8 : 8+size]
		default:
			from := uint64(t.order.Uint32(raw[8:]))
			if from+size > uint64(len(t.data)) {
				continue
			}
			e.value = t.data[from : from+size]
		}
		facts[t.order.Uint16(raw)] = e
	}
	return facts
}

func (t tiff) number(e entry) (uint32, bool) {
	switch {
	case e.kind == 3 && len(e.value) >= 2:
		return uint32(t.order.Uint16(e.value)), true
	case e.kind == 4 && len(e.value) >= 4:
		return t.order.Uint32(e.value), true
	default:
		return 0, false
	}
}

func text(e entry) string {
	if e.kind != 2 {
		return ""
	}
	s, _, _ := strings.Cut(string(e.value), "\x00")
	return strings.TrimSpace(s)
}

func takenAt(when, offset string, zone *time.Location) time.Time {
	const form = "2006:01:02 15:04:05"
	if offset != "" {
		if at, err := time.Parse(form+"-07:00", when+offset); err == nil {
			return at
		}
	}
	at, err := time.ParseInLocation(form, when, zone)
	if err != nil {
		return time.Time{}
	}
	return at
}

func (t tiff) position(gps map[uint16]entry) *Position {
	lat, ok := t.degrees(gps[gpsLatitude])
	lon, ok2 := t.degrees(gps[gpsLongitude])
	if !ok || !ok2 || lat > 90 || lon > 180 {
		return nil
	}
	switch text(gps[gpsLatitudeRef]) {
	case "S":
		lat = -lat
	case "N":
	default:
		return nil
	}
	switch text(gps[gpsLongitudeRef]) {
	case "W":
		lon = -lon
	case "E":
	default:
		return nil
	}
	if lat == 0 && lon == 0 { // a camera without a fix
		return nil
	}
	return &Position{Lon: lon, Lat: lat}
}

// degrees reads degrees, minutes and seconds, each a fraction.
func (t tiff) degrees(e entry) (float64, bool) {
	if e.kind != 5 || len(e.value) < 24 {
		return 0, false
	}
	sum := 0.0
	for i, part := range []float64{1, 60, 3600} {
		over, under := t.order.Uint32(e.value[8*i:]), t.order.Uint32(e.value[8*i+4:])
		if under == 0 {
			return 0, false
		}
		v := float64(over) / float64(under)
		if i > 0 && v > 60 {
			return 0, false
		}
		sum += v / part
	}
	return sum, !math.IsNaN(sum) && !math.IsInf(sum, 0)
}
