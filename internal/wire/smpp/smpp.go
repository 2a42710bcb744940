// Package smpp turns the bytes of SMPP 3.4 (Short Message Peer to Peer, the
// protocol of text message centres) into structs and back. It is pure: no
// connection, no clock, no log. What it reads comes from a stranger, so every
// length is bounded and a wrong byte is an error, never a panic.
//
// It covers what a sender of messages needs: bind as a transceiver, submit,
// receive delivery receipts, keep the link alive, unbind.
package smpp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Command is a kind of PDU (section 5.1.2 of the norm).
type Command uint32

const (
	GenericNack         Command = 0x80000000
	BindTransceiver     Command = 0x00000009
	BindTransceiverResp Command = 0x80000009
	SubmitSM            Command = 0x00000004
	SubmitSMResp        Command = 0x80000004
	DeliverSM           Command = 0x00000005
	DeliverSMResp       Command = 0x80000005
	Unbind              Command = 0x00000006
	UnbindResp          Command = 0x80000006
	EnquireLink         Command = 0x00000015
	EnquireLinkResp     Command = 0x80000015
)

// Status is the outcome that a response carries (section 5.1.3).
type Status uint32

const (
	OK             Status = 0x00000000
	BadLength      Status = 0x00000002
	BadCommand     Status = 0x00000003
	NotBound       Status = 0x00000004
	AlreadyBound   Status = 0x00000005
	SystemError    Status = 0x00000008
	BadDestination Status = 0x0000000B
	BindFailed     Status = 0x0000000D
	BadPassword    Status = 0x0000000E
	QueueFull      Status = 0x00000014
	SubmitFailed   Status = 0x00000045
	Throttled      Status = 0x00000058
)

// Temporary says whether the same message may succeed later.
func (s Status) Temporary() bool { return s == QueueFull || s == Throttled || s == SystemError }

// HeaderLength is the length of the part all PDUs share.
const HeaderLength = 16

// MaxLength bounds a PDU: a message of 254 bytes with every optional parameter
// that anybody sends stays far below.
const MaxLength = 4096

// ErrMalformed says that bytes are no SMPP PDU.
var ErrMalformed = errors.New("smpp: malformed PDU")

// PDU is one protocol data unit.
type PDU struct {
	Command  Command
	Status   Status
	Sequence uint32
	Bind     *Bind    // BindTransceiver
	System   string   // BindTransceiverResp: the name of the centre
	Message  *Message // SubmitSM, DeliverSM
	ID       string   // SubmitSMResp, DeliverSMResp: the centre's id of the message
}

// Bind is who wants to send.
type Bind struct {
	System, Password, Type string
	Version                byte // 0x34
	TON, NPI               byte
	Range                  string
}

// Message is a message on its way out, or a receipt on its way in.
type Message struct {
	Service              string
	SourceTON, SourceNPI byte
	Source               string
	TON, NPI             byte
	Destination          string
	ESM                  byte // UDHI of a segment, Receipt
	Protocol, Priority   byte
	Schedule, Validity   string
	Registered           byte
	Replace              byte
	Coding               byte
	Default              byte
	Text                 []byte // with its user data header, when ESM says so
	ReceiptedID          string // TLV receipted_message_id
	State                byte   // TLV message_state; 0 when absent
	Payload              []byte // TLV message_payload, when the text is longer than 254 bytes
	unknown              int
}

// The bits of ESM that are used (section 5.2.12), and of Registered.
const (
	UDHI             = 0x40 // the text begins with a user data header
	Receipt          = 0x04 // deliver_sm: a delivery receipt
	receiptMask      = 0x3C
	RequestReceipt   = 0x01
	TONInternational = 0x01
	TONAlphanumeric  = 0x05
	NPIISDN          = 0x01
)

// IsReceipt says whether a deliver_sm carries a delivery receipt.
func (m *Message) IsReceipt() bool { return m.ESM&receiptMask == Receipt }

// The optional parameters that are read and written (section 5.3).
const (
	tagReceiptedID = 0x001E
	tagState       = 0x0427
	tagPayload     = 0x0424
)

// Length reads how long the PDU is whose first four bytes these are.
func Length(first []byte) (int, error) {
	if len(first) < 4 {
		return 0, ErrMalformed
	}
	n := binary.BigEndian.Uint32(first)
	if n < HeaderLength || n > MaxLength {
		return 0, fmt.Errorf("%w: length %d", ErrMalformed, n)
	}
	return int(n), nil
}

// Parse reads one whole PDU. A command that is not known comes back with its
// header alone, so that it can be refused politely.
func Parse(b []byte) (PDU, error) {
	var p PDU
	n, err := Length(b)
	if err != nil {
		return p, err
	}
	if n != len(b) {
		return p, fmt.Errorf("%w: %d bytes say %d", ErrMalformed, len(b), n)
	}
	p.Command = Command(binary.BigEndian.Uint32(b[4:]))
	p.Status = Status(binary.BigEndian.Uint32(b[8:]))
	p.Sequence = binary.BigEndian.Uint32(b[12:])
	r := reader{rest: b[HeaderLength:]}
	switch p.Command {
	case BindTransceiver:
		p.Bind = &Bind{System: r.text(16), Password: r.text(9), Type: r.text(13), Version: r.byte(), TON: r.byte(), NPI: r.byte(), Range: r.text(41)}
	case BindTransceiverResp:
		if len(r.rest) > 0 { // a refusal may have no body
			p.System = r.text(16)
		}
	case SubmitSM, DeliverSM:
		p.Message = r.message()
	case SubmitSMResp, DeliverSMResp:
		if len(r.rest) > 0 {
			p.ID = r.text(65)
		}
	}
	return p, r.err
}

// Append writes the PDU behind b. Texts longer than the norm allows are an
// error: they would become somebody else's fields.
func (p PDU) Append(b []byte) ([]byte, error) {
	start := len(b)
	w := writer{out: append(b, make([]byte, HeaderLength)...)}
	switch p.Command {
	case BindTransceiver:
		v := p.Bind
		if v == nil {
			v = &Bind{}
		}
		w.text(v.System, 16)
		w.text(v.Password, 9)
		w.text(v.Type, 13)
		w.bytes(v.Version, v.TON, v.NPI)
		w.text(v.Range, 41)
	case BindTransceiverResp:
		if p.Status == OK {
			w.text(p.System, 16)
		}
	case SubmitSM, DeliverSM:
		v := p.Message
		if v == nil {
			v = &Message{}
		}
		w.message(v)
	case SubmitSMResp, DeliverSMResp:
		w.text(p.ID, 65)
	}
	if w.err != nil {
		return b, w.err
	}
	n := len(w.out) - start
	if n > MaxLength {
		return b, fmt.Errorf("%w: %d bytes", ErrMalformed, n)
	}
	h := w.out[start:]
	binary.BigEndian.PutUint32(h, uint32(n))
	binary.BigEndian.PutUint32(h[4:], uint32(p.Command))
	binary.BigEndian.PutUint32(h[8:], uint32(p.Status))
	binary.BigEndian.PutUint32(h[12:], p.Sequence)
	return w.out, nil
}

// reader reads fields and remembers the first mistake.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	r.rest = nil
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail("too short")
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}

// text reads a text that ends with a zero byte; most counts that byte.
func (r *reader) text(most int) string {
	for i, c := range r.rest {
		if i >= most {
			break
		}
		if c == 0 {
			v := string(r.rest[:i])
			r.rest = r.rest[i+1:]
			return v
		}
	}
	r.fail("text without an end")
	return ""
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail("too short")
		return nil
	}
	v := append([]byte(nil), r.rest[:n]...)
	r.rest = r.rest[n:]
	return v
}

func (r *reader) message() *Message {
	m := &Message{}
	m.Service = r.text(6)
	m.SourceTON, m.SourceNPI, m.Source = r.byte(), r.byte(), r.text(21)
	m.TON, m.NPI, m.Destination = r.byte(), r.byte(), r.text(21)
	m.ESM, m.Protocol, m.Priority = r.byte(), r.byte(), r.byte()
	m.Schedule, m.Validity = r.text(17), r.text(17)
	m.Registered, m.Replace, m.Coding, m.Default = r.byte(), r.byte(), r.byte(), r.byte()
	m.Text = r.take(int(r.byte()))
	for r.err == nil && len(r.rest) > 0 {
		if len(r.rest) < 4 {
			r.fail("half an optional parameter")
			return m
		}
		tag, n := binary.BigEndian.Uint16(r.rest), int(binary.BigEndian.Uint16(r.rest[2:]))
		r.rest = r.rest[4:]
		v := r.take(n)
		switch tag {
		case tagReceiptedID:
			for i, c := range v {
				if c == 0 {
					v = v[:i]
					break
				}
			}
			m.ReceiptedID = string(v)
		case tagState:
			if len(v) != 1 {
				r.fail("message_state")
				return m
			}
			m.State = v[0]
		case tagPayload:
			m.Payload = v
		default:
			m.unknown++
		}
	}
	return m
}

type writer struct {
	out []byte
	err error
}

func (w *writer) bytes(v ...byte) { w.out = append(w.out, v...) }

func (w *writer) text(s string, most int) {
	if len(s) >= most {
		w.err = fmt.Errorf("smpp: text of %d bytes, at most %d", len(s), most-1)
	}
	for i := range len(s) {
		if s[i] == 0 {
			w.err = errors.New("smpp: zero byte in a text")
		}
	}
	w.out = append(append(w.out, s...), 0)
}

func (w *writer) tlv(tag uint16, v []byte) {
	w.out = binary.BigEndian.AppendUint16(w.out, tag)
	w.out = binary.BigEndian.AppendUint16(w.out, uint16(len(v)))
	w.out = append(w.out, v...)
}

func (w *writer) message(m *Message) {
	w.text(m.Service, 6)
	w.bytes(m.SourceTON, m.SourceNPI)
	w.text(m.Source, 21)
	w.bytes(m.TON, m.NPI)
	w.text(m.Destination, 21)
	w.bytes(m.ESM, m.Protocol, m.Priority)
	w.text(m.Schedule, 17)
	w.text(m.Validity, 17)
	w.bytes(m.Registered, m.Replace, m.Coding, m.Default)
	if len(m.Text) > 254 || len(m.Payload) > 2048 {
		w.err = fmt.Errorf("smpp: message of %d bytes", len(m.Text)+len(m.Payload))
		return
	}
	w.bytes(byte(len(m.Text)))
	w.bytes(m.Text...)
	if m.ReceiptedID != "" {
		w.tlv(tagReceiptedID, append([]byte(m.ReceiptedID), 0))
	}
	if m.State != 0 {
		w.tlv(tagState, []byte{m.State})
	}
	if len(m.Payload) > 0 {
		w.tlv(tagPayload, m.Payload)
	}
}
