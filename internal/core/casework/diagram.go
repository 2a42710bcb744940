package casework

import (
	"fmt"
	"slices"
	"strings"
)

//go:generate go test -run TestDiagrams . -update

// Diagram draws a flow as a Mermaid state diagram and a table of its moves, the
// page that stands in docs/flows. It is made from the table alone.
func (f *Flow) Diagram() string {
	var b strings.Builder
	title := map[string]string{"handling": "Handling (处置流程)", "task": "Task (任务流程)", "approval": "Approval (审批流程)"}[string(f.Key)]
	fmt.Fprintf(&b, "# %s\n\nDrawn from the table in internal/core/casework; `make generate` draws it anew.\n\n```mermaid\nstateDiagram-v2\n", title)
	for _, m := range f.Moves {
		from := m.From
		if len(from) == 0 {
			fmt.Fprintf(&b, "    [*] --> %s: %s\n", m.To[0], m.Key)
			continue
		}
		if len(m.To) == 0 {
			continue // it changes facts and no state; the list below has it
		}
		for _, s := range from {
			for _, to := range m.leads(s) {
				fmt.Fprintf(&b, "    %s --> %s: %s\n", s, to, m.Key)
			}
		}
	}
	for _, s := range f.States {
		if f.About[s].Final {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	b.WriteString("```\n\n| move | permission | from | to | guards |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range f.Moves {
		permission := m.Permission
		if permission == "" {
			permission = "the program itself"
		}
		var guards []string
		for _, g := range m.Guards {
			guards = append(guards, g.Name)
		}
		to := join(m.To)
		if len(m.To) == 0 {
			to = "stays"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", m.Key, permission, join(m.From), to, strings.Join(guards, ", "))
	}
	b.WriteString("\n## Never\n\n")
	for _, x := range Forbidden {
		if x.Flow == f.Key {
			fmt.Fprintf(&b, "- %s %s\n", x.Why.Chinese, x.Why.English)
		}
	}
	return b.String()
}

// leads lists where a move can lead from a state.
func (m Move) leads(from State) []State {
	var out []State
	for _, to := range m.To {
		// Reopening goes back to where the case was shut from.
		if (m.Key == "reopen" || m.Key == "object") && (from == Refused) != (to == Reported) {
			continue
		}
		if m.Key == "withdraw" && len(m.To) > 1 && (from == Dispatched || from == Taken) != (to == Filed) {
			continue
		}
		if m.Key == "escalate" && (from == Reported || from == Accepted) {
			continue
		}
		// What has a beginning and an end does one of them.
		if m.Key == "home_check" && from == to || m.Key == "publicise" && (from == Reviewing) != (to == Publicised) {
			continue
		}
		if !slices.Contains(out, to) {
			out = append(out, to)
		}
	}
	return out
}

func join(states []State) string {
	var out []string
	for _, s := range states {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}
