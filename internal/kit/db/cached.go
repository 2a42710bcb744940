package db

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"onegrid/internal/kit/id"
)

const slogError = slog.LevelError

func panicAttr(p any) slog.Attr { return slog.String("panic", fmt.Sprint(p)) }

// Cached is a value computed from a room's tables and kept until the room's
// version moves. One statement per transaction reads all rooms' versions.
//
// A value that was computed from a version which is not committed yet stays
// inside its group: the shared one can never hold what was rolled back.
type Cached[T any] struct {
	room string
	load func(tx *Tx) (T, error)

	mu    sync.Mutex // one transaction computes, the others wait for it
	value atomic.Pointer[versioned[T]]
}

type versioned[T any] struct {
	version id.ID
	value   T
}

// NewCached says how to compute a value from a room's tables.
func NewCached[T any](room string, load func(tx *Tx) (T, error)) *Cached[T] {
	return &Cached[T]{room: room, load: load}
}

// Get gives the value as this transaction sees the room; treat it as immutable.
func (c *Cached[T]) Get(tx *Tx) (T, error) {
	var zero T
	if v, dirty := tx.group.dirty[c.room]; dirty {
		return c.own(tx, v)
	}
	version, err := tx.version(c.room)
	if err != nil {
		return zero, err
	}
	if v := c.value.Load(); v != nil && v.version == version {
		return v.value, nil
	}
	if v, ok := tx.group.local[c].(versioned[T]); ok && v.version == version {
		return v.value, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.value.Load(); v != nil && v.version == version {
		return v.value, nil
	}
	for {
		value, err := c.load(tx)
		if err != nil {
			return zero, err
		}
		if tx.write && tx.Engine() == Postgres {
			// A PostgreSQL writer reads what others commit meanwhile: the value
			// belongs to the version only if that stood still.
			tx.group.rooms = nil
			after, err := tx.version(c.room)
			if err != nil {
				return zero, err
			}
			if after != version {
				version = after
				continue
			}
		}
		v := versioned[T]{version, value}
		tx.keep(c, v)
		c.value.Store(&v)
		return value, nil
	}
}

// own computes the value from a version that only this group has.
func (c *Cached[T]) own(tx *Tx, version id.ID) (T, error) {
	if v, ok := tx.group.local[c].(versioned[T]); ok && v.version == version {
		return v.value, nil
	}
	value, err := c.load(tx)
	if err == nil {
		tx.keep(c, versioned[T]{version, value})
	}
	return value, err
}

func (t *Tx) keep(key, value any) {
	if t.group.local == nil {
		t.group.local = map[any]any{}
	}
	t.group.local[key] = value
}

// RoomVersions are the committed versions of all rooms' tables at one instant.
type RoomVersions struct {
	text  string // as it was read: the same text is the same versions
	rooms map[string]id.ID
}

// At gives the shared value if it is of these versions: for whoever looked at
// the versions without a transaction (DB.RoomVersions).
func (c *Cached[T]) At(v *RoomVersions) (T, bool) {
	held := c.value.Load()
	if held == nil || held.version != v.rooms[c.room] {
		var zero T
		return zero, false
	}
	return held.value, true
}

// readVersions reads all versions as one text, "name hex,name hex": one row, and
// nothing to take apart as long as it is the text of the last time.
var readVersions = map[Engine]string{
	SQLite:   `SELECT group_concat(name || ' ' || hex(version), ',') FROM db_room`,
	Postgres: `SELECT string_agg(name || ' ' || encode(version, 'hex'), ',') FROM db_room`,
}

// versionsOf takes the text apart, if it is not the one that was last read.
func (d *DB) versionsOf(text string) (*RoomVersions, error) {
	if v := d.versions.Load(); v != nil && v.text == text {
		return v, nil
	}
	v := &RoomVersions{text: text, rooms: map[string]id.ID{}}
	for one := range strings.SplitSeq(text, ",") {
		name, version, ok := strings.Cut(one, " ")
		if !ok {
			continue // nothing was ever written
		}
		raw, err := hex.DecodeString(version)
		if err != nil || len(raw) != len(id.ID{}) {
			return nil, fmt.Errorf("the version of %s can't be read", name)
		}
		v.rooms[name] = id.ID(raw)
	}
	d.versions.Store(v)
	return v, nil
}

// version is the committed version of a room's tables as this transaction sees
// it; zero when nothing was ever written there.
func (t *Tx) version(room string) (id.ID, error) {
	g := t.group
	if g.rooms != nil && (!t.write || g.bumps == t.db.bumps.Load()) {
		return g.rooms.rooms[room], nil
	}
	bumps := t.db.bumps.Load()
	var text string
	err := t.Row(readVersions[t.db.engine]).Scan(Text(&text))
	if err == nil {
		g.rooms, err = t.db.versionsOf(text)
	}
	if err != nil {
		return id.ID{}, fmt.Errorf("read the rooms' versions: %w", err)
	}
	g.bumps = bumps
	return g.rooms.rooms[room], nil
}

// Bump says that a room's tables change in this transaction. Every write to
// tables from which something is Cached calls it.
func Bump(tx *Tx, room string) error {
	version := tx.NewID()
	copy(version[:6], tx.Random(6)) // nothing but random: the version says no time
	if _, err := tx.Exec(`INSERT INTO db_room (name, version) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET version = excluded.version`, room, version); err != nil {
		return fmt.Errorf("bump %s: %w", room, err)
	}
	g := tx.group
	if g.dirty == nil {
		g.dirty = map[string]id.ID{}
	}
	before, was := g.dirty[room]
	tx.bumped = append(tx.bumped, bumped{room, before, was})
	g.dirty[room] = version
	return nil
}

// bumped remembers a room's uncommitted version before a bump.
type bumped struct {
	room   string
	before id.ID
	was    bool
}

// unbump takes back the bumps of what is being rolled back.
func (t *Tx) unbump(to int) {
	for i := len(t.bumped) - 1; i >= to; i-- {
		b := t.bumped[i]
		if b.was {
			t.group.dirty[b.room] = b.before
		} else {
			delete(t.group.dirty, b.room)
		}
	}
	if len(t.bumped) > to {
		t.group.rooms = nil // read while the bump stood there, perhaps: it may show its version or miss the one before
	}
	t.bumped = t.bumped[:to]
}
