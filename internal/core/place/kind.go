package place

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// LoadKinds reads the kinds that ship (data/defaults/places.json).
func LoadKinds(files fs.FS) ([]Kind, error) {
	raw, err := fs.ReadFile(files, "defaults/places.json")
	if err != nil {
		return nil, err
	}
	var file struct {
		Kinds []Kind `json:"kinds"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("defaults/places.json: %w", err)
	}
	for i := range file.Kinds {
		file.Kinds[i].Ships = true
	}
	return file.Kinds, nil
}

// kinds are all kinds at one version of the table.
type kinds struct {
	list  []Kind // addresses by rank, then facilities as they ship, then the office's own by key
	byKey map[string]int
	rows  map[string]id.ID
}

func (k *kinds) get(key string) (Kind, bool) {
	if i, ok := k.byKey[key]; ok {
		return k.list[i], true
	}
	return Kind{}, false
}

// named finds a kind by its key or by its name in either language.
func (k *kinds) named(s string) (Kind, bool) {
	if found, ok := k.get(s); ok {
		return found, true
	}
	for _, one := range k.list {
		if one.Name.Chinese == s || strings.EqualFold(one.Name.English, s) {
			return one, true
		}
	}
	return Kind{}, false
}

// kindsRoom is the version of the kinds alone, so that a changed address does
// not read them again.
const kindsRoom = "place.kinds"

func cacheKinds(ships []Kind) *db.Cached[*kinds] {
	return db.NewCached(kindsRoom, func(tx *db.Tx) (*kinds, error) {
		stored, err := readKinds(tx)
		if err != nil {
			return nil, err
		}
		k := &kinds{list: slices.Clone(ships), byKey: map[string]int{}, rows: map[string]id.ID{}}
		for i, one := range k.list {
			k.byKey[one.Key] = i
		}
		for _, s := range stored {
			k.rows[s.kind.Key] = s.id
			s.kind.Version = s.version
			if i, ok := k.byKey[s.kind.Key]; ok {
				s.kind.Ships = true
				k.list[i] = s.kind
				continue
			}
			k.byKey[s.kind.Key] = len(k.list)
			k.list = append(k.list, s.kind)
		}
		return k, nil
	})
}

// Kinds lists all kinds.
func (p *Places) Kinds(tx *db.Tx) ([]Kind, error) {
	k, err := p.kinds.Get(tx)
	if err != nil {
		return nil, err
	}
	return k.list, nil
}

// KindEdit is what may be set of a kind.
type KindEdit struct {
	Name   words.Text `json:"name"`
	Home   bool       `json:"home,omitempty"`
	Public bool       `json:"public,omitempty"`
	Desk   bool       `json:"desk,omitempty"`
	Ended  bool       `json:"ended,omitempty"`
}

var goodKey = regexp.MustCompile(`^[a-z][a-z0-9_]{1,39}$`)

// SetKind adds a kind of facilities or changes a kind: its words and who sees
// it. match is the version the caller knew, or 0. Permission place.edit in the
// whole district. Codes: place.invalid, place.changed.
func (p *Places) SetKind(tx *db.Tx, by journal.Who, key string, match int64, in KindEdit) (Kind, error) {
	units, err := p.org.Snapshot(tx)
	if err != nil {
		return Kind{}, err
	}
	at := journal.Sight{Nodes: units.Nodes(id.ID{})}
	if err := by.Check(permEdit, at); err != nil {
		return Kind{}, err
	}
	known, err := p.kinds.Get(tx)
	if err != nil {
		return Kind{}, err
	}
	f := ErrInvalid
	if !goodKey.MatchString(key) {
		f = f.At("path.key", "place.bad_key")
	}
	in.Name.Chinese, in.Name.English = strings.TrimSpace(in.Name.Chinese), strings.TrimSpace(in.Name.English)
	for path, n := range map[string]string{"body.name.zh-CN": in.Name.Chinese, "body.name.en": in.Name.English} {
		if n == "" || utf8.RuneCountInString(n) > maxName {
			f = f.At(path, "place.bad_name", "longest", maxName)
		}
	}
	if len(f.Where) > 0 {
		return Kind{}, f
	}
	k, was := known.get(key)
	if match != 0 && match != k.Version {
		return Kind{}, ErrChanged.With("version", k.Version)
	}
	if !was {
		k = Kind{Key: key, Class: Facility}
	}
	k.Name, k.Home, k.Public, k.Desk, k.Ended = in.Name, in.Home, in.Public, in.Desk, in.Ended
	k.Version++
	row, stored := known.rows[key]
	if !stored {
		row = tx.NewID()
	}
	if err := putKind(tx, row, k, stored); err != nil {
		return Kind{}, err
	}
	journal.Add(tx, journal.Entry{Kind: "place.kind", Subject: row, By: by.By(), Sight: at, Class: class, Version: k.Version, Body: k})
	if err := db.Bump(tx, kindsRoom); err != nil {
		return Kind{}, err
	}
	return k, nil
}
