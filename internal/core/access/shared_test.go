package access_test

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/org"
	"onegrid/internal/kit/id"
)

const pin = "402917"

// enrolsPhone registers a device of a unit at the desk and enrols a phone.
func (desk *browser) enrolsPhone(unit id.ID, roles ...string) (phone *browser, device id.ID) {
	desk.Helper()
	var s access.Shared
	desk.gets("201", "POST", "/api/shared-devices", m{"name": "巡查手机 3", "unit_id": unit, "roles": roles}, &s)
	var code struct{ Address, QR string }
	desk.gets("201", "POST", "/api/shared-devices/"+s.ID.String()+"/code", m{"page": "https://grid.example.org/desk/device"}, &code)
	u, err := url.Parse(code.Address)
	if err != nil || u.Fragment == "" || code.QR == "" {
		desk.Fatalf("%+v %v", code, err)
	}
	phone = desk.browser("203.0.113.90")
	phone.gets("204", "POST", "/api/device/enrol", m{"code": u.Fragment}, nil)
	// The code served; another phone that read it is none.
	desk.browser("203.0.113.91").gets("404 access.enrolment_over", "POST", "/api/device/enrol", m{"code": u.Fragment}, nil)
	return phone, s.ID
}

// village is a platform with a desk and two officers who share a phone.
func (o *office) village() (desk, an, bo *browser, posts [2]id.ID) {
	o.Helper()
	system, security := o.admin(0), o.admin(1)
	hold := func(person, post id.ID) {
		if _, err := o.holds(person, post, org.Holder, time.Time{}); err != nil {
			o.Fatal(err)
		}
	}
	clerk, a, b := o.person("值班员（演示）"), o.person("安（演示）"), o.person("博（演示）")
	hold(clerk, o.post("village_desk", org.AtVillage, o.platform, o.platform))
	for i, p := range []id.ID{a, b} {
		posts[i] = o.post("grid_officer", org.AtGrid, o.platform, nid(900+i))
		hold(p, posts[i])
	}
	desk, an, bo = o.staff(system, security, "desk", clerk), o.staff(system, security, "an.officer", a), o.staff(system, security, "bo.the.officer", b)
	return desk, an, bo, posts
}

func (b *browser) opens(person id.ID, number, want string) {
	b.Helper()
	b.gets(want, "POST", "/api/device/session", m{"person_id": person, "pin": number, "app": "field"}, &b.me)
}

// A phone that several people use is enrolled by the desk, opened by each one's
// number, can do what its posts can and nothing else, locks itself when it is
// put down, and ends with a word of the desk.
func TestSharedDevice(t *testing.T) {
	each(t, nil, func(o *office) {
		desk, an, bo, posts := o.village()
		for number, want := range map[string]string{"111111": "422 access.weak_pin", "123456": "422 access.weak_pin", "12345": "422 access.weak_pin", "12a456": "422 access.weak_pin", pin: "204"} {
			an.gets(want, "PUT", "/api/session/pin", m{"pin": number}, nil)
		}
		// An second post elsewhere, and a role given to the person.
		second := o.post("street_desk", org.AtStreet, o.street, o.street)
		if _, err := o.holds(an.me.Person.ID, second, org.Holder, time.Time{}); err != nil {
			t.Fatal(err)
		}
		phone, device := desk.enrolsPhone(o.platform, "grid_officer")

		var v access.SharedView
		phone.gets("200", "GET", "/api/device", nil, &v)
		if len(v.People) != 2 || v.Name != "巡查手机 3" { // not the desk's clerk
			t.Fatalf("%+v", v)
		}
		for _, p := range v.People {
			if p.PIN != (p.ID == an.me.Person.ID) || len(p.Posts) != 1 {
				t.Fatalf("%+v", p)
			}
		}
		o.browser("203.0.113.92").gets("404 access.no_device", "GET", "/api/device", nil, nil)
		o.browser("203.0.113.92").opens(an.me.Person.ID, pin, "404 access.no_device")

		phone.opens(an.me.Person.ID, pin, "200")
		if phone.me.PostID != posts[0] || len(phone.me.Posts) != 1 || phone.me.Shared != "巡查手机 3" || slices.Contains(phone.me.Permissions, "org.stand_in") {
			t.Fatalf("%+v", phone.me)
		}
		// Nothing of the other post: not by the header, not by choosing it.
		phone.post = second
		phone.gets("403 access.not_your_post", "GET", "/api/session", nil, nil)
		phone.post = id.ID{}
		phone.gets("403 access.not_your_post", "PUT", "/api/session/post", m{"post_id": second}, nil)
		phone.gets("403 access.denied", "GET", "/api/org/posts", nil, nil)
		// A number is no proof of who sits there.
		phone.gets("403 access.confirm_first", "POST", "/api/session/recovery", nil, nil)
		phone.gets("403 access.confirm_first", "PUT", "/api/session/pin", m{"pin": "908172"}, nil)

		// Used, it stays open; put down, it locks itself.
		for range 3 {
			o.clock.Add(4 * time.Minute)
			phone.gets("200", "GET", "/api/session", nil, nil)
		}
		o.clock.Add(6 * time.Minute)
		phone.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		// The next one takes it; he had no number yet.
		phone.opens(bo.me.Person.ID, "000000", "401 access.wrong_pin")
		bo.signsIn("bo.the.officer") // the proof grew old
		bo.gets("204", "PUT", "/api/session/pin", m{"pin": "771903"}, nil)
		phone.opens(bo.me.Person.ID, pin, "401 access.wrong_pin")
		phone.opens(bo.me.Person.ID, "771903", "200")
		// Who has no post on it does not open it, whatever the number.
		desk.signsIn("desk")
		desk.gets("204", "PUT", "/api/session/pin", m{"pin": pin}, nil)
		phone.opens(desk.me.Person.ID, pin, "401 access.wrong_pin")

		phone.opens(an.me.Person.ID, pin, "200")
		var list struct{ Items []access.Shared }
		desk.gets("200", "GET", "/api/shared-devices", nil, &list)
		if len(list.Items) != 1 || list.Items[0].Enrolled.IsZero() {
			t.Fatalf("%+v", list)
		}
		desk.gets("204", "DELETE", "/api/shared-devices/"+device.String(), nil, nil)
		phone.gets("401 access.sign_in", "GET", "/api/session", nil, nil)
		phone.opens(an.me.Person.ID, pin, "404 access.no_device")
		desk.gets("409 access.ended", "DELETE", "/api/shared-devices/"+device.String(), nil, nil)
		desk.gets("409 access.ended", "POST", "/api/shared-devices/"+device.String()+"/code", m{"page": "x"}, nil)
		for kind, n := range map[string]int{"access.shared_register": 1, "access.shared_code": 1, "access.shared_enrol": 1, "access.shared_revoke": 1} {
			if got := len(o.entries(kind)); got != n {
				t.Errorf("%d entries %s, want %d", got, kind, n)
			}
		}
	})
}

// Whoever guesses a number slows that person on that phone: not the others on
// it, not his other phone, not his password. A code that is late enrols nothing,
// and a new one takes the old phone's place.
func TestSharedDeviceGuessed(t *testing.T) {
	each(t, nil, func(o *office) {
		desk, an, bo, _ := o.village()
		an.gets("204", "PUT", "/api/session/pin", m{"pin": pin}, nil)
		bo.signsIn("bo.the.officer")
		bo.gets("204", "PUT", "/api/session/pin", m{"pin": "771903"}, nil)
		phone, device := desk.enrolsPhone(o.platform)
		other, _ := desk.enrolsPhone(o.platform)
		slowed := false
		for i := range 12 {
			got, _ := phone.asks("POST", "/api/device/session", m{"person_id": an.me.Person.ID, "pin": "3" + pin[1:]})
			slowed = slowed || got == "429 access.wait"
			if i > 7 && !slowed {
				t.Fatal("a number can be guessed freely")
			}
		}
		phone.opens(an.me.Person.ID, pin, "429 access.wait")
		phone.opens(bo.me.Person.ID, "771903", "200")
		other.opens(an.me.Person.ID, pin, "200")
		an.signsIn("an.officer")
		o.clock.Add(25 * time.Hour)
		phone.opens(an.me.Person.ID, pin, "200")

		desk.signsIn("desk")
		var code struct{ Address string }
		path := "/api/shared-devices/" + device.String() + "/code"
		desk.gets("201", "POST", path, m{"page": "p"}, &code)
		o.clock.Add(16 * time.Minute)
		o.browser("203.0.113.95").gets("404 access.enrolment_over", "POST", "/api/device/enrol", m{"code": code.Address[2:]}, nil)
		desk.gets("201", "POST", path, m{"page": "p"}, &code)
		next := o.browser("203.0.113.95")
		next.gets("204", "POST", "/api/device/enrol", m{"code": code.Address[2:]}, nil)
		phone.gets("404 access.no_device", "GET", "/api/device", nil, nil)
		next.opens(bo.me.Person.ID, "771903", "200")
	})
}

// Devices are dealt with inside one's own scope only.
func TestSharedDeviceScope(t *testing.T) {
	each(t, nil, func(o *office) {
		desk, an, _, _ := o.village()
		_, device := desk.enrolsPhone(o.platform)
		desk.gets("403 access.denied", "POST", "/api/shared-devices", m{"name": "x", "unit_id": o.street}, nil)
		desk.gets("422 access.invalid", "POST", "/api/shared-devices", m{"name": " ", "unit_id": o.platform}, nil)
		desk.gets("422 access.invalid", "POST", "/api/shared-devices", m{"name": "x", "unit_id": nid(77)}, nil)
		desk.gets("422 access.invalid", "POST", "/api/shared-devices", m{"name": "x", "unit_id": o.platform, "roles": []string{"king"}}, nil)
		an.gets("403 access.denied", "GET", "/api/shared-devices", nil, nil)
		an.gets("403 access.denied", "DELETE", "/api/shared-devices/"+device.String(), nil, nil)
		desk.gets("404 access.missing", "DELETE", "/api/shared-devices/"+nid(5).String(), nil, nil)
	})
}
