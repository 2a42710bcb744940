package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/device"
	"onegrid/internal/core/duty"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/notice"
	"onegrid/internal/core/org"
	"onegrid/internal/core/place"
	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
	"onegrid/internal/work/figures"
)

// Personal is what each room declares to store about people. A column that no
// room declares stops a test: see personal_test.go.
func Personal() []personal.Room {
	return []personal.Room{
		journal.Personal(), httpx.Personal(), jobs.Personal(), org.Personal(), grid.Personal(), calendar.Personal(),
		duty.Personal(), place.Personal(), device.Personal(), notice.Personal(),
		access.Personal(), catalog.Personal(), registry.Personal(), casework.Personal(), figures.Personal(),
	}
}

// formFields are the personal fields of the forms in force, one for each item
// and field.
func (a *App) formFields(tx *db.Tx) ([]personal.Field, error) {
	items, err := a.Catalog.Items(tx)
	if err != nil {
		return nil, err
	}
	var out []personal.Field
	for _, i := range items {
		var form struct {
			Properties map[string]struct {
				Personal personal.Level `json:"x-personal"`
				Words    struct {
					Title words.Text `json:"title"`
				} `json:"x-i18n"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(i.Form, &form); err != nil {
			return nil, fmt.Errorf("form of %s: %w", i.Key, err)
		}
		for _, name := range slices.Sorted(maps.Keys(form.Properties)) {
			p := form.Properties[name]
			if p.Personal != personal.Basic && p.Personal != personal.Sensitive {
				continue
			}
			out = append(out, personal.Field{Key: "form." + i.Key + "." + name, Level: p.Personal, Whose: personal.Resident, Sealed: true,
				Name:     words.Text{Chinese: i.Name.Chinese + "：" + p.Words.Title.Chinese, English: i.Name.English + ": " + p.Words.Title.English},
				Purposes: []string{"give_service"}, Retention: i.Retention})
		}
	}
	return out, nil
}
