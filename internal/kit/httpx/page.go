package httpx

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

var errorTemplate = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style nonce="{{.Nonce}}">body{font:16px/1.6 system-ui,"Noto Sans SC",sans-serif;max-width:36rem;margin:15vh auto;padding:0 1.5rem;color:#1b2733}
h1{font-size:1.5rem}p.id{color:#5b6b7a;font-size:.875rem}</style></head>
<body><main><h1>{{.Title}}</h1><p>{{.Detail}}</p><p><a href="/">{{.Home}}</a></p><p class="id">{{.Code}} · {{.RequestID}}</p></main></body></html>
`))

// errorPage says to a person what went wrong.
func (e *Edge) errorPage(w http.ResponseWriter, r *http.Request, p *Problem) {
	ctx := r.Context()
	var b bytes.Buffer
	err := errorTemplate.Execute(&b, map[string]any{
		"Lang": string(Language(ctx)), "Nonce": Nonce(ctx), "Detail": p.Detail, "Code": p.Code, "RequestID": p.RequestID,
		"Title": e.Say(ctx, "page.error", nil), "Home": e.Say(ctx, "page.home", nil),
	})
	if err != nil {
		e.write(w, r, p)
		return
	}
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes()) // a reader that went away is no fault
	}
}

// Assets serves a built web app: op.Path ends in {path...}; what is no file is
// the app's own route and gets index. Files below assets/ carry a hash in their
// names and are kept by browsers for a year, all others are asked for again.
func Assets(e *Edge, op Op, files fs.FS, index string) {
	op.Method = http.MethodGet
	tags := map[string]string{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		tags[name] = `"` + hex.EncodeToString(sum[:12]) + `"`
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("httpx: assets of %s: %v", op.ID, err)) // compiled in: a mistake of the build
	}
	Page(e, op, func(w http.ResponseWriter, r *http.Request, _ any) error {
		name := path.Clean("/" + r.PathValue("path"))[1:]
		if name == "" {
			name = index
		}
		if _, ok := tags[name]; !ok {
			if path.Ext(name) != "" {
				return ErrNoSuchPage
			}
			name = index
		}
		raw, err := fs.ReadFile(files, name)
		if errors.Is(err, fs.ErrNotExist) {
			return ErrNoSuchPage
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		h := w.Header()
		h.Set("ETag", tags[name])
		h.Set("Content-Type", contentType(name))
		if strings.HasPrefix(name, "assets/") {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			h.Set("Cache-Control", "no-cache")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(raw))
		return nil
	})
}

// contentType does not ask the machine's own table, which differs from one to
// the next.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".wasm":
		return "application/wasm"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}
