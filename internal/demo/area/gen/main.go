// Command gen draws the demo's area into data/demo/area.geojson.
package main

import (
	"fmt"
	"os"

	"onegrid/data"
	"onegrid/internal/demo/area"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one argument: the file to write")
	}
	a, err := area.Build(data.FS, area.Seed)
	if err != nil {
		return err
	}
	text, err := a.GeoJSON()
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], text, 0o644)
}
