package blob_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/blob/s3test"
	"onegrid/internal/kit/db/dbtest"
	"onegrid/internal/kit/fault"
)

// A wrong secret, a wrong key, a bucket that is not there and a service that is
// not there are four things, and none of them shows the secret.
func TestBucketSaysWhatIsWrong(t *testing.T) {
	server := s3test.Start(t)
	for name, c := range map[string]struct {
		change func(o *blob.BucketOptions)
		want   *fault.Fault
	}{
		"secret":  {func(o *blob.BucketOptions) { o.Secret = "wrong-secret" }, blob.ErrRefused},
		"key":     {func(o *blob.BucketOptions) { o.Key = "nobody" }, blob.ErrRefused},
		"bucket":  {func(o *blob.BucketOptions) { o.Bucket = "no-such-bucket" }, blob.ErrNoBucket},
		"service": {func(o *blob.BucketOptions) { o.Endpoint = "127.0.0.1:1" }, blob.ErrUnavailable},
		"tls":     {func(o *blob.BucketOptions) { o.TLS = true }, blob.ErrUnavailable},
	} {
		o := at(server)
		o.Temp = t.TempDir()
		c.change(&o)
		_, err := blob.OpenBucket(ctx, o, blob.Options{})
		if !errors.Is(err, c.want) {
			t.Errorf("wrong %s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), server.Secret) || strings.Contains(err.Error(), "wrong-secret")) {
			t.Errorf("wrong %s: the secret is in %v", name, err)
		}
	}
	o := at(server)
	o.Temp, o.CA = t.TempDir(), filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(o.CA, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.OpenBucket(ctx, o, blob.Options{}); err == nil {
		t.Error("a file without certificates was taken")
	}
}

// While the service is away every act says so, nothing is half done, and all goes
// on when it is back.
func TestBucketComesBack(t *testing.T) {
	server := s3test.Start(t)
	clock := dbtest.NewClock(time.Now())
	o := at(server)
	o.Temp = t.TempDir()
	s, err := blob.OpenBucket(ctx, o, blob.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	a := area(t, s, "cases", 0)
	kept := put(t, a, "kept")
	server.Stop()
	if _, err := a.Put(ctx, strings.NewReader("lost"), 9); !errors.Is(err, blob.ErrUnavailable) || fault.Of(err).Kind != fault.Busy {
		t.Errorf("put: %v", err)
	}
	if _, err := a.Open(ctx, kept); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("open: %v", err)
	}
	if _, err := a.Has(ctx, kept); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("has: %v", err)
	}
	if err := a.Remove(ctx, kept); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("remove: %v", err)
	}
	if _, _, err := a.Sweep(ctx, 0, nil); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("sweep: %v", err)
	}
	if err := s.Answers(ctx); err != nil {
		t.Errorf("asked again at once: %v", err)
	}
	clock.Add(time.Minute)
	if err := s.Answers(ctx); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("the service is away and %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := a.Open(gone, kept); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader who left: %v", err)
	}
	if err := server.Run(); err != nil {
		t.Fatal(err)
	}
	clock.Add(time.Minute)
	if err := s.Answers(ctx); err != nil {
		t.Errorf("the service is back and %v", err)
	}
	if got := content(t, a, kept); got != "kept" {
		t.Errorf("%q", got)
	}
	if left, _ := os.ReadDir(o.Temp); len(left) != 0 {
		t.Errorf("left in the folder for what is taken in: %v", left)
	}
}

// A service that answers with nothing does not hold anybody for ever.
func TestBucketHasTimeouts(t *testing.T) {
	silent := newSilent(t)
	o := blob.BucketOptions{Endpoint: silent, Bucket: "b", Region: "r", Key: "k", Secret: "s", PathStyle: true, Timeout: 50 * time.Millisecond, Temp: t.TempDir()}
	if _, err := blob.OpenBucket(ctx, o, blob.Options{}); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("a silent service: %v", err)
	}
}

// newSilent takes connections and says nothing.
func newSilent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var held []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			held = append(held, c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		for _, c := range held {
			c.Close()
		}
	})
	return l.Addr().String()
}
