package main

import (
	"bytes"
	"encoding/json"
	"os"

	"onegrid/internal/app"
	"onegrid/internal/kit/words"
)

// apiCmd is `onegrid api`, what `make generate` asks the program.
type apiCmd struct {
	Spec       apiSpecCmd       `cmd:"" help:"The OpenAPI document of all operations."`
	Words      apiWordsCmd      `cmd:"" help:"All texts of rooms and screens, joined and checked."`
	Protection apiProtectionCmd `cmd:"" help:"The register of personal data as a page."`
}

type apiSpecCmd struct {
	Out string `placeholder:"FILE" help:"File to write instead of standard output."`
}

func (c apiSpecCmd) Run(s streams) error {
	spec, err := app.Spec()
	if err != nil {
		return err
	}
	return put(s, c.Out, append(spec, '\n'))
}

type apiWordsCmd struct {
	Screens string `required:"" placeholder:"DIR" help:"Folder of the web workspace, whose texts are joined with the rooms'."`
	Out     string `placeholder:"FILE" help:"File to write instead of standard output."`
}

func (c apiWordsCmd) Run(s streams) error {
	texts, err := app.Texts(c.Screens)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(texts); err != nil {
		return err
	}
	return put(s, c.Out, b.Bytes())
}

type apiProtectionCmd struct {
	Language string `enum:"zh-CN,en" default:"zh-CN" help:"Language of the page."`
	Out      string `placeholder:"FILE" help:"File to write instead of standard output."`
}

func (c apiProtectionCmd) Run(s streams) error {
	page, err := app.ProtectionPage(words.Language(c.Language))
	if err != nil {
		return err
	}
	return put(s, c.Out, page)
}

// put writes to a file, or to standard output when none is named.
func put(s streams, file string, content []byte) error {
	if file == "" {
		_, err := s.out.Write(content)
		return err
	}
	return os.WriteFile(file, content, 0o644)
}
