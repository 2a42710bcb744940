package org

import (
	"net/http"
	"strings"

	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

type staffingIn struct {
	Unit  id.ID  `query:"unit" doc:"a street or a platform"`
	Role  string `query:"role" maxLength:"40" doc:"only grids that lack this role"`
	State string `query:"state" enum:"complete,lacking,over,households"`
	Query string `query:"q" maxLength:"60" doc:"part of a name or code"`
	Micro bool   `query:"micro" doc:"micro grids instead of governance grids"`
	httpx.Paging
}

type staffingOut struct{ Body httpx.List[Staffing] }

type staffCountsIn struct {
	Micro bool `query:"micro"`
}

type staffCountsOut struct {
	Body struct {
		Items []StaffCount `json:"items"`
	}
}

type staffingRulesOut struct {
	Body struct {
		Items []StaffingRule `json:"items"`
	}
}

type staffingRuleIn struct {
	Key string `path:"key" maxLength:"40"`
	httpx.Precondition
	Body StaffingEdit
}

type staffingRuleOut struct{ Body StaffingRule }

func (o *Org) staffingRoutes(e *httpx.Edge) {
	tags := []string{"org"}
	httpx.Read(e, httpx.Op{ID: "org.staffing", Method: http.MethodGet, Path: "/api/org/staffing", Permission: permTeam, Tags: tags,
		Summary: "What each grid in scope has and lacks by the staffing rule of its kind"}, o.getStaffing)
	httpx.Read(e, httpx.Op{ID: "org.staffing_counts", Method: http.MethodGet, Path: "/api/org/staffing/counts", Permission: permTeam, Tags: tags,
		Summary: "Staffing summed up per street and platform"}, o.getStaffCounts)
	httpx.Read(e, httpx.Op{ID: "org.staffing_rules", Method: http.MethodGet, Path: "/api/org/staffing/rules", SignedIn: true, Tags: tags,
		Summary: "The staffing rules in force"},
		func(tx *db.Tx, _ journal.Who, _ *none) (*staffingRulesOut, error) {
			s, err := o.Snapshot(tx)
			if err != nil {
				return nil, err
			}
			out := &staffingRulesOut{}
			out.Body.Items = s.StaffingRules()
			return out, nil
		})
	httpx.Write(e, httpx.Op{ID: "org.staffing_rule_edit", Method: http.MethodPut, Path: "/api/org/staffing/rules/{key}", Permission: permEdit, Tags: tags,
		Summary: "Change a staffing rule"},
		func(tx *db.Tx, by journal.Who, in *staffingRuleIn) (*staffingRuleOut, error) {
			r, err := o.SetStaffingRule(tx, by, in.Key, in.Match, in.Body)
			return &staffingRuleOut{r}, err
		})
}

func (o *Org) getStaffing(tx *db.Tx, by journal.Who, in *staffingIn) (*staffingOut, error) {
	_, list, err := o.staffing(tx, by, in.Micro)
	if err != nil {
		return nil, err
	}
	var after string
	if err := in.Paging.Read(&after); err != nil {
		return nil, err
	}
	out := &staffingOut{}
	for _, g := range list {
		if g.Code <= after || !g.is(in) {
			continue
		}
		if len(out.Body.Items) == in.Limit {
			out.Body.Next, err = httpx.Cursor(out.Body.Items[in.Limit-1].Code)
			return out, err
		}
		out.Body.Items = append(out.Body.Items, g)
	}
	return out, nil
}

func (g Staffing) is(in *staffingIn) bool {
	switch in.State {
	case "":
	case "households":
		if g.HouseholdsIs == "" {
			return false
		}
	default:
		if g.State != in.State {
			return false
		}
	}
	if in.Role != "" {
		lacks := false
		for _, r := range g.Roles {
			lacks = lacks || r.Role == in.Role && r.Lacks > 0
		}
		if !lacks {
			return false
		}
	}
	return (in.Unit.IsZero() || g.StreetID == in.Unit || g.PlatformID == in.Unit) &&
		(in.Query == "" || strings.Contains(g.Name, in.Query) || strings.Contains(g.Code, in.Query))
}

func (o *Org) getStaffCounts(tx *db.Tx, by journal.Who, in *staffCountsIn) (*staffCountsOut, error) {
	s, list, err := o.staffing(tx, by, in.Micro)
	if err != nil {
		return nil, err
	}
	out := &staffCountsOut{}
	out.Body.Items = s.countStaff(list)
	return out, nil
}
