package httpx

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"regexp"

	"onegrid/internal/kit/words"
)

// request is what the edge knows about one request on its way.
type request struct {
	id       string
	r        *http.Request
	w        *recorder
	route    string // the pattern; never the path, which may hold a secret
	language words.Language
	key      string // who, for receipts
	by       any    // who, as app knows him
	asked    bool   // app was asked who it is
	op       Op
	body     hash.Hash // of the bytes read so far
	nonce    string
	code     string // of the fault that was answered
	cause    error  // of an internal fault, for the log
	stream   bool
	leave    func() // gives back the place among the running requests
}

type requestKey struct{}

func fromContext(ctx context.Context) *request {
	rq, _ := ctx.Value(requestKey{}).(*request)
	return rq
}

// RequestID is the id that the answer and the log lines carry.
func RequestID(ctx context.Context) string {
	if rq := fromContext(ctx); rq != nil {
		return rq.id
	}
	return ""
}

// Language is the reader's language: the account's, else Accept-Language.
func Language(ctx context.Context) words.Language {
	if rq := fromContext(ctx); rq != nil {
		return rq.language
	}
	return words.Languages[0]
}

// Nonce is the value that scripts and styles in a rendered page must carry; it
// also puts the policy that admits it on the answer.
func Nonce(ctx context.Context) string {
	rq := fromContext(ctx)
	if rq == nil {
		return ""
	}
	if rq.nonce == "" {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		rq.nonce = base64.RawStdEncoding.EncodeToString(b[:])
		rq.w.Header().Set("Content-Security-Policy", policy(rq.nonce))
	}
	return rq.nonce
}

// private keeps what one person may see out of every cache, unless the room
// has said otherwise.
func (rq *request) private() {
	if h := rq.w.Header(); h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
}

// content is the digest of what was asked: the operation, the path and query,
// and the body. The precondition is not part of it: a client that lost the
// answer may have learnt a newer version before it sends the same command again.
func (rq *request) content(op Op) []byte {
	h := sha256.New()
	for _, s := range []string{op.ID, rq.r.URL.EscapedPath(), rq.r.URL.RawQuery} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	h.Write(rq.body.Sum(nil))
	return h.Sum(nil)
}

var goodRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// newRequestID takes the id of a proxy in front of us, if it has a harmless
// form, or makes one.
func newRequestID(r *http.Request) string {
	if v := r.Header.Get("X-Request-Id"); goodRequestID.MatchString(v) {
		return v
	}
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
