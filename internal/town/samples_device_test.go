package town_test

import (
	"fmt"

	"onegrid/internal/core/device"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/words"
	"onegrid/internal/town"
)

// deviceInput is a device of a kind in a scope, as somebody would register it.
func (m *matrix) deviceInput(scope, kind string) device.Input {
	grid, unit := "G1", "P1"
	if scope == other {
		grid, unit = "G4", "P3"
	}
	lon, lat := town.Middle(grid)
	in := device.Input{Key: fmt.Sprintf("dev-%d", m.next()), Kind: kind, Name: words.Text{Chinese: "设备", English: "Device"}, Lon: lon, Lat: lat, Datum: "wgs84", Unit: m.Nodes[unit]}
	if kind == "camera" {
		in.Purpose, in.Sign = "看护公共通道", &words.Text{Chinese: "此处有公共摄像机", English: "Public camera here"}
	}
	return in
}

func (m *matrix) device(scope, kind string) (v device.Device) {
	m.Helper()
	m.Write(func(tx *db.Tx) (err error) {
		v, err = m.App.Devices.Register(tx, m.Operator(tx), m.deviceInput(scope, kind))
		return err
	})
	return v
}

// deviceSamples ask for devices of two kinds in both scopes.
func deviceSamples() []sample {
	var out []sample
	for _, kind := range []string{"camera", "sensor"} {
		on := func(op, path string, body func(m *matrix, scope string) any) sample {
			return sample{op: op, what: kind, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
				a := ask{path: "/api/devices/" + m.device(scope, kind).ID.String() + path}
				if body != nil {
					a.body = body(m, scope)
				}
				return a
			}}
		}
		input := func(m *matrix, scope string) any { return m.deviceInput(scope, kind) }
		out = append(out,
			sample{op: "device.list", what: kind, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
				return ask{path: "/api/devices?limit=200&kind=" + kind, shows: has(m.device(scope, kind).ID.String())}
			}},
			on("device.get", "", nil), on("device.edit", "", input), on("device.end", "/end", nil), on("device.issue", "/credential", nil), on("device.revoke", "/credential", nil),
			sample{op: "device.register", what: kind, scopes: bothScopes, make: func(m *matrix, scope, _ string) ask {
				return ask{path: "/api/devices", body: input(m, scope)}
			}})
	}
	return append(out, fixed("device.kinds", "", "/api/device-kinds", nil), fixed("device.beat", "without a credential", "/api/device/heartbeat", nil))
}
