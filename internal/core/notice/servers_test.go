package notice

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"onegrid/internal/wire/smpp"
)

// The servers of this file speak the real protocols on loopback: a push service
// (RFC 8030, 8188, 8291, 8292), a mail server (RFC 5321, STARTTLS, AUTH) and a
// message centre (SMPP 3.4). Each can be told to fail, and remembers what it
// took, by whom it was meant.

// luck decides how a server treats the next message.
type luck struct {
	mu    sync.Mutex
	r     *mrand.Rand
	share float64 // of failures
}

// draw gives 0 when all goes well, else one of kinds of failure.
func (l *luck) draw(kinds int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.r == nil || l.r.Float64() >= l.share {
		return 0
	}
	return 1 + l.r.IntN(kinds)
}

// box is what a server took: message key -> how often, and for whom.
type taken struct {
	mu   sync.Mutex
	msgs map[string][]string
}

func (b *taken) put(to, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.msgs == nil {
		b.msgs = map[string][]string{}
	}
	b.msgs[to] = append(b.msgs[to], message)
}

func (b *taken) of(to string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.msgs[to]...)
}

// pushd is a push service. A browser of it is made by subscribe.
type pushd struct {
	*httptest.Server
	luck
	taken
	keys sync.Map // path -> *browser
	bad  sync.Map // what was wrong with a request
}

type browser struct {
	name string
	key  *ecdh.PrivateKey
	auth []byte
}

func newPushd(t testing.TB) *pushd {
	p := &pushd{}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *pushd) subscribe(name string) Subscription {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	b := &browser{name: name, key: key, auth: make([]byte, 16)}
	_, _ = rand.Read(b.auth)
	path := "/push/" + name
	p.keys.Store(path, b)
	e := base64.RawURLEncoding
	return Subscription{Endpoint: p.URL + path, P256dh: e.EncodeToString(key.PublicKey().Bytes()), Auth: e.EncodeToString(b.auth)}
}

func (p *pushd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, ok := p.keys.Load(r.URL.Path)
	if !ok {
		w.WriteHeader(http.StatusGone)
		return
	}
	b := v.(*browser)
	body, err := io.ReadAll(io.LimitReader(r.Body, 5000))
	if err != nil {
		return
	}
	text, err := b.open(body)
	if err == nil {
		err = checkVAPID(r, p.URL)
	}
	if err == nil && (r.Header.Get("TTL") == "" || r.Header.Get("Content-Encoding") != "aes128gcm" || len(r.Header.Get("Topic")) > 32) {
		err = fmt.Errorf("headers %v", r.Header)
	}
	if err != nil {
		p.bad.Store(err.Error(), true)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch p.draw(5) {
	case 1:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case 2:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case 3:
		p.put(b.name, string(text)) // taken, but the answer is lost
		panic(http.ErrAbortHandler)
	case 4:
		panic(http.ErrAbortHandler) // not taken, and nobody knows
	case 5:
		w.WriteHeader(http.StatusForbidden)
		return
	}
	p.put(b.name, string(text))
	w.WriteHeader(http.StatusCreated)
}

// open decrypts a message as the browser would (RFC 8188 and 8291).
func (b *browser) open(body []byte) ([]byte, error) {
	if len(body) < 21 {
		return nil, errors.New("short body")
	}
	salt, idlen := body[:16], int(body[20])
	if len(body) < 21+idlen {
		return nil, errors.New("short body")
	}
	server, err := ecdh.P256().NewPublicKey(body[21 : 21+idlen])
	if err != nil {
		return nil, err
	}
	shared, err := b.key.ECDH(server)
	if err != nil {
		return nil, err
	}
	prk, err := hkdf.Extract(sha256.New, shared, b.auth)
	if err != nil {
		return nil, err
	}
	info := "WebPush: info\x00" + string(b.key.PublicKey().Bytes()) + string(server.Bytes())
	ikm, err := hkdf.Expand(sha256.New, prk, info, 32)
	if err != nil {
		return nil, err
	}
	prk, err = hkdf.Extract(sha256.New, ikm, salt)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Expand(sha256.New, prk, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Expand(sha256.New, prk, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	g, err := cipher.NewGCM(c)
	if err != nil {
		return nil, err
	}
	plain, err := g.Open(nil, nonce, body[21+idlen:], nil)
	if err != nil {
		return nil, err
	}
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 || plain[len(plain)-1] != 2 {
		return nil, errors.New("no end of the last record")
	}
	return plain[:len(plain)-1], nil
}

// checkVAPID checks who signed a request (RFC 8292).
func checkVAPID(r *http.Request, audience string) error {
	auth := r.Header.Get("Authorization")
	token, key, ok := strings.Cut(strings.TrimPrefix(auth, "vapid t="), ", k=")
	parts := strings.Split(token, ".")
	if !ok || len(parts) != 3 {
		return fmt.Errorf("authorization %q", auth)
	}
	e := base64.RawURLEncoding
	public, err := e.DecodeString(key)
	if err != nil {
		return err
	}
	signature, err := e.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return fmt.Errorf("signature of %d bytes, %v", len(signature), err)
	}
	point, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(point, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return errors.New("the signature is wrong")
	}
	raw, err := e.DecodeString(parts[1])
	if err != nil {
		return err
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(raw, &claims); err != nil {
		return err
	}
	if claims.Aud != audience || claims.Exp > time.Now().Add(24*time.Hour).Unix() || !strings.HasPrefix(claims.Sub, "https:") {
		return fmt.Errorf("claims %s", raw)
	}
	return nil
}

// smtpd is a mail server.
type smtpd struct {
	luck
	taken
	listener net.Listener
	config   *tls.Config
	trust    *tls.Config
	first    bool // encrypted from the first byte
	host     string
	port     int
	user     string
	password string
}

func newSMTPd(t testing.TB, first bool) *smtpd {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	s := &smtpd{first: first, host: "127.0.0.1", user: "grid", password: "secret of the mail",
		config: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		trust:  &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.port = s.listener.Addr().(*net.TCPAddr).Port
	t.Cleanup(func() { _ = s.listener.Close() })
	go func() {
		for {
			c, err := s.listener.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *smtpd) options() SMTPOptions {
	o := SMTPOptions{Host: s.host, Port: s.port, TLS: "starttls", User: s.user, Password: s.password, From: "onegrid@example.org", Config: s.trust}
	if s.first {
		o.TLS = "tls"
	}
	return o
}

func (s *smtpd) serve(c net.Conn) {
	defer c.Close()
	secure := s.first
	if s.first {
		c = tls.Server(c, s.config)
	}
	r := textproto.NewReader(bufio.NewReader(c))
	say := func(line string) bool { _, err := fmt.Fprintf(c, "%s\r\n", line); return err == nil }
	say("220 test ready")
	known := false
	var to string
	for {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO", "HELO":
			say("250-test")
			if !secure {
				say("250-STARTTLS")
			} else {
				say("250-AUTH PLAIN")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			c = tls.Server(c, s.config)
			r, secure = textproto.NewReader(bufio.NewReader(c)), true
		case "AUTH":
			_, secret, _ := strings.Cut(rest, " ")
			raw, _ := base64.StdEncoding.DecodeString(secret)
			if string(raw) != "\x00"+s.user+"\x00"+s.password {
				say("535 who are you")
				continue
			}
			known = true
			say("235 welcome")
		case "NOOP", "RSET":
			say("250 ok")
		case "MAIL":
			if !known || !secure {
				say("530 sign in first")
				continue
			}
			say("250 ok")
		case "RCPT":
			to = strings.Trim(rest[strings.Index(rest, ":")+1:], "<> ")
			switch s.draw(12) {
			case 1, 2, 3:
				say("451 try later")
			case 4, 5:
				say("550 no such box")
			case 6:
				return // before anything was taken
			default:
				say("250 ok")
			}
		case "DATA":
			say("354 go on")
			body, err := r.ReadDotBytes()
			if err != nil {
				return
			}
			switch s.draw(4) {
			case 1:
				s.put(to, string(body)) // taken, but the answer is lost
				return
			case 2:
				return
			case 3:
				say("452 no room")
				continue
			}
			s.put(to, string(body))
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("502 what")
		}
	}
}

// smsc is a message centre.
type smsc struct {
	taken
	listener net.Listener
	answers  chan smpp.Status // of the next submits; OK when empty
	mute     chan struct{}    // full: the next submit gets no answer
	mu       sync.Mutex
	conns    []net.Conn
	n        int
	enquired int
	receipts bool
	partial  map[string]map[byte]string
}

func newSMSC(t testing.TB) *smsc {
	t.Helper()
	s := &smsc{answers: make(chan smpp.Status, 10), mute: make(chan struct{}, 1), receipts: true, partial: map[string]map[byte]string{}}
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.listener.Close(); s.cut() })
	go func() {
		for {
			c, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			go s.serve(c)
		}
	}()
	return s
}

// cut breaks every link.
func (s *smsc) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}

func (s *smsc) serve(c net.Conn) {
	defer c.Close()
	var writing sync.Mutex
	write := func(p smpp.PDU) {
		raw, err := p.Append(nil)
		if err != nil {
			return
		}
		writing.Lock()
		defer writing.Unlock()
		_, _ = c.Write(raw)
	}
	bound := false
	for {
		p, err := readPDU(c)
		if err != nil {
			return
		}
		answer := smpp.PDU{Command: p.Command | 0x80000000, Sequence: p.Sequence}
		switch p.Command {
		case smpp.BindTransceiver:
			if p.Bind.System != "grid" || p.Bind.Password != "secret08" || p.Bind.Version != 0x34 {
				answer.Status = smpp.BindFailed
			}
			bound, answer.System = answer.Status == smpp.OK, "test"
		case smpp.EnquireLink:
			s.mu.Lock()
			s.enquired++
			s.mu.Unlock()
		case smpp.Unbind:
			write(answer)
			return
		case smpp.SubmitSM:
			if !bound {
				answer.Status = smpp.NotBound
				break
			}
			select {
			case <-s.mute:
				continue
			default:
			}
			select {
			case answer.Status = <-s.answers:
			default:
			}
			if answer.Status != smpp.OK {
				break
			}
			text, seg, err := p.Message.Decode()
			if err != nil {
				answer.Status = smpp.SubmitFailed
				break
			}
			s.mu.Lock()
			s.n++
			answer.ID = fmt.Sprintf("%08X", s.n)
			whole := text
			if seg.Total > 1 {
				key := fmt.Sprint(p.Message.Destination, seg.Reference)
				if s.partial[key] == nil {
					s.partial[key] = map[byte]string{}
				}
				s.partial[key][seg.Part] = text
				whole = ""
				if len(s.partial[key]) == int(seg.Total) {
					for i := byte(1); i <= seg.Total; i++ {
						whole += s.partial[key][i]
					}
				}
			}
			s.mu.Unlock()
			if whole != "" {
				s.put(p.Message.Destination, whole)
			}
			if s.receipts && p.Message.Registered == smpp.RequestReceipt {
				defer func(v string) {}(answer.ID)
				write(answer)
				seq := binary.BigEndian.Uint32([]byte{1, 0, 0, byte(s.n)})
				write(smpp.PDU{Command: smpp.DeliverSM, Sequence: seq, Message: &smpp.Message{ESM: smpp.Receipt, Source: p.Message.Destination,
					Text: []byte(smpp.ReceiptText(answer.ID, "DELIVRD", "2611241000", "2611241000"))}})
				continue
			}
		case smpp.DeliverSMResp:
			continue
		default:
			answer = smpp.PDU{Command: smpp.GenericNack, Sequence: p.Sequence, Status: smpp.BadCommand}
		}
		write(answer)
	}
}
