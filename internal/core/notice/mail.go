package notice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	mail "github.com/wneessen/go-mail"
)

// SMTPOptions say which mail server carries mail.
type SMTPOptions struct {
	Host, TLS, User, Password, From string // TLS: starttls, tls or off
	Port                            int
	Config                          *tls.Config // of a test's own server; nil: the machine's trust
}

// SMTP sends mail over one connection for each message (RFC 5321), encrypted by
// STARTTLS or from the first byte.
type SMTP struct{ o SMTPOptions }

// NewSMTP checks the options; it connects to nothing yet.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	s := &SMTP{o}
	if _, err := s.client(); err != nil {
		return nil, err
	}
	m := mail.NewMsg()
	if err := m.From(o.From); err != nil {
		return nil, fmt.Errorf("mail-from: %w", err)
	}
	return s, nil
}

func (s *SMTP) client() (*mail.Client, error) {
	options := []mail.Option{mail.WithPort(s.o.Port), mail.WithTimeout(15 * time.Second)}
	switch s.o.TLS {
	case "tls":
		options = append(options, mail.WithSSL())
	case "off":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.o.Config != nil {
		options = append(options, mail.WithTLSConfig(s.o.Config))
	}
	if s.o.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.o.User), mail.WithPassword(s.o.Password))
	}
	c, err := mail.NewClient(s.o.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	return c, nil
}

// Mail sends one mail; id becomes its Message-ID. No error says an address.
func (s *SMTP) Mail(ctx context.Context, to, id, subject, body string) error {
	m := mail.NewMsg()
	if err := errors.Join(m.From(s.o.From), m.To(to)); err != nil {
		return fmt.Errorf("%w: an address that is none", ErrGone)
	}
	_, domain, _ := strings.Cut(m.GetFromString()[0], "@")
	m.SetMessageIDWithValue(id + "@" + strings.Trim(domain, "<> "))
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.Subject(subject)
	m.SetBodyString(mail.TypeTextPlain, body)
	c, err := s.client()
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return fmt.Errorf("%w: %s", ErrAway, smtpCause(err))
	}
	defer c.Close()
	err = c.Send(m)
	if err == nil || m.IsDelivered() {
		return nil
	}
	var e *mail.SendError
	if !errors.As(err, &e) {
		return fmt.Errorf("%w: mail server", ErrUnknown)
	}
	switch code := e.ErrorCode(); {
	case code >= 500:
		return fmt.Errorf("%w: mail server answers %d", ErrRefused, code)
	case code >= 400:
		return fmt.Errorf("mail server answers %d", code)
	case e.Reason == mail.ErrSMTPDataClose, e.Reason == mail.ErrWriteContent, e.Reason == mail.ErrAmbiguous:
		// The last dot left, or part of the mail did: only an answer would say
		// whether the server took it.
		return fmt.Errorf("%w: the mail server went away", ErrUnknown)
	}
	return fmt.Errorf("%w: the mail server broke off", ErrAway)
}

// smtpCause says what kind of thing went wrong on the way to the server, without
// what it said.
func smtpCause(err error) string {
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &cert):
		return "its certificate is not trusted"
	case errors.As(err, &op):
		return op.Op
	}
	text := err.Error()
	for i := 0; i+3 <= len(text); i++ {
		if n, e := strconv.Atoi(text[i : i+3]); e == nil && n >= 400 && n < 600 {
			return "answers " + strconv.Itoa(n)
		}
	}
	return "no connection"
}
