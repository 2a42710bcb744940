package figures

import (
	"onegrid/internal/kit/personal"
)

// Personal declares what this room stores about people: nothing, figures are counts.
func Personal() personal.Room {
	return personal.Room{Name: "figures", Plain: []string{"fig_count", "fig_time", "fig_cursor"}}
}
