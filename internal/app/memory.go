package app

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// ceiling is the memory that the program may use, in bytes: the setting, else
// three quarters of what the machine or its control group has, else none.
func (c Config) ceiling() int64 {
	if c.MemoryMB > 0 {
		return int64(c.MemoryMB) << 20
	}
	return machineMemory("/") / 4 * 3
}

// machineMemory is what Linux says of the machine and of the control groups that
// this process is in; 0 where nothing says anything. root is "/", or a test's own.
func machineMemory(root string) int64 {
	least := int64(0)
	note := func(n int64, err error) {
		if err == nil && n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	if raw, err := os.ReadFile(filepath.Join(root, "proc/meminfo")); err == nil {
		for line := range bytes.Lines(raw) {
			if v, ok := bytes.CutPrefix(line, []byte("MemTotal:")); ok {
				n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(v)), " kB"), 10, 53)
				note(n<<10, err)
			}
		}
	}
	groups, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return least
	}
	_, group, ok := strings.Cut(strings.TrimSpace(string(groups)), "0::") // version 2
	if !ok {
		return least
	}
	for dir := filepath.Clean("/" + group); ; dir = filepath.Dir(dir) {
		if raw, err := os.ReadFile(filepath.Join(root, "sys/fs/cgroup", dir, "memory.max")); err == nil {
			note(strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)) // "max" is no number
		}
		if dir == "/" {
			return least
		}
	}
}

// pictureMemory is what the pictures being decoded may take together: a third of
// the ceiling, and no more than they need at their best.
func (c Config) pictureMemory() int64 {
	const best, least = 400 << 20, 100 << 20
	if n := c.ceiling(); n > 0 {
		return max(min(n/3, best), least)
	}
	return best
}

// holdMemory makes the collector keep within nine tenths of the ceiling: the
// rest is for what lies outside its reach (SQLite, stacks of threads). Whoever
// has set GOMEMLIMIT knows better.
func (c Config) holdMemory() {
	if n := c.ceiling(); n > 0 && debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(n / 10 * 9)
	}
}
