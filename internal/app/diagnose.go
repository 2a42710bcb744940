package app

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
)

// A diagnosis is what somebody who helps needs to know of an installation, and
// nothing about anybody in it: no row, no word that was typed, no name, no
// address, no secret. It may be handed to a stranger.

// socketName is how a running server is asked by the commands of its host.
const socketName = "onegrid.sock"

func (c Config) socket() string { return filepath.Join(c.Dir, socketName) }

// Local answers the commands of this host from now until ctx ends; wait then
// waits for the end. A path too long for a socket, or a file system without any,
// only costs the diagnosis its view into the running program.
func (a *App) Local(ctx context.Context) (wait func()) {
	l, err := httpx.ListenLocal(a.Config.socket())
	if err != nil {
		a.Log.Warn("no socket for the commands of this host", "cause", err)
		return func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := httpx.ServeLocal(ctx, l, map[string]func(w io.Writer) error{
			"metrics.txt":    a.metrics.Write,
			"goroutines.txt": func(w io.Writer) error { return pprof.Lookup("goroutine").WriteTo(w, 1) },
			"heap.txt":       func(w io.Writer) error { return pprof.Lookup("heap").WriteTo(w, 1) },
			"log.txt":        a.tail.write,
			"slow.json":      func(w io.Writer) error { return indented(w, a.DB.Slow()) },
		}, a.Log)
		if err != nil {
			a.Log.Warn("socket for the commands of this host", "cause", err)
		}
	}()
	return func() { <-ended }
}

func indented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Diagnosed says what a diagnosis holds, by file, and why something is not in it.
type Diagnosed struct {
	Made    time.Time         `json:"made_at"`
	Files   []string          `json:"files"`
	Missing map[string]string `json:"missing,omitempty"` // file: the code of what went wrong
}

// Diagnose writes a diagnosis (ZIP). It changes nothing, neither in the data nor
// in the tables; whatever can't be found out is named in it. The server may run,
// and had better: its figures, log and slow statements are asked of it.
func Diagnose(ctx context.Context, c Config, version string, out io.Writer) (Diagnosed, error) {
	d := Diagnosed{Made: time.Now().UTC(), Missing: map[string]string{}}
	z := zip.NewWriter(out)
	put := func(name string, write func(w io.Writer) error) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: d.Made})
		if err != nil {
			return err
		}
		d.Files = append(d.Files, name)
		if err := write(w); err != nil {
			d.Missing[name] = scrub(err.Error())
		}
		return nil
	}
	var slow []db.Slow
	parts := []struct {
		name  string
		write func(w io.Writer) error
	}{
		{"program.json", func(w io.Writer) error { return indented(w, programOf(c, version)) }},
		{"settings.json", func(w io.Writer) error { return indented(w, c.impersonal()) }},
		{"metrics.txt", func(w io.Writer) error { return httpx.AskLocal(ctx, c.socket(), "metrics.txt", w) }},
		{"goroutines.txt", func(w io.Writer) error { return httpx.AskLocal(ctx, c.socket(), "goroutines.txt", w) }},
		{"heap.txt", func(w io.Writer) error { return httpx.AskLocal(ctx, c.socket(), "heap.txt", w) }},
		{"log.txt", func(w io.Writer) error { return httpx.AskLocal(ctx, c.socket(), "log.txt", w) }},
		{"database.json", func(w io.Writer) error { return databaseOf(ctx, c, w) }},
		{"plans.txt", func(w io.Writer) error {
			var b strings.Builder
			if err := httpx.AskLocal(ctx, c.socket(), "slow.json", &b); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(b.String()), &slow); err != nil {
				return err
			}
			return plansOf(ctx, c, slow, w)
		}},
	}
	for _, p := range parts {
		if err := put(p.name, p.write); err != nil {
			return d, err
		}
	}
	if err := put("contents.json", func(w io.Writer) error { return indented(w, d) }); err != nil {
		return d, err
	}
	return d, z.Close()
}

// programOf is the program and the machine below it.
func programOf(c Config, version string) map[string]any {
	out := map[string]any{"version": version, "api": apiVersion, "go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH,
		"processors": runtime.NumCPU(), "memory_bytes": machineMemory("/"), "memory_ceiling_bytes": c.ceiling()}
	files := map[string]int64{}
	for _, name := range []string{"onegrid.db", "onegrid.db-wal", "onegrid.db-shm", "erasures.jsonl", "checkpoints/latest.txt"} {
		if info, err := os.Stat(filepath.Join(c.Dir, name)); err == nil {
			files[name] = info.Size()
			if name == "checkpoints/latest.txt" {
				out["checkpoint_age_seconds"] = int64(time.Since(info.ModTime()).Seconds())
			}
		}
	}
	out["bytes"] = files
	return out
}

// impersonal are the settings without what could name somebody or open
// something: numbers, times and choices are shown, of texts only whether they
// are as they ship.
func (c Config) impersonal() []Setting {
	shown, ships := map[string]bool{"time-zone": true}, map[string]string{}
	v := reflect.TypeFor[Config]()
	for i := range v.NumField() {
		f := v.Field(i)
		ships[f.Tag.Get("name")] = f.Tag.Get("default")
		if f.Type.Kind() != reflect.String || f.Tag.Get("choices") != "" {
			shown[f.Tag.Get("name")] = true
		}
	}
	list := c.Settings()
	for i, s := range list {
		if !shown[s.Name] && s.Value != ships[s.Name] {
			list[i].Value = "(set, not shown)"
		}
		list[i].Help = ""
	}
	return list
}

// databaseOf is the engine, the versions of the tables and how much lies in each.
func databaseOf(ctx context.Context, c Config, w io.Writer) error {
	d, err := db.Open(ctx, db.Options{DSN: c.DSN(), Exists: true, Writers: 1, Readers: 1})
	if err != nil {
		return err
	}
	defer d.Close()
	about, err := d.About(ctx)
	if err != nil {
		return err
	}
	return indented(w, about)
}

func plansOf(ctx context.Context, c Config, slow []db.Slow, w io.Writer) error {
	if len(slow) == 0 {
		_, err := fmt.Fprintln(w, "no statement took long since the server was started")
		return err
	}
	d, err := db.Open(ctx, db.Options{DSN: c.DSN(), Exists: true, Writers: 1, Readers: 1})
	if err != nil {
		return err
	}
	defer d.Close()
	for _, s := range slow {
		plan, err := d.Explain(ctx, s.Statement)
		if err != nil {
			plan = "no plan: " + scrub(err.Error()) + "\n"
		}
		if _, err := fmt.Fprintf(w, "%d times, %s at the longest, %s together\n%s\n%s\n", s.Count, s.Longest, s.Total, s.Statement, plan); err != nil {
			return err
		}
	}
	return nil
}
