package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"onegrid/internal/app"
	"onegrid/internal/core/access"
	"onegrid/internal/core/place"
	"onegrid/internal/demo/area"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// The demo's addresses and facilities are made up and marked so: under each real
// village two roads with some houses, a clinic, a hall and what else a village
// has. No real road or house is meant.

var demoRoads = strings.Fields("幸福路 建设路 兴隆街 文化路 学府路 顺河街 振兴路 富强路 团结路 朝阳路 育才路 中心街 安居路 柳林路 古槐街 永安路")

// demoFacilities are what villages have: name, kind, people, equipment; each
// village has some of them.
var demoFacilities = []struct {
	name, kind string
	capacity   int64
	equipment  []place.Equipment
	every      int // one village in so many
}{
	{"卫生室", "clinic", 0, nil, 1},
	{"文化礼堂", "hall", 120, []place.Equipment{{Name: "折叠椅", Count: 120}, {Name: "投影仪", Count: 1}, {Name: "音响", Count: 1}}, 2},
	{"便民服务站", "service_centre", 0, []place.Equipment{{Name: "自助终端", Count: 1}}, 2},
	{"幸福食堂", "canteen", 40, []place.Equipment{{Name: "餐桌", Count: 10}}, 3},
	{"农家书屋", "library", 20, nil, 3},
	{"文化广场", "square", 300, nil, 2},
	{"教室", "school_room", 45, []place.Equipment{{Name: "课桌", Count: 45}}, 5},
	{"排灌站", "pump", 0, []place.Equipment{{Name: "水泵", Count: 2}}, 4},
	{"应急物资库", "store_room", 0, []place.Equipment{{Name: "沙袋", Count: 500}, {Name: "应急灯", Count: 20}}, 6},
	{"路口监控点", "camera_site", 0, nil, 7},
}

// LoadPlaces makes the addresses and facilities of the drawn villages.
func LoadPlaces(ctx context.Context, a *app.App, drawn *area.Area, units map[string]id.ID) error {
	for from := 0; from < len(drawn.Villages); from += 40 {
		some := drawn.Villages[from:min(from+40, len(drawn.Villages))]
		err := write(ctx, a, func(tx *db.Tx, by *access.Actor) error {
			for i, v := range some {
				if err := loadVillage(tx, a, by, v, from+i, units[v.Platform]); err != nil {
					return fmt.Errorf("places of %s: %w", v.Name, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// near is a position some metres away from a village's.
func near(at area.Point, east, north float64) (lon, lat *float64) {
	x, y := at[0]+east/88_000, at[1]+north/111_000
	return &x, &y
}

func loadVillage(tx *db.Tx, a *app.App, by *access.Actor, v area.Village, n int, platform id.ID) error {
	name := v.Name
	for _, end := range []string{"村民委员会", "居民委员会"} {
		name = strings.TrimSuffix(name, end)
	}
	put := func(in place.In, east, north float64) (id.ID, error) {
		in.MadeUp, in.Datum = true, "wgs84"
		in.Lon, in.Lat = near(v.At, east, north)
		if in.Home = platform; in.Kind == "village" {
			in.Lon, in.Lat = nil, nil
		}
		p, err := a.Places.Create(tx, by, in)
		if errors.Is(err, place.ErrOutside) { // a village at the edge of the made-up area
			in.Lon, in.Lat = nil, nil
			p, err = a.Places.Create(tx, by, in)
		}
		return p.ID, err
	}
	village, err := put(place.In{Kind: "village", Name: name, Codes: []place.CodeIn{{Scheme: "division", Code: v.Code}}}, 0, 0)
	if err != nil {
		return err
	}
	for r := range 2 {
		road, err := put(place.In{Kind: "road", Name: demoRoads[(n*2+r)%len(demoRoads)], Parent: village}, 0, float64(r*40))
		if err != nil {
			return err
		}
		for h := range 2 {
			if _, err := put(place.In{Kind: "building", Name: fmt.Sprintf("%d号", h+1), Parent: road}, float64(h*15-30), float64(r*40)+10); err != nil {
				return err
			}
		}
	}
	for i, f := range demoFacilities {
		if (n+i)%f.every != 0 {
			continue
		}
		in := place.In{Kind: f.kind, Name: name + f.name, Parent: village, Details: place.Details{Capacity: f.capacity, Equipment: f.equipment}}
		if f.kind != "pump" && f.kind != "square" && f.kind != "camera_site" {
			in.Details.Calendar = "office"
		}
		if _, err := put(in, float64(i*9-40), -20); err != nil {
			return err
		}
	}
	return nil
}
