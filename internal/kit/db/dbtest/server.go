package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL server with its own folder, on a loopback port.
type Server struct {
	Dir  string
	Port int
	as   *user.User // whom it runs as; nil: ourselves
}

// DSN is the address of one of its databases.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.Port, database)
}

var shared = sync.OnceValues(startShared)

// startShared uses the machine's one test server, and starts it when it is not
// there. It stays: the next test binary finds it. Its data is worth nothing,
// so it never waits for the disk. ONEGRID_TEST_POSTGRES names its folder.
func startShared() (*Server, error) {
	dir := os.Getenv("ONEGRID_TEST_POSTGRES")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "onegrid-test-postgres-"+strconv.Itoa(os.Getuid()))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	s, err := attach(filepath.Join(dir, "server"))
	if err == nil && s.Answers() == nil {
		return s, nil
	}
	if err != nil {
		if s, err = Init(filepath.Join(dir, "server")); err != nil {
			return nil, err
		}
	}
	if err := s.Start("-F", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "autovacuum=off"); err != nil {
		return nil, err
	}
	return s, s.sweep()
}

// sweep drops what tests that were killed left behind, while nobody else can be
// using the server.
func (s *Server) sweep() error {
	return s.admin(func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, `SELECT datname FROM pg_database WHERE datname ~ '^(test|tables|making)_'`)
		if err != nil {
			return err
		}
		left, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, name := range left {
			if _, err := c.Exec(ctx, `DROP DATABASE `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`); err != nil {
				return err
			}
		}
		return nil
	})
}

// admin does something over a connection of its own.
func (s *Server) admin(do func(ctx context.Context, c *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer c.Close(ctx)
	return do(ctx, c)
}

// attach finds a server folder that Init made.
func attach(dir string) (*Server, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "port"))
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, err
	}
	as, err := serverUser()
	return &Server{Dir: dir, Port: port, as: as}, err
}

// serverUser is whom the server runs as: PostgreSQL refuses root.
func serverUser() (*user.User, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, errors.New("PostgreSQL refuses to run as root and there is no user postgres (Debian: apt-get install postgresql)")
	}
	return u, nil
}

// Init makes a new server folder with its own port; nothing runs yet.
func Init(dir string) (*Server, error) {
	as, err := serverUser()
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, as: as}
	if as != nil {
		uid, _ := strconv.Atoi(as.Uid)
		gid, _ := strconv.Atoi(as.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
	}
	out, err := s.command("initdb", "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.Port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	return s, os.WriteFile(filepath.Join(dir, "port"), []byte(strconv.Itoa(s.Port)), 0o644)
}

// Start starts the server and waits until it answers; options are the
// server's own.
func (s *Server) Start(options ...string) error {
	options = append([]string{"-p", strconv.Itoa(s.Port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=128MB"}, options...)
	log := filepath.Join(s.Dir, "log")
	out, err := s.command("pg_ctl", "start", "-w", "-t", "60", "-D", filepath.Join(s.Dir, "data"), "-l", log, "-o", strings.Join(options, " ")).Output()
	if err == nil {
		return s.Answers()
	}
	if s.Answers() == nil { // it was running already
		return nil
	}
	tail, _ := os.ReadFile(log)
	return fmt.Errorf("start PostgreSQL: %w: %s%s", err, out, tail[max(0, len(tail)-2000):])
}

// Stop stops the server: "fast", "immediate".
func (s *Server) Stop(mode string) error {
	out, err := s.command("pg_ctl", "stop", "-w", "-m", mode, "-D", filepath.Join(s.Dir, "data")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("stop PostgreSQL: %w: %s", err, out)
	}
	return nil
}

// Kill kills the server's first process and all its children at once, as a
// power cut would, and returns when they are dead.
func (s *Server) Kill() error {
	first, err := s.PID()
	if err != nil {
		return err
	}
	all := []int{first}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	for _, file := range stats {
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && pid != first {
			if _, parent := process(pid); parent == first {
				all = append(all, pid)
			}
		}
	}
	for _, pid := range all {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	for _, pid := range all {
		for state, _ := process(pid); state != "" && state != "Z"; state, _ = process(pid) {
			runtime.Gosched()
		}
	}
	// Where nobody collects the dead, the server would take its own corpse for
	// a running server.
	return os.Remove(filepath.Join(s.Dir, "data", "postmaster.pid"))
}

// process is a process's state and parent; "" when there is none.
func process(pid int) (state string, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 2 {
		return "", 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}

// PID is the server's process.
func (s *Server) PID() (int, error) {
	raw, err := os.ReadFile(filepath.Join(s.Dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return strconv.Atoi(strings.TrimSpace(line))
}

// Answers says whether the server takes connections.
func (s *Server) Answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

// command runs one of PostgreSQL's programs as the server's user.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(find(name), args...)
	cmd.Dir = "/" // that user may look into; not on a disk that the caller itself serves
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.as != nil {
		uid, _ := strconv.Atoi(s.as.Uid)
		gid, _ := strconv.Atoi(s.as.Gid)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return cmd
}

// find looks where Debian keeps PostgreSQL's programs, too.
func find(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	return name
}
