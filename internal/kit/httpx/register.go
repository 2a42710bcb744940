package httpx

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

// Read registers an operation that only reads: fn runs in one read-only
// transaction, which is over before the answer is written.
func Read[A, I, O any](e *Edge, op Op, fn func(tx *db.Tx, by A, in *I) (*O, error)) {
	op = e.add(op, "read")
	huma.Register(e.api, e.describe(op), func(ctx context.Context, in *I) (*O, error) {
		rq, by, err := enter[A](e, ctx, op)
		if err != nil {
			return nil, e.show(ctx, err)
		}
		var out *O
		err = e.o.DB.Read(ctx, func(tx *db.Tx) (err error) {
			out, err = fn(tx, by, in)
			return err
		})
		if err != nil {
			return nil, e.show(ctx, err)
		}
		rq.private()
		return out, nil
	})
}

// Write registers a command: fn runs in one write transaction, after the look
// for an earlier receipt of the same command. It may run twice.
func Write[A, I, O any](e *Edge, op Op, fn func(tx *db.Tx, by A, in *I) (*O, error)) {
	write(e, op, nil, fn)
}

// WriteFor is Write on the writer that is responsible for a key (the case), so
// that PostgreSQL may run several side by side.
func WriteFor[A, I, O any](e *Edge, op Op, key func(in *I) id.ID, fn func(tx *db.Tx, by A, in *I) (*O, error)) {
	write(e, op, key, fn)
}

func write[A, I, O any](e *Edge, op Op, key func(in *I) id.ID, fn func(tx *db.Tx, by A, in *I) (*O, error)) {
	op = e.add(op, "write")
	h := e.describe(op)
	describeCommand(&h, op)
	huma.Register(e.api, h, func(ctx context.Context, in *I) (*O, error) {
		rq, by, err := enter[A](e, ctx, op)
		if err != nil {
			return nil, e.show(ctx, err)
		}
		if p, ok := any(in).(interface{ madeBy(string) }); ok {
			p.madeBy(rq.key)
		}
		var shard id.ID
		if key != nil {
			shard = key(in)
		}
		out, err := command(e, rq, op, shard, func(tx *db.Tx) (*O, error) { return fn(tx, by, in) })
		if err != nil {
			return nil, e.show(ctx, err)
		}
		rq.private()
		return out, nil
	})
}

// Stream registers a live stream of server-sent events. fn runs until it
// returns, the client goes, or the program stops; an error before the first
// event becomes a problem answer.
func Stream[A, I any](e *Edge, op Op, fn func(ctx context.Context, by A, in *I, w *EventWriter) error) {
	op = e.add(op, "stream")
	h := e.describe(op)
	h.Responses = map[string]*huma.Response{"200": {
		Description: "server-sent events",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(e.api, h, func(ctx context.Context, in *I) (*streamOut, error) {
		rq, by, err := enter[A](e, ctx, op)
		if err != nil {
			return nil, e.show(ctx, err)
		}
		select {
		case e.streams <- struct{}{}:
		default:
			return nil, e.show(ctx, ErrBusy)
		}
		return &streamOut{Body: func(huma.Context) {
			defer func() { <-e.streams }()
			e.stream(rq, func(ctx context.Context, w *EventWriter) error { return fn(ctx, by, in, w) })
		}}, nil
	})
}

type streamOut struct {
	Body func(huma.Context)
}

// Page registers what is not JSON under /api: pages rendered here, files, the
// web apps. The same limits, headers, log and error texts hold. h has its own
// transactions; an error it returns before it wrote anything becomes an error
// page or a problem, as the reader accepts.
func Page[A any](e *Edge, op Op, h func(w http.ResponseWriter, r *http.Request, by A) error) {
	op = e.add(op, "page")
	router{e}.HandleFunc(op.Method+" "+op.Path, func(w http.ResponseWriter, r *http.Request) {
		rq, by, err := enter[A](e, r.Context(), op)
		if err == nil {
			rq.private()
			err = h(w, r, by)
		}
		if err != nil {
			e.fail(w, r, err)
		}
	})
}
