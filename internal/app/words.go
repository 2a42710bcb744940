package app

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"onegrid/data"
	"onegrid/internal/core/access"
	"onegrid/internal/core/calendar"
	"onegrid/internal/core/casework"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/device"
	"onegrid/internal/core/duty"
	"onegrid/internal/core/grid"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/notice"
	"onegrid/internal/core/org"
	"onegrid/internal/core/place"
	"onegrid/internal/core/registry"
	"onegrid/internal/doors/portal"
	"onegrid/internal/kit/archive"
	"onegrid/internal/kit/backup"
	"onegrid/internal/kit/blob"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/geo"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/jobs"
	"onegrid/internal/kit/live"
	"onegrid/internal/kit/seal"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
	"onegrid/internal/work/figures"
)

//go:embed words.zh-CN.json words.en.json
var ownWords embed.FS

// sources are the texts of all rooms; words.New refuses a key that two claim.
func sources() []words.Source {
	return []words.Source{
		{Room: "app", Files: ownWords},
		{Room: "geo", Files: geo.Words},
		{Room: "db", Files: db.Words},
		{Room: "backup", Files: backup.Words},
		{Room: "archive", Files: archive.Words},
		{Room: "httpx", Files: httpx.Words},
		{Room: "blob", Files: blob.Words},
		{Room: "jobs", Files: jobs.Words},
		{Room: "live", Files: live.Words},
		{Room: "seal", Files: seal.Words},
		{Room: "sheet", Files: sheet.Words},
		{Room: "table", Files: table.Words},
		{Room: "journal", Files: journal.Words},
		{Room: "org", Files: org.Words},
		{Room: "grid", Files: grid.Words},
		{Room: "calendar", Files: calendar.Words},
		{Room: "duty", Files: duty.Words},
		{Room: "place", Files: place.Words},
		{Room: "access", Files: access.Words},
		{Room: "catalog", Files: catalog.Words},
		{Room: "registry", Files: registry.Words},
		{Room: "device", Files: device.Words},
		{Room: "notice", Files: notice.Words},
		{Room: "casework", Files: casework.Words},
		{Room: "figures", Files: figures.Words},
		{Room: "portal", Files: portal.Words},
	}
}

// Words joins the texts of all rooms.
func Words() (*words.Catalogue, error) { return words.New(sources()...) }

// Texts joins the texts of all rooms with those of the screens below a folder
// (zh-CN.json beside en.json), and refuses a key twice, a text in one language
// only, and holes that differ between the languages.
func Texts(screens string) (map[string]words.Text, error) {
	all := sources()
	err := filepath.WalkDir(screens, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "dist"):
			return filepath.SkipDir
		case !d.IsDir() && d.Name() == string(words.Chinese)+".json":
			all = append(all, words.Source{Room: filepath.Dir(path), Files: screenTexts{os.DirFS(filepath.Dir(path))}})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	joined, err := words.New(all...)
	if err != nil {
		return nil, err
	}
	texts := map[string]words.Text{}
	for _, key := range joined.Keys() {
		texts[key], _ = joined.Raw(key)
	}
	return texts, nil
}

// screenTexts shows a screen's zh-CN.json and en.json under the names that a
// room's texts have.
type screenTexts struct{ folder fs.FS }

func (s screenTexts) Open(name string) (fs.File, error) {
	return s.folder.Open(strings.TrimPrefix(name, "words."))
}

// knownKeys is what the catalogue checks the references of an item against.
func knownKeys(roles *access.RoleBook) (catalog.Known, error) {
	departments, err := keysOf(data.FS, "defaults/departments.json", "departments")
	if err != nil {
		return catalog.Known{}, err
	}
	var retention struct{ Classes []catalog.Term }
	if raw, err := fs.ReadFile(data.FS, "defaults/retention.json"); err != nil {
		return catalog.Known{}, err
	} else if err := json.Unmarshal(raw, &retention); err != nil {
		return catalog.Known{}, fmt.Errorf("retention.json: %w", err)
	}
	return catalog.Known{
		Role:       func(key string) bool { _, ok := roles.Role(key); return ok },
		Department: func(key string) bool { return departments[key] },
		Retentions: retention.Classes,
	}, nil
}

func keysOf(files fs.FS, name, list string) (map[string]bool, error) {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var rows []struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(file[list], &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	keys := map[string]bool{}
	for _, r := range rows {
		keys[r.Key] = true
	}
	return keys, nil
}
