package access_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"onegrid/internal/core/access"
)

// authenticator is a phone that makes and uses one passkey. What it says can be
// bent for the refused stories.
type authenticator struct {
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte
	count  uint32

	domain, origin string
	flags          byte // user present 1, user verified 4
}

const site = "https://grid.example.org"

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	v := make([]byte, 32)
	if _, err := rand.Read(v); err != nil {
		t.Fatal(err)
	}
	return &authenticator{key: key, id: v, domain: "grid.example.org", origin: site, flags: 5}
}

var b64 = base64.RawURLEncoding

type begun struct {
	Token   string
	Options struct {
		Challenge string
		User      struct{ ID string }
	}
}

func (a *authenticator) client(kind, challenge string) []byte {
	raw, _ := json.Marshal(m{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	return raw
}

func (a *authenticator) data(attested []byte) []byte {
	hash := sha256.Sum256([]byte(a.domain))
	out := append(hash[:], a.flags)
	if attested != nil {
		out[32] |= 0x40
	}
	a.count++
	return append(binary.BigEndian.AppendUint32(out, a.count), attested...)
}

// bytesOf is a CBOR byte string of 24 to 65535 bytes.
func bytesOf(b []byte) []byte {
	if len(b) < 256 {
		return append([]byte{0x58, byte(len(b))}, b...)
	}
	return append([]byte{0x59, byte(len(b) >> 8), byte(len(b))}, b...)
}

// makes answers a question for a new passkey.
func (a *authenticator) makes(b begun) m {
	a.handle, _ = b64.DecodeString(b.Options.User.ID)
	point, _ := a.key.PublicKey.Bytes()
	// {1: 2, 3: -7, -1: 1, -2: x, -3: y}
	cose := append([]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21}, bytesOf(point[1:33])...)
	cose = append(append(cose, 0x22), bytesOf(point[33:])...)
	attested := append(make([]byte, 16), byte(len(a.id)>>8), byte(len(a.id)))
	attested = append(append(attested, a.id...), cose...)
	object := append([]byte{0xa3, 0x63}, "fmt"...)
	object = append(append(object, 0x64), "none"...)
	object = append(append(object, 0x67), "attStmt"...)
	object = append(append(object, 0xa0, 0x68), "authData"...)
	object = append(object, bytesOf(a.data(attested))...)
	return m{"id": b64.EncodeToString(a.id), "rawId": b64.EncodeToString(a.id), "type": "public-key", "clientExtensionResults": m{}, "response": m{
		"clientDataJSON": b64.EncodeToString(a.client("webauthn.create", b.Options.Challenge)), "attestationObject": b64.EncodeToString(object), "transports": []string{"internal"},
	}}
}

// shows answers a question to sign in.
func (a *authenticator) shows(t *testing.T, b begun) m {
	t.Helper()
	data, client := a.data(nil), a.client("webauthn.get", b.Options.Challenge)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	signed, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return m{"id": b64.EncodeToString(a.id), "rawId": b64.EncodeToString(a.id), "type": "public-key", "clientExtensionResults": m{}, "response": m{
		"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(data),
		"signature": b64.EncodeToString(signed), "userHandle": b64.EncodeToString(a.handle),
	}}
}

func (b *browser) adds(a *authenticator, want string) (p access.Passkey) {
	b.Helper()
	var q begun
	b.gets("200", "POST", "/api/session/passkeys/begin", nil, &q)
	b.gets(want, "POST", "/api/session/passkeys", m{"token": q.Token, "name": "值班手机", "credential": a.makes(q)}, &p)
	return p
}

func (b *browser) shows(a *authenticator, want string) (token string, answer m) {
	b.Helper()
	var q begun
	b.gets("200", "POST", "/api/session/passkey/begin", nil, &q)
	answer = a.shows(b.T, q)
	b.gets(want, "POST", "/api/session/passkey", m{"token": q.Token, "credential": answer}, nil)
	return q.Token, answer
}

func withSite(o *access.Options) { o.Site = site }

// A passkey is made by whoever proved to be the owner, signs in without a
// password, and opens nothing once it was taken away.
func TestPasskey(t *testing.T) {
	each(t, withSite, func(o *office) {
		b, phone := o.admin(0), newAuthenticator(t)
		o.clock.Add(15 * time.Minute)
		b.gets("403 access.confirm_first", "POST", "/api/session/passkeys/begin", nil, nil)
		b.gets("204", "POST", "/api/session/confirm", m{"password": goodPassword, "totp": b.code()}, nil)
		made := b.adds(phone, "201")
		if made.Name != "值班手机" {
			t.Fatalf("%+v", made)
		}
		b.gets("422 access.invalid", "PUT", "/api/session/passkeys/"+made.ID.String(), m{"name": "  "}, nil)
		b.gets("204", "PUT", "/api/session/passkeys/"+made.ID.String(), m{"name": "窗口手机"}, nil)

		fresh := o.browser("203.0.113.40")
		fresh.shows(phone, "200")
		fresh.gets("200", "GET", "/api/session", nil, nil)
		var s access.Security
		fresh.gets("200", "GET", "/api/session/security", nil, &s)
		if len(s.Passkeys) != 1 || s.Passkeys[0].Name != "窗口手机" || s.Passkeys[0].Used.IsZero() {
			t.Fatalf("%+v", s.Passkeys)
		}
		// It proves who sits here, too.
		o.clock.Add(15 * time.Minute)
		fresh.gets("403 access.confirm_first", "POST", "/api/session/recovery", nil, nil)
		var q begun
		fresh.gets("200", "POST", "/api/session/passkey/begin", nil, &q)
		fresh.gets("204", "POST", "/api/session/confirm/passkey", m{"token": q.Token, "credential": phone.shows(t, q)}, nil)
		fresh.gets("200", "POST", "/api/session/recovery", nil, nil)
		// Somebody else's passkey proves nothing.
		other := o.admin(1)
		o.clock.Add(15 * time.Minute)
		other.gets("200", "POST", "/api/session/passkey/begin", nil, &q)
		other.gets("401 access.wrong_credentials", "POST", "/api/session/confirm/passkey", m{"token": q.Token, "credential": phone.shows(t, q)}, nil)
		other.gets("404 access.missing", "PUT", "/api/session/passkeys/"+made.ID.String(), m{"name": "mine"}, nil)

		fresh.gets("200", "POST", "/api/session/passkey/begin", nil, &q)
		fresh.gets("204", "POST", "/api/session/confirm/passkey", m{"token": q.Token, "credential": phone.shows(t, q)}, nil)
		fresh.gets("204", "DELETE", "/api/session/passkeys/"+made.ID.String(), nil, nil)
		b.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		fresh.gets("200", "GET", "/api/session", nil, nil)
		o.browser("203.0.113.41").shows(phone, "401 access.wrong_credentials")
		if len(o.entries("access.passkey_add")) != 1 || len(o.entries("access.passkey_revoke")) != 1 {
			t.Fatal("the journal does not tell of it")
		}
	})
}

// What is refused: another site, an answer that served before or comes late,
// another account's handle, a foreign key, an authenticator that asked nobody, a
// copied one, a stopped account.
func TestPasskeyRefused(t *testing.T) {
	each(t, withSite, func(o *office) {
		b, phone := o.admin(0), newAuthenticator(t)
		for name, bend := range map[string]func(*authenticator){
			"another origin":   func(a *authenticator) { a.origin = "https://grid.example.org.evil.example" },
			"plain http":       func(a *authenticator) { a.origin = "http://grid.example.org" },
			"another domain":   func(a *authenticator) { a.domain = "evil.example" },
			"nobody was asked": func(a *authenticator) { a.flags = 1 },
		} {
			bent := newAuthenticator(t)
			bend(bent)
			var q begun
			b.gets("200", "POST", "/api/session/passkeys/begin", nil, &q)
			if got, raw := b.asks("POST", "/api/session/passkeys", m{"token": q.Token, "name": "x", "credential": bent.makes(q)}); got != "422 access.bad_passkey" {
				t.Errorf("%s makes a passkey: %s %s", name, got, raw)
			}
		}
		b.adds(phone, "201")
		b.adds(phone, "422 access.bad_passkey") // the same key again

		at := o.browser("203.0.113.40")
		for name, bend := range map[string]func(*authenticator){
			"another origin":   func(a *authenticator) { a.origin = "https://evil.example" },
			"another domain":   func(a *authenticator) { a.domain = "evil.example" },
			"nobody was asked": func(a *authenticator) { a.flags = 1 },
			"another account":  func(a *authenticator) { a.handle = make([]byte, 16) },
			"another key":      func(a *authenticator) { a.key = newAuthenticator(t).key },
			"an unknown key":   func(a *authenticator) { a.id = newAuthenticator(t).id },
		} {
			bent := *phone
			bend(&bent)
			var q begun
			at.gets("200", "POST", "/api/session/passkey/begin", nil, &q)
			if got, raw := at.asks("POST", "/api/session/passkey", m{"token": q.Token, "credential": bent.shows(t, q)}); got != "401 access.wrong_credentials" {
				t.Errorf("%s signs in: %s %s", name, got, raw)
			}
			phone.count = bent.count
		}
		// Replayed, late, never begun.
		token, answer := at.shows(phone, "200")
		o.browser("203.0.113.41").gets("409 access.begin_again", "POST", "/api/session/passkey", m{"token": token, "credential": answer}, nil)
		var q begun
		at.gets("200", "POST", "/api/session/passkey/begin", nil, &q)
		late := phone.shows(t, q)
		o.clock.Add(6 * time.Minute)
		at.gets("409 access.begin_again", "POST", "/api/session/passkey", m{"token": q.Token, "credential": late}, nil)
		at.gets("409 access.begin_again", "POST", "/api/session/passkey", m{"token": "none", "credential": late}, nil)
		at.gets("422 access.bad_passkey", "POST", "/api/session/passkey", m{"token": "none", "credential": m{"id": "?"}}, nil)

		// A counter that went back: the key was copied, and serves nobody.
		at.shows(phone, "200")
		phone.count = 0
		at.shows(phone, "401 access.wrong_credentials")
		if len(o.entries("access.passkey_copied")) != 1 {
			t.Fatal("nobody hears of the copy")
		}
		phone.count = 100
		at.shows(phone, "401 access.wrong_credentials")
	})
}

// A passkey does not open an account that may not sign in, and a lost phone
// takes its passkey along.
func TestPasskeyOfAStoppedAccount(t *testing.T) {
	each(t, withSite, func(o *office) {
		system, security, phone := o.admin(0), o.admin(1), newAuthenticator(t)
		desk := o.staff(system, security, "an.desk", o.person("安"))
		desk.adds(phone, "201")
		var list struct{ Items []access.Account }
		system.gets("200", "GET", "/api/accounts", nil, &list)
		path := ""
		for _, acc := range list.Items {
			if acc.Name == "an.desk" && acc.Passkeys == 1 {
				path = "/api/accounts/" + acc.ID.String()
			}
		}
		system.gets("200", "POST", path+"/disable", nil, nil)
		at := o.browser("203.0.113.40")
		at.shows(phone, "401 access.wrong_credentials")
		system.gets("200", "POST", path+"/enable", nil, nil)
		at.shows(phone, "403 access.not_released")
		security.gets("200", "POST", path+"/release", nil, nil)
		at.shows(phone, "200")
		security.gets("200", "POST", path+"/factor-reset", nil, nil)
		at.shows(phone, "401 access.wrong_credentials")
	})
}

// Without a public address over TLS there is nothing a passkey could be bound
// to; a parent domain serves when it is one.
func TestPasskeyNeedsAnAddress(t *testing.T) {
	for site, domain := range map[string]string{
		"http://grid.example.org": "", "https://10.1.2.3": "", "https://grid.example.org": "other.org",
	} {
		each(t, func(o *access.Options) { o.Site, o.PasskeyDomain = site, domain }, func(o *office) {
			o.browser("203.0.113.40").gets("409 access.no_passkeys", "POST", "/api/session/passkey/begin", nil, nil)
		})
	}
	each(t, func(o *access.Options) { o.Site, o.PasskeyDomain = site, "example.org" }, func(o *office) {
		b, phone := o.admin(0), newAuthenticator(t)
		phone.domain = "example.org"
		b.adds(phone, "201")
		o.browser("203.0.113.40").shows(phone, "200")
	})
}
