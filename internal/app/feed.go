package app

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/fault"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/live"
)

// feedSource lets the live hub read the journal, without bodies: the feed
// carries ids, kinds and places and never personal data.
type feedSource struct{ app *App }

func (s feedSource) Since(ctx context.Context, after int64, limit int) (events []live.Event, err error) {
	err = s.app.DB.Read(ctx, func(tx *db.Tx) error {
		entries, err := journal.Feed(tx, after, limit)
		if err != nil {
			return err
		}
		events = make([]live.Event, len(entries))
		for i, e := range entries {
			events[i] = live.Event{Number: e.Number, Kind: e.Kind, Subject: e.Subject, Case: e.Case, Version: e.Version, Nodes: e.Sight.Nodes, After: &e.Sight}
			if e.Before != nil {
				events[i].Before = e.Before
			}
		}
		return nil
	})
	return events, err
}

func (s feedSource) Head(ctx context.Context) (head int64, err error) {
	err = s.app.DB.Read(ctx, func(tx *db.Tx) error {
		head, err = journal.Head(tx)
		return err
	})
	return head, err
}

// sees is what a person is told of an event: acts on cases and tasks that lie
// in the person's scope now, and "gone" for what left it with this act.
func sees(by *access.Actor) live.Filter {
	return func(e *live.Event) live.View {
		if strings.HasPrefix(e.Kind, "notice.") {
			// One's own inbox moved.
			if at, ok := e.After.(*journal.Sight); ok && slices.Contains(at.Persons, by.Person) {
				return live.See
			}
			return live.Nothing
		}
		if !strings.HasPrefix(e.Kind, "case.") && !strings.HasPrefix(e.Kind, "task.") {
			return live.Nothing
		}
		after, _ := e.After.(*journal.Sight)
		if after != nil && by.Sees("case.view", *after) {
			return live.See
		}
		if before, _ := e.Before.(*journal.Sight); before != nil && by.Sees("case.view", *before) {
			return live.Gone
		}
		return live.Nothing
	}
}

type feedIn struct {
	LastEventID string `header:"Last-Event-ID" doc:"the last event that was received; the stream goes on after it"`
	After       string `query:"after" doc:"the same for the first connection: the head of a list"`
}

// feedRoutes registers the live stream of cases.
func (a *App) feedRoutes(e *httpx.Edge) {
	op := httpx.Op{ID: "feed.listen", Method: "GET", Path: "/api/feed", SignedIn: true, Tags: []string{"feed"},
		Summary: "Changes of cases in one's scope as they happen (server-sent events)"}
	httpx.Stream(e, op, func(ctx context.Context, by *access.Actor, in *feedIn, w *httpx.EventWriter) error {
		after := int64(-1)
		for _, text := range []string{in.LastEventID, in.After} {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
				after = n
				break
			}
		}
		ended, stop := a.Access.Watch(by)
		defer stop()
		standing := a.Access.Standing(a.DB, by)
		alive := func(since time.Time) bool {
			select {
			case <-ended:
				return false
			default:
			}
			// On several machines another one may have ended the session.
			err := standing(ctx, since)
			if err == nil {
				return true
			}
			// A database that does not answer just now ends nobody's rights; nothing
			// can be told from it either.
			kind := fault.Of(err).Kind
			return kind != fault.SignIn && kind != fault.Forbidden && kind != fault.Missing
		}
		over, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-ended:
				a.feed.Kick()
			case <-over.Done():
			}
		}()
		return a.feed.Serve(ctx, live.Subscription{After: after, Filter: sees(by), Until: by.Until(), Alive: alive}, w)
	})
}
