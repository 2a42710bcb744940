package app

import (
	"os"
	"path/filepath"
	"testing"
)

// The ceiling is the setting; without one, three quarters of the least that the
// machine and the control groups above the process allow.
func TestCeilingOfMemory(t *testing.T) {
	if got := (Config{MemoryMB: 300}).ceiling(); got != 300<<20 {
		t.Errorf("a setting of 300 MiB is %d", got)
	}
	for what, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing known":    {nil, 0},
		"the machine":      {map[string]string{"proc/meminfo": "MemFree: 1 kB\nMemTotal:       2048 kB\n"}, 2 << 20},
		"a group":          {map[string]string{"proc/meminfo": "MemTotal: 4096 kB\n", "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1048576\n"}, 1 << 20},
		"the group above":  {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "2097152\n"}, 2 << 20},
		"a group of old":   {map[string]string{"proc/meminfo": "MemTotal: 1 kB\n", "proc/self/cgroup": "5:memory:/a\n"}, 1 << 10},
		"nothing readable": {map[string]string{"proc/meminfo": "MemTotal: many\n", "proc/self/cgroup": "0::/../../..\n"}, 0},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			file := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := machineMemory(root); got != c.want {
			t.Errorf("%s: %d bytes, want %d", what, got, c.want)
		}
	}
}
