package device

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

// View is a device as readers get it, with the names of what it belongs to.
type View struct {
	Device
	UnitName words.Text `json:"unit_name"`
	GridName string     `json:"grid_name,omitempty"`
	GridCode string     `json:"grid_code,omitempty"`
	AgeS     int64      `json:"last_age_s,omitempty" doc:"age of its last word"`
	CanEdit  bool       `json:"can_edit,omitempty"`
}

func (d *Devices) view(tx *db.Tx, by *access.Actor, v Device) (View, error) {
	out := View{Device: v, CanEdit: by.Check(d.kind[v.Kind].manage(), v.Sight()) == nil && v.State != Ended}
	units, err := d.org.Snapshot(tx)
	if err != nil {
		return out, err
	}
	if u, ok := units.Unit(v.Unit); ok {
		out.UnitName = u.Name
	}
	if g, ok, err := d.grids.ByID(tx, v.At.Grid); err != nil {
		return out, err
	} else if ok {
		out.GridName, out.GridCode = g.Name, g.Code
	}
	if !v.Last.IsZero() {
		out.AgeS = int64(tx.Now().Sub(v.Last).Seconds())
	}
	return out, nil
}

type listIn struct {
	Kind  string `query:"kind" maxLength:"40"`
	State string `query:"state" enum:"unknown,online,offline,ended"`
	httpx.Paging
}

type listOut struct {
	Body struct {
		Items []View `json:"items"`
		Next  string `json:"next,omitempty"`
	}
}

type deviceIn struct {
	ID id.ID `path:"id"`
}

type viewOut struct{ Body View }

type editIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
	Body Input
}

type issuedOut struct {
	Body struct {
		View
		Credential string `json:"credential" doc:"shown once"`
	}
}

type kindsOut struct {
	Body struct {
		Items []Kind `json:"items"`
	}
}

type beatIn struct {
	Authorization string `header:"Authorization" maxLength:"300" doc:"Bearer and the device's credential"`
}

type beatOut struct {
	Body struct {
		Now     time.Time `json:"now"`
		WithinS int64     `json:"within_s" doc:"speak again within"`
	}
}

// Routes mounts the operations of this room.
func (d *Devices) Routes(e *httpx.Edge) {
	tags := []string{"device"}
	httpx.Read(e, httpx.Op{ID: "device.kinds", Method: http.MethodGet, Path: "/api/device-kinds", SignedIn: true, Tags: tags, Summary: "Kinds of devices"},
		func(*db.Tx, *access.Actor, *struct{}) (*kindsOut, error) {
			var out kindsOut
			out.Body.Items = d.kinds
			return &out, nil
		})
	httpx.Read(e, httpx.Op{ID: "device.list", Method: http.MethodGet, Path: "/api/devices", SignedIn: true, Tags: tags, Summary: "Devices in one's scope, by key"}, d.getList)
	httpx.Read(e, httpx.Op{ID: "device.get", Method: http.MethodGet, Path: "/api/devices/{id}", SignedIn: true, Tags: tags, Summary: "One device"},
		func(tx *db.Tx, by *access.Actor, in *deviceIn) (*viewOut, error) {
			v, err := d.Get(tx, by, in.ID)
			return d.show(tx, by, v, err)
		})
	httpx.Write(e, httpx.Op{ID: "device.register", Method: http.MethodPost, Path: "/api/devices", SignedIn: true, Tags: tags, Summary: "Register a device", Status: http.StatusCreated},
		func(tx *db.Tx, by *access.Actor, in *struct{ Body Input }) (*viewOut, error) {
			in.Body.MadeUp = false
			v, err := d.Register(tx, by, in.Body)
			return d.show(tx, by, v, err)
		})
	httpx.Write(e, httpx.Op{ID: "device.edit", Method: http.MethodPut, Path: "/api/devices/{id}", SignedIn: true, Tags: tags, Summary: "Change a device"},
		func(tx *db.Tx, by *access.Actor, in *editIn) (*viewOut, error) {
			v, err := d.Edit(tx, by, in.ID, in.Match, in.Body)
			return d.show(tx, by, v, err)
		})
	httpx.Write(e, httpx.Op{ID: "device.end", Method: http.MethodPost, Path: "/api/devices/{id}/end", SignedIn: true, Tags: tags, Summary: "Take a device out of service"},
		func(tx *db.Tx, by *access.Actor, in *deviceIn) (*viewOut, error) {
			v, err := d.End(tx, by, in.ID)
			return d.show(tx, by, v, err)
		})
	httpx.Write(e, httpx.Op{ID: "device.issue", Method: http.MethodPost, Path: "/api/devices/{id}/credential", SignedIn: true, Tags: tags, NoReceipt: true,
		Summary: "Give a device a new credential, shown once; the one before ends"},
		func(tx *db.Tx, by *access.Actor, in *deviceIn) (*issuedOut, error) {
			secret, v, err := d.Issue(tx, by, in.ID)
			if err != nil {
				return nil, err
			}
			var out issuedOut
			out.Body.Credential = secret
			out.Body.View, err = d.view(tx, by, v)
			return &out, err
		})
	httpx.Write(e, httpx.Op{ID: "device.revoke", Method: http.MethodDelete, Path: "/api/devices/{id}/credential", SignedIn: true, Tags: tags, Summary: "End a device's credential"},
		func(tx *db.Tx, by *access.Actor, in *deviceIn) (*viewOut, error) {
			v, err := d.Revoke(tx, by, in.ID)
			return d.show(tx, by, v, err)
		})
	httpx.Write(e, httpx.Op{ID: "device.beat", Method: http.MethodPost, Path: "/api/device/heartbeat", Public: true, Tags: tags, NoReceipt: true,
		Summary: "A device's word that it lives, with its own credential"},
		func(tx *db.Tx, _ *access.Actor, in *beatIn) (*beatOut, error) {
			v, err := d.Beat(tx, strings.TrimPrefix(in.Authorization, "Bearer "))
			if err != nil {
				return nil, err
			}
			var out beatOut
			out.Body.Now, out.Body.WithinS = tx.Now(), int64(v.Quiet)*60
			return &out, nil
		})
}

func (d *Devices) show(tx *db.Tx, by *access.Actor, v Device, err error) (*viewOut, error) {
	if err != nil {
		return nil, err
	}
	view, err := d.view(tx, by, v)
	return &viewOut{view}, err
}

func (d *Devices) getList(tx *db.Tx, by *access.Actor, in *listIn) (*listOut, error) {
	q := Query{Kind: in.Kind, State: in.State, Limit: in.Limit}
	if err := in.Read(&q.After); err != nil {
		return nil, err
	}
	list, more, err := d.List(tx, by, q)
	if err != nil {
		return nil, err
	}
	out := &listOut{}
	out.Body.Items = []View{}
	for _, v := range list {
		view, err := d.view(tx, by, v)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, view)
	}
	if more {
		out.Body.Next, err = httpx.Cursor(list[len(list)-1].Key)
	}
	return out, err
}

// Import takes one row of a table: columns key, kind, name_zh, name_en, lon, lat,
// place, unit (its code), purpose, sign_zh, sign_en, quiet_minutes, made_up. The
// same row again is repeated; a known key with other content is refused. datum is
// the file's. Codes: those of Register, and device.differs.
func (d *Devices) Import(tx *db.Tx, by *access.Actor, row table.Row, datum string) (table.Outcome, error) {
	in := Input{Key: row.Get("key"), Kind: row.Get("kind"), Name: words.Text{Chinese: row.Get("name_zh"), English: row.Get("name_en")}, Datum: datum,
		Place: row.Get("place"), Purpose: row.Get("purpose"), MadeUp: row.Get("made_up") == "true" || row.Get("made_up") == "1"}
	if s := (words.Text{Chinese: row.Get("sign_zh"), English: row.Get("sign_en")}); s != (words.Text{}) {
		in.Sign = &s
	}
	wrong := ErrInvalid
	number := func(column string, into *float64) {
		v, err := strconv.ParseFloat(row.Get(column), 64)
		if err != nil {
			wrong = wrong.At(column, "device.bad_place")
		}
		*into = v
	}
	number("lon", &in.Lon)
	number("lat", &in.Lat)
	if q := row.Get("quiet_minutes"); q != "" {
		n, err := strconv.Atoi(q)
		if err != nil {
			wrong = wrong.At("quiet_minutes", "device.bad_quiet")
		}
		in.Quiet = n
	}
	units, err := d.org.Snapshot(tx)
	if err != nil {
		return table.Outcome{}, err
	}
	unit, ok := units.UnitByCode(row.Get("unit"))
	if !ok {
		wrong = wrong.At("unit", "device.unknown_unit")
	}
	if len(wrong.Where) > 0 {
		return table.Outcome{}, wrong
	}
	in.Unit = unit.ID
	old, err := one(tx.Row(`SELECT `+columns+` FROM device WHERE code = $1`, in.Key))
	if err == nil {
		next, _, err := d.build(tx, in)
		if err != nil {
			return table.Outcome{}, byColumn(err)
		}
		sign := old.Sign == nil && next.Sign == nil || old.Sign != nil && next.Sign != nil && *old.Sign == *next.Sign
		if !sign || old.Kind != next.Kind || old.Name != next.Name || old.Lon != next.Lon || old.Lat != next.Lat || old.Place != next.Place || old.Unit != next.Unit || old.Purpose != next.Purpose || old.Quiet != next.Quiet {
			return table.Outcome{}, ErrDiffers.With("key", in.Key).At("key", "device.differs", "key", in.Key)
		}
		return table.Outcome{Result: table.Repeated}, nil
	}
	if fault.Of(err).Kind != fault.Missing {
		return table.Outcome{}, err
	}
	_, err = d.Register(tx, by, in)
	return table.Outcome{Result: table.Taken}, byColumn(err)
}

// byColumn names the fields of an input as the columns of a table.
func byColumn(err error) error {
	if err == nil {
		return nil
	}
	f := fault.Of(err)
	if len(f.Where) == 0 {
		return err
	}
	out := *f
	out.Where = nil
	for _, w := range f.Where {
		column := strings.TrimPrefix(w.Path, "body.")
		switch column {
		case "name":
			column = "name_zh"
		case "sign":
			column = "sign_zh"
		case "unit_id":
			column = "unit"
		}
		w.Path = column
		out.Where = append(out.Where, w)
	}
	return &out
}
