package access

import (
	"context"
	"net/http"
	"strings"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

type sharedListOut struct {
	Body struct {
		Items []Shared `json:"items"`
	}
}
type sharedIn struct{ Body SharedIn }
type sharedOut struct{ Body Shared }
type sharedCodeIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Page string `json:"page" maxLength:"200" doc:"address of the page that the code opens; the code is added as its fragment"`
	}
}
type sharedCodeOut struct {
	Body struct {
		Address string    `json:"address"`
		QR      string    `json:"qr"` // PNG as a data URL
		Ends    time.Time `json:"ends_at"`
	}
}
type sharedEnrolIn struct {
	Body struct {
		Code string `json:"code" maxLength:"100"`
	}
}
type sharedHistoryOut struct {
	Body struct {
		Items []SharedEvent `json:"items"`
	}
}
type lockedOut struct{ Body SharedView }
type openIn struct {
	Body struct {
		Person id.ID  `json:"person_id"`
		PIN    string `json:"pin" maxLength:"20"`
		App    string `json:"app,omitempty" enum:"desk,field,portal,wall"`
	}
}
type pinIn struct {
	Body struct {
		PIN string `json:"pin" maxLength:"20"`
	}
}

func (a *Access) sharedRoutes(e *httpx.Edge) {
	tags, d := []string{"access"}, e.DB()
	httpx.Read(e, httpx.Op{ID: "access.shared", Method: http.MethodGet, Path: "/api/shared-devices", Permission: permShared, Tags: tags,
		Summary: "Shared devices of the units in scope"},
		func(tx *db.Tx, by *Actor, _ *none) (*sharedListOut, error) {
			list, err := a.SharedDevices(tx, by)
			out := &sharedListOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Write(e, httpx.Op{ID: "access.shared_register", Method: http.MethodPost, Path: "/api/shared-devices", Permission: permShared, Tags: tags,
		Summary: "Register a shared device of a unit", Status: http.StatusCreated},
		func(tx *db.Tx, by *Actor, in *sharedIn) (*sharedOut, error) {
			s, err := a.RegisterShared(tx, by, in.Body)
			return &sharedOut{s}, err
		})
	httpx.Write(e, httpx.Op{ID: "access.shared_code", Method: http.MethodPost, Path: "/api/shared-devices/{id}/code", Permission: permShared, Tags: tags,
		Summary: "Make the code that enrols the phone; shown once", NoReceipt: true, Status: http.StatusCreated},
		func(tx *db.Tx, by *Actor, in *sharedCodeIn) (*sharedCodeOut, error) {
			token, ends, err := a.SharedCode(tx, by, in.ID)
			if err != nil {
				return nil, err
			}
			out := &sharedCodeOut{}
			out.Body.Address, out.Body.Ends = strings.SplitN(in.Body.Page, "#", 2)[0]+"#"+token, ends
			out.Body.QR, err = picture(out.Body.Address)
			return out, err
		})
	httpx.Write(e, httpx.Op{ID: "access.shared_revoke", Method: http.MethodDelete, Path: "/api/shared-devices/{id}", Permission: permShared, Tags: tags,
		Summary: "End a shared device; its sessions end at once"},
		func(tx *db.Tx, by *Actor, in *idIn) (*none, error) { return nil, a.RevokeShared(tx, by, in.ID) })
	httpx.Read(e, httpx.Op{ID: "access.shared_history", Method: http.MethodGet, Path: "/api/shared-devices/{id}/history", Permission: permShared, Tags: tags,
		Summary: "Who had a shared device when"},
		func(tx *db.Tx, by *Actor, in *idIn) (*sharedHistoryOut, error) {
			list, err := a.SharedHistory(tx, by, in.ID)
			out := &sharedHistoryOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Act(e, httpx.Op{ID: "access.shared_enrol", Method: http.MethodPost, Path: "/api/device/enrol", Public: true, Tags: tags, MaxBody: 1 << 10,
		Summary: "Make this phone the shared device whose code it read"},
		func(ctx context.Context, _ *Actor, in *sharedEnrolIn) (*none, error) {
			secret := ""
			err := d.Write(ctx, func(tx *db.Tx) (err error) {
				secret, err = a.EnrolShared(tx, in.Body.Code)
				return err
			})
			if err == nil {
				httpx.SetCookie(ctx, a.cookie(SharedCookie, secret, e.Address(ctx), sharedKept))
			}
			return nil, err
		})
	httpx.Act(e, httpx.Op{ID: "access.shared_locked", Method: http.MethodGet, Path: "/api/device", Public: true, Tags: tags,
		Summary: "The shared device this is, and who may open it"},
		func(ctx context.Context, _ *Actor, _ *none) (*lockedOut, error) {
			out := &lockedOut{}
			err := d.Read(ctx, func(tx *db.Tx) (err error) {
				out.Body, err = a.LockedShared(tx, httpx.Cookie(ctx, SharedCookie))
				return err
			})
			return out, err
		})
	httpx.Act(e, httpx.Op{ID: "access.shared_open", Method: http.MethodPost, Path: "/api/device/session", Public: true, Tags: tags, MaxBody: 1 << 10,
		Summary: "Open the shared device with one's own number"},
		func(ctx context.Context, _ *Actor, in *openIn) (*meOut, error) {
			out, err := a.OpenShared(ctx, d, httpx.Cookie(ctx, SharedCookie), in.Body.Person, in.Body.PIN, entrance(ctx, e, in.Body.App))
			return a.signedIn(ctx, e, out, err)
		})
	httpx.Act(e, httpx.Op{ID: "access.pin_set", Method: http.MethodPut, Path: "/api/session/pin", SignedIn: true, Tags: []string{"session"}, MaxBody: 1 << 10,
		Summary: "Choose the number that opens shared devices"},
		func(ctx context.Context, by *Actor, in *pinIn) (*none, error) {
			return nil, a.SetPIN(ctx, d, by, in.Body.PIN)
		})
}
