package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/words"
)

// identityProvider is one line of the file that the setting oidc-file names.
// The secret never stands in it: it is in a file of its own or in the
// environment.
type identityProvider struct {
	Key        string     `json:"key"`
	Name       words.Text `json:"name"`
	Issuer     string     `json:"issuer"`
	ClientID   string     `json:"client_id"`
	SecretFile string     `json:"client_secret_file"`
	SecretEnv  string     `json:"client_secret_env"`
	Scopes     []string   `json:"scopes"`
	ACR        []string   `json:"acr_values"`
}

// identityProviders reads the identity providers of departments. Relative paths
// begin in the data folder.
func (c Config) identityProviders() ([]access.Provider, error) {
	if c.OIDCFile == "" {
		return nil, nil
	}
	bad := func(err error) error {
		return ErrConfig.With("name", "oidc-file", "value", c.OIDCFile).Because(err)
	}
	raw, err := os.ReadFile(c.beside(c.OIDCFile))
	if err != nil {
		return nil, bad(err)
	}
	read := json.NewDecoder(bytes.NewReader(raw))
	read.DisallowUnknownFields() // a secret written here by mistake is found at once
	var list []identityProvider
	if err := read.Decode(&list); err != nil {
		return nil, bad(err)
	}
	var out []access.Provider
	for _, p := range list {
		secret := ""
		switch {
		case p.SecretFile != "" && p.SecretEnv != "":
			err = errors.New("client_secret_file and client_secret_env exclude each other")
		case p.SecretFile != "":
			var kept []byte
			kept, err = os.ReadFile(c.beside(p.SecretFile))
			secret = strings.TrimSpace(string(kept))
		case p.SecretEnv != "":
			secret = os.Getenv(p.SecretEnv)
		}
		if err == nil && secret == "" && p.SecretFile+p.SecretEnv != "" {
			err = errors.New("the client secret is empty")
		}
		if err != nil {
			return nil, bad(fmt.Errorf("identity provider %q: %w", p.Key, err))
		}
		out = append(out, access.Provider{Key: p.Key, Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, Scopes: p.Scopes, ACR: p.ACR, Secret: secret})
	}
	return out, nil
}

// beside is a path that begins in the data folder unless it is absolute.
func (c Config) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.Dir, path)
}
