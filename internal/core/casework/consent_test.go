package casework

import (
	"errors"
	"testing"

	"onegrid/internal/core/registry"
	"onegrid/internal/kit/db"
)

// The data of a child opens only while a guardian's consent stands; what was
// withdrawn stays shut but in an emergency, and a new consent opens it again.
func TestConsentOpensAndShuts(t *testing.T) {
	eachHouse(t, func(h *house) {
		c := h.reports("village", Report{Item: "counsel_referral", Text: "想找人谈谈", Reporter: &PartyIn{Name: "演示孙某", Phone: "13800005552"},
			Form: []byte(`{"to":"hotline","consented":true,"age_group":"under_14","guardian_consent":true,"phone":"13800005552"}`)})
		looks := func(purpose string, want error) {
			h.Helper()
			err := h.db.Write(h.ctx, func(tx *db.Tx) error {
				_, err := h.desk.Reveal(tx, h.as(tx, "village"), c.ID, purpose, "核实情况")
				return err
			})
			if !errors.Is(err, want) {
				h.Errorf("for %s: %v, not %v", purpose, err, want)
			}
		}
		looks("verify", nil)
		h.write(func(tx *db.Tx) error { return h.desk.WithdrawConsent(tx, h.as(tx, "village"), c.ID) })
		looks("verify", registry.ErrGuardian)
		looks("emergency", nil)
		h.write(func(tx *db.Tx) error {
			_, err := h.desk.RecordConsent(tx, h.as(tx, "village"), c.ID, registry.ByPerson, "spoken")
			return err
		})
		looks("verify", registry.ErrGuardian) // the child's own is not enough
		h.write(func(tx *db.Tx) error {
			_, err := h.desk.RecordConsent(tx, h.as(tx, "village"), c.ID, registry.ByGuardian, "paper")
			return err
		})
		looks("verify", nil)
		err := h.db.Write(h.ctx, func(tx *db.Tx) error {
			_, err := h.desk.RecordConsent(tx, h.as(tx, "village"), c.ID, "telepathy", "paper")
			return err
		})
		if !errors.Is(err, registry.ErrInvalid) {
			h.Errorf("a consent of no kind: %v", err)
		}

		// An adult's: withdrawn, it is over for everybody.
		a := h.reports("village", Report{Item: "errand", Text: "代买药", Reporter: &PartyIn{Name: "演示李某", Phone: "13800005553"},
			Form: []byte(`{"errand":"medicine","wanted_by":"2026-11-25T10:00:00+08:00","phone":"13800005553"}`)})
		c = a
		looks("contact", nil)
		h.write(func(tx *db.Tx) error { return h.desk.WithdrawConsent(tx, h.as(tx, "village"), c.ID) })
		looks("contact", registry.ErrWithdrawn)
	})
}
