package notice

import (
	"time"

	"onegrid/internal/core/org"
	"onegrid/internal/kit/id"
)

func orgHolding(post, person id.ID, from time.Time) org.HoldingIn {
	return org.HoldingIn{Post: post, Person: person, From: from}
}
