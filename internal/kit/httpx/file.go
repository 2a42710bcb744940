package httpx

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// Content is a file that an operation gives out. Either Open or Write is set.
type Content struct {
	Type     string
	Name     string // proposed file name
	Inline   bool   // shown in the page rather than saved; only for types we made ourselves
	Modified time.Time
	ETag     string // quoted
	Cache    string // Cache-Control; default no-store
	Open     func() (io.ReadSeekCloser, error)
	Write    func(w io.Writer) error // for what is made on the way, such as an export
}

type contentOut struct {
	Body func(huma.Context)
}

// Download registers an operation that gives out a file: fn decides in a read
// transaction who gets what; the bytes flow after it is over.
func Download[A, I any](e *Edge, op Op, fn func(tx *db.Tx, by A, in *I) (*Content, error)) {
	op = e.add(op, "download")
	h := e.describe(op)
	h.Responses = map[string]*huma.Response{"200": {
		Description: "the file",
		Content:     map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	huma.Register(e.api, h, func(ctx context.Context, in *I) (*contentOut, error) {
		rq, by, err := enter[A](e, ctx, op)
		if err != nil {
			return nil, e.show(ctx, err)
		}
		var c *Content
		err = e.o.DB.Read(ctx, func(tx *db.Tx) (err error) {
			c, err = fn(tx, by, in)
			return err
		})
		if err != nil {
			return nil, e.show(ctx, err)
		}
		return &contentOut{Body: func(huma.Context) {
			if err := rq.give(c); err != nil {
				e.fail(rq.w, rq.r, err)
			}
		}}, nil
	})
}

// Issue registers a command that gives out a file it makes: fn decides and writes
// down what it must in a write transaction; the file is made and flows after
// that is committed. It keeps no receipt: whoever asks again is given, and noted
// for, another one. fn may run twice.
func Issue[A, I any](e *Edge, op Op, fn func(tx *db.Tx, by A, in *I) (*Content, error)) {
	op = e.add(op, "issue")
	h := e.describe(op)
	h.Responses = map[string]*huma.Response{"200": {
		Description: "the file",
		Content:     map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	huma.Register(e.api, h, func(ctx context.Context, in *I) (*contentOut, error) {
		rq, by, err := enter[A](e, ctx, op)
		if err != nil {
			return nil, e.show(ctx, err)
		}
		var c *Content
		err = e.o.DB.Write(ctx, func(tx *db.Tx) (err error) {
			c, err = fn(tx, by, in)
			return err
		})
		if err != nil {
			return nil, e.show(ctx, err)
		}
		return &contentOut{Body: func(huma.Context) {
			if err := rq.give(c); err != nil {
				e.fail(rq.w, rq.r, err)
			}
		}}, nil
	})
}

func (rq *request) give(c *Content) error {
	rq.w.setTime(fileWait)
	h := rq.w.Header()
	h.Set("Content-Type", c.Type)
	disposition := "attachment"
	if c.Inline {
		disposition = "inline"
	}
	if c.Name != "" {
		disposition = mime.FormatMediaType(disposition, map[string]string{"filename": c.Name})
	}
	h.Set("Content-Disposition", disposition)
	// Whatever is inside, it must not run with our origin's rights.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	if c.Cache != "" {
		h.Set("Cache-Control", c.Cache)
	} else {
		h.Set("Cache-Control", "no-store")
	}
	if c.ETag != "" {
		h.Set("ETag", c.ETag)
	}
	if c.Write != nil {
		if err := c.Write(rq.w); err != nil {
			if rq.w.sent {
				panic(http.ErrAbortHandler) // half a file must not look whole
			}
			return fmt.Errorf("write %s: %w", c.Name, err)
		}
		return nil
	}
	if c.ETag != "" && rq.r.Header.Get("If-None-Match") == c.ETag {
		// Known already: the file, which may lie on another machine, is not fetched.
		h.Del("Content-Type")
		rq.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	f, err := c.Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", c.Name, err)
	}
	http.ServeContent(rq.w, rq.r, "", c.Modified, f)
	return f.Close()
}

// Part is the file of an upload, with the text fields that stood before it.
type Part struct {
	Field, Name, Type string // as the sender says; only good for showing
	Values            url.Values
	Body              io.Reader
}

// maxField is the size of one text field of an upload.
const maxField = 16 << 10

// Upload registers a command with a file: one multipart form, the text fields
// first, then one file. keep stores the bytes, outside of any transaction; fn
// then runs as in Write with what keep returned. When fn refuses, the kept file
// is an orphan and swept by its store. The method is POST.
func Upload[A, I, F, O any](e *Edge, op Op,
	keep func(ctx context.Context, by A, in *I, p *Part) (F, error),
	fn func(tx *db.Tx, by A, in *I, kept F, values url.Values) (*O, error),
) {
	op.Method = http.MethodPost
	op = e.add(op, "upload")
	h := e.describe(op)
	describeCommand(&h, op)
	huma.Register(e.api, h, func(ctx context.Context, in *I) (*O, error) {
		rq, by, err := enter[A](e, ctx, op)
		if err != nil {
			return nil, e.show(ctx, err)
		}
		part, err := rq.part()
		if err != nil {
			return nil, e.show(ctx, err)
		}
		kept, err := keep(ctx, by, in, part)
		if err == nil {
			// What keep did not read still belongs to the request's digest.
			_, err = io.Copy(io.Discard, part.Body)
		}
		if err != nil {
			return nil, e.show(ctx, formError(err))
		}
		out, err := command(e, rq, op, id.ID{}, func(tx *db.Tx) (*O, error) { return fn(tx, by, in, kept, part.Values) })
		if err != nil {
			return nil, e.show(ctx, err)
		}
		rq.private()
		return out, nil
	})
	// Described only now: huma would read and check a body that it knows of.
	item := e.api.OpenAPI().Paths[op.Path]
	item.Post.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {
		Schema: &huma.Schema{
			Type: huma.TypeObject, Required: []string{"file"}, AdditionalProperties: true,
			Properties: map[string]*huma.Schema{"file": {Type: huma.TypeString, Format: "binary"}},
		},
	}}}
}

// part reads the form up to its file. The digest of the request is made of the
// fields and the bytes, since the form's own boundary differs from try to try.
func (rq *request) part() (*Part, error) {
	m, err := rq.r.MultipartReader()
	if err != nil {
		return nil, ErrMediaType.Because(err)
	}
	rq.body = sha256.New()
	values := url.Values{}
	for count := 0; count < 50; count++ {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, ErrInvalid.At("body.file", "field.required")
		}
		if err != nil {
			return nil, broken(err)
		}
		rq.body.Write([]byte(p.FormName() + "\x00"))
		if p.FileName() != "" {
			return &Part{Field: p.FormName(), Name: p.FileName(), Type: p.Header.Get("Content-Type"),
				Values: values, Body: arriving{io.TeeReader(p, rq.body)}}, nil
		}
		raw, err := io.ReadAll(io.LimitReader(p, maxField+1))
		if err != nil {
			return nil, broken(err)
		}
		if len(raw) > maxField {
			return nil, ErrTooLarge.At("body."+p.FormName(), "field.max_length", "maximum", maxField)
		}
		if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 || !utf8.ValidString(p.FormName()) {
			return nil, ErrMalformed // no database holds it
		}
		rq.body.Write(append(raw, 0))
		values.Add(p.FormName(), string(raw))
	}
	return nil, ErrInvalid.At("body", "field.max_items", "maximum", 50)
}

// arriving is the content of a form. That it ends early, or no longer comes, is
// the sender's affair and no fault of ours.
type arriving struct{ io.Reader }

func (a arriving) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = broken(err)
	}
	return n, err
}

// broken is a form that ends early or is none.
func broken(err error) error {
	if err := formError(err); fault.Of(err).Kind != fault.Internal {
		return err
	}
	var line *net.OpError
	if errors.As(err, &line) { // the sender has gone, or is too slow
		return ErrTimeout.Because(err)
	}
	return ErrMalformed.Because(err)
}

func formError(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return ErrTooLarge.With("limit", large.Limit)
	}
	var known *fault.Fault
	if errors.As(err, &known) {
		return known
	}
	if errors.Is(err, io.ErrUnexpectedEOF) { // the form ends within its file
		return ErrMalformed.Because(err)
	}
	return err
}

// describeCommand adds the header that every command takes.
func describeCommand(h *huma.Operation, op Op) {
	if op.NoReceipt {
		return
	}
	h.Parameters = append(h.Parameters, &huma.Param{
		Name: keyHeader, In: "header",
		Description: "the command's id: sent again it has the same outcome",
		Schema:      &huma.Schema{Type: huma.TypeString, Format: "uuid"},
	})
}
