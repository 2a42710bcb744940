package device

import (
	"onegrid/internal/kit/personal"
)

// Personal declares what this room stores about people: nothing, devices belong
// to units and departments and stand in public places.
func Personal() personal.Room {
	return personal.Room{Name: "device", Plain: []string{"device"}}
}
