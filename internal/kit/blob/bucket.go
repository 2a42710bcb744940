package blob

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// BucketOptions say where a bucket of an S3 service is (对象存储桶) and how it is
// reached.
type BucketOptions struct {
	Endpoint string // host or host:port
	Bucket   string // must exist; it may be shared, see Prefix
	Prefix   string // before the names of all files, such as "onegrid"; may be empty
	Region   string
	Key      string
	Secret   string
	TLS      bool
	CA       string // file of certificates (PEM) that are trusted beside the machine's
	// PathStyle puts the bucket into the path rather than into the host name:
	// most services of one's own need it, most rented ones forbid it.
	PathStyle bool
	Timeout   time.Duration // for one answer; transfers get more by their size
	Temp      string        // folder where files are taken in
}

// bucketTries is how often a request is sent before the service counts as
// unavailable; the client waits a little longer before each.
const bucketTries = 3

// slowest is how fast a transfer must be at least, in bytes a second.
const slowest = 64 << 10

// metaPut is the metadata that says when a file was put, in epoch milliseconds:
// the service's own time is its own clock's.
const metaPut = "Onegrid-Put"

// answerAge is how long one answer to "are you there" serves.
const answerAge = 5 * time.Second

// OpenBucket opens a store in a bucket and asks whether it can be used. Codes:
// blob.unavailable, blob.refused, blob.no_bucket.
func OpenBucket(ctx context.Context, b BucketOptions, o Options) (*Store, error) {
	s, err := open(b.Temp, o)
	if err != nil {
		return nil, err
	}
	back, err := newBucket(b, s.o.Now)
	if err != nil {
		return nil, err
	}
	if err := back.Answers(ctx); err != nil {
		back.Close()
		return nil, err
	}
	s.back = back
	return s, nil
}

// bucket is a backend in an S3 service: prefix/area/abcd….
type bucket struct {
	o      BucketOptions
	client minio.Core
	wire   *http.Transport
	now    func() time.Time

	mu    sync.Mutex // of the last answer
	asked time.Time
	said  error
}

func newBucket(o BucketOptions, now func() time.Time) (*bucket, error) {
	wire, err := minio.DefaultTransport(o.TLS)
	if err != nil {
		return nil, fmt.Errorf("file service: %w", err)
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	wire.ResponseHeaderTimeout = o.Timeout
	wire.TLSHandshakeTimeout = min(o.Timeout, 10*time.Second)
	wire.DialContext = (&net.Dialer{Timeout: min(o.Timeout, 10*time.Second), KeepAlive: 30 * time.Second}).DialContext
	if o.CA != "" {
		pem, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("file service: %w", err)
		}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("file service: no certificate in %s", o.CA)
		}
		wire.TLSClientConfig.RootCAs = roots
	}
	lookup := minio.BucketLookupDNS
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	if o.Prefix != "" {
		o.Prefix = strings.Trim(o.Prefix, "/") + "/"
	}
	c, err := minio.New(o.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(o.Key, o.Secret, ""), Secure: o.TLS, Transport: wire,
		Region: o.Region, BucketLookup: lookup, MaxRetries: bucketTries,
	})
	if err != nil {
		return nil, fmt.Errorf("file service: %w", err)
	}
	return &bucket{o: o, client: minio.Core{Client: c}, wire: wire, now: now}, nil
}

func (b *bucket) name(area string, h Hash) string { return b.o.Prefix + area + "/" + h.String() }

// within bounds one exchange with the service, of size bytes.
func (b *bucket) within(ctx context.Context, size int64) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, b.slow(size))
}

func (b *bucket) slow(size int64) time.Duration {
	return b.o.Timeout + time.Duration(size/slowest)*time.Second
}

// Keep sends the file with its MD5, so that the service refuses what arrives
// damaged; a file appears under its name when it is whole.
func (b *bucket) Keep(ctx context.Context, area string, ref Ref, path string, at time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	inner, cancel := b.within(ctx, ref.Size)
	defer cancel()
	_, err = b.client.Client.PutObject(inner, b.o.Bucket, b.name(area, ref.Hash), f, ref.Size, minio.PutObjectOptions{
		ContentType: "application/octet-stream", SendContentMd5: true, NumThreads: 1,
		UserMetadata: map[string]string{metaPut: strconv.FormatInt(at.UnixMilli(), 10)},
	})
	return b.fault(ctx, "store "+ref.Hash.String(), err)
}

func (b *bucket) Look(ctx context.Context, area string, h Hash) (Info, error) {
	inner, cancel := b.within(ctx, 0)
	defer cancel()
	o, err := b.client.StatObject(inner, b.o.Bucket, b.name(area, h), minio.StatObjectOptions{})
	if err != nil {
		return Info{}, b.fault(ctx, "look at "+h.String(), err)
	}
	i := Info{Size: o.Size, At: o.LastModified}
	if ms, err := strconv.ParseInt(o.UserMetadata[metaPut], 10, 64); err == nil {
		i.At = time.UnixMilli(ms)
	}
	return i, nil
}

func (b *bucket) Read(ctx context.Context, area string, h Hash) (io.ReadCloser, error) {
	inner, cancel := context.WithCancel(ctx)
	limit := time.AfterFunc(b.slow(0), cancel)
	end := func() {
		limit.Stop()
		cancel()
	}
	r, o, _, err := b.client.GetObject(inner, b.o.Bucket, b.name(area, h), minio.GetObjectOptions{})
	if err != nil {
		end()
		return nil, b.fault(ctx, "read "+h.String(), err)
	}
	limit.Reset(b.slow(o.Size))
	return transfer{r, end}, nil
}

// transfer is a file that is on its way.
type transfer struct {
	io.ReadCloser
	end func()
}

func (t transfer) Close() error {
	defer t.end()
	return t.ReadCloser.Close()
}

// Copy lets the service copy: nothing passes through here.
func (b *bucket) Copy(ctx context.Context, from, to string, h Hash, at time.Time) error {
	inner, cancel := context.WithTimeout(ctx, 5*b.o.Timeout)
	defer cancel()
	_, err := b.client.CopyObject(inner, b.o.Bucket, b.name(from, h), b.o.Bucket, b.name(to, h),
		map[string]string{"X-Amz-Metadata-Directive": "REPLACE", "X-Amz-Meta-" + metaPut: strconv.FormatInt(at.UnixMilli(), 10), "Content-Type": "application/octet-stream"},
		minio.CopySrcOptions{}, minio.PutObjectOptions{})
	return b.fault(ctx, "copy "+h.String(), err)
}

func (b *bucket) Drop(ctx context.Context, area string, h Hash) error {
	inner, cancel := b.within(ctx, 0)
	defer cancel()
	err := b.fault(ctx, "remove "+h.String(), b.client.RemoveObject(inner, b.o.Bucket, b.name(area, h), minio.RemoveObjectOptions{}))
	if errors.Is(err, ErrMissing) {
		return nil
	}
	return err
}

func (b *bucket) List(ctx context.Context, area string, visit func(Hash, Info) error) error {
	prefix := b.o.Prefix + area + "/"
	return b.each(ctx, prefix, true, func(o minio.ObjectInfo) error {
		h, err := ParseHash(strings.TrimPrefix(o.Key, prefix))
		if err != nil {
			return nil // not ours
		}
		return visit(h, Info{o.Size, o.LastModified})
	})
}

// Tidy has nothing to do: a bucket has no folders.
func (b *bucket) Tidy(string) {}

func (b *bucket) Areas(ctx context.Context) ([]string, error) {
	var out []string
	err := b.each(ctx, b.o.Prefix, false, func(o minio.ObjectInfo) error {
		if name, is := strings.CutSuffix(strings.TrimPrefix(o.Key, b.o.Prefix), "/"); is && goodArea(name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
		return nil
	})
	return out, err
}

// each visits what the bucket lists below a prefix, page after page.
func (b *bucket) each(ctx context.Context, prefix string, deep bool, visit func(minio.ObjectInfo) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing when a visit failed
	for o := range b.client.ListObjectsIter(inner, b.o.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: deep}) {
		if o.Err != nil {
			return b.fault(ctx, "list "+prefix, o.Err)
		}
		if err := visit(o); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Free is not known of a service; one that is full says so.
func (b *bucket) Free() (int64, error) { return math.MaxInt64, nil }

// Answers asks the service, but not again within a few seconds: whoever may ask
// us must not be able to make us ask without end.
func (b *bucket) Answers(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); b.asked.IsZero() || now.Sub(b.asked) >= answerAge {
		b.said = b.ask(ctx)
		if ctx.Err() != nil {
			return b.said // says nothing about the service
		}
		b.asked = now
	}
	return b.said
}

// ask lists one file: unlike a look at the bucket alone, that tells a bucket that
// is not there from a key that is not known, and needs the right to list.
func (b *bucket) ask(ctx context.Context) error {
	inner, cancel := b.within(ctx, 0)
	defer cancel()
	for o := range b.client.ListObjectsIter(inner, b.o.Bucket, minio.ListObjectsOptions{Prefix: b.o.Prefix, Recursive: true, MaxKeys: 1}) {
		return b.fault(ctx, "ask for the bucket", o.Err)
	}
	return b.fault(ctx, "ask for the bucket", inner.Err())
}

func (b *bucket) Close() { b.wire.CloseIdleConnections() }

// fault names what the service said. The key's secret is in none of its answers.
func (b *bucket) fault(ctx context.Context, what string, err error) error {
	if err == nil || ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	said := minio.ToErrorResponse(err)
	err = fmt.Errorf("%s at %s: %w", what, b.o.Endpoint, err)
	switch said.Code {
	case "NoSuchKey":
		return ErrMissing
	case "NoSuchBucket":
		return ErrNoBucket.With("bucket", b.o.Bucket).Because(err)
	case "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage":
		return ErrFull.With("area", b.o.Bucket).Because(err)
	}
	switch c := said.StatusCode; {
	case c == http.StatusInsufficientStorage:
		return ErrFull.With("area", b.o.Bucket).Because(err)
	case c >= 400 && c < 500 && c != http.StatusRequestTimeout && c != http.StatusTooManyRequests:
		return ErrRefused.With("bucket", b.o.Bucket, "reason", said.Code).Because(err)
	}
	return ErrUnavailable.Because(err)
}
