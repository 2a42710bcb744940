package notice

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/wire/smpp"
)

// A push is encrypted for the browser, signed with a key that is made once, and
// what the service answers becomes what the room understands.
func TestWebPush(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys", "push.json")
	w, err := NewWebPush(file, "https://grid.example")
	if err != nil {
		t.Fatal(err)
	}
	again, err := NewWebPush(file, "https://grid.example")
	if err != nil || again.Key() != w.Key() {
		t.Fatalf("a second key was made, %v", err)
	}
	p := newPushd(t)
	sub := p.subscribe("a")
	if err := w.Push(t.Context(), sub, []byte(`{"title":"新事件"}`), "topic", true); err != nil {
		t.Fatal(err)
	}
	if got := p.of("a"); len(got) != 1 || got[0] != `{"title":"新事件"}` {
		t.Fatalf("the browser reads %q", got)
	}
	p.bad.Range(func(k, _ any) bool { t.Error(k); return true })
	gone := sub
	gone.Endpoint = p.URL + "/push/nobody"
	if err := w.Push(t.Context(), gone, []byte("x"), "t", false); !errors.Is(err, ErrGone) {
		t.Errorf("gone: %v", err)
	}
	broken := sub
	broken.P256dh = "AAAA"
	if err := w.Push(t.Context(), broken, []byte("x"), "t", false); !errors.Is(err, ErrGone) {
		t.Errorf("broken keys: %v", err)
	}
	away := sub
	away.Endpoint = "http://127.0.0.1:1/push/a"
	if err := w.Push(t.Context(), away, []byte("x"), "t", false); !errors.Is(err, ErrAway) || strings.Contains(err.Error(), "/push/a") {
		t.Errorf("away: %v", err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewWebPush(file, "x"); !errors.Is(err, ErrPushKey) {
		t.Errorf("a key that others may read: %v", err)
	}
}

// Mail goes by STARTTLS and by TLS from the first byte, signed in; a wrong
// password and a server that is not trusted are failures that name no secret.
func TestSMTP(t *testing.T) {
	for _, first := range []bool{false, true} {
		s := newSMTPd(t, first)
		m, err := NewSMTP(s.options())
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Mail(t.Context(), "a@example.org", "0193", "新事件", "编号 1\n"); err != nil {
			t.Fatal(err)
		}
		if got := s.of("a@example.org"); len(got) != 1 || !strings.Contains(got[0], "<0193@example.org>") || !strings.Contains(got[0], "Auto-Submitted: auto-generated") {
			t.Fatalf("the server took %q", got)
		}
		wrong := s.options()
		wrong.Password = "another secret"
		m, _ = NewSMTP(wrong)
		if err := m.Mail(t.Context(), "a@example.org", "0194", "x", "x"); !errors.Is(err, ErrAway) || strings.Contains(err.Error(), "secret") {
			t.Errorf("wrong password: %v", err)
		}
		stranger := s.options()
		stranger.Config = nil
		m, _ = NewSMTP(stranger)
		if err := m.Mail(t.Context(), "a@example.org", "0195", "x", "x"); !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "not trusted") {
			t.Errorf("a server that is not trusted: %v", err)
		}
	}
	m, _ := NewSMTP(SMTPOptions{Host: "127.0.0.1", Port: 1, TLS: "off", From: "a@b.example"})
	if err := m.Mail(t.Context(), "a@example.org", "1", "x", "x"); !errors.Is(err, ErrAway) {
		t.Errorf("no server: %v", err)
	}
}

func centre(t *testing.T) (*smsc, *SMSC, chan string) {
	s := newSMSC(t)
	c := NewSMSC(SMSCOptions{Address: s.listener.Addr().String(), System: "grid", Password: "secret08", Sender: "OneGrid", Country: "86", Answer: time.Second, Idle: 50 * time.Millisecond})
	t.Cleanup(c.Close)
	got := make(chan string, 100)
	c.Reports(func(_ context.Context, v string, ok bool, stat string) error { got <- v + " " + stat; return nil })
	return s, c, got
}

// A text message is sent, in segments when it is long, and its receipts match.
func TestMessageCentre(t *testing.T) {
	s, c, got := centre(t)
	ids, err := c.Text(t.Context(), "13800000000", "您的事项有新进展：已收到。")
	if err != nil || len(ids) != 1 {
		t.Fatalf("%v %v", ids, err)
	}
	if r := <-got; r != ids[0]+" DELIVRD" {
		t.Fatalf("receipt %s", r)
	}
	long := strings.Repeat("网格", 100)
	if ids, err = c.Text(t.Context(), "+8613800000001", long); err != nil || len(ids) != 3 {
		t.Fatalf("%v %v", ids, err)
	}
	if m := s.of("8613800000001"); len(m) != 1 || m[0] != long {
		t.Fatalf("the telephone shows %q", m)
	}
	if m := s.of("8613800000000"); len(m) != 1 {
		t.Fatalf("the telephone shows %q", m)
	}
	for range 3 {
		<-got
	}
	// The link is kept alive while nothing is sent.
	for deadline := time.Now().Add(5 * time.Second); ; {
		s.mu.Lock()
		n := s.enquired
		s.mu.Unlock()
		if n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody enquired")
		}
		time.Sleep(5 * time.Millisecond) // the link's own ticker runs on real time
	}
	// A broken link is made anew.
	s.cut()
	for i := 0; ; i++ {
		if _, err = c.Text(t.Context(), "13800000002", "x"); err == nil {
			break
		}
		if i > 3 {
			t.Fatal(err)
		}
	}
}

func TestMessageCentreRefuses(t *testing.T) {
	s, c, _ := centre(t)
	for _, x := range []struct {
		status smpp.Status
		want   error
	}{{smpp.Throttled, nil}, {smpp.QueueFull, nil}, {smpp.BadDestination, ErrRefused}} {
		s.answers <- x.status
		_, err := c.Text(t.Context(), "13800000000", "x")
		if err == nil || x.want != nil && !errors.Is(err, x.want) || x.want == nil && !temporary(err) {
			t.Errorf("%#x: %v", uint32(x.status), err)
		}
	}
	// The second of two segments fails: the first may stand on a screen.
	s.answers <- smpp.OK
	s.answers <- smpp.Throttled
	if _, err := c.Text(t.Context(), "13800000000", strings.Repeat("网", 100)); !errors.Is(err, ErrUnknown) {
		t.Errorf("half a message: %v", err)
	}
	// No answer: it may have been sent.
	s.mute <- struct{}{}
	if _, err := c.Text(t.Context(), "13800000000", "x"); !errors.Is(err, ErrUnknown) {
		t.Errorf("no answer: %v", err)
	}
	wrong := NewSMSC(SMSCOptions{Address: s.listener.Addr().String(), System: "grid", Password: "wrong", Answer: time.Second})
	if _, err := wrong.Text(t.Context(), "13800000000", "x"); !errors.Is(err, ErrAway) {
		t.Errorf("wrong password: %v", err)
	}
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	away := NewSMSC(SMSCOptions{Address: dead.Addr().String(), Answer: time.Second})
	if _, err := away.Text(t.Context(), "13800000000", "x"); !errors.Is(err, ErrAway) {
		t.Errorf("no centre: %v", err)
	}
}

// Bad addresses and strange push services are refused, and nothing is kept.
func TestBadReach(t *testing.T) {
	eachHouse(t, func(h *house) {
		try := func(act func(tx *db.Tx) error) error { return h.db.Write(h.ctx, act) }
		for _, bad := range []struct {
			c       Channel
			address string
		}{{Mail, "nobody"}, {Mail, "A <a@b.example>"}, {Mail, "a@b.example\r\nBcc: x@y.example"}, {Mail, strings.Repeat("a", 130) + "@b.example"}, {SMS, "12"}, {SMS, "+86 abc"}, {SMS, "1234567890123456"}} {
			h.refused(try(func(tx *db.Tx) error { return h.n.SetReach(tx, h.as(tx, "village"), bad.c, &bad.address, true) }), ErrInvalid)
		}
		h.refused(try(func(tx *db.Tx) error { return h.n.SetReach(tx, h.as(tx, "village"), Mail, nil, true) }), ErrNoAddress)
		for _, bad := range []string{"https://evil.example/x", "http://push.example/x", "https://u@push.example/x", "https://push.example.evil.example/x", "file:///etc/passwd", "::"} {
			h.refused(try(func(tx *db.Tx) error {
				_, err := h.n.AddDevice(tx, h.as(tx, "village"), Subscription{Endpoint: bad}, "x")
				return err
			}), ErrPushHost)
		}
		for i := range maxDevices + 1 {
			err := try(func(tx *db.Tx) error {
				_, err := h.n.AddDevice(tx, h.as(tx, "village"), Subscription{Endpoint: "https://a.push.test/" + string(rune('a'+i))}, "x")
				return err
			})
			if i == maxDevices {
				h.refused(err, ErrTooMany)
			} else {
				h.must(err)
			}
		}
		// Addresses lie sealed.
		h.reach("village", Mail, "village@example.org")
		h.read(func(tx *db.Tx) error {
			var raw []byte
			var mask string
			if err := tx.Row(`SELECT address, mask FROM notice_contact`).Scan(&raw, &mask); err != nil {
				return err
			}
			if strings.Contains(string(raw), "village") || mask != "v***@example.org" {
				t.Errorf("%q %q", raw, mask)
			}
			return nil
		})
	})
}
