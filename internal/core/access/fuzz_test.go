package access

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"

	"onegrid/internal/kit/fault"
)

// No text but the code of its minute is one, and no code serves twice.
func FuzzCode(f *testing.F) {
	secret := []byte("12345678901234567890")
	f.Add("287 082", int64(59), int64(-10))
	f.Add("000000", int64(-1), int64(0))
	f.Add("２８７０８２", int64(59), int64(0))
	f.Fuzz(func(t *testing.T, code string, now, used int64) {
		step, ok := codeStep(secret, code, time.Unix(now, 0), used)
		if ok && (step <= used || len(strings.Trim(strings.ReplaceAll(strings.TrimSpace(code), " ", ""), "0123456789")) > 0) {
			t.Fatalf("%q served for step %d after %d", code, step, used)
		}
		// The same six digits may come up again within the minute; then it is a
		// later step.
		if next, again := codeStep(secret, code, time.Unix(now, 0), step); ok && again && next <= step {
			t.Fatalf("%q served twice for step %d", code, step)
		}
		recoveryHash(code)
	})
}

// Whatever stands where a password's stored form should, nobody gets in by it,
// and it costs no more than a password may.
func FuzzStoredPassword(f *testing.F) {
	h, err := newHasher(cheap)
	if err != nil {
		f.Fatal(err)
	}
	stored, err := h.hash(context.Background(), "渡口的石狮子 4217")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stored, "渡口的石狮子 4218")
	f.Add("$argon2id$v=19$m=64,t=1,p=1$$YQ", "x")
	f.Add("$argon2id$v=19$m=64,t=0,p=0$YQ$YQ", "x")
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, form, password string) {
		if strings.Contains(form, "m=") && !strings.Contains(form, "m=64,t=1,p=1$") {
			return // an honest form with a high cost takes its time
		}
		ok, err := h.matches(context.Background(), h.strangers, form, password)
		if ok && err != nil || ok && form == stored && password != "渡口的石狮子 4217" {
			t.Fatalf("%q let %q in: %v", form, password, err)
		}
		if err := checkPassword(password, "zhang san"); err != nil && fault.Of(err).Kind == fault.Internal {
			t.Fatal(err)
		}
	})
}

// Whatever a browser sends as an authenticator's answer, it is read or refused;
// nothing panics. The library's decoders stand behind it.
func FuzzPasskeyAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUEA"}}`))
	f.Add([]byte(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AAAA","signature":"AAAA","userHandle":"AAAA"}}`))
	f.Add([]byte(`{"id":null,"rawId":[],"response":{"attestationObject":"n____w"}}`))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		_, _ = protocol.ParseCredentialCreationResponseBytes(raw) // only whether it returns
		_, _ = protocol.ParseCredentialRequestResponseBytes(raw)
	})
}

// Whatever way back is asked for, it stays in our own app; whatever name and
// address are tried, they lead to keys of a length.
func FuzzWayBack(f *testing.F) {
	for _, s := range []string{"/desk/", "//evil.example", "/\\evil.example", "https://evil.example", "/desk\r\nSet-Cookie: a=b", "/\t/evil.example", "/desk/../..//evil.example"} {
		f.Add(s, "10.0.0.7")
	}
	f.Fuzz(func(t *testing.T, to, address string) {
		if got := inside(to); got != "" {
			// As a browser reads it: tabs and line ends are left out, a backslash is a slash.
			read := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(got)
			base, _ := url.Parse("https://grid.example/desk/")
			if strings.HasPrefix(read, "//") {
				t.Fatalf("%q leads to %q", to, read)
			}
			if u, err := base.Parse(read); err == nil && u.Host != "grid.example" {
				t.Fatalf("%q leads to %s", to, u)
			}
		}
		a, _ := netip.ParseAddr(address)
		for _, k := range attemptKeys(to, a, address) {
			if k.waitFor(1<<62) > 24*time.Hour {
				t.Fatal("a wait without end")
			}
		}
		if name := ClientName(to); len(name) > 40 || !utf8.ValidString(name) {
			t.Fatalf("%q is called %q", to, name)
		}
	})
}
