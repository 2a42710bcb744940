package access

import (
	"context"
	"embed"
	"net/http"
	"net/netip"
	"time"

	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// Words are the sentences this room says.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// Me is who is signed in (当前登录).
type Me struct {
	Person      MePerson    `json:"person"`
	Posts       []MePost    `json:"posts"`
	PostID      id.ID       `json:"post_id,omitzero"` // acts in this request
	Permissions []string    `json:"permissions"`      // of the acting post, and of direct grants
	Until       time.Time   `json:"until,omitzero"`   // when the session or a right ends by itself
	Demo        bool        `json:"demo,omitempty"`
	Shared      string      `json:"shared_device,omitempty"` // name of the shared device that was opened
	Provider    *MeProvider `json:"provider,omitempty"`      // that the session was begun with
	NeedsTOTP   bool        `json:"needs_totp,omitempty"`    // send again with a code; nothing else is set
}

// MeProvider is the identity provider of a session.
type MeProvider struct {
	Name    words.Text `json:"name"`
	SignOut string     `json:"sign_out,omitempty"` // address to send the browser to after signing out here
}

// MePerson is the person signed in.
type MePerson struct {
	ID       id.ID          `json:"id,omitzero"`
	Name     string         `json:"name"`
	Language words.Language `json:"language" enum:"zh-CN,en"`
}

// MePost is one post the person can act through.
type MePost struct {
	ID         id.ID      `json:"id"`
	Name       words.Text `json:"name"`
	Role       string     `json:"role"`
	RoleName   words.Text `json:"role_name"`
	App        string     `json:"app"`
	Unit       words.Text `json:"unit"`
	Level      org.Level  `json:"level"`
	NodeID     id.ID      `json:"node_id,omitzero"`
	StandIn    bool       `json:"stand_in,omitempty"`
	StandInFor string     `json:"stand_in_for,omitempty"` // name of the holder, of a delegated post too
	Delegated  bool       `json:"delegated,omitempty"`
	Until      time.Time  `json:"until,omitzero"`
}

// Me describes an actor to himself.
func (a *Access) Me(tx *db.Tx, by *Actor) (Me, error) {
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return Me{}, err
	}
	st, err := a.cache.Get(tx)
	if err != nil {
		return Me{}, err
	}
	me := Me{
		Person: MePerson{ID: by.Person, Name: by.Name, Language: by.Language}, Posts: []MePost{}, PostID: by.Post,
		Permissions: by.Permissions(), Until: by.Until(), Demo: a.o.Demo,
	}
	if by.shared != nil {
		me.Shared = by.shared.Name
	}
	if p := a.issuer(by.issuer); p != nil && by.issuer != "" {
		me.Provider = &MeProvider{Name: p.Name, SignOut: by.signOut}
	}
	if me.Permissions == nil {
		me.Permissions = []string{}
	}
	for _, g := range by.Grants {
		p, ok := o.Post(g.Post)
		if !ok {
			continue
		}
		r, _ := st.book.Role(g.Role)
		v := MePost{ID: p.ID, Name: p.Name, Role: p.Role, RoleName: r.Name, App: r.App, Level: p.Level, NodeID: p.Node, StandIn: g.StandIn, Delegated: g.Delegated, Until: g.To}
		if u, ok := o.Unit(p.Unit); ok {
			v.Unit = u.Name
		}
		if holder, ok := o.Person(g.StandInFor); ok {
			v.StandInFor = holder.Name
		}
		me.Posts = append(me.Posts, v)
	}
	return me, nil
}

type none struct{}

type meOut struct{ Body Me }

type signInIn struct {
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"80"`
		Password string `json:"password" minLength:"1" maxLength:"400"`
		TOTP     string `json:"totp,omitempty" maxLength:"40" doc:"code of the authenticator, or a recovery code"`
		App      string `json:"app,omitempty" enum:"desk,field,portal,wall"`
	}
}
type demoIn struct {
	Body struct {
		Account string `json:"account" minLength:"1" maxLength:"80"`
		App     string `json:"app,omitempty" enum:"desk,field,portal,wall"`
	}
}
type demoOut struct {
	Body struct {
		Items []DemoAccount `json:"items"`
	}
}
type choosePostIn struct {
	Body struct {
		PostID id.ID `json:"post_id"`
	}
}
type chooseLanguageIn struct {
	Body struct {
		Language words.Language `json:"language" enum:"zh-CN,en"`
	}
}
type passwordIn struct {
	Body struct {
		Old string `json:"old" maxLength:"400"`
		New string `json:"new" maxLength:"400"`
	}
}
type enrolIn struct {
	Body struct {
		Token    string `json:"token" maxLength:"100"`
		Password string `json:"password" maxLength:"400"`
	}
}
type enrolOut struct{ Body Enrolment }
type confirmIn struct {
	Body struct {
		Token string `json:"token" maxLength:"100"`
		TOTP  string `json:"totp" maxLength:"40"`
	}
}
type confirmOut struct {
	Body struct {
		Recovery []string `json:"recovery_codes"` // to be kept on paper; shown once
	}
}
type accountsOut struct {
	Body struct {
		Items []Account `json:"items"`
	}
}
type accountIn struct{ Body AccountIn }
type accountOut struct{ Body Account }
type idIn struct {
	ID id.ID `path:"id"`
}
type linkOut struct{ Body Link }
type colleaguesIn struct {
	Query   string `query:"q" maxLength:"60"`
	Without bool   `query:"without_account" doc:"only people who have no account yet"`
}
type colleaguesOut struct {
	Body struct {
		Items []Colleague `json:"items"`
	}
}
type nodesIn struct {
	Level org.Level `query:"level" enum:"district,street,village,grid,micro_grid,department" required:"true"`
	Query string    `query:"q" maxLength:"60"`
}
type nodesOut struct {
	Body struct {
		Items []Node `json:"items"`
	}
}
type grantsIn struct {
	Person id.ID `query:"person"`
}
type grantsOut struct {
	Body struct {
		Items []GrantView `json:"items"`
	}
}
type grantIn struct{ Body GrantIn }
type grantOut struct{ Body Grant }
type bookOut struct{ Body *RoleBook }
type roleIn struct {
	Key  string `path:"key" maxLength:"40"`
	Body struct {
		Permissions []string `json:"permissions" maxItems:"300"`
	}
}
type roleOut struct{ Body Role }

// Routes mounts the operations of this room.
func (a *Access) Routes(e *httpx.Edge) {
	a.sessionRoutes(e)
	a.securityRoutes(e)
	a.passkeyRoutes(e)
	a.oidcRoutes(e)
	a.sharedRoutes(e)
	a.adminRoutes(e)
	a.alarmRoutes(e)
	a.reviewRoutes(e)
}

// entrance is how the request that is being answered comes in.
func entrance(ctx context.Context, e *httpx.Edge, app string) Entrance {
	return Entrance{Via: via(app), Session: httpx.Cookie(ctx, SessionCookie), Address: e.Address(ctx), Client: ClientName(httpx.Header(ctx, "User-Agent")),
		Device: httpx.Cookie(ctx, DeviceCookie)}
}

func (a *Access) sessionRoutes(e *httpx.Edge) {
	tags, d := []string{"session"}, e.DB()
	httpx.Act(e, httpx.Op{ID: "access.sign_in", Method: http.MethodPost, Path: "/api/session", Public: true, Tags: tags, MaxBody: 8 << 10,
		Summary: "Sign in"},
		func(ctx context.Context, _ *Actor, in *signInIn) (*meOut, error) {
			out, err := a.SignIn(ctx, d, SignInIn{
				Name: in.Body.Name, Password: in.Body.Password, Code: in.Body.TOTP, Entrance: entrance(ctx, e, in.Body.App),
			})
			if err == nil && out.NeedsCode {
				return &meOut{Me{Posts: []MePost{}, Permissions: []string{}, NeedsTOTP: true, Person: MePerson{Language: httpx.Language(ctx)}}}, nil
			}
			return a.signedIn(ctx, e, out, err)
		})
	httpx.Act(e, httpx.Op{ID: "access.demo_sign_in", Method: http.MethodPost, Path: "/api/demo/session", Public: true, Tags: tags, MaxBody: 8 << 10,
		Summary: "Sign in to the demo as one of its made-up people"},
		func(ctx context.Context, _ *Actor, in *demoIn) (*meOut, error) {
			out, err := a.DemoSignIn(ctx, d, in.Body.Account, entrance(ctx, e, in.Body.App))
			return a.signedIn(ctx, e, out, err)
		})
	httpx.Read(e, httpx.Op{ID: "access.demo_accounts", Method: http.MethodGet, Path: "/api/demo/accounts", Public: true, Tags: tags,
		Summary: "The made-up people of the demo"},
		func(tx *db.Tx, _ *Actor, _ *none) (*demoOut, error) {
			list, err := a.DemoAccounts(tx)
			out := &demoOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Read(e, httpx.Op{ID: "access.me", Method: http.MethodGet, Path: "/api/session", SignedIn: true, Tags: tags,
		Summary: "Who is signed in, and which posts can act"},
		func(tx *db.Tx, by *Actor, _ *none) (*meOut, error) {
			me, err := a.Me(tx, by)
			return &meOut{me}, err
		})
	httpx.Act(e, httpx.Op{ID: "access.sign_out", Method: http.MethodDelete, Path: "/api/session", SignedIn: true, Tags: tags,
		Summary: "Sign out here"},
		func(ctx context.Context, by *Actor, _ *none) (*none, error) {
			err := d.Write(ctx, func(tx *db.Tx) error { return a.SignOut(tx, by) })
			return a.signedOut(ctx, e, err)
		})
	httpx.Act(e, httpx.Op{ID: "access.sign_out_everywhere", Method: http.MethodDelete, Path: "/api/session/all", SignedIn: true, Tags: tags,
		Summary: "Sign out on all devices"},
		func(ctx context.Context, by *Actor, _ *none) (*none, error) {
			err := d.Write(ctx, func(tx *db.Tx) error { return a.SignOutEverywhere(tx, by) })
			return a.signedOut(ctx, e, err)
		})
	httpx.Write(e, httpx.Op{ID: "access.choose_post", Method: http.MethodPut, Path: "/api/session/post", SignedIn: true, Tags: tags,
		Summary: "Choose the post that acts from now on", NoReceipt: true},
		func(tx *db.Tx, by *Actor, in *choosePostIn) (*meOut, error) {
			next, err := a.ChoosePost(tx, by, in.Body.PostID)
			if err != nil {
				return nil, err
			}
			me, err := a.Me(tx, next)
			return &meOut{me}, err
		})
	httpx.Write(e, httpx.Op{ID: "access.choose_language", Method: http.MethodPut, Path: "/api/session/language", SignedIn: true, Tags: tags,
		Summary: "Choose the language of one's account", NoReceipt: true},
		func(tx *db.Tx, by *Actor, in *chooseLanguageIn) (*none, error) {
			return nil, a.ChooseLanguage(tx, by, in.Body.Language)
		})
	httpx.Act(e, httpx.Op{ID: "access.change_password", Method: http.MethodPut, Path: "/api/session/password", SignedIn: true, Tags: tags, MaxBody: 8 << 10,
		Summary: "Change one's own password"},
		func(ctx context.Context, by *Actor, in *passwordIn) (*none, error) {
			return nil, a.ChangePassword(ctx, d, by, in.Body.Old, in.Body.New, e.Address(ctx))
		})
	httpx.Act(e, httpx.Op{ID: "access.enrol", Method: http.MethodPost, Path: "/api/enrol", Public: true, Tags: tags, MaxBody: 8 << 10,
		Summary: "Choose a password by a one-time link"},
		func(ctx context.Context, _ *Actor, in *enrolIn) (*enrolOut, error) {
			out, err := a.Enrol(ctx, d, in.Body.Token, in.Body.Password)
			return &enrolOut{out}, err
		})
	httpx.Act(e, httpx.Op{ID: "access.enrol_confirm", Method: http.MethodPost, Path: "/api/enrol/confirm", Public: true, Tags: tags, MaxBody: 8 << 10,
		Summary: "Confirm the second factor and finish the enrolment"},
		func(ctx context.Context, _ *Actor, in *confirmIn) (*confirmOut, error) {
			codes, err := a.ConfirmEnrol(ctx, d, in.Body.Token, in.Body.TOTP)
			out := &confirmOut{}
			out.Body.Recovery = codes
			if codes == nil {
				out.Body.Recovery = []string{}
			}
			return out, err
		})
}

func (a *Access) adminRoutes(e *httpx.Edge) {
	tags := []string{"access"}
	httpx.Read(e, httpx.Op{ID: "access.accounts", Method: http.MethodGet, Path: "/api/accounts", SignedIn: true, Tags: tags,
		Summary: "All accounts; for system and security administrators and the auditor"},
		func(tx *db.Tx, by *Actor, _ *none) (*accountsOut, error) {
			list, err := a.Accounts(tx, by)
			out := &accountsOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Write(e, httpx.Op{ID: "access.account_create", Method: http.MethodPost, Path: "/api/accounts", Permission: permAccount, Tags: tags,
		Summary: "Give a person an account", Status: http.StatusCreated},
		func(tx *db.Tx, by *Actor, in *accountIn) (*accountOut, error) {
			acc, err := a.CreateAccount(tx, by, in.Body)
			return &accountOut{acc}, err
		})
	for _, act := range []struct {
		id, path, permission, summary string
		do                            func(tx *db.Tx, by *Actor, v id.ID) (Account, error)
	}{
		{"access.account_release", "release", permGrant, "Let an account sign in", func(tx *db.Tx, by *Actor, v id.ID) (Account, error) { return a.Release(tx, by, v) }},
		{"access.account_disable", "disable", permAccount, "Stop an account; its sessions end", func(tx *db.Tx, by *Actor, v id.ID) (Account, error) { return a.Disable(tx, by, v) }},
		{"access.account_enable", "enable", permAccount, "Let a stopped account be released again", func(tx *db.Tx, by *Actor, v id.ID) (Account, error) { return a.Enable(tx, by, v) }},
		{"access.factor_reset", "factor-reset", permPolicy, "Allow a new second factor by the next link", func(tx *db.Tx, by *Actor, v id.ID) (Account, error) { return a.ResetFactor(tx, by, v) }},
	} {
		httpx.Write(e, httpx.Op{ID: act.id, Method: http.MethodPost, Path: "/api/accounts/{id}/" + act.path, Permission: act.permission, Tags: tags, Summary: act.summary},
			func(tx *db.Tx, by *Actor, in *idIn) (*accountOut, error) {
				acc, err := act.do(tx, by, in.ID)
				return &accountOut{acc}, err
			})
	}
	httpx.Write(e, httpx.Op{ID: "access.link", Method: http.MethodPost, Path: "/api/accounts/{id}/link", Permission: permAccount, Tags: tags,
		Summary: "Make a one-time link for choosing a password", NoReceipt: true, Status: http.StatusCreated},
		func(tx *db.Tx, by *Actor, in *idIn) (*linkOut, error) {
			l, err := a.NewLink(tx, by, in.ID)
			return &linkOut{l}, err
		})
	httpx.Read(e, httpx.Op{ID: "access.colleagues", Method: http.MethodGet, Path: "/api/accounts/people", SignedIn: true, Tags: tags,
		Summary: "People by a part of their name; for system and security administrators and the auditor"},
		func(tx *db.Tx, by *Actor, in *colleaguesIn) (*colleaguesOut, error) {
			list, err := a.Colleagues(tx, by, in.Query, in.Without)
			out := &colleaguesOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Read(e, httpx.Op{ID: "access.nodes", Method: http.MethodGet, Path: "/api/grants/nodes", SignedIn: true, Tags: tags,
		Summary: "Places a role can be granted at; for security administrators and the auditor"},
		func(tx *db.Tx, by *Actor, in *nodesIn) (*nodesOut, error) {
			list, err := a.Nodes(tx, by, in.Level, in.Query)
			out := &nodesOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Read(e, httpx.Op{ID: "access.grants", Method: http.MethodGet, Path: "/api/grants", SignedIn: true, Tags: tags,
		Summary: "Direct grants; for security administrators and the auditor"},
		func(tx *db.Tx, by *Actor, in *grantsIn) (*grantsOut, error) {
			list, err := a.GrantsOf(tx, by, in.Person)
			out := &grantsOut{}
			out.Body.Items = list
			return out, err
		})
	httpx.Write(e, httpx.Op{ID: "access.grant", Method: http.MethodPost, Path: "/api/grants", Permission: permGrant, Tags: tags,
		Summary: "Grant a role", Status: http.StatusCreated},
		func(tx *db.Tx, by *Actor, in *grantIn) (*grantOut, error) {
			g, err := a.Give(tx, by, in.Body)
			return &grantOut{g}, err
		})
	httpx.Write(e, httpx.Op{ID: "access.revoke", Method: http.MethodDelete, Path: "/api/grants/{id}", Permission: permRevoke, Tags: tags,
		Summary: "End a grant now", Status: http.StatusOK},
		func(tx *db.Tx, by *Actor, in *idIn) (*grantOut, error) {
			g, err := a.Revoke(tx, by, in.ID)
			return &grantOut{g}, err
		})
	httpx.Read(e, httpx.Op{ID: "access.roles", Method: http.MethodGet, Path: "/api/roles", SignedIn: true, Tags: tags,
		Summary: "Roles, permissions and what excludes each other"},
		func(tx *db.Tx, _ *Actor, _ *none) (*bookOut, error) {
			b, err := a.Book(tx)
			return &bookOut{b}, err
		})
	httpx.Write(e, httpx.Op{ID: "access.role_edit", Method: http.MethodPut, Path: "/api/roles/{key}", Permission: permPolicy, Tags: tags,
		Summary: "Change what a role may do"},
		func(tx *db.Tx, by *Actor, in *roleIn) (*roleOut, error) {
			r, err := a.EditRole(tx, by, in.Key, in.Body.Permissions)
			return &roleOut{r}, err
		})
}

// via is how the journal names the app that somebody signed in with.
func via(app string) string {
	if app == "" {
		return "desk"
	}
	return app
}

// signedIn answers a right attempt: the cookies, and who is signed in.
func (a *Access) signedIn(ctx context.Context, e *httpx.Edge, out SignInOut, err error) (*meOut, error) {
	if err != nil {
		return nil, err
	}
	var me Me
	if err := e.DB().Read(ctx, func(tx *db.Tx) (err error) {
		me, err = a.Me(tx, out.Actor)
		return err
	}); err != nil {
		return nil, err
	}
	where := e.Address(ctx)
	httpx.SetCookie(ctx, a.cookie(SessionCookie, out.Token, where, a.o.Limit))
	if out.Device != "" {
		httpx.SetCookie(ctx, a.cookie(DeviceCookie, out.Device, where, deviceKept))
	}
	return &meOut{me}, nil
}

func (a *Access) signedOut(ctx context.Context, e *httpx.Edge, err error) (*none, error) {
	if err == nil {
		httpx.SetCookie(ctx, a.cookie(SessionCookie, "", e.Address(ctx), -time.Second))
	}
	return nil, err
}

// cookie makes one of our cookies: never readable by scripts, never sent along
// by other sites' forms, and only over TLS unless the browser is on this very
// machine.
func (a *Access) cookie(name, value string, from netip.Addr, lives time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: !from.Unmap().IsLoopback(), MaxAge: int(lives / time.Second),
	}
}

// Denied is the hook for the edge: it notes refused commands of staff.
func (a *Access) Denied(d *db.DB) func(ctx context.Context, op httpx.Op, by any, f *fault.Fault) {
	return func(ctx context.Context, op httpx.Op, by any, f *fault.Fault) {
		actor, _ := by.(*Actor)
		a.Refused(ctx, d, actor, op.ID, f.Code)
	}
}
