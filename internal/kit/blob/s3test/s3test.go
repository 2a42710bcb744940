// Package s3test gives tests an S3 service of their own: versitygw, a real server
// that keeps its objects in a folder, on a loopback port. `make setup-test` installs
// it; where it is missing the test fails, it does not skip.
package s3test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Server is a running service with one empty bucket.
type Server struct {
	Endpoint string // host:port, without encryption
	Bucket   string
	Key      string
	Secret   string
	Dir      string // where the objects of the bucket lie as plain files

	command *exec.Cmd
	ended   chan struct{}
	args    []string
}

// Start starts a service that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := find()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	s := &Server{Bucket: "onegrid-test", Key: "test-key", Secret: "test-secret-not-to-be-logged"}
	s.Dir = filepath.Join(root, "objects", s.Bucket)
	for _, dir := range []string{s.Dir, filepath.Join(root, "meta")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Endpoint = "127.0.0.1:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.args = []string{program, "--port", s.Endpoint, "--region", "us-east-1", "--quiet", "posix", "--sidecar", filepath.Join(root, "meta"), filepath.Dir(s.Dir)}
	t.Cleanup(s.Stop)
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Run starts the server program, anew after Stop, and waits until it answers.
func (s *Server) Run() error {
	s.command = exec.Command(s.args[0], s.args[1:]...)
	s.command.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.Key, "ROOT_SECRET_KEY="+s.Secret)
	var said tail
	s.command.Stdout, s.command.Stderr = &said, &said
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("S3 server for tests: %w", err)
	}
	s.ended = make(chan struct{})
	go func(c *exec.Cmd, ended chan struct{}) {
		_ = c.Wait() // it is killed in the end
		close(ended)
	}(s.command, s.ended)
	client := http.Client{Timeout: time.Second}
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if r, err := client.Get("http://" + s.Endpoint + "/"); err == nil {
			return r.Body.Close()
		}
		select {
		case <-s.ended:
			return fmt.Errorf("S3 server for tests ended: %s", said)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("S3 server for tests does not answer: %s", said)
}

// Stop ends the server program; what it stored stays.
func (s *Server) Stop() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Kill() // it may be gone already
	<-s.ended
	s.command = nil
}

// tail keeps the end of what a program says.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	*t = (*t)[max(0, len(*t)-2000):]
	return len(p), nil
}

func (t tail) String() string { return string(t) }

// find looks where `make setup-test` puts it: bin/tools beside go.mod.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("S3 server for tests: no go.mod above " + dir)
		}
		dir = up
	}
	program := filepath.Join(dir, "bin", "tools", "versitygw")
	if _, err := os.Stat(program); errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("S3 server for tests: bin/tools/versitygw is missing; run make setup-test")
	} else if err != nil {
		return "", err
	}
	return program, nil
}
