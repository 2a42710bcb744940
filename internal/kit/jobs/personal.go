package jobs

import (
	"onegrid/internal/kit/personal"
)

// Personal declares what this room stores about people: nothing, the arguments of jobs are ids.
func Personal() personal.Room {
	return personal.Room{Name: "jobs", Plain: []string{"job", "job_timer"}}
}
