package notice

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onegrid/internal/wire/smpp"
)

// SMSCOptions say which message centre carries text messages.
type SMSCOptions struct {
	Address, System, Password, Type string
	Sender                          string // the number or name that telephones show
	Country                         string // put before a national number, such as 86
	Window                          int    // messages under way at once; default 10
	Answer                          time.Duration
	Idle                            time.Duration // after it an enquire_link is sent; default 30 s
	Log                             *slog.Logger
}

// SMSC sends text messages over one link to a message centre by SMPP 3.4, bound
// as a transceiver: long messages in segments, delivery receipts, a window of
// messages under way, enquire_link while it is idle, a new link when one broke.
type SMSC struct {
	o       SMSCOptions
	reports func(ctx context.Context, messageID string, ok bool, stat string) error
	ref     atomic.Uint32

	mu   sync.Mutex // one connects, the others wait for it
	link *link
}

// NewSMSC connects to nothing yet.
func NewSMSC(o SMSCOptions) *SMSC {
	if o.Window == 0 {
		o.Window = 10
	}
	if o.Answer == 0 {
		o.Answer = 10 * time.Second
	}
	if o.Idle == 0 {
		o.Idle = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &SMSC{o: o}
}

// Reports says whom to tell of delivery receipts.
func (s *SMSC) Reports(f func(ctx context.Context, messageID string, ok bool, stat string) error) {
	s.reports = f
}

// Keep makes sure that there is a link, so that receipts come in.
func (s *SMSC) Keep(ctx context.Context) error {
	_, err := s.connect(ctx)
	return err
}

// Close unbinds.
func (s *SMSC) Close() {
	s.mu.Lock()
	l := s.link
	s.link = nil
	s.mu.Unlock()
	if l != nil {
		_ = l.write(smpp.PDU{Command: smpp.Unbind, Sequence: l.next()}) // the link ends either way
		l.end(net.ErrClosed)
	}
}

// Text sends one message and gives the centre's ids of its segments.
func (s *SMSC) Text(ctx context.Context, to, text string) ([]string, error) {
	l, err := s.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	m := smpp.Message{Source: s.o.Sender, Registered: smpp.RequestReceipt, Destination: to, TON: smpp.TONInternational, NPI: smpp.NPIISDN}
	if strings.Trim(s.o.Sender, "0123456789") != "" {
		m.SourceTON = smpp.TONAlphanumeric
	}
	if rest, ok := strings.CutPrefix(to, "+"); ok {
		m.Destination = rest
	} else if s.o.Country != "" && len(to) <= 11 {
		m.Destination = s.o.Country + to
	} else {
		m.TON = 0
	}
	segments, coding := smpp.Split(text, byte(s.ref.Add(1)))
	if m.Coding = coding; len(segments) > 1 {
		m.ESM = smpp.UDHI
	}
	var ids []string
	for i, part := range segments {
		one := m
		one.Text = part
		answer, sent, err := l.ask(ctx, smpp.PDU{Command: smpp.SubmitSM, Message: &one}, s.o.Answer)
		switch {
		case err != nil && !sent && i == 0:
			return nil, fmt.Errorf("%w: %w", ErrAway, err)
		case err != nil:
			return ids, fmt.Errorf("%w: %w", ErrUnknown, err)
		case answer.Status == smpp.OK && answer.Command == smpp.SubmitSMResp:
			ids = append(ids, answer.ID)
		case i > 0:
			return ids, fmt.Errorf("%w: segment %d of %d was answered %#x", ErrUnknown, i+1, len(segments), uint32(answer.Status))
		case answer.Status.Temporary():
			return nil, fmt.Errorf("the message centre answers %#x", uint32(answer.Status))
		default:
			return nil, fmt.Errorf("%w: the message centre answers %#x", ErrRefused, uint32(answer.Status))
		}
	}
	return ids, nil
}

func (s *SMSC) connect(ctx context.Context) (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != nil && s.link.alive() {
		return s.link, nil
	}
	d := net.Dialer{Timeout: s.o.Answer}
	conn, err := d.DialContext(ctx, "tcp", s.o.Address)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn, o: s.o, waiting: map[uint32]chan smpp.PDU{}, window: make(chan struct{}, s.o.Window), over: make(chan struct{})}
	l.receipt = s.receipt
	go l.read()
	bind := smpp.PDU{Command: smpp.BindTransceiver, Bind: &smpp.Bind{System: s.o.System, Password: s.o.Password, Type: s.o.Type, Version: 0x34}}
	answer, _, err := l.ask(ctx, bind, s.o.Answer)
	if err == nil && answer.Status != smpp.OK {
		err = fmt.Errorf("the message centre refuses to bind: %#x", uint32(answer.Status))
	}
	if err != nil {
		l.end(err)
		return nil, err
	}
	go l.enquire()
	s.link = l
	return l, nil
}

// receipt takes a delivery receipt; the status is what the centre is answered.
func (s *SMSC) receipt(m *smpp.Message) smpp.Status {
	r, ok := m.Report()
	if !ok || !r.Final || s.reports == nil {
		return smpp.OK // a message from a telephone, or one that says nothing yet
	}
	if err := s.reports(context.Background(), r.ID, r.OK, r.Stat); err != nil {
		s.o.Log.Warn("a delivery receipt could not be kept", "cause", err)
		return smpp.SystemError // the centre brings it again
	}
	return smpp.OK
}

// link is one bound connection.
type link struct {
	conn    net.Conn
	o       SMSCOptions
	receipt func(*smpp.Message) smpp.Status
	window  chan struct{}
	seq     atomic.Uint32
	heard   atomic.Int64

	writing sync.Mutex
	mu      sync.Mutex
	waiting map[uint32]chan smpp.PDU
	err     error
	over    chan struct{}
}

func (l *link) next() uint32 { return l.seq.Add(1) & 0x7FFFFFFF }

func (l *link) alive() bool {
	select {
	case <-l.over:
		return false
	default:
		return true
	}
}

// end closes the link; everybody who waits for an answer is told.
func (l *link) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	close(l.over)
	_ = l.conn.Close() // whoever reads notices
}

// ask sends a request and waits for its answer. sent says whether any byte of it
// may have reached the centre.
func (l *link) ask(ctx context.Context, p smpp.PDU, wait time.Duration) (answer smpp.PDU, sent bool, err error) {
	select {
	case l.window <- struct{}{}:
		defer func() { <-l.window }()
	case <-ctx.Done():
		return answer, false, ctx.Err()
	case <-l.over:
		return answer, false, l.err
	}
	p.Sequence = l.next()
	got := make(chan smpp.PDU, 1)
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return answer, false, l.err
	}
	l.waiting[p.Sequence] = got
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.waiting, p.Sequence)
		l.mu.Unlock()
	}()
	if err := l.write(p); err != nil {
		return answer, true, err
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case answer = <-got:
		return answer, true, nil
	case <-l.over:
		return answer, true, l.err
	case <-late.C:
		err := errors.New("the message centre does not answer")
		l.end(err)
		return answer, true, err
	case <-ctx.Done():
		return answer, true, ctx.Err()
	}
}

func (l *link) write(p smpp.PDU) error {
	raw, err := p.Append(nil)
	if err != nil {
		return err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(l.o.Answer)); err != nil {
		return err
	}
	if _, err := l.conn.Write(raw); err != nil {
		l.end(err)
		return err
	}
	return nil
}

// read takes what the centre sends until the link ends.
func (l *link) read() {
	for {
		p, err := readPDU(l.conn)
		if err != nil {
			l.end(err)
			return
		}
		l.heard.Store(time.Now().UnixNano())
		switch p.Command {
		case smpp.DeliverSM:
			status := smpp.OK
			if p.Message != nil {
				status = l.receipt(p.Message)
			}
			err = l.write(smpp.PDU{Command: smpp.DeliverSMResp, Sequence: p.Sequence, Status: status})
		case smpp.EnquireLink:
			err = l.write(smpp.PDU{Command: smpp.EnquireLinkResp, Sequence: p.Sequence})
		case smpp.Unbind:
			_ = l.write(smpp.PDU{Command: smpp.UnbindResp, Sequence: p.Sequence}) // the link ends either way
			err = errors.New("the message centre unbound")
		default:
			if uint32(p.Command)&0x80000000 == 0 {
				err = l.write(smpp.PDU{Command: smpp.GenericNack, Sequence: p.Sequence, Status: smpp.BadCommand})
				break
			}
			l.mu.Lock()
			got, asked := l.waiting[p.Sequence]
			delete(l.waiting, p.Sequence)
			l.mu.Unlock()
			if asked {
				got <- p
			}
		}
		if err != nil {
			l.end(err)
			return
		}
	}
}

// enquire keeps the link alive and notices when it is dead.
func (l *link) enquire() {
	t := time.NewTicker(l.o.Idle)
	defer t.Stop()
	for {
		select {
		case <-l.over:
			return
		case <-t.C:
		}
		if time.Since(time.Unix(0, l.heard.Load())) < l.o.Idle {
			continue
		}
		if _, _, err := l.ask(context.Background(), smpp.PDU{Command: smpp.EnquireLink}, l.o.Answer); err != nil {
			l.end(err)
			return
		}
	}
}

// readPDU reads one PDU from a stream.
func readPDU(r io.Reader) (smpp.PDU, error) {
	var first [4]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return smpp.PDU{}, err
	}
	n, err := smpp.Length(first[:])
	if err != nil {
		return smpp.PDU{}, err
	}
	raw := make([]byte, n)
	binary.BigEndian.PutUint32(raw, uint32(n))
	if _, err := io.ReadFull(r, raw[4:]); err != nil {
		return smpp.PDU{}, err
	}
	return smpp.Parse(raw)
}
