package casework

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"onegrid/internal/core/access"
	"onegrid/internal/core/catalog"
	"onegrid/internal/core/journal"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/id"
)

// What a report can be refused for, beside the guards.
var (
	ErrInvalid     = fault.New(fault.Invalid, "case.invalid")
	ErrFuture      = fault.New(fault.Invalid, "case.future")
	ErrFlowNotYet  = fault.New(fault.Conflict, "case.flow_not_yet")
	ErrNotPublic   = fault.New(fault.Invalid, "case.not_public")
	ErrNoIntake    = fault.New(fault.Conflict, "case.no_intake")
	ErrItemUnknown = fault.New(fault.Invalid, "case.item_unknown")
)

// Bounds of what people write, in characters.
const (
	maxTitle = 60
	maxText  = 4000
	maxNote  = 2000
	maxWhere = 300
	maxFiles = 20
)

// skew is how far a phone's clock may be ahead of ours.
const skew = 5 * time.Minute

// Report is a new case as it comes in (上报).
type Report struct {
	ID        id.ID           `json:"id,omitzero" doc:"made by whoever reports; sending it again gives the same case"`
	Item      string          `json:"item" maxLength:"60"`
	Condition string          `json:"condition,omitempty" maxLength:"60"`
	Title     string          `json:"title,omitempty" maxLength:"60"`
	Text      string          `json:"text,omitempty" maxLength:"4000"`
	Place     PlaceIn         `json:"place"`
	Form      json.RawMessage `json:"form,omitempty"`
	Reporter  *PartyIn        `json:"reporter,omitempty"`
	Channel   string          `json:"channel,omitempty" maxLength:"30"`
	Priority  string          `json:"priority,omitempty" enum:"low,normal,high,urgent"`
	Files     []id.ID         `json:"file_ids,omitempty" maxItems:"20"`
	Occurred  time.Time       `json:"occurred_at,omitzero"`
	Consent   bool            `json:"consent,omitempty" doc:"the person concerned has agreed to what the item's consent text says; applications need it"`

	// Owner names the browser of somebody without an account: only its own
	// uploads may come along.
	Owner string `json:"-"`

	// What only an importer may say.
	Due     time.Time `json:"-"` // a deadline that comes with it and wins
	Untimed bool      `json:"-"` // its times contradict each other
	MadeUp  bool      `json:"-"`
}

var channelForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`)

// Report takes a new case in. Any member of staff may report what was seen,
// wherever it is; a resident goes through PublicReport. Permission case.report.
// Codes: case.invalid, case.item_unknown, case.flow_not_yet, case.future,
// case.place_needed, case.outside, case.bad_datum, case.not_admitted,
// case.not_raisable, case.id_taken, those of the form.
func (d *Desk) Report(tx *db.Tx, by *access.Actor, in Report) (Case, error) {
	return d.report(tx, by, in, false)
}

// report is Report and PublicReport: public says that the reporter is nobody we
// know.
func (d *Desk) report(tx *db.Tx, by *access.Actor, in Report, public bool) (Case, error) {
	env, err := d.env(tx, by)
	if err != nil {
		return Case{}, err
	}
	env.owner = in.Owner
	if err := in.tidy(env.at); err != nil {
		return Case{}, err
	}
	if old, known, err := repeated(tx, by, in); known || err != nil {
		return old, err
	}
	if env.item, err = env.catalog.Item(in.Item, env.at); err != nil {
		if fault.Of(err).Kind == fault.Missing {
			return Case{}, ErrItemUnknown.With("item", in.Item).At("body.item", "case.item_unknown")
		}
		return Case{}, ErrNotAdmitted.With("item", in.Item)
	}
	var ok bool
	if env.condition, ok = env.item.Condition(in.Condition); !ok {
		return Case{}, ErrInvalid.At("body.condition", "case.condition_unknown")
	}
	flow, ok := FlowOf(env.item.Flow)
	if !ok {
		return Case{}, ErrFlowNotYet.With("item", in.Item, "flow", string(env.item.Flow))
	}
	if public && !env.item.Public {
		return Case{}, ErrNotPublic.With("item", in.Item)
	}
	c := Case{
		ID: in.ID, Flow: flow.Key, Item: env.item.Key, ItemVersion: env.item.Admission.Version, Condition: env.condition.Key,
		Title: in.Title, Text: in.Text, Secrecy: secrecyOf(env.item), Channel: in.Channel,
		Occurred: in.Occurred, Recorded: tx.Now(), Version: 1, MadeUp: in.MadeUp,
		Facets: Facets{By: by.By(), Public: public || in.Reporter != nil, Given: in.Due}, claim: &claim{},
	}
	if c.ID.IsZero() {
		c.ID = tx.NewID()
	}
	if c.Occurred.IsZero() {
		c.Occurred = env.at
	}
	if in.Untimed {
		c.Times = &Times{ClosedBeforeOpened: true}
	}
	if c.Channel == "" {
		c.Channel = channelOf(by, public)
	}
	if c.Priority = env.condition.Priority; in.Priority != "" {
		c.Priority = catalog.Priority(in.Priority)
		env.condition.Priority = c.Priority
	}
	if c.Title == "" {
		c.Title = titleOf(in.Text, env.item)
	}
	if err := d.locate(env, in.Place, &c); err != nil {
		return Case{}, err
	}
	if !by.Person.IsZero() {
		c.Named = append(c.Named, by.Person)
	}
	if !public {
		// Whoever may report may report what lies anywhere in the district: his
		// own post stands on the report.
		at := c.Sight()
		at.Posts = append(at.Posts, by.Post)
		if err := by.Check(begins(c.Flow), at); err != nil {
			return Case{}, err
		}
	}
	source, err := d.sourceOf(env, by, public)
	if err != nil {
		return Case{}, err
	}
	if len(in.Form) == 0 && c.Flow == catalog.Approval {
		in.Form = json.RawMessage(`{}`) // an application without answers lacks them
	}
	if len(in.Form) > 0 {
		if err := d.takeForm(env, &c, in.Form); err != nil {
			return Case{}, err
		}
	}
	facts := Facts{Case: c, Item: env.item, Now: env.at, Given: Given{Source: source, Consent: in.Consent}, Imported: by.Trusted(), Hand: Hand{System: by.Trusted()}}
	to, err := flow.Take("report", facts)
	if err != nil {
		return Case{}, err
	}
	c.State = to
	if in.Consent {
		c.Have = map[string]int{"consent": 1}
	}
	if err := d.firstOwner(env, by, &c, public); err != nil {
		return Case{}, err
	}
	if c.Number, err = newNumber(tx, d.zone); err != nil {
		return Case{}, err
	}
	if _, err := d.turn(tx, env, &c, "", env.at, true); err != nil {
		return Case{}, err
	}
	return c, d.keepReport(env, by, &c, in)
}

// repeated finds the case that a report has made already: the same id by the
// same person with the same words. The same id with other content is refused.
func repeated(tx *db.Tx, by *access.Actor, in Report) (Case, bool, error) {
	if in.ID.IsZero() {
		return Case{}, false, nil
	}
	c, err := get(tx, in.ID)
	if errors.Is(err, ErrMissing) {
		return Case{}, false, nil
	}
	if err != nil {
		return Case{}, false, err
	}
	if by.Person.IsZero() || c.By.Person != by.Person || c.Item != in.Item || c.Text != in.Text || !c.Parent.IsZero() {
		return Case{}, true, ErrTaken.With("id", in.ID.String())
	}
	return c, true, nil
}

// keepReport stores a new case with everything that came along.
func (d *Desk) keepReport(env *env, by *access.Actor, c *Case, in Report) error {
	if in.Reporter != nil && !in.Reporter.empty() || c.secret != nil {
		c.Reporter = in.Reporter != nil && !in.Reporter.empty()
		if err := d.putParty(env.tx, *c, in.Reporter); err != nil {
			return err
		}
		if err := d.consented(env, by, *c); err != nil {
			return err
		}
	}
	// Any item may be named on the case; then lists find it by the person.
	for _, p := range c.Named {
		if err := addNamed(env.tx, c.ID, p); err != nil {
			return err
		}
	}
	if err := d.attach(env, by, c, in.Files); err != nil {
		return err
	}
	if err := insert(env.tx, *c); err != nil {
		return err
	}
	if err := d.index(env.tx, *c); err != nil {
		return err
	}
	note(env, by.By(), *c, nil, "case.report", c.Version, &Body{
		Number: c.Number, Title: c.Title, Text: c.Text, Place: c.Where, To: c.State, Files: in.Files,
	})
	return nil
}

// tidy trims and bounds what people wrote.
func (r *Report) tidy(now time.Time) error {
	r.Title, r.Text, r.Place.Words = strings.TrimSpace(r.Title), strings.TrimSpace(r.Text), strings.TrimSpace(r.Place.Words)
	f := ErrInvalid
	long := func(path, s string, most int) {
		if utf8.RuneCountInString(s) > most || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			f = f.At(path, "case.too_long", "most", most)
		}
	}
	long("body.title", r.Title, maxTitle)
	long("body.text", r.Text, maxText)
	long("body.place.words", r.Place.Words, maxWhere)
	if r.Item == "" {
		f = f.At("body.item", "field.required")
	}
	if r.Channel != "" && !channelForm.MatchString(r.Channel) {
		f = f.At("body.channel", "field.wrong")
	}
	if r.Priority != "" && !slices.Contains([]string{"low", "normal", "high", "urgent"}, r.Priority) {
		f = f.At("body.priority", "field.wrong")
	}
	if len(r.Files) > maxFiles {
		f = f.At("body.file_ids", "case.too_many", "most", maxFiles)
	}
	if r.Occurred.After(now.Add(skew)) {
		return ErrFuture.With("occurred_at", r.Occurred.UTC().Format(time.RFC3339)).At("body.occurred_at", "case.future")
	}
	if len(f.Where) > 0 {
		return f
	}
	r.Occurred = r.Occurred.UTC().Truncate(time.Millisecond)
	return nil
}

func secrecyOf(i catalog.Item) journal.Secrecy {
	switch i.Confidentiality.Kind() {
	case catalog.Desk:
		return journal.Desk
	case catalog.Named:
		return journal.Named
	}
	return journal.Open
}

func channelOf(by *access.Actor, public bool) string {
	switch {
	case public:
		return "portal"
	case by.Via == "field", by.Via == "import", by.Via == "sensor":
		return by.Via
	}
	return "desk"
}

// titleOf makes a title of the first words.
func titleOf(text string, item catalog.Item) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	for i, r := range first {
		if strings.ContainsRune("。！？!?；;", r) {
			first = first[:i]
			break
		}
	}
	if first = strings.TrimSpace(first); first == "" {
		return item.Name.Chinese
	}
	return clip(first, 30)
}

// sourceOf says in whose name the register sees a report.
func (d *Desk) sourceOf(env *env, by *access.Actor, public bool) (catalog.Source, error) {
	switch {
	case public:
		return catalog.FromResident, nil
	case by.Via == "sensor":
		return catalog.FromSensor, nil
	case by.Trusted():
		// An importer brings what others reported in their time.
		if len(env.item.RaisedBy) > 0 {
			return env.item.RaisedBy[0], nil
		}
		return catalog.FromDesk, nil
	}
	p, _ := env.org.Post(by.Post)
	u, _ := env.org.Unit(p.Unit)
	switch {
	case u.Kind == org.Department:
		return catalog.FromDepartment, nil
	case p.Level == org.AtGrid || p.Level == org.AtMicroGrid || p.Level == org.AtBuilding:
		return catalog.FromOfficer, nil
	}
	return catalog.FromDesk, nil
}

// takeForm checks the answers to the item's form and parts what is personal
// from the rest; the personal part is sealed with the party.
func (d *Desk) takeForm(env *env, c *Case, raw json.RawMessage) error {
	check := env.catalog.ValidateForm
	if c.Public && c.Flow != catalog.Approval || c.Flow == catalog.Task || c.Channel == "sensor" {
		// A resident or a machine gives what it knows, a task is filled in as it is done.
		check = env.catalog.ValidatePart
	}
	if err := check(env.item, raw); err != nil {
		return err
	}
	var answers map[string]json.RawMessage
	if err := json.Unmarshal(raw, &answers); err != nil {
		return ErrInvalid.At("body.form", "field.wrong").Because(err)
	}
	personal, err := env.catalog.Personal(env.item)
	if err != nil {
		return err
	}
	secret := map[string]json.RawMessage{}
	for name, v := range answers {
		if p := personal[name]; p != "" && p != "none" {
			secret[name] = v
			delete(answers, name)
		}
	}
	if len(secret) > 0 {
		if c.secret, err = json.Marshal(secret); err != nil {
			return err
		}
	}
	c.Form, err = json.Marshal(answers)
	return err
}

// firstOwner finds the post that must act on a new case: the desk that accepts,
// or the first post of a task's route.
func (d *Desk) firstOwner(env *env, by *access.Actor, c *Case, public bool) error {
	intake, ok := d.intakeOf(env, *c)
	if !public && !by.Post.IsZero() {
		// Who takes a call at a desk accepts it there, if the desk may.
		p, found := env.org.Post(by.Post)
		if found && env.allows(p.Role, "case.accept") && (env.allows(p.Role, "case.file") || c.Flow == catalog.Approval) && inScope(by, "case.accept", *c) {
			intake, ok = p, true
		}
	}
	if !ok {
		return ErrNoIntake
	}
	c.Intake = intake.ID
	owner := intake
	if c.Flow == catalog.Task {
		if p, found := d.routed(env, *c); found {
			owner = p
		}
	}
	d.give(env, c, owner.ID)
	return nil
}

// inScope says whether the acting post reaches a case by its scope alone,
// whatever the case's secrecy.
func inScope(by *access.Actor, permission string, c Case) bool {
	return by.Check(permission, journal.Sight{Nodes: c.Nodes, Department: c.Department}) == nil
}

// desks are the roles that accept, file, dispatch and close, nearest first.
var desks = []string{"village_desk", "street_desk", "hub_officer"}

// counters are the roles that take applications in, nearest first.
var counters = []string{"service_clerk", "village_desk", "street_desk", "hub_officer"}

// intakeOf is the nearest desk that accepts cases of a place (受理岗位).
func (d *Desk) intakeOf(env *env, c Case) (org.Post, bool) {
	roles := desks
	if c.Flow == catalog.Approval {
		roles = counters
	}
	for _, role := range roles {
		if p, ok := env.org.NearestPost(role, c.Nodes, id.ID{}, env.staffed); ok {
			return p, true
		}
	}
	return org.Post{}, false
}

// routed is the first post of the item's route that exists near the case.
func (d *Desk) routed(env *env, c Case) (org.Post, bool) {
	for _, p := range d.route(env, c) {
		return p, true
	}
	return org.Post{}, false
}

// route lists the posts of the item's route that exist near the case, in its
// order; a department's posts are those of that department.
func (d *Desk) route(env *env, c Case) []org.Post {
	var out []org.Post
	add := func(p org.Post) {
		if !slices.ContainsFunc(out, func(q org.Post) bool { return q.ID == p.ID }) {
			out = append(out, p)
		}
	}
	for _, s := range env.item.Route {
		if s.Department != "" {
			if u, ok := env.org.Department(s.Department); ok {
				for _, p := range env.org.PostsNear(s.Role, journal.Nodes{}, u.ID, env.staffed) {
					add(p)
				}
			}
			continue
		}
		if near := env.org.PostsNear(s.Role, c.Nodes, id.ID{}, env.staffed); len(near) > 0 {
			add(near[0])
		}
	}
	return out
}

// give makes a post the owner; who acts for it is looked up, and whose
// department it belongs to is noted.
func (d *Desk) give(env *env, c *Case, post id.ID) {
	c.Post, c.Acting = post, post
	if p := env.org.Effective(post, env.staffed); !p.ID.IsZero() {
		c.Acting = p.ID
	}
	if p, ok := env.org.Post(post); ok {
		if u, ok := env.org.Unit(p.Unit); ok && u.Kind == org.Department {
			c.Department = u.ID
		}
	}
}
