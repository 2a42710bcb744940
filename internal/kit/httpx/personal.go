package httpx

import (
	"onegrid/internal/kit/personal"
	"onegrid/internal/kit/words"
)

// Personal declares what this room stores about people.
func Personal() personal.Room {
	return personal.Room{Name: "httpx", Fields: []personal.Field{
		{Key: "http_receipt.actor", Name: words.Text{Chinese: "谁发出的命令", English: "Who sent a command"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"trace"}, Retention: "receipt"},
		{Key: "http_receipt.result", Name: words.Text{Chinese: "命令的回答", English: "Answer to a command"}, Level: personal.Basic, Whose: personal.Anyone,
			Purposes: []string{"handle_case"}, Retention: "receipt"},
	}, Plain: []string{"http_receipt.content", "http_receipt.subject"}}
}
