package notice

import (
	"net/http"
	"strings"

	"onegrid/internal/core/access"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/httpx"
	"onegrid/internal/kit/id"
)

type messageIn struct{ Body MessageIn }

type messageOut struct{ Body MessageView }

type messagesOut struct{ Body httpx.List[MessageView] }

type messagesIn struct{ httpx.Paging }

type placesOut struct {
	Body struct {
		Items []MessagePlace `json:"items"`
	}
}

type audienceIn struct {
	Node  id.ID  `query:"node_id" required:"true"`
	Roles string `query:"roles" maxLength:"1000" doc:"keys, separated by commas; absent: all"`
}

type audienceOut struct{ Body Audience }

type takeBackIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
}

type decideIn struct {
	ID id.ID `path:"id"`
	httpx.Precondition
	Body MessageDecision
}

// messageRoutes mounts the operations on messages written by hand.
func (n *Notices) messageRoutes(e *httpx.Edge) {
	tags := []string{"notice"}
	httpx.Read(e, httpx.Op{ID: "notice.messages", Method: http.MethodGet, Path: "/api/notice-messages", SignedIn: true, Tags: tags,
		Summary: "Messages written by hand in one's scope, newest first"},
		func(tx *db.Tx, by *access.Actor, in *messagesIn) (*messagesOut, error) {
			var after MessagesAfter
			if err := in.Read(&after); err != nil {
				return nil, err
			}
			list, next, err := n.Messages(tx, by, after, in.Limit)
			if err != nil {
				return nil, err
			}
			out := &messagesOut{Body: httpx.List[MessageView]{Items: list}}
			if next != nil {
				out.Body.Next, err = httpx.Cursor(*next)
			}
			return out, err
		})
	httpx.Read(e, httpx.Op{ID: "notice.message_places", Method: http.MethodGet, Path: "/api/notice-messages/places", Permission: permSend, Tags: tags,
		Summary: "Units and grids one may send messages to"},
		func(tx *db.Tx, by *access.Actor, _ *empty) (*placesOut, error) {
			var out placesOut
			var err error
			out.Body.Items, err = n.MessagePlaces(tx, by)
			return &out, err
		})
	httpx.Read(e, httpx.Op{ID: "notice.message_audience", Method: http.MethodGet, Path: "/api/notice-messages/audience", Permission: permSend, Tags: tags,
		Summary: "How many posts a message would go to, by role"},
		func(tx *db.Tx, by *access.Actor, in *audienceIn) (*audienceOut, error) {
			var roles []string
			if in.Roles != "" {
				roles = strings.Split(in.Roles, ",")
			}
			a, err := n.MessageAudience(tx, by, in.Node, roles)
			return &audienceOut{a}, err
		})
	httpx.Write(e, httpx.Op{ID: "notice.write_message", Method: http.MethodPost, Path: "/api/notice-messages", Permission: permSend, Tags: tags,
		Summary: "Write a message to staff; a wide one waits for an approval", Status: http.StatusCreated},
		func(tx *db.Tx, by *access.Actor, in *messageIn) (*messageOut, error) {
			v, err := n.WriteMessage(tx, by, in.Body)
			return &messageOut{v}, err
		})
	httpx.Read(e, httpx.Op{ID: "notice.message", Method: http.MethodGet, Path: "/api/notice-messages/{id}", SignedIn: true, Tags: tags,
		Summary: "A message written by hand and what became of it"},
		func(tx *db.Tx, by *access.Actor, in *noticeIn) (*messageOut, error) {
			v, err := n.ReadMessage(tx, by, in.ID)
			return &messageOut{v}, err
		})
	httpx.Write(e, httpx.Op{ID: "notice.decide_message", Method: http.MethodPost, Path: "/api/notice-messages/{id}/decision", Permission: permApprove, Tags: tags,
		Summary: "Approve or refuse a message that somebody else wrote"},
		func(tx *db.Tx, by *access.Actor, in *decideIn) (*messageOut, error) {
			v, err := n.DecideMessage(tx, by, in.ID, in.Match, in.Body)
			return &messageOut{v}, err
		})
	httpx.Write(e, httpx.Op{ID: "notice.take_back_message", Method: http.MethodPost, Path: "/api/notice-messages/{id}/withdrawal", SignedIn: true, Tags: tags,
		Summary: "Take back what one wrote while it waits for an approval"},
		func(tx *db.Tx, by *access.Actor, in *takeBackIn) (*messageOut, error) {
			v, err := n.TakeBackMessage(tx, by, in.ID, in.Match)
			return &messageOut{v}, err
		})
}
