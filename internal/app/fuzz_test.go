package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever stands in the file of settings, it is read or refused by the name of
// the setting, and what is secret is never shown.
func FuzzConfig(f *testing.F) {
	f.Add("addr = 127.0.0.1:80\n# x\n\nwriters = 2\ndatabase = postgres://u:GEHEIM@h/d\n", "ONEGRID_SMTP_PASSWORD=GEHEIM")
	f.Add("writers = -1", "ONEGRID_=x")
	f.Add("time-zone = ../../etc/passwd", "ONEGRID_SESSION_IDLE=1ns")
	f.Add("session-idle = 9999999999999h\naddr", "")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, file, variable string) {
		if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := LoadConfig(dir, nil, []string{variable})
		if err != nil {
			if !errors.Is(err, ErrConfig) && !strings.Contains(err.Error(), "token too long") {
				t.Fatal(err)
			}
			return
		}
		for _, s := range c.Settings() {
			if secret := s.Name == "database" || strings.HasSuffix(s.Name, "password") || s.Name == "s3-secret"; secret && s.Value != "" && s.Value != "(set, not shown)" {
				t.Fatalf("%s is shown: %s", s.Name, s.Value)
			}
		}
		_, _ = prefixes(c.TrustedProxy) // addresses or a fault
		c.pushHosts()
	})
}
