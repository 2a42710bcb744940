package place

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people: no person, but a home and
// what its neighbours call it point to those who live there.
func Personal() personal.Room {
	return personal.Room{Name: "place", Fields: []personal.Field{
		{Key: "place_place.name", Name: words.Text{Chinese: "门牌、房间和地点名称", English: "Names of houses, rooms and places"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: "register"},
		{Key: "place_place.lon", Name: words.Text{Chinese: "住处的经度", English: "Longitude of a home"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: "register"},
		{Key: "place_place.lat", Name: words.Text{Chinese: "住处的纬度", English: "Latitude of a home"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: "register"},
		{Key: "place_place.content", Name: words.Text{Chinese: "地点备注和电话", English: "Note and phone of a place"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"handle_case"}, Retention: "register"},
		{Key: "place_name.name", Name: words.Text{Chinese: "地点的曾用名和别名", English: "Former and other names of a place"}, Level: personal.Basic, Whose: personal.Resident,
			Purposes: []string{"handle_case"}, Retention: "register"},
	}, Plain: []string{"place_place.named_from", "place_place.home", "place_name.usage", "place_code", "place_kind", "place_state"}}
}
