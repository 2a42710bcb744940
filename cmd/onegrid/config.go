package main

import (
	"encoding/json"
	"fmt"
)

// configCmd is `onegrid config`.
type configCmd struct {
	JSON bool `name:"json" help:"One JSON array instead of a table."`
}

// Help is shown under the command's flags.
func (configCmd) Help() string {
	return `A value comes from, strongest first: --set NAME=VALUE, the environment
(ONEGRID_NAME), the file onegrid.conf in the data folder, the default.

Examples:
  onegrid config --dir /var/lib/onegrid
  onegrid config --set addr=0.0.0.0:443 --json`
}

func (c *configCmd) Run(set settings, s streams) error {
	config, err := set.load()
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(config.Settings())
	}
	for _, one := range config.Settings() {
		value := one.Value
		if value == "" {
			value = "(empty)"
		}
		fmt.Fprintf(s.out, "%-18s %-24s from %-12s %s\n", one.Name, value, one.Origin, one.Help)
	}
	return nil
}
