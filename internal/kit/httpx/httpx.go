// Package httpx is the edge between HTTP and the rooms. Every operation is
// registered through Read, Write, WriteFor, Upload, Download, Stream or Page,
// so that limits, receipts, error texts, headers and logs are the same
// everywhere; a test that parses the tree refuses any other handler.
//
// It owns one table, http_receipt: which command, by whom, with which content,
// led to which outcome (DESIGN.md section 3, rule 5).
//
// What callers rely on:
//   - a function given to Write runs in one write transaction, receipt first;
//     it may run twice and must do SQL and nothing else;
//   - an unknown error never reaches a caller: it is logged with the request id
//     and becomes "internal";
//   - httpx does not know who somebody is: app passes in Who, and what Who
//     returns is handed to the room's function as its type A.
package httpx

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/words"
)

// Words are the sentences for the faults of this package.
//
//go:embed words.zh-CN.json words.en.json
var Words embed.FS

// Op describes one operation. Exactly one of Permission, Public and SignedIn
// says who may call it.
type Op struct {
	ID         string // "room.act", stable: the key of the permission matrix and the operationId of the client
	Method     string
	Path       string // as in net/http: /api/cases/{id}
	Permission string // the permission that the acting post needs somewhere
	Public     bool   // anybody, also without an account
	SignedIn   bool   // any account
	Crowd      bool   // strangers in any number may come at once: they get half of the places
	Summary    string
	Tags       []string
	MaxBody    int64 // bytes; default 1 MiB
	Status     int   // success status; default 200, or 204 without a body
	NoReceipt  bool  // the outcome must not be kept (it holds a secret) and the act may be repeated

	Kind string // "read", "write", "act", "upload", "download", "issue", "stream" or "page"; set by the registration
}

// Caller is who asks, as app sees it.
type Caller struct {
	By       any            // handed to the room's function as its type A
	Key      string         // identifies the person in receipts; "" for nobody in particular
	Language words.Language // the account's language; "" to go by Accept-Language
}

// Options are what app decides about the edge.
type Options struct {
	Title, Version string
	DB             *db.DB
	Words          *words.Catalogue
	Log            *slog.Logger
	Who            func(r *http.Request, op Op) (Caller, error)             // nil: nobody is known
	Refused        func(ctx context.Context, op Op, by any, f *fault.Fault) // told of each refusal of somebody known, after its transaction; may be nil
	Now            func() time.Time

	MaxRequests    int            // at a time, streams not counted; default 1024
	MaxStreams     int            // at a time; default 10,000
	MaxMemory      int64          // bytes that the program may use; requests are let in within a share of it. 0: no ceiling
	Alive          func() int64   // bytes in use that can't be given back; by default what the last collection found
	StreamWait     time.Duration  // how long an event may take to leave before its reader counts as stuck; default 10 s
	Hosts          []string       // accepted Host names; none: any
	TrustedOrigins []string       // other origins that may send writes
	Proxies        []netip.Prefix // reverse proxies whose X-Forwarded-For is believed
	Secure         bool           // served over TLS, also by a proxy: sends HSTS
	Ready          func(context.Context) error
	Registerer     prometheus.Registerer // nil: no figures are kept
	Metrics        http.Handler          // GET /metrics
	MetricsAnyone  bool                  // otherwise only from this machine
	Tracer         trace.Tracer          // nil: no spans
	Profile        bool                  // GET /debug/pprof/, only from this machine
}

// Edge takes requests and hands them to the rooms.
type Edge struct {
	o        Options
	mux      *http.ServeMux
	api      huma.API
	ops      []Op
	byID     map[string]int
	byRoute  map[string]int // by the mux's pattern
	schemas  *registry
	guard    *http.CrossOriginProtection
	gate     chan struct{}
	crowd    chan struct{} // the places that strangers may take
	streams  chan struct{}
	memory   *memory
	stopping chan struct{}
	stopOnce sync.Once
	handler  http.Handler
	figures  *figures
	specOnce sync.Once
	spec     []byte
	specErr  error
}

// humaOnce guards the two package variables of huma that must be set once for
// the whole program (STYLE.md 3.6).
var humaOnce sync.Once

// New builds an edge without operations.
func New(o Options) (*Edge, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxRequests == 0 {
		o.MaxRequests = 1024
	}
	if o.MaxStreams == 0 {
		o.MaxStreams = 10_000
	}
	if o.StreamWait == 0 {
		o.StreamWait = 10 * time.Second
	}
	if o.Words == nil {
		c, err := words.New(words.Source{Room: "httpx", Files: Words})
		if err != nil {
			return nil, err
		}
		o.Words = c
	}
	humaOnce.Do(func() {
		huma.NewErrorWithContext = newProblem
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
			return newProblem(nil, status, msg, errs...)
		}
		huma.DefaultArrayNullable = false
	})
	e := &Edge{
		o: o, mux: http.NewServeMux(), byID: map[string]int{}, byRoute: map[string]int{}, schemas: newRegistry(),
		guard: http.NewCrossOriginProtection(),
		gate:  make(chan struct{}, o.MaxRequests), crowd: make(chan struct{}, max(1, o.MaxRequests/2)), streams: make(chan struct{}, o.MaxStreams),
		memory:   newMemory(o.MaxMemory, o.Alive, o.Now),
		stopping: make(chan struct{}),
	}
	for _, origin := range o.TrustedOrigins {
		if err := e.guard.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("trusted origin %q: %w", origin, err)
		}
	}
	var err error
	if e.figures, err = newFigures(o.Registerer, e); err != nil {
		return nil, err
	}
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: o.Title, Version: o.Version},
			Components: &huma.Components{Schemas: e.schemas},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat}, // json: of …/problem+json
		DefaultFormat: "application/json",
		// A filter that is not understood must not become "no filter".
		RejectUnknownQueryParameters: true,
	}
	e.api = huma.NewAPI(config, humago.NewAdapter(router{e}, ""))
	e.probes()
	if o.Profile {
		e.profiles()
	}
	e.handler = e.chain()
	return e, nil
}

// API is the huma API, for the few who build on the schema.
func (e *Edge) API() huma.API { return e.api }

// DB is the database the operations run on.
func (e *Edge) DB() *db.DB { return e.o.DB }

// Log is the program's log.
func (e *Edge) Log() *slog.Logger { return e.o.Log }

// Say gives a sentence of the catalogue in the reader's language.
func (e *Edge) Say(ctx context.Context, code string, args map[string]any) string {
	return e.o.Words.Say(Language(ctx), code, args)
}

// Ops lists all operations by their ids.
func (e *Edge) Ops() []Op {
	ops := slices.Clone(e.ops)
	slices.SortFunc(ops, func(a, b Op) int { return strings.Compare(a.ID, b.ID) })
	return ops
}

// OpenAPI is the specification of all operations under /api, indented, the same
// bytes for the same operations. It is made at the first call, which comes after
// the last registration.
func (e *Edge) OpenAPI() ([]byte, error) {
	e.specOnce.Do(func() {
		raw, err := json.Marshal(e.api.OpenAPI())
		if err != nil {
			e.specErr = fmt.Errorf("write the OpenAPI file: %w", err)
			return
		}
		// Through a map: object keys come out sorted, so the file is stable.
		var v any
		if e.specErr = json.Unmarshal(raw, &v); e.specErr == nil {
			e.spec, e.specErr = json.MarshalIndent(v, "", "  ")
		}
	})
	return e.spec, e.specErr
}

// Handler is the whole edge.
func (e *Edge) Handler() http.Handler { return e.handler }

var opID = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)+$`)

// add checks and notes an operation. A wrong one is a mistake in the program,
// found at its first start, so it panics as http.ServeMux does.
func (e *Edge) add(op Op, kind string) Op {
	op.Kind = kind
	if !opID.MatchString(op.ID) {
		panic(fmt.Sprintf("httpx: operation id %q is not room.act", op.ID))
	}
	if op.Method == "" || !strings.HasPrefix(op.Path, "/") {
		panic(fmt.Sprintf("httpx: operation %q has no method or path", op.ID))
	}
	if _, twice := e.byID[op.ID]; twice {
		panic(fmt.Sprintf("httpx: operation %q registered twice", op.ID))
	}
	if n := btoi(op.Permission != "") + btoi(op.Public) + btoi(op.SignedIn); n != 1 {
		panic(fmt.Sprintf("httpx: operation %q needs exactly one of Permission, Public, SignedIn", op.ID))
	}
	if op.MaxBody == 0 {
		op.MaxBody = 1 << 20
	}
	e.byID[op.ID] = len(e.ops)
	e.byRoute[op.Method+" "+op.Path] = len(e.ops)
	e.schemas.room, _, _ = strings.Cut(op.ID, ".")
	e.ops = append(e.ops, op)
	return op
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// describe gives the operation its place in the specification.
func (e *Edge) describe(op Op) huma.Operation {
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Tags: op.Tags,
		DefaultStatus: op.Status, MaxBodyBytes: op.MaxBody, BodyReadTimeout: -1, // body.go sees to it
		Extensions: map[string]any{"x-kind": op.Kind},
	}
	switch {
	case op.Public:
		h.Extensions["x-public"] = true
	case op.SignedIn:
		h.Extensions["x-signed-in"] = true
	default:
		h.Extensions["x-permission"] = op.Permission
	}
	return h
}

// enter finds out who asks; the answer is of the type that the room wants.
func enter[A any](e *Edge, ctx context.Context, op Op) (*request, A, error) {
	var by A
	rq := fromContext(ctx)
	if rq == nil {
		return nil, by, fault.Of(errors.New("httpx: called outside an edge"))
	}
	if e.o.Who == nil {
		return rq, by, nil
	}
	c, err := e.ask(rq, op)
	if err != nil {
		return rq, by, err
	}
	rq.key = c.Key
	rq.op, rq.by = op, c.By
	if c.By == nil {
		return rq, by, nil
	}
	by, ok := c.By.(A)
	if !ok {
		return rq, by, fmt.Errorf("httpx: operation %s wants %T, who is %T", op.ID, by, c.By)
	}
	return rq, by, nil
}

// ask asks app who it is, and speaks that person's language from then on.
func (e *Edge) ask(rq *request, op Op) (Caller, error) {
	rq.asked = true
	c, err := e.o.Who(rq.r, op)
	if c.Language != "" {
		rq.language = c.Language
	}
	return c, err
}

// know is for answers that are given before anybody entered: a request that is
// wrong by itself. Who may not ask at all is told that first, and everybody is
// told in the own language.
func (e *Edge) know(rq *request) error {
	if rq.asked || e.o.Who == nil {
		return nil
	}
	op := Op{Public: true}
	if i, ok := e.byRoute[rq.route]; ok {
		op = e.ops[i]
	}
	_, err := e.ask(rq, op)
	return err
}
