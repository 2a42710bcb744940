package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"

	"onegrid/internal/kit/disk"
	"onegrid/internal/kit/fault"
)

// ErrPushKey says that the file of the push key is damaged or open to others.
var ErrPushKey = fault.New(fault.Internal, "notice.push_key")

// pushLives is how long a push service keeps a message for a device that is off.
const pushLives = 12 * time.Hour

// pushKey is the file of the VAPID key pair (RFC 8292): made once, because every
// browser's subscription is bound to it.
type pushKey struct {
	Private string `json:"private"`
	Public  string `json:"public"`
}

// WebPush sends pushes by the Web Push protocol (RFC 8030), encrypted for the
// browser (RFC 8291) and signed with the installation's key (RFC 8292).
type WebPush struct {
	key     pushKey
	contact string
	client  *http.Client
}

// NewWebPush opens the push key of a folder and makes one when there is none.
// contact is where a push service may complain: an https: address or a mail.
func NewWebPush(file, contact string) (*WebPush, error) {
	w := &WebPush{contact: contact, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return w, w.make(file)
	}
	if err != nil {
		return nil, ErrPushKey.With("file", file).Because(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, ErrPushKey.With("file", file).Because(errors.Join(err, errors.New("others may read it")))
	}
	if err := json.Unmarshal(raw, &w.key); err != nil || w.key.Private == "" || w.key.Public == "" {
		return nil, ErrPushKey.With("file", file).Because(errors.Join(err, errors.New("no complete key file")))
	}
	return w, nil
}

func (w *WebPush) make(file string) error {
	var err error
	if w.key.Private, w.key.Public, err = webpush.GenerateVAPIDKeys(); err != nil {
		return fmt.Errorf("make the push key: %w", err)
	}
	raw, err := json.Marshal(w.key)
	if err != nil {
		return fmt.Errorf("make the push key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("make the push key: %w", err)
	}
	if err := disk.Write(file, raw, 0o600); err != nil {
		return fmt.Errorf("make the push key: %w", err)
	}
	return nil
}

// Key is the public key that browsers subscribe with.
func (w *WebPush) Key() string { return w.key.Public }

// Push hands one message to the browser's push service.
func (w *WebPush) Push(ctx context.Context, to Subscription, payload []byte, topic string, urgent bool) error {
	urgency := webpush.UrgencyNormal
	if urgent {
		urgency = webpush.UrgencyHigh
	}
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	res, err := webpush.SendNotificationWithContext(ctx, payload, &webpush.Subscription{Endpoint: to.Endpoint, Keys: webpush.Keys{P256dh: to.P256dh, Auth: to.Auth}},
		&webpush.Options{HTTPClient: w.client, Subscriber: w.contact, Topic: topic, TTL: int(pushLives.Seconds()), Urgency: urgency, RecordSize: 2048,
			VAPIDPublicKey: w.key.Public, VAPIDPrivateKey: w.key.Private})
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address, which belongs into no log
		} else {
			return fmt.Errorf("%w: %w", ErrGone, err) // keys that are no keys
		}
		if written.Load() {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4096)) // so that the connection can be used again
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusNotFound, code == http.StatusGone:
		return ErrGone
	case code == http.StatusTooManyRequests, code >= 500, code == http.StatusRequestTimeout:
		return fmt.Errorf("push service answers %d", code)
	default:
		return fmt.Errorf("%w: push service answers %d", ErrRefused, code)
	}
}

// pushPayload is what the desk's service worker shows: number, title and link.
func pushPayload(n Notice, d Delivery, title, text, link string) ([]byte, error) {
	return json.Marshal(map[string]any{"notice": n.ID, "delivery": d.ID, "title": title, "body": text, "url": link, "urgent": n.Urgent})
}
