package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"onegrid/data"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/sheet"
	"onegrid/internal/kit/table"
	"onegrid/internal/kit/words"
)

// importCmd is `onegrid import`.
type importCmd struct {
	Divisions importDivisionsCmd `cmd:"" help:"Statistical divisions: code, name, level, parent."`
	Recoding  importRecodingCmd  `cmd:"" help:"A recoding of the statistical list: old and new codes, row by row."`
	Units     importUnitsCmd     `cmd:"" help:"Units: streets, village platforms, departments."`
	Posts     importPostsCmd     `cmd:"" help:"Posts of units and grids."`
	People    importPeopleCmd    `cmd:"" help:"People and the posts they hold."`
	Grids     importGridsCmd     `cmd:"" help:"Grids, from GeoJSON; a layer must be a partition."`
	Places    importPlacesCmd    `cmd:"" help:"Addresses and facilities, from CSV or GeoJSON points."`
	Items     importItemsCmd     `cmd:"" help:"Work items, from JSON as data/defaults/items.json has them."`
	Devices   importDevicesCmd   `cmd:"" help:"Devices: cameras, trackers, sensors, loudspeakers, kiosks."`
	Cases     importCasesCmd     `cmd:"" help:"Cases of another system, read through a mapping."`
}

// importFile is what all imports share.
type importFile struct {
	File     string `arg:"" help:"CSV, JSON, newline-delimited JSON or GeoJSON, plain or gzipped, or XLSX; - reads standard input."`
	Encoding string `help:"Encoding of the file: utf-8 or gb18030." default:"utf-8" enum:"utf-8,gb18030"`
	JSON     bool   `name:"json" help:"The sums as one JSON object on the last line."`
}

// accounting is the part of the help that is the same for all imports.
const accounting = `

Every row is accounted for: taken, repeated (it is there already) or refused.
Refused rows go to FILE.refused.csv (.json, .geojson) with number, field, code
and reason; mend them there and import that file. Repeating an import takes
nothing twice. Interrupt it at any time: what was taken stays.

Exit codes: 0 no row refused, 1 the import broke off, 2 the file or the command
line is wrong, 3 some rows were refused.

Examples:
`

// importer is what importing needs of the running program. Every function works
// within one write transaction of its own making or the one it is given.
type importer struct {
	words *words.Catalogue
	close func() error

	divisions, recoding, units, posts, people, items table.Batch
	devices                                          func(datum string) table.Batch
	// grids takes all rows of a file together: a layer is a partition or it is
	// refused, row by row.
	grids func(ctx context.Context, rows []table.Row, datum string) ([]table.Outcome, error)
	// places takes addresses or facilities; positions are of the datum, codes of the
	// scheme.
	places func(datum, scheme string) table.Batch
	// cases takes some cases as they were read through a mapping, all or none, each
	// carried to the state that it has in its own system.
	cases func(ctx context.Context, rows []table.Record) ([]table.Outcome, error)
}

// someRefused ends a command of which some rows were refused.
type someRefused int64

func (n someRefused) Error() string { return fmt.Sprintf("%d rows were refused", int64(n)) }

// ExitCode is asked by main.
func (someRefused) ExitCode() int { return 3 }

type importDivisionsCmd struct{ importFile }

// Help is shown under the command's flags.
func (importDivisionsCmd) Help() string {
	return "Parents come before their children." + accounting +
		"  onegrid import divisions data/divisions/qibuqu.csv --dir /var/lib/onegrid"
}

func (c *importDivisionsCmd) Run(ctx context.Context, set settings, s streams) error {
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) { return table.Job{Take: i.divisions}, nil })
}

type importRecodingCmd struct{ importFile }

// Help is shown under the command's flags.
func (importRecodingCmd) Help() string {
	return "Columns: old_code, new_code, old_name, new_name. Each row is an act: one division ends, one\nbegins; the unit with the old code and the grids whose codes begin with it get the new code." + accounting +
		"  onegrid import recoding data/divisions/qibuqu-code-changes-2016-2022.csv --dir /var/lib/onegrid"
}

func (c *importRecodingCmd) Run(ctx context.Context, set settings, s streams) error {
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) { return table.Job{Take: i.recoding}, nil })
}

type importUnitsCmd struct{ importFile }

// Help is shown under the command's flags.
func (importUnitsCmd) Help() string {
	return "Columns: kind, code, name_zh, name_en, parent_code and, where they apply, key,\ncalendar, duty_calendar, villages, made_up. Parents come before their children." + accounting +
		"  onegrid import units units.csv --dir /var/lib/onegrid"
}

func (c *importUnitsCmd) Run(ctx context.Context, set settings, s streams) error {
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) { return table.Job{Take: i.units}, nil })
}

type importPostsCmd struct{ importFile }

// Help is shown under the command's flags.
func (importPostsCmd) Help() string {
	return "Columns: role, name_zh, name_en, unit_code, level, node_code (of a unit or a grid)\nand, where they apply, post_id, from, to, made_up." + accounting +
		"  onegrid import posts posts.xlsx --dir /var/lib/onegrid"
}

func (c *importPostsCmd) Run(ctx context.Context, set settings, s streams) error {
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) { return table.Job{Take: i.posts}, nil })
}

type importPeopleCmd struct{ importFile }

// Help is shown under the command's flags.
func (importPeopleCmd) Help() string {
	return "One row a person and post. Columns: name and post_id, or role, node_code, post_name;\nwhere they apply person_id, kind (holder, stand_in), from, to, made_up. Accounts are\nmade on the desk afterwards." + accounting +
		"  onegrid import people people.xlsx --dir /var/lib/onegrid"
}

func (c *importPeopleCmd) Run(ctx context.Context, set settings, s streams) error {
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) { return table.Job{Take: i.people}, nil })
}

type importItemsCmd struct{ importFile }

// Help is shown under the command's flags.
func (importItemsCmd) Help() string {
	return "An item that is there with other content is refused: change it in the register." + accounting +
		"  onegrid import items items.json --json --dir /var/lib/onegrid"
}

func (c *importItemsCmd) Run(ctx context.Context, set settings, s streams) error {
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) { return table.Job{Take: i.items}, nil })
}

type importDevicesCmd struct {
	importFile
	Datum string `help:"Datum of the file: wgs84, gcj02 or bd09. A wrong one puts every device 500 to 1,300 m off." enum:"wgs84,gcj02,bd09" required:""`
}

// Help is shown under the command's flags.
func (importDevicesCmd) Help() string {
	return `Columns: key, kind (camera, tracker, sensor, loudspeaker, kiosk), name_zh, name_en,
lon, lat, unit (its code) and, where they apply, place, purpose, sign_zh, sign_en,
quiet_minutes, made_up. A camera needs its purpose and the text of its sign.` + accounting +
		"  onegrid import devices cameras.csv --datum wgs84 --dir /var/lib/onegrid"
}

func (c *importDevicesCmd) Run(ctx context.Context, set settings, s streams) error {
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) { return table.Job{Take: i.devices(c.Datum)}, nil })
}

type importGridsCmd struct {
	importFile
	Datum string `help:"Datum of the file: wgs84, gcj02 or bd09. A wrong one lays every grid 500 to 1,300 m off." enum:"wgs84,gcj02,bd09" required:""`
}

// Help is shown under the command's flags.
func (importGridsCmd) Help() string {
	return `Properties of a feature: code, name, layer (base, micro), kind (comprehensive,
special), platform or street (codes of units), parent, households, made_up.
A layer is taken as a whole; with a gap or an overlap its rows are refused and the
places named. Of a file that breaks off nothing is taken.` + accounting +
		"  onegrid import grids data/demo/area.geojson --datum wgs84 --dir /var/lib/onegrid"
}

// mostGrids bounds one file of grids, which is judged as a whole.
const mostGrids = 200_000

func (c *importGridsCmd) Run(ctx context.Context, set settings, s streams) error {
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) {
		return table.Job{Size: mostGrids, Whole: true, Take: func(ctx context.Context, rows []table.Row) ([]table.Outcome, error) {
			return i.grids(ctx, rows, c.Datum)
		}}, nil
	})
}

type importPlacesCmd struct {
	importFile
	Datum  string `help:"Datum of the file: wgs84, gcj02 or bd09. A wrong one lays every house 500 to 1,300 m off." enum:"wgs84,gcj02,bd09" required:""`
	Scheme string `help:"Scheme of the file's codes, such as division for the statistical list." default:"local"`
}

// Help is shown under the command's flags.
func (importPlacesCmd) Help() string {
	return `Columns, or properties of a GeoJSON point: code, kind, name, parent (a code), unit
(code of a platform or street), lon, lat, aliases (a；b), public, made_up; of
facilities also calendar, capacity, phone, equipment (chairs×40；projector) and
note. Chinese headings (编码, 类型, 名称, 上级编码, 平台编码, 经度, 纬度, 别名 …) are read too.
Parents come before their parts. A row with a known code changes that place.` + accounting +
		"  onegrid import places addresses.csv --datum gcj02 --dir /var/lib/onegrid"
}

func (c *importPlacesCmd) Run(ctx context.Context, set settings, s streams) error {
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) {
		return table.Job{Take: i.places(c.Datum, c.Scheme)}, nil
	})
}

type importCasesCmd struct {
	importFile
	Mapping string `help:"How the table is read: the name of a shipped mapping or a mapping file." placeholder:"NAME|FILE" default:"onegrid"`
}

// Help is shown under the command's flags.
func (importCasesCmd) Help() string {
	return `The mapping says which column is which field, which value is which item, in
which zone the times are. Shipped mappings: ` + strings.Join(shippedMappings(), ", ") + `. A mapping is a
JSON file; take a shipped one from data/mappings as the pattern.` + accounting +
		"  onegrid import cases data/demo/requests-5000.csv.gz --mapping boston311 --dir /var/lib/onegrid"
}

func (c *importCasesCmd) Run(ctx context.Context, set settings, s streams) error {
	m, err := loadMapping(c.Mapping)
	if err != nil {
		return err
	}
	return c.run(ctx, set, s, func(i *importer, r *table.Reader) (table.Job, error) { return caseJob(i, m, r) })
}

// casesTogether is how many cases are committed at once. A case is about eight
// acts: more would hold up those who work on the same database, fewer would wait
// for the disk most of the time.
const casesTogether = 16

// caseJob reads every row through a mapping and takes it as one case.
func caseJob(i *importer, m *table.Mapping, r *table.Reader) (table.Job, error) {
	if r.Format() == table.CSV {
		if err := m.Fits(r.Header()); err != nil {
			return table.Job{}, err
		}
	}
	if i.cases == nil {
		return table.Job{}, errNoCases
	}
	return table.Job{Size: casesTogether, Take: func(ctx context.Context, rows []table.Row) ([]table.Outcome, error) {
		cases := make([]table.Record, len(rows))
		for n, row := range rows {
			var err error
			if cases[n], err = m.Read(row); err != nil {
				return nil, err
			}
		}
		out, err := i.cases(ctx, cases)
		if err != nil {
			return nil, err
		}
		for n := range out {
			out[n].Notes = append(cases[n].Notes, out[n].Notes...)
		}
		return out, nil
	}}, nil
}

var errNoCases = errors.New("this program was put together without the import of cases")

// shippedMappings lists the mappings inside the program.
func shippedMappings() []string {
	files, err := fs.Glob(data.FS, "mappings/*.json")
	if err != nil {
		return nil
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".json")
	}
	return files
}

// loadMapping reads a shipped mapping by its name, else a file.
func loadMapping(name string) (*table.Mapping, error) {
	raw, err := fs.ReadFile(data.FS, "mappings/"+name+".json")
	if err != nil {
		if raw, err = os.ReadFile(name); err != nil {
			return nil, table.ErrOpen.With("file", name).Because(err)
		}
	}
	return table.ParseMapping(raw)
}

// run opens the file and the program, in this order: a file that is not there
// costs no time.
func (c *importFile) run(ctx context.Context, set settings, s streams, job func(*importer, *table.Reader) (table.Job, error)) error {
	r, err := c.open(s)
	if err != nil {
		return err
	}
	defer r.Close()
	i, err := openImporter(ctx, set, s)
	if err != nil {
		return err
	}
	return errors.Join(c.take(ctx, s, i, r, job), i.close())
}

func (c *importFile) open(s streams) (*table.Reader, error) {
	o := table.Options{Encoding: c.Encoding}
	if c.File == "-" {
		return table.NewReader(s.in, "-", o)
	}
	if sheet.IsXLSX(c.File) {
		book, err := sheet.Open(c.File, sheet.Limits{})
		if err != nil {
			return nil, err
		}
		return book.Table()
	}
	return table.Open(c.File, o)
}

// take runs the import and says what became of the rows.
func (c *importFile) take(ctx context.Context, s streams, i *importer, r *table.Reader, job func(*importer, *table.Reader) (table.Job, error)) error {
	j, err := job(i, r)
	if err != nil {
		return err
	}
	language := languageOf(os.Getenv)
	j.Rows, j.Progress, j.Now = r, s.err, time.Now
	if c.File != "-" {
		j.Beside = c.File
	}
	j.Say = func(f *fault.Fault) string { return sayFault(i.words, language, f) }
	j.Tell = func(n table.Note) string { return i.words.Say(language, n.Code, n.Args) }
	report, err := j.Run(ctx)
	if werr := c.tell(s.out, s.err, report); werr != nil {
		return errors.Join(err, werr)
	}
	if err == nil && report.Refused > 0 {
		err = someRefused(report.Refused)
	}
	return err
}

// tell prints the sums: the line for people, and with --json the object last.
func (c *importFile) tell(out, told io.Writer, r table.Report) error {
	line := out
	if c.JSON {
		line = told
	}
	if _, err := fmt.Fprintln(line, r.Line()); err != nil {
		return err
	}
	for what, file := range map[string]string{"refused rows": r.RefusedFile, "remarks": r.NotedFile} {
		if file != "" {
			fmt.Fprintf(told, "%s: %s\n", what, file)
		}
	}
	if !c.JSON {
		return nil
	}
	return json.NewEncoder(out).Encode(r)
}

// sayFault is a refusal in the operator's words: the sentence, then each field.
func sayFault(w *words.Catalogue, l words.Language, f *fault.Fault) string {
	var b strings.Builder
	b.WriteString(w.Say(l, f.Code, f.Args))
	for n, field := range f.Where {
		if n == 0 {
			b.WriteString(" [")
		} else {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %s", field.Path, w.Say(l, field.Code, field.Args))
		if n == len(f.Where)-1 {
			b.WriteString("]")
		}
	}
	return b.String()
}
