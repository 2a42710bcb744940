package httpx

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"
)

// Act registers an operation that needs more than one transaction, because
// something slow must happen between them (a password is hashed): fn opens its
// own. It leaves no receipt, so what it does must be harmless to repeat.
func Act[A, I, O any](e *Edge, op Op, fn func(ctx context.Context, by A, in *I) (*O, error)) {
	op.NoReceipt = true
	op = e.add(op, "act")
	huma.Register(e.api, e.describe(op), func(ctx context.Context, in *I) (*O, error) {
		rq, by, err := enter[A](e, ctx, op)
		if err != nil {
			return nil, e.show(ctx, err)
		}
		out, err := fn(ctx, by, in)
		if err != nil {
			return nil, e.show(ctx, err)
		}
		rq.private()
		return out, nil
	})
}

// Cookie is the value of a cookie of the request that is being answered; ""
// when there is none.
func Cookie(ctx context.Context, name string) string {
	if rq := fromContext(ctx); rq != nil {
		if c, err := rq.r.Cookie(name); err == nil {
			return c.Value
		}
	}
	return ""
}

// Address is where the request that is being answered comes from; see
// ClientAddress.
func (e *Edge) Address(ctx context.Context) netip.Addr {
	if rq := fromContext(ctx); rq != nil {
		return e.ClientAddress(rq.r)
	}
	return netip.Addr{}
}

// SetCookie adds a cookie to the answer.
func SetCookie(ctx context.Context, c *http.Cookie) {
	if rq := fromContext(ctx); rq != nil {
		http.SetCookie(rq.w, c)
	}
}

// Header is a header of the request that is being answered; "" when there is
// none.
func Header(ctx context.Context, name string) string {
	if rq := fromContext(ctx); rq != nil {
		return rq.r.Header.Get(name)
	}
	return ""
}

// Host is the name and port under which the request that is being answered was
// sent.
func Host(ctx context.Context) string {
	if rq := fromContext(ctx); rq != nil {
		return rq.r.Host
	}
	return ""
}
