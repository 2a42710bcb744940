package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the settings say about identity providers is read whole or refused; the
// secret comes from a file or the environment and shows in no setting.
func TestIdentityProvidersOfTheSettings(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("city.secret", "a secret of the city\n")
	t.Setenv("CIVIL_SECRET", "a secret of civil affairs")
	c := Config{Dir: dir, OIDCFile: "oidc.json"}
	one := func(more string) string {
		return `[{"key":"city","name":{"zh-CN":"市统一认证","en":"City sign-in"},"issuer":"https://id.example","client_id":"onegrid"` + more + `}]`
	}

	write("oidc.json", one(`,"client_secret_file":"city.secret","scopes":["profile"],"acr_values":["mfa"]`))
	list, err := c.identityProviders()
	if err != nil || len(list) != 1 || list[0].Secret != "a secret of the city" || list[0].ACR[0] != "mfa" {
		t.Fatal(list, err)
	}
	write("oidc.json", one(`,"client_secret_env":"CIVIL_SECRET"`))
	if list, err = c.identityProviders(); err != nil || list[0].Secret != "a secret of civil affairs" {
		t.Fatal(list, err)
	}
	for name, text := range map[string]string{
		"a secret in the file":       one(`,"client_secret":"written here"`),
		"a secret that is not there": one(`,"client_secret_file":"none"`),
		"an empty variable":          one(`,"client_secret_env":"ONEGRID_NOTHING"`),
		"two places":                 one(`,"client_secret_env":"CIVIL_SECRET","client_secret_file":"city.secret"`),
		"no list":                    `{}`,
	} {
		write("oidc.json", text)
		_, err := c.identityProviders()
		if err == nil {
			t.Errorf("%s is taken", name)
		} else if strings.Contains(err.Error(), "written here") {
			t.Errorf("%s: the message tells it: %v", name, err)
		}
	}
	if list, err := (Config{Dir: dir}).identityProviders(); err != nil || len(list) != 0 {
		t.Error("without a setting there are none:", list, err)
	}
}
