package app

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
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

// The settings of the S3 service are checked before it is asked, the secret comes
// from the environment or from a file, and it is never shown.
func TestS3Settings(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("from-the-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	whole := map[string]string{"s3-endpoint": "s3.example.cn:9000", "s3-bucket": "b", "s3-key": "k"}
	load := func(more map[string]string, environ ...string) Config {
		t.Helper()
		flags := maps.Clone(whole)
		maps.Copy(flags, more)
		c, err := LoadConfig(dir, flags, environ)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	b, err := load(nil, "ONEGRID_S3_SECRET=from-the-environment").bucket()
	if err != nil || b.Secret != "from-the-environment" || !b.TLS || !b.PathStyle || b.Region != "us-east-1" || b.Timeout != 30*time.Second {
		t.Errorf("%+v, %v", b, err)
	}
	b, err = load(map[string]string{"s3-secret-file": secret, "s3-tls": "off", "s3-path-style": "off"}).bucket()
	if err != nil || b.Secret != "from-the-file" || b.TLS || b.PathStyle {
		t.Errorf("%+v, %v", b, err)
	}
	for _, s := range load(nil, "ONEGRID_S3_SECRET=from-the-environment").Settings() {
		if strings.Contains(s.Value, "from-the-environment") {
			t.Errorf("%s shows the secret", s.Name)
		}
	}
	for name, wrong := range map[string]map[string]string{
		"no secret":     {},
		"two secrets":   {"s3-secret": "x", "s3-secret-file": secret},
		"no file":       {"s3-secret-file": secret + ".none"},
		"an empty file": {"s3-secret-file": empty},
		"an address":    {"s3-secret": "x", "s3-endpoint": "https://s3.example.cn"},
		"no bucket":     {"s3-secret": "x", "s3-bucket": ""},
		"no key":        {"s3-secret": "x", "s3-key": ""},
	} {
		if _, err := load(wrong).bucket(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
