package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
	"onegrid/internal/kit/words"
)

// DemoAccount is an account offered on the demo's own sign-in page.
type DemoAccount struct {
	Account string     `json:"account"`
	Name    string     `json:"name"`
	Post    words.Text `json:"post"`
	Role    words.Text `json:"role"`
	App     string     `json:"app"`
}

// CreateDemoAccount gives a person an account without a password, for the demo
// alone; post is the one that acts at first, so that whoever chose an account
// for its post gets that post (zero: the first held). Only the program itself
// makes them, and only when Options.Demo is on. Code: access.no_demo.
func (a *Access) CreateDemoAccount(tx *db.Tx, by *Actor, name string, person, post id.ID) (Account, error) {
	if !a.o.Demo || !by.Trusted() {
		return Account{}, ErrNoDemo
	}
	acc, err := a.createAccount(tx, by, AccountIn{Name: name, Person: person, Demo: true}, tx.Now())
	if err != nil || post.IsZero() {
		return acc, err
	}
	if _, err := tx.Exec(`UPDATE access_account SET post = $1 WHERE id = $2`, post, acc.ID); err != nil {
		return acc, fmt.Errorf("first post of account %s: %w", acc.ID, err)
	}
	return acc, nil
}

// DemoAccounts lists what the demo's sign-in page offers. Code: access.no_demo.
func (a *Access) DemoAccounts(tx *db.Tx) ([]DemoAccount, error) {
	if !a.o.Demo {
		return nil, ErrNoDemo
	}
	list, err := accounts(tx, `demo = 1`)
	if err != nil {
		return nil, err
	}
	st, err := a.cache.Get(tx)
	if err != nil {
		return nil, err
	}
	o, err := a.org.Snapshot(tx)
	if err != nil {
		return nil, err
	}
	out := []DemoAccount{}
	order := map[string]int{}
	for i, r := range st.book.Roles {
		order[r.Key] = i
	}
	ranks := map[string]int{}
	for _, acc := range list {
		p, _ := o.Person(acc.Person)
		v := DemoAccount{Account: acc.Name, Name: p.Name}
		role := ""
		if post, ok := o.Post(firstPost(o, acc.Person, acc.Post, tx.Now())); ok {
			v.Post, role = post.Name, post.Role
		} else if direct := st.direct[acc.Person]; len(direct) > 0 {
			role = direct[0].Role
		}
		r, _ := st.book.Role(role)
		v.Role, v.App = r.Name, r.App
		if v.Post == (words.Text{}) {
			v.Post = r.Name
		}
		ranks[v.Account] = order[role]
		out = append(out, v)
	}
	slices.SortFunc(out, func(x, y DemoAccount) int {
		return cmp.Or(cmp.Compare(ranks[x.Account], ranks[y.Account]), cmp.Compare(x.Account, y.Account))
	})
	return out, nil
}

// DemoSignIn begins a session of a demo account without a password. Codes:
// access.no_demo, access.wrong_credentials.
func (a *Access) DemoSignIn(ctx context.Context, d *db.DB, name string, in Entrance) (SignInOut, error) {
	if !a.o.Demo {
		return SignInOut{}, ErrNoDemo
	}
	var out SignInOut
	err := d.Write(ctx, func(tx *db.Tx) error {
		acc, err := accountByName(tx, fold(name))
		if err != nil || !acc.Demo || !acc.Disabled.IsZero() {
			return ErrWrong
		}
		in.way = wayDemo
		out.Actor, out.Token, err = a.begin(tx, acc, in)
		return err
	})
	if err == nil {
		a.Stats.SignIns.Add(1)
	}
	return out, err
}
