package access

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

type providersOut struct {
	Body struct {
		Items []ProviderView `json:"items"`
	}
}
type oidcIn struct{ Body OIDCIn }
type oidcOut struct {
	Body struct {
		Address string `json:"address"` // where the browser goes now
	}
}
type identitiesOut struct {
	Body struct {
		Items []Identity `json:"items"`
	}
}
type identityIn struct {
	ID   id.ID `path:"id"`
	Body IdentityIn
}
type identityOut struct{ Body Identity }

// oidcRoutes are signing in at a department's own provider, and who is who
// there.
func (a *Access) oidcRoutes(e *httpx.Edge) {
	d := e.DB()
	httpx.Act(e, httpx.Op{ID: "access.providers", Method: http.MethodGet, Path: "/api/session/providers", Public: true, Tags: []string{"session"},
		Summary: "Identity providers one can sign in with"},
		func(context.Context, *Actor, *none) (*providersOut, error) {
			out := &providersOut{}
			out.Body.Items = a.Providers()
			return out, nil
		})
	httpx.Act(e, httpx.Op{ID: "access.oidc_ask", Method: http.MethodPost, Path: "/api/session/oidc", Public: true, Tags: []string{"session"}, MaxBody: 2 << 10,
		Summary: "Begin to sign in at an identity provider"},
		func(ctx context.Context, _ *Actor, in *oidcIn) (*oidcOut, error) {
			out := &oidcOut{}
			address, cookie, err := a.AskProvider(ctx, d, in.Body)
			if err != nil {
				return nil, err
			}
			httpx.SetCookie(ctx, a.cookie(OIDCCookie, cookie, e.Address(ctx), oidcKept))
			out.Body.Address = address
			return out, nil
		})
	httpx.Page(e, httpx.Op{ID: "access.oidc_back", Method: http.MethodGet, Path: oidcBack, Public: true, Tags: []string{"session"},
		Summary: "Where an identity provider sends the browser back to"},
		func(w http.ResponseWriter, r *http.Request, _ *Actor) error { return a.back(e, w, r) })

	tags := []string{"access"}
	httpx.Read(e, httpx.Op{ID: "access.identities", Method: http.MethodGet, Path: "/api/accounts/{id}/identities", SignedIn: true, Tags: tags,
		Summary: "Who an account's owner is at the identity providers"},
		func(tx *db.Tx, by *Actor, in *idIn) (*identitiesOut, error) {
			list, err := a.Identities(tx, by, in.ID)
			out := &identitiesOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Write(e, httpx.Op{ID: "access.identity_link", Method: http.MethodPost, Path: "/api/accounts/{id}/identities", Permission: permAccount, Tags: tags,
		Summary: "Link somebody's identity at a provider to the account", Status: http.StatusCreated},
		func(tx *db.Tx, by *Actor, in *identityIn) (*identityOut, error) {
			v, err := a.LinkIdentity(tx, by, in.ID, in.Body)
			return &identityOut{v}, err
		})
	httpx.Write(e, httpx.Op{ID: "access.identity_release", Method: http.MethodPost, Path: "/api/identities/{id}/release", Permission: permGrant, Tags: tags,
		Summary: "Let a linked identity open its account"},
		func(tx *db.Tx, by *Actor, in *idIn) (*identityOut, error) {
			v, err := a.ReleaseIdentity(tx, by, in.ID)
			return &identityOut{v}, err
		})
	httpx.Write(e, httpx.Op{ID: "access.identity_end", Method: http.MethodDelete, Path: "/api/identities/{id}", SignedIn: true, Tags: tags,
		Summary: "Take an identity at a provider away from its account", NoReceipt: true},
		func(tx *db.Tx, by *Actor, in *idIn) (*none, error) { return nil, a.EndIdentity(tx, by, in.ID) })
}

// back ends a sign-in at a provider and sends the browser into the app: what
// went wrong is told on the sign-in page, in its language.
func (a *Access) back(e *httpx.Edge, w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	from := e.Address(ctx)
	out, err := a.Answered(ctx, e.DB(), OIDCBack{
		Cookie: httpx.Cookie(ctx, OIDCCookie), State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss"),
		Entrance: entrance(ctx, e, ""),
	})
	httpx.SetCookie(ctx, a.cookie(OIDCCookie, "", from, -time.Second))
	told := url.Values{}
	if out.To != "" {
		told.Set("to", out.To)
	}
	if out.Provider != nil {
		told.Set("provider", out.Provider.Key)
	}
	switch f := fault.Of(err); {
	case f == nil && out.Linked:
		told.Set("linked", "1")
	case f == nil:
		httpx.SetCookie(ctx, a.cookie(SessionCookie, out.Token, from, a.o.Limit))
		if out.Device != "" {
			httpx.SetCookie(ctx, a.cookie(DeviceCookie, out.Device, from, deviceKept))
		}
		http.Redirect(w, r, a.o.Desk+strings.TrimPrefix(out.To, "/"), http.StatusSeeOther)
		return nil
	case f.Kind == fault.Internal:
		return err
	default:
		told.Set("failed", f.Code)
		if f.Code == ErrUnknownIdentity.Code {
			told.Set("subject", out.Subject)
		}
		if f.Err != nil {
			e.Log().Warn("sign-in at an identity provider failed", "provider", told.Get("provider"), "code", f.Code, "error", f.Err)
		}
	}
	http.Redirect(w, r, a.o.Desk+"sign-in?"+told.Encode(), http.StatusSeeOther)
	return nil
}
