package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"time"
)

// client is one signed-in browser.
type client struct {
	http *http.Client
	base string
	post string // the post it acts for

	token string // of a peer that wants one
}

// signIn signs in as an account of the demo, over a connection pool that all
// share.
func signIn(ctx context.Context, transport *http.Transport, base, account string) (*client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &client{http: &http.Client{Jar: jar, Transport: transport, Timeout: 30 * time.Second}, base: base}
	if err := c.send(ctx, http.MethodPost, "/api/demo/session", map[string]any{"account": account}, nil); err != nil {
		return nil, fmt.Errorf("sign in as %s: %w", account, err)
	}
	var me struct {
		Post string `json:"post_id"`
	}
	if err := c.send(ctx, http.MethodGet, "/api/session", nil, &me); err != nil {
		return nil, fmt.Errorf("sign in as %s: %w", account, err)
	}
	c.post = me.Post
	return c, nil
}

func (c *client) send(ctx context.Context, method, path string, body, out any) error {
	return c.sendVersion(ctx, method, path, 0, body, out)
}

// sendVersion sends a command that holds for one version of its subject.
func (c *client) sendVersion(ctx context.Context, method, path string, version int64, body, out any) error {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(text)
	}
	rq, err := http.NewRequestWithContext(ctx, method, c.base+path, reader)
	if err != nil {
		return err
	}
	if body != nil {
		rq.Header.Set("Content-Type", "application/json")
		rq.Header.Set("Idempotency-Key", newID())
	}
	if c.token != "" {
		rq.Header.Set("Authorization", c.token)
	}
	if version > 0 {
		rq.Header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(version)))
	}
	answer, err := c.http.Do(rq)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 32<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return &refused{answer.StatusCode, fmt.Sprintf("%s %s: %d %s", method, path, answer.StatusCode, text[:min(len(text), 300)])}
	}
	if out != nil {
		return json.Unmarshal(text, out)
	}
	return nil
}

// refused is an answer that is none of success.
type refused struct {
	status int
	text   string
}

func (r *refused) Error() string { return r.text }

// isBusy says that the program had no room for a request and did nothing.
func isBusy(err error) bool {
	var r *refused
	return errors.As(err, &r) && r.status == http.StatusServiceUnavailable
}

// newID is a UUID of version 7, as every client makes for what it creates.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[6:]) // never fails (crypto/rand)
	ms := time.Now().UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
