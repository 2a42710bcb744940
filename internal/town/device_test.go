package town_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/town"
)

// sensorAt is a sensor in G1 as its keeper registers it.
func sensorAt(w *town.Town, key string, more with) with {
	lon, lat := town.Middle("G1")
	in := with{"key": key, "kind": "sensor", "name": with{"zh-CN": "东桥水位", "en": "Level at the east bridge"}, "lon": lon, "lat": lat, "datum": "wgs84", "unit_id": w.Nodes["P1"]}
	for k, v := range more {
		in[k] = v
	}
	return in
}

type deviceNow struct {
	ID         id.ID
	State      string
	Version    int64
	Credential string
	GridCode   string `json:"grid_code"`
	AgeS       int64  `json:"last_age_s"`
}

// A device is registered, gets its credential, speaks, falls silent and comes
// back; each change of its state is one entry of the journal, a heartbeat none.
func TestDeviceLives(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		keeper := w.As("device keeper 1")
		var v deviceNow
		takes(keeper, w, "POST", "/api/devices", sensorAt(w, "S-1", nil), 201, &v)
		if v.State != "unknown" || v.GridCode != "370115003201001" {
			w.Fatalf("it is %+v", v)
		}
		path := "/api/devices/" + v.ID.String()
		takes(keeper, w, "POST", path+"/credential", nil, 200, &v)
		first := v.Credential
		machine := w.Stranger("sensor")
		beat := func(secret, want string) {
			w.Helper()
			if a := machine.Do("POST", "/api/device/heartbeat", nil, "Authorization", "Bearer "+secret); a.String() != want {
				w.Fatalf("a heartbeat: %s, not %s", a, want)
			}
		}
		head := w.Head()
		beat(first, "200")
		beat(first, "200")
		if n := w.Head() - head; n != 1 {
			w.Fatalf("two heartbeats made %d entries", n)
		}
		w.Clock.Add(119 * time.Minute)
		sweep(w, 0)
		w.As("village desk 1").Gets(path, &v)
		if v.State != "online" || v.AgeS != 119*60 {
			w.Fatalf("it is %+v", v)
		}
		w.Clock.Add(2 * time.Minute)
		sweep(w, 1)
		sweep(w, 0)
		w.As("village desk 1").Gets(path, &v)
		if v.State != "offline" {
			w.Fatalf("it is %+v", v)
		}
		beat(first, "200")

		// A new credential ends the one before; a revoked one opens nothing.
		takes(keeper, w, "POST", path+"/credential", nil, 200, &v)
		beat(first, "401 device.credential")
		beat(v.Credential, "200")
		takes(keeper, w, "DELETE", path+"/credential", nil, 200, nil)
		beat(v.Credential, "401 device.credential")
		for _, strange := range []string{"", "x", strings.Repeat("a", 250), v.ID.String() + ".AAAA"} {
			beat(strange, "401 device.credential")
		}
		takes(keeper, w, "POST", path+"/end", nil, 200, &v)
		if a := keeper.Do("POST", path+"/credential", nil); a.Code != "device.ended" {
			w.Fatalf("an ended device: %s", a)
		}
		var kinds []string
		w.Read(func(tx *db.Tx) error {
			all, err := journal.Of(tx, v.ID)
			for _, e := range all {
				kinds = append(kinds, strings.TrimPrefix(e.Kind, "device."))
			}
			return err
		})
		if got := strings.Join(kinds, " "); got != "register issue online offline online issue revoke end" {
			w.Fatalf("the journal has %s", got)
		}
		w.Read(func(tx *db.Tx) error {
			var n int64
			if err := tx.Row(`SELECT COUNT(*) FROM device WHERE secret IS NOT NULL`).Scan(&n); err != nil || n > 0 {
				w.Fatalf("%d credentials are left, %v", n, err)
			}
			return nil
		})
	})
}

func sweep(w *town.Town, want int) {
	w.Helper()
	if n, err := w.App.Devices.Sweep(context.Background(), w.App.DB); err != nil || n != want {
		w.Fatalf("%d fell silent, not %d, %v", n, want, err)
	}
}

// What is wrong is refused by name, and nothing is kept: a camera without a
// purpose or a sign above all.
func TestDeviceRefusals(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		keeper := w.As("device keeper 1")
		takes(keeper, w, "POST", "/api/devices", sensorAt(w, "S-1", nil), 201, nil)
		before := w.Rows()
		sign := with{"zh-CN": "此处有公共摄像机", "en": "Public camera here"}
		for name, x := range map[string]struct {
			in   with
			want string
		}{
			"the key of another":       {with{}, "device.key_taken"},
			"a camera without purpose": {with{"key": "C-1", "kind": "camera", "sign": sign}, "device.invalid"},
			"a camera without sign":    {with{"key": "C-1", "kind": "camera", "purpose": "看护公共通道"}, "device.invalid"},
			"a sign in one language":   {with{"key": "C-1", "kind": "camera", "purpose": "看护", "sign": with{"zh-CN": "有摄像机", "en": ""}}, "device.invalid"},
			"an unknown kind":          {with{"key": "X-1", "kind": "drone"}, "device.invalid"},
			"a bad key":                {with{"key": "a b"}, "device.invalid"},
			"no name":                  {with{"key": "X-1", "name": with{"zh-CN": " ", "en": "x"}}, "device.invalid"},
			"outside the district":     {with{"key": "X-1", "lon": 120.1}, "device.invalid"},
			"no place on earth":        {with{"key": "X-1", "lat": 95.0}, "device.invalid"},
			"no such unit":             {with{"key": "X-1", "unit_id": id.ID{9}}, "device.invalid"},
			"another datum":            {with{"key": "X-1", "datum": "mars"}, "request.invalid"},
			"silence for a month":      {with{"key": "X-1", "quiet_minutes": 43200}, "request.invalid"},
			"a field about a person":   {with{"key": "X-1", "holder": "张三"}, "request.invalid"},
		} {
			if a := keeper.Do("POST", "/api/devices", sensorAt(w, "S-1", x.in)); a.Code != x.want {
				w.Errorf("%s: %s, not %s", name, a, x.want)
			}
		}
		for table, n := range w.Rows() {
			if n != before[table] && table != "journal_entry" && table != "journal_body" && table != "journal_seal" {
				w.Errorf("%s has %d rows, had %d", table, n, before[table])
			}
		}
	})
}

// A table of devices is accounted for: taken, repeated, refused with its column.
func TestDeviceImport(t *testing.T) {
	town.Each(t, func(w *town.Town) {
		lon, lat := town.Middle("G1")
		row := func(key string, change map[string]string) table.Row {
			f := map[string]string{"key": key, "kind": "camera", "name_zh": "路口", "name_en": "Crossing", "lon": fmt.Sprint(lon), "lat": fmt.Sprint(lat), "unit": "P1",
				"purpose": "看护公共通道", "sign_zh": "此处有公共摄像机", "sign_en": "Public camera here"}
			for k, v := range change {
				f[k] = v
			}
			return table.Row{Number: 1, Fields: f}
		}
		take := func(r table.Row) (out table.Outcome, err error) {
			err = w.App.DB.Write(w.Context(), func(tx *db.Tx) (err error) {
				var by *access.Actor
				if by, err = w.App.Access.Operator(tx, "cli:town"); err != nil {
					return err
				}
				out, err = w.App.Devices.Import(tx, by, r, "wgs84")
				return err
			})
			return out, err
		}
		if o, err := take(row("C-1", nil)); err != nil || o.Result != table.Taken {
			w.Fatalf("%+v %v", o, err)
		}
		if o, err := take(row("C-1", nil)); err != nil || o.Result != table.Repeated {
			w.Fatalf("%+v %v", o, err)
		}
		for column, change := range map[string]map[string]string{
			"key": {"name_zh": "别的"}, "sign_zh": {"key": "C-2", "sign_en": ""}, "unit": {"key": "C-2", "unit": "P9"}, "lon": {"key": "C-2", "lon": "x"}, "purpose": {"key": "C-2", "purpose": ""},
		} {
			_, err := take(row("C-1", change))
			if f := fault.Of(err); err == nil || len(f.Where) == 0 || f.Where[0].Path != column {
				w.Errorf("%s: %v %+v", column, err, f)
			}
		}
	})
}

// takes sends a request that must be answered with a status, and reads the answer.
func takes(p *town.Person, w *town.Town, method, path string, body any, status int, into any) {
	w.Helper()
	a := p.Do(method, path, body)
	if a.Status != status {
		w.Fatalf("%s %s %s: %s %s", p.Name, method, path, a, a.Body)
	}
	if into != nil {
		if err := json.Unmarshal(a.Body, into); err != nil {
			w.Fatal(err)
		}
	}
}
