package portal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// Whatever is sent as a form, it is read within its bounds or refused by a fault
// of the sender.
func FuzzReadForm(f *testing.F) {
	const parts = "multipart/form-data; boundary=b"
	f.Add("application/x-www-form-urlencoded", []byte("text=%E4%B8%9C&text=%00&%=;"))
	f.Add(parts, []byte("--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n字\r\n--b\r\nContent-Disposition: form-data; name=\"photos\"; filename=\"a.jpg\"\r\n\r\nx\r\n--b--\r\n"))
	f.Add(parts, []byte("--b\r\nContent-Disposition: form-data; name=\"photos\"; filename=\"\"\r\n\r\n\r\n--b"))
	f.Add("text/plain", []byte("x"))
	f.Fuzz(func(t *testing.T, media string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/report", bytes.NewReader(body))
		r.Header["Content-Type"] = []string{media}
		v, err := readForm(r, discardPhoto)
		if err != nil {
			if fault.Of(err).Kind == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		for name, values := range v {
			if len(values) > maxFields && media != "application/x-www-form-urlencoded" {
				t.Fatalf("%d values of %q", len(values), name)
			}
			for _, one := range values {
				tooLong(one, 100)
			}
			field(v, name)
		}
	})
}

// Whatever form an item has, it becomes questions of a plain page or is asked at
// the counter; whatever is answered to them is JSON.
func FuzzQuestions(f *testing.F) {
	f.Add([]byte(`{"properties":{"a":{"type":"string","enum":["x","y"]},"b":{"type":"array","items":{"type":"string","enum":["x"]}},"c":{"type":"number"},"d":{"type":"boolean","const":true}},"required":["a"]}`), "a_a=x&a_b=x&a_c=1e400&a_d=on")
	f.Add([]byte(`{"properties":[1]}`), "a_=1")
	f.Add([]byte(`{"properties":{"":{"type":"string"}},"allOf":[{"then":{"required":["x"]}}]}`), "a_=NaN")
	f.Fuzz(func(t *testing.T, schema []byte, typed string) {
		v, err := url.ParseQuery(typed)
		if err != nil {
			return
		}
		for _, l := range words.Languages {
			some, ok, err := questionsOf(schema, l)
			if err != nil || !ok {
				return
			}
			for i := range some {
				some[i].filled(v)
			}
			raw, err := answersOf(some)
			if err != nil || !json.Valid(raw) {
				t.Fatalf("%s: %v", raw, err)
			}
		}
	})
}

// Whatever way back is asked for, it is a page of this door; whatever is called
// the key of a form is one of ours or refused.
func FuzzWayBack(f *testing.F) {
	for _, s := range []string{"/report?lon=117&x=1", "//evil.example", "/\\evil.example", "/my/20261124-K7P2M9X-R", "javascript:alert(1)", "/report#//evil", "/postings/\r\n", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		back := safeBack(s)
		u, err := url.Parse(back)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n\t") {
			t.Fatalf("%q leads back to %q", s, back)
		}
		if v, err := reportID(s); err == nil && v.IsZero() {
			t.Fatalf("%q makes no id", s)
		}
		if o := ownerOf(s); len(s) > 4 && strings.Contains(o, s) {
			t.Fatalf("%q is given away by %q", s, o)
		}
		goodSecret(s)
		if a, err := netip.ParseAddr(s); err == nil && addressKey(a) == "" {
			t.Fatalf("%q has no key", s)
		}
	})
}
