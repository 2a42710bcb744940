package journal

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"

	"onegrid/internal/kit/db"
)

// sightMark begins the key of a sight; a text begins with a brace.
const sightMark = "@"

// sightKey names a sight's text. Twelve bytes of its hash: two texts of one key
// are not to be expected among 2^40.
func sightKey(text string) string {
	sum := sha256.Sum256([]byte(text))
	return sightMark + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// sightsKept bounds the sights that a process remembers.
const sightsKept = 1 << 16

// knownSights are sights that a committed transaction has written.
type knownSights struct {
	mu   sync.Mutex
	keys map[string]string // text -> key
}

func (k *knownSights) key(text string) (string, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.keys[text]
	return key, ok
}

func (k *knownSights) learn(text, key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil || len(k.keys) >= sightsKept {
		k.keys = map[string]string{}
	}
	k.keys[text] = key
}

var sightTable = db.NewTable("journal_sight", "key", "sight")

// nameSights gives the keys of texts by text and writes those that are new. The head
// of the journal must be locked: nobody else writes any then. What this
// transaction writes is not remembered, since it may be rolled back; it is found
// in the table the next time.
func (k *knownSights) nameSights(tx *db.Tx, texts []string) (map[string]string, error) {
	keys := make(map[string]string, len(texts))
	byKey := map[string]string{}
	for _, t := range texts {
		if _, again := keys[t]; again {
			continue
		}
		key, ok := k.key(t)
		if !ok {
			key = sightKey(t)
			byKey[key] = t
		}
		keys[t] = key
	}
	if len(byKey) == 0 {
		return keys, nil
	}
	asked := make([]string, 0, len(byKey))
	for key := range byKey {
		asked = append(asked, key)
	}
	slices.Sort(asked)
	there, err := readSights(tx, asked)
	if err != nil {
		return nil, err
	}
	var args []any
	for _, key := range asked {
		if _, ok := there[key]; ok {
			k.learn(byKey[key], key)
			continue
		}
		args = append(args, key, byKey[key])
	}
	if err := sightTable.Insert(tx, args); err != nil {
		return nil, fmt.Errorf("write sights: %w", err)
	}
	return keys, nil
}

// readSights reads texts by their keys; what is not a key is passed over.
func readSights(tx *db.Tx, keys []string) (map[string]string, error) {
	texts := map[string]string{}
	keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !strings.HasPrefix(k, sightMark) })
	slices.Sort(keys)
	for some := range slices.Chunk(slices.Compact(keys), 64) {
		marks, args := db.Among(some, func(key string) any { return key })
		rows, err := tx.Query(`SELECT key, sight FROM journal_sight WHERE key IN (`+marks+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("read sights: %w", err)
		}
		for rows.Next() {
			var key, text string
			if err := rows.Scan(&key, &text); err != nil {
				rows.Close()
				return nil, fmt.Errorf("read sights: %w", err)
			}
			texts[key] = text
		}
		if err := rows.Close(); err != nil {
			return nil, fmt.Errorf("read sights: %w", err)
		}
	}
	return texts, nil
}

// sightOf gives the text that stands for what an entry carries: itself, unless it
// is the key of one. A key without a text stays a key, and no digest fits it.
func sightOf(texts map[string]string, stored string) string {
	if t, ok := texts[stored]; ok {
		return t
	}
	return stored
}
