package smpp

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// The codings of a text (section 5.2.19).
const (
	Default byte = 0x00 // the centre's default alphabet: GSM 03.38, one character a byte
	UCS2    byte = 0x08 // two bytes a character, the highest first
)

// gsm is the default alphabet of GSM 03.38 in its order; 0x1B is the escape.
var gsm = []rune("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")

// gsmMore stand behind the escape and take two places.
var gsmMore = map[rune]byte{'\f': 0x0A, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2F, '[': 0x3C, '~': 0x3D, ']': 0x3E, '|': 0x40, '€': 0x65}

var gsmByte, gsmBack = func() (map[rune]byte, map[byte]rune) {
	to, back := map[rune]byte{}, map[byte]rune{}
	for i, r := range gsm {
		if r != '\x1b' {
			to[r] = byte(i)
		}
	}
	for r, b := range gsmMore {
		back[b] = r
	}
	return to, back
}()

// encodeGSM gives the text in the default alphabet, one unit a character; false
// when it has a character that is not in it.
func encodeGSM(s string) ([][]byte, bool) {
	var out [][]byte
	for _, r := range s {
		if b, ok := gsmByte[r]; ok {
			out = append(out, []byte{b})
		} else if b, ok := gsmMore[r]; ok {
			out = append(out, []byte{0x1B, b})
		} else {
			return nil, false
		}
	}
	return out, true
}

// encodeUCS2 gives the text as units of two bytes, pairs of four: a pair is
// never cut between two segments.
func encodeUCS2(s string) [][]byte {
	var out [][]byte
	for _, r := range s {
		var b []byte
		for _, u := range utf16.Encode([]rune{r}) {
			b = binary.BigEndian.AppendUint16(b, u)
		}
		out = append(out, b)
	}
	return out
}

// Room in bytes of one message and of a segment of a long one: 160 and 153
// characters of seven bits, 70 and 67 of two bytes.
var room = map[byte][2]int{Default: {160, 153}, UCS2: {140, 134}}

// MaxParts is how many segments the header can count.
const MaxParts = 255

// Split cuts a text into the segments that are sent, each with its user data
// header when there is more than one, and says how they are coded. reference
// ties the segments of one message together. A text of more than MaxParts
// segments is cut off.
func Split(s string, reference byte) (segments [][]byte, coding byte) {
	units, ok := encodeGSM(s)
	if !ok {
		coding, units = UCS2, encodeUCS2(s)
	}
	total := 0
	for _, u := range units {
		total += len(u)
	}
	if total <= room[coding][0] {
		return [][]byte{join(units)}, coding
	}
	var parts [][]byte
	var part []byte
	for _, u := range units {
		if len(part)+len(u) > room[coding][1] {
			parts = append(parts, part)
			part = nil
		}
		part = append(part, u...)
	}
	parts = append(parts, part)
	if len(parts) > MaxParts {
		parts = parts[:MaxParts]
	}
	for i, p := range parts {
		parts[i] = append([]byte{5, 0, 3, reference, byte(len(parts)), byte(i + 1)}, p...)
	}
	return parts, coding
}

func join(units [][]byte) []byte {
	var out []byte
	for _, u := range units {
		out = append(out, u...)
	}
	return out
}

// Segment is where a received text stands in a long one.
type Segment struct{ Reference, Total, Part byte }

// Decode gives the text of a message and, of a long one, which segment it is.
func (m *Message) Decode() (string, Segment, error) {
	raw := m.Text
	if len(m.Payload) > 0 {
		raw = m.Payload
	}
	var seg Segment
	if m.ESM&UDHI != 0 {
		if len(raw) == 0 || int(raw[0])+1 > len(raw) {
			return "", seg, ErrMalformed
		}
		header := raw[1 : int(raw[0])+1]
		raw = raw[int(raw[0])+1:]
		for len(header) >= 2 {
			n := int(header[1])
			if n+2 > len(header) {
				return "", seg, ErrMalformed
			}
			if header[0] == 0 && n == 3 {
				seg = Segment{header[2], header[3], header[4]}
			}
			header = header[n+2:]
		}
	}
	switch m.Coding {
	case Default:
		var b strings.Builder
		for i := 0; i < len(raw); i++ {
			switch c := raw[i]; {
			case c == 0x1B && i+1 < len(raw):
				i++
				if r, ok := gsmBack[raw[i]]; ok {
					b.WriteRune(r)
				} else {
					b.WriteByte(' ')
				}
			case int(c) < len(gsm) && c != 0x1B:
				b.WriteRune(gsm[c])
			default:
				b.WriteByte(' ')
			}
		}
		return b.String(), seg, nil
	case UCS2:
		if len(raw)%2 != 0 {
			return "", seg, ErrMalformed
		}
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(raw[2*i:])
		}
		return string(utf16.Decode(units)), seg, nil
	}
	return string(raw), seg, nil
}

// Report is what a delivery receipt says (appendix B of the norm).
type Report struct {
	ID    string // the centre's id of the message
	Final bool   // nothing more will come
	OK    bool   // it reached the telephone
	Stat  string // DELIVRD, EXPIRED, …
}

// states are the values of the optional parameter message_state.
var states = map[byte]string{1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD"}

// Report reads a delivery receipt: from the optional parameters where the
// centre sends them, else from the text "id:… stat:… err:…".
func (m *Message) Report() (Report, bool) {
	if !m.IsReceipt() {
		return Report{}, false
	}
	r := Report{ID: m.ReceiptedID, Stat: states[m.State]}
	if r.ID == "" || r.Stat == "" {
		text, _, err := m.Decode()
		if err != nil {
			return Report{}, false
		}
		if r.ID == "" {
			r.ID = field(text, "id:")
		}
		if r.Stat == "" {
			r.Stat = field(text, "stat:")
		}
	}
	r.OK = r.Stat == "DELIVRD"
	r.Final = r.OK || r.Stat == "EXPIRED" || r.Stat == "DELETED" || r.Stat == "UNDELIV" || r.Stat == "REJECTD" || r.Stat == "UNKNOWN"
	return r, r.ID != "" && r.Stat != ""
}

func field(text, name string) string {
	_, rest, ok := strings.Cut(text, name)
	if !ok {
		return ""
	}
	v, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	return v
}

// ReceiptText is the text of a delivery receipt, as centres write it.
func ReceiptText(id, stat, submitted, done string) string {
	ok := "000"
	if stat == "DELIVRD" {
		ok = "001"
	}
	return "id:" + id + " sub:001 dlvrd:" + ok + " submit date:" + submitted + " done date:" + done + " stat:" + stat + " err:000 text:"
}
