package proof_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"onegrid/internal/demo"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	durable "onegrid/internal/kit/disk"
	"onegrid/internal/kit/id"
)

// What an older program left: a backup of a demo district with its keys (all of it
// made up), and what its clients had been told. TestKeepOld says how it is made.
const (
	oldBackup = "testdata/old.onegrid"
	oldWrites = "testdata/old.json"
)

// kept is an acknowledged command as it lies in a file.
type kept struct {
	Key     id.ID  `json:"key"`
	What    string `json:"what"`
	Subject id.ID  `json:"subject"`
	Photo   string `json:"photo,omitempty"`
}

// bringsUp fills the data folder with what the older program left and gives what
// it acknowledged.
func (s *scene) bringsUp() []write {
	s.t.Helper()
	from, err := filepath.Abs(oldBackup)
	if err != nil {
		s.t.Fatal(err)
	}
	s.node.runs("restore", from)
	if err := durable.Write(filepath.Join(s.node.dir, "demo.json"), []byte(`{"told":0}`), 0o600); err != nil {
		s.t.Fatal(err)
	}
	raw, err := os.ReadFile(oldWrites)
	if err != nil {
		s.t.Fatal(err)
	}
	var list []kept
	if err := json.Unmarshal(raw, &list); err != nil {
		s.t.Fatal(err)
	}
	if len(list) == 0 {
		s.t.Fatal("the older program acknowledged nothing")
	}
	var out []write
	for _, k := range list {
		w := write{during: upgrade, key: k.Key, what: k.What, subject: k.Subject}
		if k.Photo != "" {
			if w.photo, err = blob.ParseHash(k.Photo); err != nil {
				s.t.Fatal(err)
			}
		}
		out = append(out, w)
	}
	return out
}

// TestKeepOld makes the data of an older program, for the release after it:
//
//	ONEGRID_PROOF_OLD=/path/of/older/onegrid go test -run TestKeepOld ./internal/proof
func TestKeepOld(t *testing.T) {
	binary := os.Getenv("ONEGRID_PROOF_OLD")
	if binary == "" {
		t.Skip("only when the data of an older program are made anew")
	}
	requests, err := demo.Requests()
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, db.SQLite, binary, requests, nil, false)
	defer s.stop()
	s.load.goesOn(t, 150)
	s.load.finish(t)
	if err := os.Remove(oldBackup); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	s.node.runs("backup", oldBackup, "--with-keys")
	var list []kept
	for _, w := range s.load.acknowledged() {
		k := kept{Key: w.key, What: w.what, Subject: w.subject}
		if !w.photo.IsZero() {
			k.Photo = w.photo.String()
		}
		list = append(list, k)
	}
	raw, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(oldWrites, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
