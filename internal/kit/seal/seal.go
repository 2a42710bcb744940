// Package seal encrypts single fields (names, telephone numbers, notes about a
// person) before they reach the database. The keys lie in a file outside of it,
// so a copied database says nothing.
//
// Each value is bound to the place it stands in (table, column, row): moved to
// another row it no longer opens. A value that must be found again has a blind
// index beside it: a keyed digest that says "equal" and nothing else.
//
// It owns no tables. Its one file holds a Tink keyset (AES-256-GCM) that can be
// rotated, and the key of the blind index, which can't: all indexes would have to
// be written anew.
package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

var (
	// ErrNoKey says that the key file is missing. With sealed data in the
	// database the program must not start: new values would get a new key.
	ErrNoKey = fault.New(fault.Internal, "seal.no_key")
	// ErrBadKey says that the key file is damaged or readable by others.
	ErrBadKey = fault.New(fault.Internal, "seal.bad_key")
	// ErrExists says that there is a key file already; it is never overwritten.
	ErrExists = fault.New(fault.Conflict, "seal.key_exists")
	// ErrBroken says that a value was changed, moved, or sealed with a key that
	// is not in the file.
	ErrBroken = fault.New(fault.Internal, "seal.broken")
)

// file is the key file.
type file struct {
	Fields json.RawMessage `json:"fields"`
	Index  []byte          `json:"index"`
}

// Box seals and opens fields.
type Box struct {
	aead    tink.AEAD
	primary [5]byte // how values of the newest key begin
	index   []byte
}

// Create writes a new key file with new keys; the folder is made if needed.
func Create(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return ErrExists.With("file", path)
	}
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	index := make([]byte, 32)
	if _, err := rand.Read(index); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the keys: %w", err)
	}
	return store(path, h, index, false)
}

// Rotate adds a new key that seals from now on; the older ones still open.
// Values move to the new key when they are written again (see Stale).
func Rotate(path string) error {
	h, f, err := load(path)
	if err != nil {
		return err
	}
	m := keyset.NewManagerFromHandle(h)
	newest, err := m.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = m.SetPrimary(newest)
	}
	if err != nil {
		return fmt.Errorf("add a key: %w", err)
	}
	if h, err = m.Handle(); err != nil {
		return fmt.Errorf("add a key: %w", err)
	}
	return store(path, h, f.Index, true)
}

// store writes the file beside its place, to the disk, and then into its place,
// so that a crash never leaves half a key file.
func store(path string, h *keyset.Handle, index []byte, replace bool) (err error) {
	var fields bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&fields)); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	raw, err := json.MarshalIndent(file{Fields: fields.Bytes(), Index: index}, "", "  ")
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // 0600
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	defer func() { _ = os.Remove(t.Name()) }() // gone already when it was renamed
	if _, err = t.Write(raw); err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close()); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	put := os.Link // fails when the place is taken meanwhile
	if replace {
		put = os.Rename
	}
	if err := put(t.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return ErrExists.With("file", path)
		}
		return fmt.Errorf("write keys: %w", err)
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

func load(path string) (*keyset.Handle, file, error) {
	var f file
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f, ErrNoKey.With("file", path)
	}
	if err != nil {
		return nil, f, ErrBadKey.With("file", path).Because(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, f, ErrBadKey.With("file", path).Because(fmt.Errorf("others may read it (%s)", info.Mode().Perm()))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, f, ErrBadKey.With("file", path).Because(err)
	}
	if err := json.Unmarshal(raw, &f); err != nil || len(f.Index) != 32 {
		return nil, f, ErrBadKey.With("file", path).Because(errors.Join(err, errors.New("no complete key file")))
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(f.Fields)))
	if err != nil {
		return nil, f, ErrBadKey.With("file", path).Because(err)
	}
	return h, f, nil
}

// Load opens the box with the keys of a file. Codes: seal.no_key, seal.bad_key.
func Load(path string) (*Box, error) {
	h, f, err := load(path)
	if err != nil {
		return nil, err
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, ErrBadKey.With("file", path).Because(err)
	}
	primary, err := h.Primary()
	if err != nil {
		return nil, ErrBadKey.With("file", path).Because(err)
	}
	b := &Box{aead: a, index: f.Index}
	b.primary[0] = 1 // Tink's prefix: a 1 and the id of the key
	binary.BigEndian.PutUint32(b.primary[1:], primary.KeyID())
	return b, nil
}

// Place names where a value stands: it is sealed for this table, column and row
// and opens nowhere else.
func Place(table, column string, row id.ID) string {
	return table + "|" + column + "|" + row.String()
}

// Seal encrypts a value for its place.
func (b *Box) Seal(plain []byte, place string) []byte {
	sealed, err := b.aead.Encrypt(plain, []byte(place))
	if err != nil {
		panic(fmt.Sprintf("seal: %v", err)) // only for values of more than 64 GiB
	}
	return sealed
}

// Open decrypts what Seal made for the same place. Code: seal.broken.
func (b *Box) Open(sealed []byte, place string) ([]byte, error) {
	plain, err := b.aead.Decrypt(sealed, []byte(place))
	if err != nil {
		return nil, ErrBroken.Because(fmt.Errorf("%s: %w", place, err))
	}
	return plain, nil
}

// SealText is Seal for texts; an empty text stays nil, which is NULL.
func (b *Box) SealText(plain, place string) []byte {
	if plain == "" {
		return nil
	}
	return b.Seal([]byte(plain), place)
}

// OpenText is Open for texts; nil is the empty text.
func (b *Box) OpenText(sealed []byte, place string) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	plain, err := b.Open(sealed, place)
	return string(plain), err
}

// Stale says that a value was sealed with an older key and should be written
// again.
func (b *Box) Stale(sealed []byte) bool { return !bytes.HasPrefix(sealed, b.primary[:]) }

// Index is the blind index of a value: equal values of the same kind have equal
// indexes, and without the key it can't be tried out. Spaces around the value do
// not count; whatever else makes two spellings the same (a telephone number's
// country code) is the caller's to settle first.
func (b *Box) Index(kind, value string) []byte {
	m := hmac.New(sha256.New, b.index)
	m.Write([]byte(kind))
	m.Write([]byte{0})
	m.Write([]byte(strings.TrimSpace(value)))
	return m.Sum(nil)[:16]
}

// AEAD is the box in the usual form, with the associated data as bytes, for
// rooms that ask for no more than that.
type AEAD struct{ *Box }

// Seal encrypts plain for its associated data.
func (a AEAD) Seal(plain, associated []byte) ([]byte, error) {
	return a.Box.Seal(plain, string(associated)), nil
}

// Open decrypts what Seal made for the same associated data. Code: seal.broken.
func (a AEAD) Open(sealed, associated []byte) ([]byte, error) {
	return a.Box.Open(sealed, string(associated))
}
