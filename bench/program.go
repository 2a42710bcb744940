package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is something this command started and will stop.
type process struct {
	cmd     *exec.Cmd
	url     string
	log     *os.File
	stopped bool
}

// startProgram runs the demo district without its own life on a free port, with
// settings of its own.
func startProgram(ctx context.Context, program, dir, database string, env ...string) (*process, error) {
	args := []string{"demo", "--dir", filepath.Join(dir, "data"), "--addr", "127.0.0.1:0", "--requests", "0"}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "ONEGRID_LOG_LEVEL=warn", "ONEGRID_PROFILE=loopback")
	cmd.Env = append(cmd.Env, env...)
	if database != "" {
		cmd.Env = append(cmd.Env, "ONEGRID_DATABASE="+database)
	}
	return start(ctx, cmd, dir)
}

// start runs a program that says "ready URL" when it answers.
func start(ctx context.Context, cmd *exec.Cmd, dir string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, "program.log"))
	if err != nil {
		return nil, err
	}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, log: log}
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
				ready <- strings.TrimRight(strings.TrimSpace(url), "/")
			}
		}
		close(ready)
	}()
	select {
	case url, ok := <-ready:
		if !ok {
			p.stop()
			return nil, fmt.Errorf("the program ended before it answered: %s", tail(log.Name()))
		}
		p.url = url
		return p, nil
	case <-time.After(3 * time.Minute):
		p.stop()
		return nil, fmt.Errorf("no answer within 3 minutes: %s", tail(log.Name()))
	case <-ctx.Done():
		p.stop()
		return nil, ctx.Err()
	}
}

func (p *process) stop() {
	if p.stopped {
		return
	}
	p.stopped = true
	if p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		last := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
		_ = p.cmd.Wait()
		last.Stop()
	}
	_ = p.log.Close()
}

func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// startPostgres makes a cluster of its own, durable as in production, on a unix
// socket only. PostgreSQL refuses to run as root, so root hands it to the
// user postgres.
func startPostgres(ctx context.Context, dir string) (dsn string, pid int, stop func(), err error) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		return "", 0, nil, errors.New("PostgreSQL is not installed (Debian package postgresql)")
	}
	bin := bins[len(bins)-1]
	cluster, socket := filepath.Join(dir, "cluster"), filepath.Join(dir, "s")
	// Root reaches the socket of any folder; everybody else owns this one.
	for _, d := range []string{cluster, socket} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return "", 0, nil, err
		}
	}
	attributes := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		owner, err := user.Lookup("postgres")
		if err != nil {
			return "", 0, nil, err
		}
		uid, _ := strconv.Atoi(owner.Uid)
		gid, _ := strconv.Atoi(owner.Gid)
		for _, d := range []string{cluster, socket} {
			if err := os.Chown(d, uid, gid); err != nil {
				return "", 0, nil, err
			}
		}
		for up := dir; up != "/" && strings.HasPrefix(up, os.TempDir()) && up != os.TempDir(); up = filepath.Dir(up) {
			if err := os.Chmod(up, 0o755); err != nil {
				return "", 0, nil, err
			}
		}
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	if _, err := os.Stat(filepath.Join(cluster, "PG_VERSION")); err != nil { // else it was filled before
		initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", cluster, "-U", "onegrid", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
		initdb.SysProcAttr, initdb.Dir = attributes, "/"
		if out, err := initdb.CombinedOutput(); err != nil {
			return "", 0, nil, fmt.Errorf("initdb: %w: %s", err, out)
		}
	}
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", cluster, "-k", socket, "-c", "listen_addresses=",
		"-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB")
	server.SysProcAttr, server.Dir = attributes, "/"
	server.Stdout, server.Stderr = io.Discard, io.Discard
	if err := server.Start(); err != nil {
		return "", 0, nil, err
	}
	stop = func() {
		_ = server.Process.Signal(syscall.SIGINT)
		_ = server.Wait()
	}
	dsn = "postgres://onegrid@/postgres?host=" + socket
	for deadline := time.Now().Add(30 * time.Second); ; {
		check := exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-h", socket)
		if check.Run() == nil {
			return dsn, server.Process.Pid, stop, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			stop()
			return "", 0, nil, errors.New("PostgreSQL did not answer within 30 s")
		}
		time.Sleep(100 * time.Millisecond)
	}
}
