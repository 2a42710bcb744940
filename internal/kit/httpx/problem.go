package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"onegrid/internal/kit/fault"
)

// Faults of the edge itself.
var (
	ErrInvalid      = fault.New(fault.Invalid, "request.invalid")
	ErrMalformed    = fault.New(fault.Invalid, "request.malformed")
	ErrMediaType    = fault.New(fault.Invalid, "request.media_type")
	ErrTimeout      = fault.New(fault.Busy, "request.timeout")
	ErrTooLarge     = fault.New(fault.TooLarge, "request.too_large")
	ErrNoSuchPage   = fault.New(fault.Missing, "request.no_such_page")
	ErrMethod       = fault.New(fault.Invalid, "request.method")
	ErrCrossOrigin  = fault.New(fault.Forbidden, "request.cross_origin")
	ErrHost         = fault.New(fault.Invalid, "request.host")
	ErrTooMany      = fault.New(fault.TooMany, "request.too_many")
	ErrBusy         = fault.New(fault.Busy, "request.busy")
	ErrOtherContent = fault.New(fault.Conflict, "receipt.other_content")
	ErrChanged      = fault.New(fault.Changed, "request.changed")
	ErrNotAccepted  = fault.New(fault.Changed, "receipt.not_accepted")
	ErrCursor       = fault.New(fault.Invalid, "request.cursor")
)

// Problem is the answer to everything that went wrong (RFC 9457), with our
// stable code. Detail is a sentence in the reader's language.
type Problem struct { //nolint:errname // its name in RFC 9457, and in the API
	Type      string         `json:"type" doc:"always about:blank; the code says what it is"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail" doc:"a sentence in the reader's language"`
	Code      string         `json:"code" doc:"stable, such as case.wrong_state"`
	Args      map[string]any `json:"args,omitempty"`
	Where     []Where        `json:"where,omitempty" doc:"the fields that are wrong"`
	RequestID string         `json:"request_id,omitempty"`
}

// Where is one wrong field.
type Where struct {
	Path   string         `json:"path" doc:"such as body.place.lon"`
	Code   string         `json:"code"`
	Args   map[string]any `json:"args,omitempty"`
	Detail string         `json:"detail,omitempty"`
}

// Error satisfies huma.StatusError.
func (p *Problem) Error() string { return p.Code }

// GetStatus satisfies huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType satisfies huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders satisfies huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{"Cache-Control": {"no-store"}}
	if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
		seconds := "1"
		if n, ok := p.Args["retry_after"]; ok {
			seconds = fmt.Sprint(n)
		}
		h.Set("Retry-After", seconds)
	}
	return h
}

// Status is the HTTP status of a fault.
func Status(f *fault.Fault) int {
	switch f.Code { // the few whose kind has several statuses
	case ErrMalformed.Code, ErrHost.Code:
		return http.StatusBadRequest
	case ErrMediaType.Code:
		return http.StatusUnsupportedMediaType
	case ErrTimeout.Code:
		return http.StatusRequestTimeout
	case ErrMethod.Code:
		return http.StatusMethodNotAllowed
	}
	switch f.Kind {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.SignIn:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.Missing:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Changed:
		return http.StatusPreconditionFailed
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Busy:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// problem puts a fault into the reader's words. The private cause goes to the
// log with the request and nowhere else.
func (e *Edge) problem(ctx context.Context, f *fault.Fault) *Problem {
	rq := fromContext(ctx)
	if rq != nil && (f.Is(ErrNoSuchPage) || f.Is(ErrMethod)) {
		_ = e.know(rq) // only for the language: there is nothing to be kept from
	}
	lang := Language(ctx)
	p := &Problem{Type: "about:blank", Status: Status(f), Code: f.Code, Args: f.Args, RequestID: RequestID(ctx)}
	if f.Kind == fault.Internal {
		p.Code, p.Args = "internal", nil
	}
	p.Title = http.StatusText(p.Status)
	p.Detail = e.o.Words.Say(lang, p.Code, p.Args)
	for _, w := range f.Where {
		p.Where = append(p.Where, Where{Path: w.Path, Code: w.Code, Args: w.Args, Detail: e.o.Words.Say(lang, w.Code, w.Args)})
	}
	if rq != nil {
		rq.code = p.Code
		if f.Kind == fault.Internal || f.Err != nil {
			rq.cause = f
		}
		if f.Kind == fault.Forbidden && rq.by != nil && e.o.Refused != nil {
			e.o.Refused(ctx, rq.op, rq.by, f)
		}
	}
	return p
}

// show turns an error into what huma answers. What is already an answer (a
// problem, the replay of an earlier outcome) passes.
func (e *Edge) show(ctx context.Context, err error) error {
	var se huma.StatusError
	if errors.As(err, &se) {
		return se.(error)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = ErrTimeout.Because(err) // the client has gone; nobody reads this
	}
	return e.problem(ctx, fault.Of(err))
}

// write sends a problem where huma is not in charge.
func (e *Edge) write(w http.ResponseWriter, r *http.Request, p *Problem) {
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	h := w.Header()
	h.Set("Content-Type", p.ContentType(""))
	h.Del("Content-Length")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(p) // a reader that went away is not our fault
	}
}

// fail answers an error outside huma: a page for people, a problem for programs.
func (e *Edge) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *Problem
	if !errors.As(err, &p) {
		p = e.problem(r.Context(), fault.Of(err))
	}
	if rq := fromContext(r.Context()); rq != nil && rq.w.wrote {
		return // too late for an answer; the log has the cause
	}
	if wantsPage(r) {
		e.errorPage(w, r, p)
		return
	}
	e.write(w, r, p)
}

func wantsPage(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// newProblem is what huma calls for everything it finds wrong itself. Its texts
// are never passed on: they may hold internal error texts (STYLE.md 3.6).
func newProblem(hc huma.Context, status int, msg string, errs ...error) huma.StatusError {
	f := ErrInvalid
	switch status {
	case 0, http.StatusUnprocessableEntity:
	case http.StatusBadRequest:
		f = ErrMalformed
	case http.StatusRequestEntityTooLarge:
		f = ErrTooLarge
	case http.StatusRequestTimeout:
		f = ErrTimeout
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		f = ErrMediaType
	default:
		f = fault.Of(fmt.Errorf("huma %d: %s: %w", status, msg, errors.Join(errs...)))
	}
	tooLarge := &http.MaxBytesError{}
	for _, err := range errs {
		if err == nil {
			continue
		}
		if errors.As(err, &tooLarge) {
			f = ErrTooLarge.With("limit", tooLarge.Limit)
			break
		}
		var inner *fault.Fault
		if errors.As(err, &inner) {
			f = inner
			break
		}
		var line *net.OpError
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			f = ErrMalformed.Because(err)
		case errors.As(err, &line): // the sender has gone in the middle of its request
			f = ErrTimeout.Because(err)
		}
		if f.Kind != fault.Invalid {
			continue
		}
		d := &huma.ErrorDetail{Message: err.Error()}
		if dd, ok := err.(huma.ErrorDetailer); ok {
			d = dd.ErrorDetail()
		}
		f = located(f, d)
	}
	ctx := context.Background()
	if hc != nil {
		ctx = hc.Context()
	}
	rq := fromContext(ctx)
	if rq == nil || rq.w.edge == nil {
		return &Problem{Type: "about:blank", Status: Status(f), Title: http.StatusText(Status(f)), Code: f.Code, Detail: f.Code}
	}
	if err := rq.w.edge.know(rq); err != nil {
		f = fault.Of(err)
	}
	return rq.w.edge.problem(ctx, f)
}

// checks maps the messages of huma's validator to codes; the first group is the
// argument. The order matters: the first that fits is taken.
var checks = []struct {
	re   *regexp.Regexp
	code string
	arg  string
}{
	{regexp.MustCompile(`^unexpected property`), "field.unknown", ""},
	{regexp.MustCompile(`^unknown query parameter`), "field.unknown", ""},
	{regexp.MustCompile(`^expected required property (\S+) to be present`), "field.required", "field"},
	{regexp.MustCompile(`^required \w+ parameter is missing`), "field.required", ""},
	{regexp.MustCompile(`^expected value to be one of "(.*)"`), "field.one_of", "values"},
	{regexp.MustCompile(`^expected number >= (\S+)`), "field.minimum", "minimum"},
	{regexp.MustCompile(`^expected number <= (\S+)`), "field.maximum", "maximum"},
	{regexp.MustCompile(`^expected length >= (\d+)`), "field.min_length", "minimum"},
	{regexp.MustCompile(`^expected length <= (\d+)`), "field.max_length", "maximum"},
	{regexp.MustCompile(`^expected array length >= (\d+)`), "field.min_items", "minimum"},
	{regexp.MustCompile(`^expected array length <= (\d+)`), "field.max_items", "maximum"},
	{regexp.MustCompile(`^expected array items to be unique`), "field.unique", ""},
	{regexp.MustCompile(`^expected string to be RFC 3339`), "field.time", ""},
	{regexp.MustCompile(`^expected string to be RFC 4122 uuid`), "field.id", ""},
	{regexp.MustCompile(`^(?:invalid value: )?id\.bad`), "field.id", ""},
	{regexp.MustCompile(`^expected (string|number|integer|boolean|array|object)$`), "field.type", "type"},
}

// located adds one complaint of the validator to a fault.
func located(f *fault.Fault, d *huma.ErrorDetail) *fault.Fault {
	if f.Code == ErrMalformed.Code {
		return f // where the JSON breaks is in the parser's text, which we don't pass on
	}
	for _, c := range checks {
		m := c.re.FindStringSubmatch(d.Message)
		if m == nil {
			continue
		}
		path := d.Location
		switch c.arg {
		case "":
			return f.At(path, c.code)
		case "field":
			return f.At(strings.TrimPrefix(path+"."+m[1], "."), c.code)
		default:
			var v any = m[1]
			if n, err := strconv.ParseFloat(m[1], 64); err == nil {
				v = n
			}
			return f.At(path, c.code, c.arg, v)
		}
	}
	return f.At(d.Location, "field.wrong")
}
