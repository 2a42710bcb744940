package httpx

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// A span of a request says which route was asked for and what came of it; no
// path, query, address or name, which are personal data or secrets.

// begin begins the span of a request. A span around it counts only when it comes
// from a proxy of ours: a stranger must not decide what is traced.
func (e *Edge) begin(r *http.Request, rq *request) (context.Context, trace.Span) {
	ctx := r.Context()
	if e.o.Tracer == nil {
		return ctx, trace.SpanFromContext(ctx) // one that does nothing
	}
	if ap := remote(r); e.proxy(ap) {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	return e.o.Tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("onegrid.request_id", rq.id)))
}

// end ends it.
func (e *Edge) end(span trace.Span, rq *request) {
	if !span.IsRecording() {
		return
	}
	route := rq.route
	if route == "" {
		route = "none"
	}
	span.SetName(route)
	span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", rq.w.status),
		attribute.Int64("http.response.body.size", rq.w.bytes), attribute.Bool("onegrid.stream", rq.stream))
	if rq.code != "" {
		span.SetAttributes(attribute.String("onegrid.code", rq.code))
	}
	if rq.w.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, rq.code) // never the cause, which may hold anything
	}
	span.End()
}
