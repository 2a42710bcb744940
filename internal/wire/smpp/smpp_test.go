package smpp

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// A bind request byte by byte, as the norm lays it out (section 4.1.1).
func TestBindBytes(t *testing.T) {
	p := PDU{Command: BindTransceiver, Sequence: 1, Bind: &Bind{System: "grid", Password: "secret08", Version: 0x34}}
	raw, err := p.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "00000023" + "00000009" + "00000000" + "00000001" + // header
		"6772696400" + "736563726574303800" + "00" + "34" + "00" + "00" + "00"
	if got := hex.EncodeToString(raw); got != want {
		t.Fatalf("bind is\n%s, not\n%s", got, want)
	}
}

// A submit_sm byte by byte (section 4.4.1).
func TestSubmitBytes(t *testing.T) {
	p := PDU{Command: SubmitSM, Sequence: 2, Message: &Message{Source: "10690001", Destination: "8613800000000", TON: 1, NPI: 1,
		Registered: RequestReceipt, Text: []byte("Hi")}}
	raw, err := p.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "00000038" + "00000004" + "00000000" + "00000002" +
		"00" + "0000" + "313036393030303100" + "0101" + "3836313338303030303030303000" +
		"000000" + "00" + "00" + "01" + "00" + "00" + "00" + "02" + "4869"
	if got := hex.EncodeToString(raw); got != want {
		t.Fatalf("submit is\n%s, not\n%s", got, want)
	}
}

func TestWrongBytesAreErrors(t *testing.T) {
	good, err := PDU{Command: SubmitSM, Sequence: 2, Message: &Message{Destination: "1", Text: []byte("Hi"), ReceiptedID: "9", State: 2}}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := Parse(good[:n]); err == nil {
			t.Errorf("%d of %d bytes are taken", n, len(good))
		}
		// The length made right: the body is still too short, except where the
		// optional parameters begin.
		cut := bytes.Clone(good[:n])
		if n < HeaderLength {
			continue
		}
		cut[2], cut[3] = byte(n>>8), byte(n)
		if _, err := Parse(cut); err == nil && n < len(good)-11 {
			t.Errorf("a body of %d bytes is taken", n)
		}
	}
	for name, p := range map[string]PDU{
		"long password": {Command: BindTransceiver, Bind: &Bind{Password: "123456789"}},
		"long number":   {Command: SubmitSM, Message: &Message{Destination: strings.Repeat("1", 21)}},
		"zero byte":     {Command: SubmitSM, Message: &Message{Destination: "1\x002"}},
		"long text":     {Command: SubmitSM, Message: &Message{Text: make([]byte, 255)}},
	} {
		if _, err := p.Append(nil); err == nil {
			t.Errorf("%s is written", name)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		text   string
		parts  int
		coding byte
	}{
		{"", 1, Default}, {strings.Repeat("a", 160), 1, Default}, {strings.Repeat("a", 161), 2, Default}, {strings.Repeat("a", 306), 2, Default},
		{strings.Repeat("a", 307), 3, Default}, {strings.Repeat("€", 80), 1, Default}, {strings.Repeat("€", 81), 2, Default},
		{strings.Repeat("网", 70), 1, UCS2}, {strings.Repeat("网", 71), 2, UCS2}, {strings.Repeat("网", 134), 2, UCS2}, {strings.Repeat("网", 135), 3, UCS2},
		{strings.Repeat("😀", 35), 1, UCS2}, {strings.Repeat("😀", 36), 2, UCS2},
	} {
		parts, coding := Split(c.text, 7)
		if len(parts) != c.parts || coding != c.coding {
			t.Errorf("%d characters make %d parts coded %d, not %d and %d", len([]rune(c.text)), len(parts), coding, c.parts, c.coding)
		}
	}
}

// Whatever is sent is received: cut, carried and put together again it is the
// same text, and no part is too long.
func TestSplitAndJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("abcXYZ 019€{}[]网格通知，。😀éàÄ\n@")), 0, 400, -1).Draw(t, "text")
		parts, coding := Split(s, 42)
		var got strings.Builder
		for i, p := range parts {
			if len(p) > 160 || coding == UCS2 && len(p) > 140 {
				t.Fatalf("part of %d bytes", len(p))
			}
			m := &Message{Coding: coding, Text: p}
			if len(parts) > 1 {
				m.ESM = UDHI
			}
			raw, err := PDU{Command: SubmitSM, Sequence: 9, Message: m}.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			text, seg, err := back.Message.Decode()
			if err != nil {
				t.Fatal(err)
			}
			if len(parts) > 1 && seg != (Segment{42, byte(len(parts)), byte(i + 1)}) {
				t.Fatalf("segment %+v of %d", seg, len(parts))
			}
			got.WriteString(text)
		}
		if got.String() != s {
			t.Fatalf("%q became %q", s, got.String())
		}
	})
}

func TestReports(t *testing.T) {
	text := ReceiptText("0A1B", "DELIVRD", "2611241000", "2611241001")
	for name, c := range map[string]struct {
		m    Message
		want Report
		ok   bool
	}{
		"text":        {Message{ESM: Receipt, Text: []byte(text)}, Report{"0A1B", true, true, "DELIVRD"}, true},
		"parameters":  {Message{ESM: Receipt, ReceiptedID: "77", State: 5}, Report{"77", true, false, "UNDELIV"}, true},
		"on its way":  {Message{ESM: Receipt, ReceiptedID: "77", State: 1}, Report{"77", false, false, "ENROUTE"}, true},
		"no receipt":  {Message{Text: []byte(text)}, Report{}, false},
		"says little": {Message{ESM: Receipt, Text: []byte("hello")}, Report{}, false},
	} {
		got, ok := c.m.Report()
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %+v %v", name, got, ok)
		}
	}
}

// Whatever bytes come, nothing panics, and what was understood is written back
// as it can be read again.
func FuzzParse(f *testing.F) {
	for _, p := range []PDU{
		{Command: BindTransceiver, Bind: &Bind{System: "a", Version: 0x34}}, {Command: BindTransceiverResp, System: "c"},
		{Command: SubmitSM, Message: &Message{Destination: "1", Text: []byte{5, 0, 3, 1, 2, 1, 'a'}, ESM: UDHI}},
		{Command: DeliverSM, Message: &Message{ESM: Receipt, Text: []byte("id:1 stat:DELIVRD"), ReceiptedID: "1", State: 2, Payload: []byte("x")}},
		{Command: SubmitSMResp, ID: "5"}, {Command: EnquireLink}, {Command: GenericNack, Status: BadCommand},
	} {
		raw, err := p.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Parse(raw)
		if err != nil {
			return
		}
		if p.Message != nil {
			_, _, _ = p.Message.Decode()
			_, _ = p.Message.Report()
			p.Message.unknown = 0
		}
		again, err := p.Append(nil)
		if err != nil {
			return // longer than we would write
		}
		q, err := Parse(again)
		if err != nil {
			t.Fatalf("%x was read, written as %x and is wrong then: %v", raw, again, err)
		}
		if p.Message != nil && len(p.Message.Text) == 0 {
			p.Message.Text, q.Message.Text = nil, nil
		}
		if p.Command == BindTransceiverResp && p.Status != OK {
			p.System = ""
		}
		if p.Message != nil && len(p.Message.Payload) == 0 {
			p.Message.Payload, q.Message.Payload = nil, nil
		}
		if !reflect.DeepEqual(p, q) {
			t.Fatalf("%+v became %+v", p, q)
		}
	})
}

// Whatever text is sent, its segments fit their message, and those of a text
// that is not cut off give it back.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"您的报告已受理。", "Case {1} [x] €", strings.Repeat("长", 200), strings.Repeat("^", 200), "\U0001f600", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts, coding := Split(s, 7)
		var got strings.Builder
		for i, p := range parts {
			m := &Message{Text: p, Coding: coding}
			if len(parts) > 1 {
				m.ESM = UDHI
			}
			text, seg, err := m.Decode()
			if err != nil || len(parts) > 1 && (int(seg.Total) != len(parts) || int(seg.Part) != i+1) {
				t.Fatalf("segment %d of %d: %+v %v", i+1, len(parts), seg, err)
			}
			got.WriteString(text)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); len(parts) < MaxParts && utf8.ValidString(s) && got.String() != want {
			t.Fatalf("%q came back as %q", want, got.String())
		}
	})
}
