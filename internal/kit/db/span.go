package db

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Spans say where the time of a command goes: waiting for its turn, in its
// group, in the commit. They hold numbers and the engine's name, never a
// statement or a value.

var none = trace.SpanFromContext(context.Background()) // does nothing

// span begins a span; without a tracer, one that does nothing.
func (d *DB) span(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, trace.Span) {
	if d.options.Tracer == nil {
		return ctx, none
	}
	return d.options.Tracer.Start(ctx, name, append(o, trace.WithAttributes(attribute.String("db.system.name", string(d.engine))))...)
}

// spanOf begins the span of a group: below the first command that is traced, with
// links to the others.
func (w *writer) spanOf(cs []*command) (context.Context, trace.Span) {
	first := slices.IndexFunc(cs, func(c *command) bool { return c.span.IsSampled() })
	if w.db.options.Tracer == nil || first < 0 {
		return context.Background(), none
	}
	var links []trace.Link
	for _, c := range cs[first+1:] {
		if c.span.IsSampled() {
			links = append(links, trace.Link{SpanContext: c.span})
		}
	}
	return w.db.span(trace.ContextWithSpanContext(context.Background(), cs[first].span), "db.group", trace.WithLinks(links...),
		trace.WithAttributes(attribute.Int("onegrid.writer", w.number), attribute.Int("onegrid.commands", len(cs))))
}

// ended ends a span; what went wrong may hold values, so only that it did is said.
func ended(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
