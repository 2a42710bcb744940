// Package web carries the built browser apps inside the program. They are made
// by `npm run build`; a program built before that has none and says so.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Desk gives the files of the desk app (工作台), to be served under /desk/.
// The second value is false when the app was not built into this program.
func Desk() (fs.FS, bool) {
	desk, err := fs.Sub(dist, "dist/desk")
	if err != nil {
		return nil, false
	}
	if _, err := fs.Stat(desk, "index.html"); err != nil {
		return nil, false
	}
	return desk, true
}
