package grid

import (
	"onegrid/internal/kit/personal"
)

// Personal declares what this room stores about people: nothing, grids are places.
func Personal() personal.Room {
	return personal.Room{Name: "grid", Plain: []string{"grid_grid", "grid_code", "grid_boundary", "grid_past", "grid_succession", "grid_template"}}
}
