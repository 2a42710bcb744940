package access

import (
	"context"
	"encoding/json"
	"net/http"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

type begunOut struct{ Body Begun }
type madeIn struct {
	Body struct {
		Token      string          `json:"token" maxLength:"100"`
		Name       string          `json:"name" maxLength:"120"`
		Credential json.RawMessage `json:"credential" doc:"RegistrationResponseJSON of the browser"`
	}
}
type passkeyOut struct{ Body Passkey }
type shownIn struct {
	Body struct {
		Token      string          `json:"token" maxLength:"100"`
		Credential json.RawMessage `json:"credential" doc:"AuthenticationResponseJSON of the browser"`
		App        string          `json:"app,omitempty" enum:"desk,field,portal,wall"`
	}
}
type namedIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Name string `json:"name" maxLength:"120"`
	}
}

func (a *Access) passkeyRoutes(e *httpx.Edge) {
	tags, d := []string{"session"}, e.DB()
	httpx.Act(e, httpx.Op{ID: "access.passkey_ask", Method: http.MethodPost, Path: "/api/session/passkey/begin", Public: true, Tags: tags, MaxBody: 1 << 10,
		Summary: "Begin to sign in with a passkey"},
		func(ctx context.Context, _ *Actor, _ *none) (*begunOut, error) {
			b, err := a.AskPasskey(ctx, d)
			return &begunOut{b}, err
		})
	httpx.Act(e, httpx.Op{ID: "access.passkey_sign_in", Method: http.MethodPost, Path: "/api/session/passkey", Public: true, Tags: tags, MaxBody: 32 << 10,
		Summary: "Sign in with a passkey"},
		func(ctx context.Context, _ *Actor, in *shownIn) (*meOut, error) {
			out, err := a.PasskeySignIn(ctx, d, in.Body.Token, in.Body.Credential, entrance(ctx, e, in.Body.App))
			return a.signedIn(ctx, e, out, err)
		})
	httpx.Act(e, httpx.Op{ID: "access.confirm_passkey", Method: http.MethodPost, Path: "/api/session/confirm/passkey", SignedIn: true, Tags: tags, MaxBody: 32 << 10,
		Summary: "Prove with a passkey that the owner sits here"},
		func(ctx context.Context, by *Actor, in *shownIn) (*none, error) {
			return nil, a.ConfirmByPasskey(ctx, d, by, in.Body.Token, in.Body.Credential)
		})
	httpx.Act(e, httpx.Op{ID: "access.passkey_begin", Method: http.MethodPost, Path: "/api/session/passkeys/begin", SignedIn: true, Tags: tags,
		Summary: "Begin to make a passkey"},
		func(ctx context.Context, by *Actor, _ *none) (*begunOut, error) {
			b, err := a.BeginPasskey(ctx, d, by)
			return &begunOut{b}, err
		})
	httpx.Act(e, httpx.Op{ID: "access.passkey_add", Method: http.MethodPost, Path: "/api/session/passkeys", SignedIn: true, Tags: tags, MaxBody: 64 << 10,
		Summary: "Keep the passkey that was made", Status: http.StatusCreated},
		func(ctx context.Context, by *Actor, in *madeIn) (*passkeyOut, error) {
			p, err := a.MakePasskey(ctx, d, by, in.Body.Token, in.Body.Name, in.Body.Credential)
			return &passkeyOut{p}, err
		})
	httpx.Write(e, httpx.Op{ID: "access.passkey_name", Method: http.MethodPut, Path: "/api/session/passkeys/{id}", SignedIn: true, Tags: tags,
		Summary: "Name a passkey", NoReceipt: true},
		func(tx *db.Tx, by *Actor, in *namedIn) (*none, error) {
			return nil, a.NamePasskey(tx, by, in.ID, in.Body.Name)
		})
	httpx.Write(e, httpx.Op{ID: "access.passkey_revoke", Method: http.MethodDelete, Path: "/api/session/passkeys/{id}", SignedIn: true, Tags: tags,
		Summary: "Take a passkey away", NoReceipt: true},
		func(tx *db.Tx, by *Actor, in *idIn) (*none, error) { return nil, a.RevokePasskey(tx, by, in.ID) })
}
