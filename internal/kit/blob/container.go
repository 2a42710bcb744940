package blob

import (
	"bytes"
	"encoding/binary"
)

// header is what the outside of a picture file says, before any pixel is
// decoded: which format it really is, how many pixels it claims, how much memory
// a pixel costs our decoder, and where the camera's facts stand.
type header struct {
	format        string // "jpeg", "png", "webp" or "gif"; "" for anything else
	width, height int64
	cost          int64 // bytes a pixel, decoder and scaled copies together
	exif          []byte
}

// The costs are measured upper bounds: what Go's decoders allocate for a pixel
// of that kind, plus the first halved copy.
const (
	costBaseline    = 5  // three bytes at most, and the copy
	costCMYK        = 6  // four bytes
	costProgressive = 18 // coefficients of three components are kept in 32 bits
	costPNG         = 6
	costPNGDeep     = 10 // 16 bits a sample
	costInterlaced  = 2  // times: each pass is a picture of its own
	costWebP        = 10
	costGIF         = 3

	maxSegments = 4096
)

// readHeader looks at the outside of a file.
func readHeader(b []byte) header {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}):
		return jpegHeader(b)
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return pngHeader(b)
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return webpHeader(b)
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		if len(b) < 10 {
			return header{}
		}
		return header{format: "gif", cost: costGIF,
			width: int64(binary.LittleEndian.Uint16(b[6:])), height: int64(binary.LittleEndian.Uint16(b[8:]))}
	default:
		return header{}
	}
}

func jpegHeader(b []byte) header {
	h := header{format: "jpeg", cost: costBaseline}
	at := 2
	for range maxSegments {
		for at < len(b) && b[at] != 0xff { // stray bytes between segments, as the decoder allows
			at++
		}
		for at < len(b) && b[at] == 0xff {
			at++
		}
		if at+3 > len(b) {
			return h
		}
		marker := b[at]
		at++
		if marker == 0xd8 || marker >= 0xd0 && marker <= 0xd7 || marker == 0x01 || marker == 0 {
			continue // no length follows
		}
		size := int(binary.BigEndian.Uint16(b[at:]))
		if size < 2 || at+size > len(b) {
			return h
		}
		body := b[at+2 : at+size]
		switch {
		case marker == 0xda || marker == 0xd9:
			return h // the pixels begin
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc && len(body) >= 6:
			h.height = max(h.height, int64(binary.BigEndian.Uint16(body[1:])))
			h.width = max(h.width, int64(binary.BigEndian.Uint16(body[3:])))
			if body[5] == 4 {
				h.cost = max(h.cost, costCMYK)
			}
			if marker == 0xc2 {
				h.cost = costProgressive + int64(body[5]/4)*costCMYK
			}
		case marker == 0xe1 && h.exif == nil && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
			h.exif = body
		}
		at += size
	}
	return h
}

func pngHeader(b []byte) header {
	h := header{format: "png", cost: costPNG}
	at := 8
	for range maxSegments {
		if at+12 > len(b) {
			return h
		}
		size := int64(binary.BigEndian.Uint32(b[at:]))
		kind := string(b[at+4 : at+8])
		if size > int64(len(b)-at-12) {
			return h
		}
		body := b[at+8 : at+8+int(size)]
		switch kind {
		case "IHDR":
			if size < 13 {
				return header{}
			}
			h.width, h.height = int64(binary.BigEndian.Uint32(body)), int64(binary.BigEndian.Uint32(body[4:]))
			if body[8] == 16 {
				h.cost = costPNGDeep
			}
			if body[12] != 0 {
				h.cost *= costInterlaced
			}
		case "eXIf":
			if h.exif == nil {
				h.exif = body
			}
		case "IEND":
			return h
		}
		at += int(size) + 12
	}
	return h
}

// webpHeader takes the largest of the canvas and of every frame inside: the
// decoder allocates for the frame, whatever the canvas says.
func webpHeader(b []byte) header {
	h := header{format: "webp", cost: costWebP}
	at := 12
	for range maxSegments {
		if at+8 > len(b) {
			return h
		}
		kind := string(b[at : at+4])
		size := int64(binary.LittleEndian.Uint32(b[at+4:]))
		body := b[at+8:]
		if size < int64(len(body)) {
			body = body[:size]
		}
		w, ht := int64(0), int64(0)
		switch {
		case kind == "VP8X" && len(body) >= 10:
			w, ht = 1+int64(u24(body[4:])), 1+int64(u24(body[7:]))
		case kind == "VP8 " && len(body) >= 10:
			w, ht = int64(binary.LittleEndian.Uint16(body[6:])&0x3fff), int64(binary.LittleEndian.Uint16(body[8:])&0x3fff)
		case kind == "VP8L" && len(body) >= 5:
			v := binary.LittleEndian.Uint32(body[1:])
			w, ht = 1+int64(v&0x3fff), 1+int64(v>>14&0x3fff)
		case kind == "EXIF" && h.exif == nil:
			h.exif = body
		}
		h.width, h.height = max(h.width, w), max(h.height, ht)
		next := int64(at) + 8 + size + size&1
		if next > int64(len(b)) {
			return h
		}
		at = int(next)
	}
	return h
}

func u24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }
