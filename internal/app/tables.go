package app

import (
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
	"onegrid/internal/work/figures"
)

// Tables are the tables of all rooms, in the order in which they are made, for
// who works on a database without putting the rooms together: restoring a
// backup.
func Tables() []db.Room {
	return []db.Room{journal.Room(), httpx.Room(), jobs.Room(), org.Room(), grid.Room(), calendar.Tables(), duty.Room(), place.Room(),
		access.Room(), catalog.Room(), registry.Room(), device.Room(), notice.Room(), casework.Room(), figures.Room()}
}
