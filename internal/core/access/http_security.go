package access

import (
	"context"
	"net/http"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
)

type securityOut struct{ Body Security }
type proveIn struct {
	Body struct {
		Password string `json:"password" maxLength:"400"`
		TOTP     string `json:"totp,omitempty" maxLength:"40" doc:"code of the authenticator, or a recovery code"`
	}
}
type codeIn struct {
	Body struct {
		TOTP string `json:"totp" maxLength:"40"`
	}
}

func recovery(codes []string) *confirmOut {
	out := &confirmOut{}
	if out.Body.Recovery = codes; codes == nil {
		out.Body.Recovery = []string{}
	}
	return out
}

// securityRoutes are what everybody does about his own account.
func (a *Access) securityRoutes(e *httpx.Edge) {
	tags, d := []string{"session"}, e.DB()
	httpx.Read(e, httpx.Op{ID: "access.security", Method: http.MethodGet, Path: "/api/session/security", SignedIn: true, Tags: tags,
		Summary: "How one's own account is secured, and its sessions"},
		func(tx *db.Tx, by *Actor, _ *none) (*securityOut, error) {
			s, err := a.MySecurity(tx, by)
			return &securityOut{s}, err
		})
	httpx.Act(e, httpx.Op{ID: "access.confirm", Method: http.MethodPost, Path: "/api/session/confirm", SignedIn: true, Tags: tags, MaxBody: 8 << 10,
		Summary: "Prove again that the owner sits here, before changing how one signs in"},
		func(ctx context.Context, by *Actor, in *proveIn) (*none, error) {
			return nil, a.Confirm(ctx, d, by, in.Body.Password, in.Body.TOTP, e.Address(ctx))
		})
	httpx.Act(e, httpx.Op{ID: "access.factor_new", Method: http.MethodPost, Path: "/api/session/factor", SignedIn: true, Tags: tags,
		Summary: "Make the secret of a new authenticator"},
		func(ctx context.Context, by *Actor, _ *none) (*enrolOut, error) {
			out, err := a.NewFactor(ctx, d, by)
			return &enrolOut{out}, err
		})
	httpx.Act(e, httpx.Op{ID: "access.factor_confirm", Method: http.MethodPost, Path: "/api/session/factor/confirm", SignedIn: true, Tags: tags, MaxBody: 8 << 10,
		Summary: "Use the new authenticator from now on"},
		func(ctx context.Context, by *Actor, in *codeIn) (*confirmOut, error) {
			codes, err := a.ConfirmFactor(ctx, d, by, in.Body.TOTP)
			return recovery(codes), err
		})
	httpx.Write(e, httpx.Op{ID: "access.recovery_new", Method: http.MethodPost, Path: "/api/session/recovery", SignedIn: true, Tags: tags,
		Summary: "Make new recovery codes; the old ones stop working", NoReceipt: true},
		func(tx *db.Tx, by *Actor, _ *none) (*confirmOut, error) {
			codes, err := a.NewRecovery(tx, by)
			return recovery(codes), err
		})
	httpx.Write(e, httpx.Op{ID: "access.session_end", Method: http.MethodDelete, Path: "/api/session/others/{id}", SignedIn: true, Tags: tags,
		Summary: "End another session of one's own", NoReceipt: true},
		func(tx *db.Tx, by *Actor, in *idIn) (*none, error) { return nil, a.EndSession(tx, by, in.ID) })
}
