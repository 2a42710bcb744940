package app

import (
	"context"
	"errors"
	"os"

	"onegrid/data"
	"onegrid/internal/core/access"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/words"
)

// AdminLink is a one-time link for an administrator.
type AdminLink struct {
	Role string
	URL  string
}

// Init makes a data folder and gives the one-time links of the three
// administrators. A folder that is in use is refused with app.in_use.
func Init(ctx context.Context, c Config, name, nameEnglish string) ([]AdminLink, error) {
	if _, err := os.Stat(fieldKeys(c)); err == nil {
		return nil, ErrInUse.With("dir", c.Dir)
	}
	a, err := Open(ctx, c, Ports{Create: true})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if err := a.Seed(ctx, words.Text{Chinese: name, English: nameEnglish}); err != nil {
		return nil, err
	}
	var links []access.Link
	err = a.DB.Write(ctx, func(tx *db.Tx) error {
		by, err := a.Access.Operator(tx, operator())
		if err != nil {
			return err
		}
		links, err = a.Access.Found(tx, by)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]AdminLink, len(links))
	for i, l := range links {
		out[i] = AdminLink{Role: l.Role, URL: c.url() + "/desk/enrol?token=" + l.Token}
	}
	return out, nil
}

// Seed fills a new installation: the hub with its desk, the shipped calendars
// and holidays, items, reasons and stages. What is there already stays.
func (a *App) Seed(ctx context.Context, district words.Text) error {
	return a.DB.Write(ctx, func(tx *db.Tx) error {
		by, err := a.Access.Operator(tx, operator())
		if err != nil {
			return err
		}
		s, err := a.Org.Snapshot(tx)
		if err != nil {
			return err
		}
		if s.HubID().IsZero() {
			hub, err := a.Org.CreateUnit(tx, by, org.UnitIn{Kind: org.Hub, Code: "hub", Calendar: "office", DutyCalendar: "duty_24h",
				Name: words.Text{Chinese: district.Chinese + "中枢", English: district.English + " hub"}})
			if err != nil {
				return err
			}
			_, err = a.Org.CreatePost(tx, by, org.PostIn{Role: "hub_officer", Unit: hub.ID, Node: hub.ID, Level: org.AtDistrict,
				Name: words.Text{Chinese: "中枢值班岗", English: "Hub duty desk"}})
			if err != nil {
				return err
			}
		}
		if err := a.Calendars.Seed(tx, by.By(), data.FS); err != nil {
			return err
		}
		return a.Catalog.Seed(tx, by)
	})
}

// operator is how the journal names whoever runs a command on this host.
func operator() string {
	host, err := os.Hostname()
	if err != nil {
		host = "host"
	}
	user := os.Getenv("SUDO_USER")
	if user == "" {
		user = os.Getenv("USER")
	}
	if user == "" {
		user = "operator"
	}
	return "cli:" + user + "@" + host
}

// Operator is how the journal names whoever runs a command on this host.
func Operator() string { return operator() }

var errNoWeb = errors.New("the web apps were not built into this program: run make build")
