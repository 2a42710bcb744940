package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A flag beats the environment, the environment beats the file, the file beats
// the default, and each value says where it came from.
func TestConfigSaysWhereAValueCameFrom(t *testing.T) {
	dir := t.TempDir()
	file := "# ours\naddr = 10.0.0.1:80\nwriters = 3\nsession-idle = 10m\n"
	if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig(dir, map[string]string{"writers": "4"},
		[]string{"ONEGRID_WRITERS=1", "ONEGRID_SESSION_IDLE=20m", "ONEGRID_PROOF=1", "ONEGRID_DATABASE=postgres://u:secret@h/d"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "10.0.0.1:80" || c.Writers != 4 || c.SessionIdle != 20*time.Minute {
		t.Fatalf("got %+v", c)
	}
	want := map[string]string{"addr": "file", "writers": "flag", "session-idle": "environment", "log-level": "default"}
	for _, s := range c.Settings() {
		if w, ok := want[s.Name]; ok && s.Origin != w {
			t.Errorf("%s from %s, want %s", s.Name, s.Origin, w)
		}
		if s.Help == "" {
			t.Errorf("%s has no meaning written down", s.Name)
		}
		if s.Name == "database" && s.Value != "(set, not shown)" {
			t.Errorf("the database address with its password is shown: %s", s.Value)
		}
	}
}

// A setting that nobody knows, or a value that can't be read, stops the start
// instead of being passed over.
func TestConfigRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, file := range []string{"adr = x", "writers = many", "session-idle = -1s", "no equals sign", "metrics = sometimes", "profile = everyone", "time-zone = Moon/Crater"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadConfig(dir, nil, nil); !errors.Is(err, ErrConfig) {
			t.Errorf("%q: %v", file, err)
		}
	}
}
