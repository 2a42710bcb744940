package portal

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"onegrid/internal/core/casework"
)

// followPage puts what the reporter may see into sentences.
func (g *page) followPage(v *casework.PublicCase) *followPage {
	can := func(act string) bool { return slices.Contains(v.Can, act) }
	d := &followPage{
		Number: v.Number, Title: titleOf(v, g), What: v.ItemName.In(g.Lang), Place: v.Place, Text: v.Text,
		CanRate: can("rate"), CanObject: can("object"), CanComment: can("comment"), CanWithdraw: can("withdraw"), CanConfirm: can("confirm"),
		Steps: g.steps(v), Typed: map[string]string{},
	}
	if d.Promise, d.PromiseHint, d.Late = g.promise(v); v.Application != nil {
		d.Applied = g.applied(v)
		d.Promise, d.PromiseHint = "", ""
	}
	for _, m := range v.Messages {
		if m.Own {
			d.Added = append(d.Added, added{Text: m.Text.In(g.Lang), When: g.Moment(m.At)})
		}
	}
	for _, f := range v.Photos {
		at := "/api/public/reports/" + v.Number + "/files/" + f.ID.String()
		key := "portal.photo_after"
		switch {
		case f.Own && f.Waiting && d.Applied != nil:
			key = "portal.paper_waiting"
		case f.Own && d.Applied != nil:
			key = "portal.paper_mine"
		case f.Own && f.Waiting:
			key = "portal.photo_waiting"
		case f.Own:
			key = "portal.photo_mine"
		}
		d.Photos = append(d.Photos, shownPhoto{View: at, Thumb: at + "?size=thumb", Caption: g.Say(key), Paper: f.Paper})
	}
	for _, l := range v.Looked {
		d.Reads = append(d.Reads, readBy{Post: l.Post.In(g.Lang), When: g.Moment(l.At), Purpose: l.Purpose.In(g.Lang)})
	}
	for _, r := range v.Reasons {
		d.Reasons = append(d.Reasons, Choice{Key: r.Key, Name: r.Name.In(g.Lang)})
	}
	for score := 5; score >= 1; score-- {
		d.Scores = append(d.Scores, Choice{Key: strconv.Itoa(score), Name: g.Say("portal.score_" + strconv.Itoa(score))})
	}
	if v.Rating != nil {
		d.Rating = g.Say("portal.rated", "score", g.Say("portal.score_"+strconv.Itoa(v.Rating.Score)))
		d.RatingWords = v.Rating.Words
	}
	return d
}

// titleOf is what a report is called: its first words, else its item.
func titleOf(v *casework.PublicCase, g *page) string {
	first := strings.TrimSpace(v.Text)
	if i := sentenceEnd.FindStringIndex(first); i != nil {
		first = first[:i[0]]
	}
	r := []rune(strings.TrimSpace(first))
	most := 24
	if len(first) == len(r) {
		most = 60 // letters are narrower than hanzi
	}
	switch {
	case len(r) == 0:
		return v.ItemName.In(g.Lang)
	case len(r) > most:
		return string(r[:most]) + "…"
	}
	return string(r)
}

var sentenceEnd = regexp.MustCompile(`[\n。！？!?；;]|\.(\s|$)`)

// promise is the promised time as a sentence, what follows when it is not kept,
// and whether it was missed.
func (g *page) promise(v *casework.PublicCase) (sentence, hint string, late bool) {
	switch {
	case v.Paused:
		return g.Say("portal.promise_paused"), g.Say("portal.promise_paused_hint"), false
	case v.Promised.IsZero():
		return "", "", false
	case !v.Estimated && g.now.After(v.Promised):
		return g.Say("portal.promise_late", "when", g.Moment(v.Promised)), g.Say("portal.promise_late_hint"), true
	case v.Estimated:
		return g.Say("portal.promise_estimate", "when", g.Moment(v.Promised)), g.Say("portal.promise_estimate_hint"), false
	}
	return g.Say("portal.promise_handle", "when", g.Moment(v.Promised)), g.Say("portal.promise_hint"), false
}

// steps are the stages in the vertical form, each with what was said to the
// resident while it lasted. What was refused or taken back shows only the
// stages it went through.
func (g *page) steps(v *casework.PublicCase) []step {
	var out []step
	short := v.Refused || v.Ended
	var stages []casework.PublicStage
	for _, s := range v.Stages {
		if !short || s.State == "now" || !s.At.IsZero() {
			stages = append(stages, s)
		}
	}
	for i, s := range stages {
		st := step{Class: s.State, Name: s.Name.In(g.Lang), Mark: strconv.Itoa(i + 1), When: g.Moment(s.At)}
		switch s.State {
		case "past":
			st.Mark = "✓"
		case "now":
			st.Text = s.Text.In(g.Lang)
			if s.Key == "closed" {
				st.Mark = "✓"
			}
		}
		if s.Key == "closed" {
			switch {
			case v.Refused && v.Application != nil:
				st.Name, st.Text, st.Mark = g.Say("portal.app_declined"), g.Say("portal.app_declined_next"), "×"
			case v.Refused:
				st.Name, st.Text, st.Mark = g.Say("portal.stage_refused"), g.Say("portal.stage_refused_text"), "×"
			case v.Ended:
				st.Name, st.Text, st.Mark = g.Say("portal.stage_ended"), g.Say("portal.stage_ended_text"), "×"
			}
		}
		out = append(out, st)
	}
	for _, m := range v.Messages {
		if m.Own || len(out) == 0 {
			continue
		}
		at := 0
		for i, s := range stages {
			if s.State != "next" && !s.At.IsZero() && !s.At.After(m.At) {
				at = i
			}
		}
		out[at].Said = append(out[at].Said, m.Text.In(g.Lang))
	}
	return out
}
