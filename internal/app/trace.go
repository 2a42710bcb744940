package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// traceErrors is set once for the whole program: the library has one place to
// complain to, and by default that is standard error.
var traceErrors sync.Once

// traces makes the tracer of the settings, nil when they name no collector. stop
// sends what is left.
func (c Config) traces(ctx context.Context, version string, log *slog.Logger) (tracer trace.Tracer, stop func(context.Context) error, err error) {
	if c.TraceTo == "" {
		return nil, func(context.Context) error { return nil }, nil
	}
	traceErrors.Do(func() {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "cause", err) }))
	})
	out, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.TraceTo))
	if err != nil {
		return nil, nil, ErrConfig.With("name", "trace-to", "value", c.TraceTo).Because(err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(out),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(float64(c.TracePercent)/100))),
		// Only the program's name: the library's own resource would tell the
		// machine's, its user and the command line.
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "onegrid"), attribute.String("service.version", version))),
	)
	return provider.Tracer("onegrid"), func(ctx context.Context) error {
		if err := provider.Shutdown(ctx); err != nil {
			return fmt.Errorf("send the last traces: %w", err)
		}
		return nil
	}, nil
}
