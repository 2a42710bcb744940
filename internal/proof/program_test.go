package proof_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"onegrid/internal/app"
	"onegrid/internal/demo"
)

// TestMain is also the program under a clock that the test moves: what ships has
// no such clock.
func TestMain(m *testing.M) {
	if os.Getenv("ONEGRID_PROOF_PROGRAM") != "" {
		if err := clocked(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	var err error
	if sharedDir, err = os.MkdirTemp("", "onegrid-proof-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(sharedDir)
	os.Exit(code)
}

// clocked is `onegrid demo`; each line on standard input says by how much the
// clock is off from then on.
func clocked(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	dir, addr := flags.String("dir", "", ""), flags.String("addr", "", "")
	_ = flags.Int("requests", 0, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := app.LoadConfig(*dir, map[string]string{"addr": *addr}, os.Environ())
	if err != nil {
		return err
	}
	var off atomic.Int64
	if begins, err := time.ParseDuration(os.Getenv("ONEGRID_PROOF_PROGRAM")); err == nil {
		off.Store(int64(begins))
	}
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			if by, err := time.ParseDuration(lines.Text()); err == nil {
				off.Store(int64(by))
			}
		}
	}()
	return demo.Run(ctx, c, demo.Options{Speed: 1, Requests: 0, Now: func() time.Time { return time.Now().Add(time.Duration(off.Load())) },
		Ready: func(url string) { fmt.Println("ready", url) }})
}

// program is the real program on a folder of its own.
type program struct {
	t       *testing.T
	binary  string
	dir     string
	environ []string
	cmd     *exec.Cmd
	stderr  *os.File
	url     string
	socket  *os.File // held by the test as systemd would; nil: the program opens its own

	clock bool          // runs under a clock that the test moves
	off   time.Duration // by which that clock is off
	in    io.WriteCloser
}

// sharedDir holds what the tests share; TestMain removes it.
var sharedDir string

// built is the program as it ships, with the flags of `make build`, so that what
// that has compiled is used again; ONEGRID_PROOF_BINARY names one that is there.
var built = sync.OnceValues(func() (string, error) {
	if binary := os.Getenv("ONEGRID_PROOF_BINARY"); binary != "" {
		return binary, nil
	}
	binary := filepath.Join(sharedDir, "onegrid")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, "onegrid/cmd/onegrid")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
})

func newProgram(t *testing.T, binary, dir, database string) *program {
	t.Helper()
	p := &program{t: t, binary: binary, dir: dir, environ: os.Environ()}
	if database != "" {
		p.environ = append(p.environ, "ONEGRID_DATABASE="+database)
	}
	var err error
	if p.stderr, err = os.Create(filepath.Join(t.TempDir(), "stderr")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			if log, err := os.ReadFile(p.stderr.Name()); err == nil {
				t.Logf("the program said:\n%s", said(log))
			}
		}
		p.stderr.Close()
	})
	return p
}

// holds opens the program's socket and keeps it open over every restart.
func (p *program) holds() {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	if p.socket, err = l.(*net.TCPListener).File(); err != nil {
		p.t.Fatal(err)
	}
	l.Close()
	p.t.Cleanup(func() { p.socket.Close() })
}

// said is what is worth reading of the program's log: all but the requests that
// went well or were told to come again, and of that the end.
func said(log []byte) string {
	var out []string
	for line := range strings.Lines(string(log)) {
		if !strings.Contains(line, "INF request") && !strings.Contains(line, "status=503") {
			out = append(out, line)
		}
	}
	return strings.Join(out[max(0, len(out)-40):], "")
}

// start starts the program and waits until it answers; from the second time on
// it listens where it did before.
func (p *program) start() {
	p.t.Helper()
	if err := p.tries(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) tries() error {
	addr := "127.0.0.1:0"
	if p.url != "" {
		addr = strings.TrimPrefix(p.url, "http://")
	}
	args := []string{"demo", "--dir", p.dir, "--addr", addr, "--requests", "0"}
	binary, environ := p.binary, p.environ
	if p.clock {
		binary, environ = os.Args[0], append(slices.Clone(environ), "ONEGRID_PROOF_PROGRAM="+p.off.String())
	}
	p.cmd = exec.Command(binary, args...)
	if p.socket != nil { // the process must be named, and has no name before it is there
		p.cmd = exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`, binary}, args...)...)
		p.cmd.ExtraFiles = []*os.File{p.socket}
	}
	p.cmd.Env, p.cmd.Stderr = environ, p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			p.url = url
			return nil
		}
	}
	err = p.cmd.Wait()
	p.cmd = nil
	return fmt.Errorf("the program does not start: %w", err)
}

// moves puts the program's clock off by so much.
func (p *program) moves(off time.Duration) {
	p.t.Helper()
	p.off = off
	if _, err := fmt.Fprintln(p.in, off); err != nil {
		p.t.Fatal(err)
	}
}

// freezes stops the program where it stands, in the middle of whatever it does.
func (p *program) freezes() { p.signals(syscall.SIGSTOP) }

// thaws lets it go on.
func (p *program) thaws() { p.signals(syscall.SIGCONT) }

func (p *program) signals(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// kill kills the program at once.
func (p *program) kill() {
	if p.cmd != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p.cmd = nil
	}
}

// stop stops the program as an operator would.
func (p *program) stop() {
	p.t.Helper()
	if p.cmd == nil {
		return
	}
	p.signals(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the program stopped with %v", err)
	}
	p.cmd = nil
}

// runs runs another command of the program on its folder and gives its last line.
func (p *program) runs(args ...string) string {
	p.t.Helper()
	out, err := p.command(args...)
	if err != nil {
		p.t.Errorf("onegrid %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// command runs another command of the program on its folder.
func (p *program) command(args ...string) (string, error) {
	cmd := exec.Command(p.binary, append(args, "--dir", p.dir)...)
	cmd.Env = p.environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}
