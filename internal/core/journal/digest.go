package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"onegrid/internal/kit/id"
)

// The first byte of what is hashed keeps leaves, nodes and seals apart, so that
// none can stand for another.
const (
	leafMark = 0x00
	nodeMark = 0x01
	sealMark = 0x02
	bodyMark = 0x03
)

// bodyDigest is what an entry keeps of its body: without the 32 random bytes
// nobody can find the content by guessing.
func bodyDigest(salt, content []byte) []byte {
	b := make([]byte, 0, 1+len(salt)+len(content))
	b = append(append(append(b, bodyMark), salt...), content...)
	sum := sha256.Sum256(b)
	return sum[:]
}

// row is an entry as it is stored, the form that digests cover.
type row struct {
	number             int64
	id                 id.ID
	kind               string
	subject, caseID    id.ID
	person, post, for_ id.ID
	via                string
	occurred, recorded int64
	version            int64
	sight              string
	before             string
	hasBefore          bool
	class              string
	facts              string
	digest             []byte
}

// leaf is the entry's digest: everything but its number, which is not known
// while the command runs and which the seal covers.
func (r *row) leaf(b []byte) ([32]byte, []byte) {
	b = append(b[:0], leafMark)
	for _, v := range [...]id.ID{r.id, r.subject, r.caseID, r.person, r.post, r.for_} {
		b = append(b, v[:]...)
	}
	for _, n := range [...]int64{r.occurred, r.recorded, r.version} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, s := range [...]string{r.kind, r.via, r.sight, r.class, r.facts} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	if r.hasBefore {
		b = append(b, 1)
		b = binary.BigEndian.AppendUint32(b, uint32(len(r.before)))
		b = append(b, r.before...)
	} else {
		b = append(b, 0)
	}
	b = append(b, byte(len(r.digest)))
	b = append(b, r.digest...)
	return sha256.Sum256(b), b
}

// merkle is the root over the leaves; an odd one at the end of a level rises.
func merkle(level [][32]byte) [32]byte {
	if len(level) == 0 {
		return sha256.Sum256([]byte{nodeMark})
	}
	var b [65]byte
	b[0] = nodeMark
	for len(level) > 1 {
		next := level[:0]
		for i := 0; i < len(level); i += 2 {
			if i+1 == len(level) {
				next = append(next, level[i])
				continue
			}
			copy(b[1:], level[i][:])
			copy(b[33:], level[i+1][:])
			next = append(next, sha256.Sum256(b[:]))
		}
		level = next
	}
	return level[0]
}

// sealHash chains a group to all groups before it.
func sealHash(previous []byte, first, count int64, root []byte) []byte {
	b := append(make([]byte, 0, 96), sealMark)
	b = append(b, byte(len(previous)))
	b = append(b, previous...)
	b = binary.BigEndian.AppendUint64(b, uint64(first))
	b = binary.BigEndian.AppendUint64(b, uint64(count))
	b = append(b, root...)
	sum := sha256.Sum256(b)
	return sum[:]
}

// appendSight writes a Sight as encoding/json would, without its reflection:
// every command writes one or two.
func appendSight(b []byte, s *Sight) []byte {
	b = append(b, '{')
	key := func(name string) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), `":`...)
	}
	one := func(name string, v id.ID) {
		if !v.IsZero() {
			key(name)
			b = append(append(append(b, '"'), v.String()...), '"')
		}
	}
	many := func(name string, vs []id.ID) {
		if len(vs) == 0 {
			return
		}
		key(name)
		b = append(b, '[')
		for i, v := range vs {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, '"'), v.String()...), '"')
		}
		b = append(b, ']')
	}
	one("hub_id", s.Hub)
	one("street_id", s.Street)
	one("platform_id", s.Platform)
	one("grid_id", s.Grid)
	one("micro_id", s.Micro)
	one("department_id", s.Department)
	many("posts", s.Posts)
	many("persons", s.Persons)
	if s.Secrecy != 0 {
		key("secrecy")
		b = strconv.AppendInt(b, int64(s.Secrecy), 10)
	}
	if s.Public {
		key("public")
		b = append(b, "true"...)
	}
	return append(b, '}')
}

// sightText is a Sight as it is stored. Posts and persons come in one order,
// so that the same sight is the same text.
func sightText(s *Sight, b []byte) (string, []byte) {
	byID := func(v, w id.ID) int { return v.Compare(w) }
	c := *s
	if !slices.IsSortedFunc(c.Posts, byID) {
		c.Posts = slices.SortedFunc(slices.Values(c.Posts), byID)
	}
	if !slices.IsSortedFunc(c.Persons, byID) {
		c.Persons = slices.SortedFunc(slices.Values(c.Persons), byID)
	}
	b = appendSight(b[:0], &c)
	return string(b), b
}

// readSight reads what sightText wrote: the feed and every follower of the journal
// read one or two for each entry, so its own form is read without reflection.
func readSight(text string) (Sight, error) {
	if s, ok := parseSight(text); ok {
		return s, nil
	}
	var s Sight
	err := json.Unmarshal([]byte(text), &s)
	return s, err
}

// parseSight reads exactly the form of appendSight; false for any other.
func parseSight(text string) (s Sight, ok bool) {
	rest, ok := strings.CutPrefix(text, "{")
	for first := true; ok && rest != "}"; first = false {
		if !first {
			if rest, ok = strings.CutPrefix(rest, ","); !ok {
				return s, false
			}
		}
		var name string
		if name, rest, ok = strings.Cut(rest, ":"); !ok {
			return s, false
		}
		switch name {
		case `"hub_id"`:
			rest, ok = cutID(rest, &s.Hub)
		case `"street_id"`:
			rest, ok = cutID(rest, &s.Street)
		case `"platform_id"`:
			rest, ok = cutID(rest, &s.Platform)
		case `"grid_id"`:
			rest, ok = cutID(rest, &s.Grid)
		case `"micro_id"`:
			rest, ok = cutID(rest, &s.Micro)
		case `"department_id"`:
			rest, ok = cutID(rest, &s.Department)
		case `"posts"`:
			rest, ok = cutIDs(rest, &s.Posts)
		case `"persons"`:
			rest, ok = cutIDs(rest, &s.Persons)
		case `"secrecy"`:
			if rest == "" || rest[0] < '1' || rest[0] > '9' {
				return s, false
			}
			s.Secrecy, rest = Secrecy(rest[0]-'0'), rest[1:]
		case `"public"`:
			s.Public = true
			rest, ok = strings.CutPrefix(rest, "true")
		default:
			return s, false
		}
	}
	return s, ok
}

// cutID reads one id in quotes.
func cutID(text string, into *id.ID) (rest string, ok bool) {
	if len(text) < 38 || text[0] != '"' || text[37] != '"' {
		return text, false
	}
	v, err := id.Parse(text[1:37])
	*into = v
	return text[38:], err == nil
}

func cutIDs(text string, into *[]id.ID) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(text, "[")
	for ok && !strings.HasPrefix(rest, "]") {
		if len(*into) > 0 {
			if rest, ok = strings.CutPrefix(rest, ","); !ok {
				return rest, false
			}
		}
		var v id.ID
		if rest, ok = cutID(rest, &v); ok {
			*into = append(*into, v)
		}
	}
	if !ok {
		return rest, false
	}
	return strings.CutPrefix(rest, "]")
}
