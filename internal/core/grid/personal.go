package grid

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people: who proposed and who
// decided a drawing. Grids themselves are places.
func Personal() personal.Room {
	return personal.Room{Name: "grid", Fields: []personal.Field{
		{Key: "grid_proposal.proposer", Name: words.Text{Chinese: "谁提的划分方案", English: "Who proposed a drawing"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "register"},
		{Key: "grid_proposal.decider", Name: words.Text{Chinese: "谁审定的划分方案", English: "Who decided a drawing"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "register"},
	}, Plain: []string{"grid_grid", "grid_code", "grid_boundary", "grid_past", "grid_succession", "grid_template",
		"grid_proposal.content", "grid_proposal.state", "grid_proposal.note", "grid_proposal.act"}}
}
