package access

import (
	"crypto/rand"
	"embed"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Room is what this room keeps in the database.
func Room() db.Room { return db.RoomOf(room, migrations) }

// Options are what app decides about signing in.
type Options struct {
	Org    *org.Org
	Roles  *RoleBook // as shipped; edited ones are kept in the table
	Sealer Sealer    // for the secrets of second factors
	Places Places    // who knows the grids; nil: grants at grids are refused
	Cost   Cost      // of a password hash; DefaultCost when zero
	Issuer string    // shown by authenticator apps; "OneGrid" when empty
	Idle   time.Duration
	Limit  time.Duration // of a session, however busy; 12 hours when zero
	// Demo switches on signing in without a password to accounts that were made
	// for the demo. Such accounts never sign in otherwise.
	Demo bool
	// Site is the address people type, for what is bound to it (passkeys);
	// empty: only this very machine has one, as localhost.
	Site string
	// PasskeyDomain is the domain passkeys are bound to when it is a parent of
	// the site's own.
	PasskeyDomain string
	// Providers are the identity providers one can sign in with; Away is how they
	// are reached (nil: over the network).
	Providers []Provider
	Away      http.RoundTripper
	// Desk is the path of the app that a provider sends people back to; "/desk/"
	// when empty.
	Desk string
	// Zone is the district's, for what is unusual at a time of day; UTC when nil.
	Zone *time.Location
	// OneFactor lets accounts without a second factor sign in.
	OneFactor bool
}

// Places knows where a grid lies. core/grid is one.
type Places interface {
	NodesOf(tx *db.Tx, grid id.ID) (journal.Nodes, error)
	Title(tx *db.Tx, grid id.ID) (string, error)
	Find(tx *db.Tx, l grid.Layer, query string, limit int) ([]grid.Grid, error)
}

// Access is the accounts and rights of one installation.
type Access struct {
	o      Options
	org    *org.Org
	hasher *hasher
	cache  *db.Cached[*state]
	seen   sync.Map // session id -> time it was last used, not yet written
	watch  watchers
	noted  notes
	uses   uses

	providers []*provider
	away      *http.Client

	Stats Stats
}

// Stats are running counts for the metrics.
type Stats struct {
	SignIns, Failures, Waits, Refusals atomic.Int64
}

// state is everything a request needs to know who asks, at one version of this
// room's tables.
type state struct {
	book     *RoleBook
	direct   map[id.ID][]Grant // by person
	shared   map[id.ID]*Shared // that are not revoked
	sessions sync.Map          // token hash -> session, filled as they are asked for
}

// New is the access room. The organisation must be told to ask it:
// org.Guarded(access).
func New(o Options) (*Access, error) {
	if o.Cost == (Cost{}) {
		o.Cost = DefaultCost
	}
	if o.Issuer == "" {
		o.Issuer = "OneGrid"
	}
	if o.Idle == 0 {
		o.Idle = time.Hour
	}
	if o.Limit == 0 {
		o.Limit = 12 * time.Hour
	}
	if o.Org == nil || o.Roles == nil || o.Sealer == nil {
		return nil, fmt.Errorf("access: organisation, roles and a sealer are needed")
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Desk == "" {
		o.Desk = "/desk/"
	}
	h, err := newHasher(o.Cost)
	if err != nil {
		return nil, err
	}
	a := &Access{o: o, org: o.Org, hasher: h}
	if a.providers, a.away, err = newProviders(o.Providers, o.Away); err != nil {
		return nil, err
	}
	a.cache = db.NewCached(room, a.load)
	return a, nil
}

func (a *Access) load(tx *db.Tx) (*state, error) {
	s := &state{direct: map[id.ID][]Grant{}, shared: map[id.ID]*Shared{}}
	devices, err := readShared(tx, `revoked IS NULL`)
	if err != nil {
		return nil, err
	}
	for _, dev := range devices {
		s.shared[dev.ID] = dev
	}
	edited, err := editedRoles(tx)
	if err != nil {
		return nil, err
	}
	if s.book, err = a.o.Roles.with(edited); err != nil {
		return nil, err
	}
	grants, err := grantsWhere(tx, `1 = 1`)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		s.direct[g.Person] = append(s.direct[g.Person], g)
	}
	return s, nil
}

// Book is the roles as they are now.
func (a *Access) Book(tx *db.Tx) (*RoleBook, error) {
	s, err := a.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	return s.book, nil
}

// Actor computes who a person is at this instant, acting through a post (zero:
// the direct grants alone). Code: access.not_your_post.
func (a *Access) Actor(tx *db.Tx, person, post id.ID) (*Actor, error) {
	s, err := a.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	return s.book.Act(o, s.direct[person], person, post, tx.Now())
}

// Operator is the program or whoever runs it on its host; see Operator.
func (a *Access) Operator(tx *db.Tx, via string) (*Actor, error) {
	hub, err := a.org.Hub(tx)
	if err != nil {
		return nil, err
	}
	return Operator(via, hub), nil
}

// secret makes a new token of 256 random bits outside a transaction.
func secret(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("random bytes: %w", err)
	}
	return b, nil
}
