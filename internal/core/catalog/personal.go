package catalog

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people.
func Personal() personal.Room {
	return personal.Room{Name: "catalog", Fields: []personal.Field{
		{Key: "catalog_item.acted", Name: words.Text{Chinese: "事项修改人", English: "Who edited a work item"}, Level: personal.Basic, Whose: personal.Staff,
			Purposes: []string{"trace"}, Retention: "register"},
	}, Plain: []string{"catalog_item.content", "catalog_entry"}}
}
