package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

func machine() string {
	return fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version())
}

// loadAverage is how many processes wanted a core in the last minute; 0 where
// the system does not tell.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return n
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// usage is the processor time that the program, the database server and the
// load generator have used. Unlike a rate it hardly depends on what else the machine does.
type usage struct{ program, server, own time.Duration }

// take reads the time from /proc; it stays 0 where there is none.
func (u *usage) take(programs []int, server int) {
	const tick = time.Second / 100 // USER_HZ, the same on every Linux that Go runs on
	dirs, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return
	}
	for _, file := range dirs {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		// After the name, which may hold anything: state, parent, …
		name := strings.LastIndexByte(string(text), ')')
		fields := strings.Fields(string(text[name+1:]))
		if name < 0 || len(fields) < 15 {
			continue
		}
		number := func(i int) int {
			n, _ := strconv.Atoi(fields[i]) // the kernel writes numbers here
			return n
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		used := time.Duration(number(11)+number(12)) * tick
		switch {
		case slices.Contains(programs, pid):
			u.program += used
		case pid == os.Getpid():
			u.own = used
		case server != 0 && pid == server:
			// With the backends that have ended.
			u.server += used + time.Duration(number(13)+number(14))*tick
		case server != 0 && number(1) == server:
			u.server += used
		}
	}
}

// saveProfile asks the program where its processor time goes for a while, and
// then what it has allocated.
func saveProfile(base, name string, length time.Duration) error {
	for kind, query := range map[string]string{"cpu": fmt.Sprintf("profile?seconds=%d", max(1, int(length.Seconds()))), "allocs": "allocs"} {
		if err := download(base+"/debug/pprof/"+query, name+"."+kind+".pprof"); err != nil {
			return err
		}
	}
	return nil
}

func download(url, file string) (err error) {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", url, answer.StatusCode)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, answer.Body)
	return err
}
