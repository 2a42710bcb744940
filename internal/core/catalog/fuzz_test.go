package catalog

import (
	"encoding/json"
	"testing"

	"onegrid/internal/kit/fault"
)

// Whatever schema somebody edits into an item, and whatever is answered to it,
// both are judged: nothing panics, nothing outside is read, and a refusal names
// what is wrong.
func FuzzForm(f *testing.F) {
	items, _, err := Defaults()
	if err != nil {
		f.Fatal(err)
	}
	for _, i := range items {
		f.Add([]byte(i.Form), []byte(`{"problem":"exposed","people":1e400,"on":"2026-11-27"}`))
	}
	with := func(properties string) []byte {
		return []byte(`{"$schema":"` + draft + `","type":"object","additionalProperties":false,"properties":` + properties + `}`)
	}
	f.Add(with(`{"a":{"x-personal":"none","type":"integer","minimum":0,"multipleOf":3}}`), []byte(`{"a":1e999999999}`))
	f.Add(with(`{"a":{"x-personal":"none","$ref":"#/properties/a"}}`), []byte(`{"a":1}`))
	f.Add(with(`{"a":{"x-personal":"none","$ref":"file:///etc/passwd"}}`), []byte(`{"a":1}`))
	f.Add(with(`{"a":{"x-personal":"none","pattern":"(a+)+$","format":"regex"}}`), []byte(`{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}`))
	f.Add(with(`{"a":{"x-personal":"none","uniqueItems":true,"contains":{},"minContains":2}}`), []byte(`{"a":[[[[[[]]]]],1,1.0]}`))
	f.Fuzz(func(t *testing.T, schema, answer []byte) {
		form, err := compile(schema)
		if err != nil {
			if fault.Of(err).Code != ErrFormSchema.Code {
				t.Fatal(err)
			}
			return
		}
		for _, part := range []bool{false, true} {
			if err := form.check(answer, part); err != nil && fault.Of(err).Code != ErrForm.Code {
				t.Fatal(err)
			}
		}
	})
}

// Whatever content is edited into an entry of the register, it is refused by its
// fields or is the same when it is saved again.
func FuzzEntry(f *testing.F) {
	f.Add(kindReason, []byte(`{"key":"refuse_empty","kind":"refuse","name":{"zh-CN":"空","en":"empty"},"resident_text":{"zh-CN":"空","en":"empty"}}`))
	f.Add(kindStageClock, []byte(`{"key":"accept","name":{"zh-CN":"受理","en":"accept"},"default":{"clock":"urgent-hour","units":1e300}}`))
	f.Add(kindFlow, []byte(`{"key":"handling","states":[null],"tasks":[{}]}`))
	f.Add(kindWarn, []byte(`{"before_due_share":0.5,"colours":["a"],"escalate":[{"after_share":2,"to":"x"},{"after_share":1,"to":"x"}]}`))
	f.Fuzz(func(t *testing.T, kind string, content []byte) {
		var key struct {
			Key string `json:"key"`
		}
		_ = json.Unmarshal(content, &key) // no key then
		old := Entry{Kind: kind, Key: key.Key, Content: content}
		saved, err := checkEntry(old, content, Known{Role: func(string) bool { return true }})
		if err != nil {
			if fault.Of(err).Kind == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		again, err := checkEntry(Entry{Kind: kind, Key: key.Key, Content: saved}, saved, Known{})
		if err != nil || string(again) != string(saved) {
			t.Fatalf("%s saved again is %s, %v", saved, again, err)
		}
	})
}
