package org

import (
	"bytes"
	"testing"

	"onegrid/internal/kit/fault"
)

// Whatever file is brought in as a table, it is read row by row or refused by
// name.
func FuzzTable(f *testing.F) {
	f.Add("a.csv", []byte("code,name_zh\nS1,街道\n\"x\n"))
	f.Add("a.xlsx", []byte("PK\x03\x04"))
	f.Add("../a.json", []byte(`[{"code":"S1"},7,{}]`))
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		kept, err := readTable(name, bytes.NewReader(raw))
		if err != nil {
			if fault.Of(err).Kind == fault.Internal {
				t.Fatal(err)
			}
			return
		}
		for _, row := range kept.rows {
			_, _ = instant(row.Get("from")) // a time or none
		}
	})
}
