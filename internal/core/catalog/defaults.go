package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"

	"onegrid/data"
)

// Defaults reads what a new installation starts with (默认数据) from the files
// that ship inside the program.
func Defaults() ([]Item, Shared, error) { return readDefaults(data.FS) }

func readDefaults(files fs.FS) ([]Item, Shared, error) {
	var s Shared
	var items struct {
		Dictionaries map[string][]Term `json:"dictionaries"`
		Items        []Item            `json:"items"`
	}
	var functions struct {
		Functions []Function `json:"functions"`
	}
	var reasons struct {
		Kinds        []Term   `json:"kinds"`
		ClockEffects []Term   `json:"clock_effects"`
		Reasons      []Reason `json:"reasons"`
	}
	var stages struct {
		Stages []Stage     `json:"stages"`
		Flows  []FlowWords `json:"flows"`
		Owners []Term      `json:"owners"`
	}
	var clocks struct {
		StageClocks []StageClock `json:"stage_clocks"`
		Warn        Warn         `json:"warn"`
	}
	for name, to := range map[string]any{
		"items": &items, "functions": &functions, "reasons": &reasons, "stages": &stages, "calendar": &clocks,
	} {
		raw, err := fs.ReadFile(files, "defaults/"+name+".json")
		if err != nil {
			return nil, s, fmt.Errorf("default data: %w", err)
		}
		if err := json.Unmarshal(raw, to); err != nil {
			return nil, s, fmt.Errorf("default data %s.json: %w", name, err)
		}
	}
	for n := range items.Items {
		// The files are indented for people; what is stored and hashed is not.
		var b bytes.Buffer
		if err := json.Compact(&b, items.Items[n].Form); err != nil {
			return nil, s, fmt.Errorf("default item %s: %w", items.Items[n].Key, err)
		}
		items.Items[n].Form = b.Bytes()
	}
	s = Shared{
		Functions: functions.Functions,
		Kinds:     reasons.Kinds, ClockEffects: reasons.ClockEffects, Reasons: reasons.Reasons,
		Stages: stages.Stages, Flows: stages.Flows, Owners: stages.Owners,
		StageClocks: clocks.StageClocks, Warn: clocks.Warn,
		Dictionaries: items.Dictionaries,
	}
	return items.Items, s, nil
}
