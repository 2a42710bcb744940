package httpx

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/kit/words"
)

// The server's limits. Bodies have their own (body.go), and so have streams and
// files; readTimeout and writeTimeout only bound what those leave open. The
// latter runs from the header on and covers the arrival of the body too.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Minute
	writeTimeout      = 30 * time.Minute
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 32 << 10

	// answerWait is how long an answer may take to leave once it is written.
	answerWait = time.Minute
	fileWait   = 20 * time.Minute
)

// router lets huma register on the edge's mux; every handler learns which
// pattern it serves.
type router struct{ e *Edge }

// HandleFunc satisfies humago.Mux.
func (m router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.e.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if rq := fromContext(r.Context()); rq != nil {
			rq.r, rq.route = r, pattern
		}
		h(w, r)
	})
}

// ServeHTTP satisfies humago.Mux.
func (m router) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.e.mux.ServeHTTP(w, r) }

// chain is what every request passes, from the outside in.
func (e *Edge) chain() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := e.o.Now()
		rq := &request{id: newRequestID(r), language: words.Negotiate(r.Header.Get("Accept-Language")), body: sha256.New()}
		rec := &recorder{ResponseWriter: w, edge: e, gzip: acceptsGzip(r), head: r.Method == http.MethodHead}
		rq.w = rec
		ctx, span := e.begin(r, rq)
		defer e.end(span, rq)
		r = r.WithContext(context.WithValue(ctx, requestKey{}, rq))
		rq.r = r
		e.headers(rec.Header(), rq.id)
		defer e.done(rq, begun)
		e.admit(rec, r)
	})
}

// done ends a request: a panic becomes an internal fault, the rest of the
// answer leaves, the log and the figures learn of it.
func (e *Edge) done(rq *request, begun time.Time) {
	p := recover()
	if p != nil && p != http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http does
		rq.cause = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		if rq.w.reset() {
			e.fail(rq.w, rq.r, rq.cause)
			p = nil
		}
	}
	err := rq.w.finish()
	e.report(rq, begun, err)
	if p != nil {
		// Part of the answer has left: cut the connection, so that the reader
		// does not take it for a whole one.
		panic(http.ErrAbortHandler)
	}
}

func (e *Edge) report(rq *request, begun time.Time, err error) {
	took := e.o.Now().Sub(begun)
	e.figures.observe(rq, took)
	level := slog.LevelInfo
	if rq.w.status >= 500 || rq.cause != nil && rq.w.status < 400 {
		level = slog.LevelError
	} else if rq.probe() {
		level = slog.LevelDebug
	}
	ctx := rq.r.Context()
	if !e.o.Log.Enabled(ctx, level) {
		return
	}
	// No path, query, address or name: those are personal data or secrets.
	attrs := []slog.Attr{
		slog.String("request_id", rq.id), slog.String("method", rq.r.Method), slog.String("route", rq.route),
		slog.Int("status", rq.w.status), slog.Int64("bytes", rq.w.bytes), slog.Duration("took", took),
	}
	if rq.code != "" {
		attrs = append(attrs, slog.String("code", rq.code))
	}
	if rq.cause != nil {
		attrs = append(attrs, slog.String("cause", rq.cause.Error()))
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		attrs = append(attrs, slog.String("unsent", err.Error()))
	}
	e.o.Log.LogAttrs(ctx, level, "request", attrs...)
}

// admit lets a request in: right host, harmless bytes, own origin, enough room.
func (e *Edge) admit(w *recorder, r *http.Request) {
	rq := fromContext(r.Context())
	if len(e.o.Hosts) > 0 && !slices.Contains(e.o.Hosts, hostOnly(r.Host)) {
		// A foreign name that leads to this machine (DNS rebinding) would make a
		// foreign page "same origin".
		e.fail(w, r, ErrHost)
		return
	}
	if !readable(r.URL) {
		e.fail(w, r, ErrMalformed)
		return
	}
	if err := e.guard.Check(r); err != nil {
		e.fail(w, r, ErrCrossOrigin.Because(err))
		return
	}
	h, pattern := e.mux.Handler(r)
	if pattern == "" {
		e.unrouted(w, r, h)
		return
	}
	if isProbe(pattern) {
		rq.route = pattern
		e.mux.ServeHTTP(w, r)
		return
	}
	op := Op{MaxBody: 1 << 20}
	if i, ok := e.byRoute[pattern]; ok {
		op = e.ops[i]
	}
	if op.Crowd {
		select {
		case e.crowd <- struct{}{}:
			defer func() { <-e.crowd }()
		default:
			e.shed(w, r, "crowd", 1)
			return
		}
	}
	select {
	case e.gate <- struct{}{}:
	default:
		e.shed(w, r, "requests", 1)
		return
	}
	cost := e.memory.cost(r.ContentLength, op)
	if wait := e.memory.take(cost); wait > 0 {
		<-e.gate
		e.shed(w, r, "memory", wait)
		return
	}
	left := false
	leave := func() {
		if !left {
			left = true
			e.memory.leave(cost)
			<-e.gate
		}
	}
	defer leave()
	rq.leave = leave
	r.Body = newBody(w, r, op.MaxBody, rq.body)
	e.mux.ServeHTTP(w, r)
}

// readable says whether path and query are texts that a database can hold. The
// API's query must be understood to its last letter, for a filter that is passed
// over would become no filter; on pages, strangers' links may end in anything.
func readable(u *url.URL) bool {
	good := func(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
	if !good(u.Path) {
		return false
	}
	if u.RawQuery == "" {
		return true
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil && strings.HasPrefix(u.Path, "/api/") {
		return false
	}
	for name, values := range q {
		if !good(name) || slices.ContainsFunc(values, func(v string) bool { return !good(v) }) {
			return false
		}
	}
	return true
}

// shed refuses a request for which there is no room now.
func (e *Edge) shed(w *recorder, r *http.Request, why string, wait int) {
	e.figures.refused.WithLabelValues(why).Inc()
	e.fail(w, r, ErrBusy.With("retry_after", wait))
}

// unrouted answers what no operation serves; the mux knows whether the path or
// only the method is wrong.
func (e *Edge) unrouted(w *recorder, r *http.Request, h http.Handler) {
	probe := &discard{header: http.Header{}}
	h.ServeHTTP(probe, r)
	err := ErrNoSuchPage
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		err = ErrMethod
	}
	e.fail(w, r, err)
}

// discard takes an answer that only its status and headers are wanted of.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// policy says what a page may load: its own things only. Workers and pictures
// may come from blobs, which the map needs; style attributes are set by charts.
func policy(nonce string) string {
	own := "'self'"
	if nonce != "" {
		own += " 'nonce-" + nonce + "'"
	}
	return "default-src 'self'; script-src " + own + "; style-src " + own + "; style-src-attr 'unsafe-inline'; " +
		"img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self' data:; worker-src 'self' blob:; " +
		"connect-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

var plainPolicy = policy("")

func (e *Edge) headers(h http.Header, requestID string) {
	h.Set("X-Request-Id", requestID)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// same-origin rather than no-referrer: the latter makes older browsers send
	// Origin: null with our own forms, which then look like somebody else's.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), microphone=(self), geolocation=(self), browsing-topics=()")
	h.Set("Content-Security-Policy", plainPolicy)
	if e.o.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// ClientAddress is the address a request comes from. X-Forwarded-For is read
// from the right, only as long as the hops are our own proxies.
func (e *Edge) ClientAddress(r *http.Request) netip.Addr {
	addr := remote(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && e.proxy(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	return addr
}

// remote is whom the connection comes from.
func remote(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

func (e *Edge) proxy(a netip.Addr) bool {
	return slices.ContainsFunc(e.o.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Serve takes connections from l until ctx ends; then it takes no more, ends
// the streams, and lets the rest finish within grace.
func (e *Edge) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	s := &http.Server{
		Handler:           e.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(e.o.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	e.Stop()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := s.Shutdown(last); err != nil {
		return errors.Join(fmt.Errorf("requests were still running after %s: %w", grace, err), s.Close())
	}
	return nil
}

// Stop ends all streams and makes the edge not ready.
func (e *Edge) Stop() { e.stopOnce.Do(func() { close(e.stopping) }) }

// probes registers what machines ask: alive, ready, figures, specification.
func (e *Edge) probes() {
	text := func(w http.ResponseWriter, status int, s string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(s + "\n")) // a probe that went away is no fault
	}
	e.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") })
	e.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-e.stopping:
			text(w, http.StatusServiceUnavailable, "stopping")
			return
		default:
		}
		if e.o.Ready != nil {
			ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
			defer cancel()
			if err := e.o.Ready(ctx); err != nil {
				fromContext(r.Context()).cause = err
				text(w, http.StatusServiceUnavailable, "not ready")
				return
			}
		}
		text(w, http.StatusOK, "ready")
	})
	e.mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if e.o.Metrics == nil || !e.o.MetricsAnyone && !local(r) {
			e.fail(w, r, ErrNoSuchPage)
			return
		}
		e.o.Metrics.ServeHTTP(w, r)
	})
	e.mux.HandleFunc("GET /api/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		spec, err := e.OpenAPI()
		if err != nil {
			e.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(spec) // a reader that went away is no fault
	})
}

// profiles registers where the program's time and memory go, for whoever
// measures it on its own machine.
func (e *Edge) profiles() {
	own := func(h http.Handler) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !local(r) {
				e.fail(w, r, ErrNoSuchPage)
				return
			}
			h.ServeHTTP(w, r)
		}
	}
	e.mux.HandleFunc("GET /debug/pprof/profile", own(http.HandlerFunc(pprof.Profile)))
	for _, name := range []string{"allocs", "block", "goroutine", "heap", "mutex"} {
		e.mux.HandleFunc("GET /debug/pprof/"+name, own(pprof.Handler(name)))
	}
}

// local says that the request comes from this machine and through no proxy.
func local(r *http.Request) bool {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && ap.Addr().Unmap().IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}

func isProbe(pattern string) bool {
	return pattern == "GET /healthz" || pattern == "GET /readyz" || pattern == "GET /metrics"
}

func (rq *request) probe() bool { return isProbe(rq.route) }
