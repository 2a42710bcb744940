package catalog

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

//go:embed migrations
var migrations embed.FS

// Words holds the texts this room says itself.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

const room = "catalog"

// Room is the catalogue's part of the schema.
func Room() db.Room { return db.RoomOf(room, migrations) }

// stored is one version of an item as it lies in the table.
type stored struct {
	id    id.ID
	item  Item
	acted journal.By // who made this version
}

const itemColumns = `id, key, version, status, from_at, until_at, content, acted`

func scanItem(scan func(...any) error) (stored, error) {
	var s stored
	var key, status string
	var number int64
	var from, until time.Time
	if err := scan(&s.id, &key, &number, &status, db.Time(&from), db.Time(&until), db.ScanJSON(&s.item), db.ScanJSON(&s.acted)); err != nil {
		return s, err
	}
	a := &s.item.Admission
	s.item.Key, a.Version, a.Status, a.From, a.Until = key, number, status, from, until
	return s, nil
}

func insertItem(tx *db.Tx, s stored) error {
	a := s.item.Admission
	_, err := tx.Exec(`INSERT INTO catalog_item (`+itemColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		s.id, s.item.Key, a.Version, a.Status, db.Millis(a.From), db.Millis(a.Until), db.JSON(s.item), db.JSON(s.acted))
	if db.Unique(err) {
		return ErrItemChanged.With("item", s.item.Key)
	}
	if err != nil {
		return fmt.Errorf("write item %s: %w", s.item.Key, err)
	}
	return db.Bump(tx, room)
}

// newest is the last version of an item, whatever its status.
func newest(tx *db.Tx, key string) (stored, error) {
	s, err := scanItem(tx.Row(`SELECT `+itemColumns+` FROM catalog_item WHERE key = $1 ORDER BY version DESC LIMIT 1`, key).Scan)
	if errors.Is(err, db.ErrNoRows) {
		return s, ErrItem.With("item", clip(key))
	}
	if err != nil {
		return s, fmt.Errorf("read item %s: %w", key, err)
	}
	return s, nil
}

// Entry is one row of what all items share, for those who edit it (字典条目).
type Entry struct {
	Kind    string          `json:"kind"`
	Key     string          `json:"key"`
	Version int64           `json:"version"`
	Content json.RawMessage `json:"content"`

	id    id.ID
	place int64
}

func readEntries(tx *db.Tx) ([]Entry, error) {
	rows, err := tx.Query(`SELECT kind, key, id, place, version, content FROM catalog_entry ORDER BY kind, place, key`)
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Kind, &e.Key, &e.id, &e.place, &e.Version, db.ScanJSON(&e.Content)); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

func insertEntry(tx *db.Tx, e Entry) error {
	if _, err := tx.Exec(`INSERT INTO catalog_entry (kind, key, id, place, version, content) VALUES ($1, $2, $3, $4, $5, $6)`,
		e.Kind, e.Key, e.id, e.place, e.Version, e.Content); err != nil {
		return fmt.Errorf("write %s %s: %w", e.Kind, e.Key, err)
	}
	return db.Bump(tx, room)
}

func updateEntry(tx *db.Tx, e Entry) error {
	n, err := tx.Exec(`UPDATE catalog_entry SET content = $1, version = version + 1 WHERE kind = $2 AND key = $3 AND version = $4`,
		e.Content, e.Kind, e.Key, e.Version)
	if err != nil {
		return fmt.Errorf("write %s %s: %w", e.Kind, e.Key, err)
	}
	if n == 0 {
		return ErrEntryChanged.With("key", e.Key)
	}
	return db.Bump(tx, room)
}

// load reads the whole register.
func load(tx *db.Tx) (*Snapshot, error) {
	rows, err := tx.Query(`SELECT ` + itemColumns + ` FROM catalog_item ORDER BY key, version`)
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	defer rows.Close()
	var items []Item
	for rows.Next() {
		s, err := scanItem(rows.Scan)
		if err != nil {
			return nil, err
		}
		items = append(items, s.item)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	entries, err := readEntries(tx)
	if err != nil {
		return nil, err
	}
	shared, err := join(entries)
	if err != nil {
		return nil, err
	}
	return NewSnapshot(items, shared), nil
}

// Kinds of entries. A dictionary's terms are of kind "term.<dictionary>".
const (
	kindFunction   = "function"
	kindKind       = "reason_kind"
	kindEffect     = "clock_effect"
	kindReason     = "reason"
	kindStage      = "stage"
	kindFlow       = "flow"
	kindOwner      = "owner"
	kindStageClock = "stage_clock"
	kindWarn       = "warn"
	kindTerm       = "term."
)

// join builds what items share from its rows.
func join(entries []Entry) (Shared, error) {
	s := Shared{Dictionaries: map[string][]Term{}}
	for _, e := range entries {
		var err error
		switch {
		case e.Kind == kindFunction:
			err = add(&s.Functions, e)
		case e.Kind == kindKind:
			err = add(&s.Kinds, e)
		case e.Kind == kindEffect:
			err = add(&s.ClockEffects, e)
		case e.Kind == kindReason:
			err = add(&s.Reasons, e)
		case e.Kind == kindStage:
			err = add(&s.Stages, e)
		case e.Kind == kindFlow:
			err = add(&s.Flows, e)
		case e.Kind == kindOwner:
			err = add(&s.Owners, e)
		case e.Kind == kindStageClock:
			err = add(&s.StageClocks, e)
		case e.Kind == kindWarn:
			err = json.Unmarshal(e.Content, &s.Warn)
		case strings.HasPrefix(e.Kind, kindTerm):
			name := strings.TrimPrefix(e.Kind, kindTerm)
			terms := s.Dictionaries[name]
			if err = add(&terms, e); err == nil {
				s.Dictionaries[name] = terms
			}
		default:
			err = errors.New("unknown kind")
		}
		if err != nil {
			return s, fmt.Errorf("read %s %s: %w", e.Kind, e.Key, err)
		}
	}
	return s, nil
}

func add[T any](list *[]T, e Entry) error {
	var v T
	if err := json.Unmarshal(e.Content, &v); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

// split is join the other way: the rows of what items share.
func split(s Shared) ([]Entry, error) {
	var out []Entry
	var first error
	put := func(kind, key string, v any) {
		raw, err := json.Marshal(v)
		if err != nil && first == nil {
			first = err
		}
		out = append(out, Entry{Kind: kind, Key: key, Version: 1, Content: raw, place: int64(len(out))})
	}
	for _, v := range s.Functions {
		put(kindFunction, v.Key, v)
	}
	for _, v := range s.Kinds {
		put(kindKind, v.Key, v)
	}
	for _, v := range s.ClockEffects {
		put(kindEffect, v.Key, v)
	}
	for _, v := range s.Reasons {
		put(kindReason, v.Key, v)
	}
	for _, v := range s.Stages {
		put(kindStage, v.Key, v)
	}
	for _, v := range s.Flows {
		put(kindFlow, v.Key, v)
	}
	for _, v := range s.Owners {
		put(kindOwner, v.Key, v)
	}
	for _, v := range s.StageClocks {
		put(kindStageClock, v.Key, v)
	}
	put(kindWarn, kindWarn, s.Warn)
	for name, terms := range s.Dictionaries {
		for _, v := range terms {
			put(kindTerm+name, v.Key, v)
		}
	}
	return out, first
}
