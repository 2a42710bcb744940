package device

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onegrid/internal/core/access"
	"onegrid/internal/core/journal"
	"onegrid/internal/kit/db"
	"onegrid/internal/kit/id"
)

const columns = `id, code, kind, name_zh, name_en, lon, lat, place, unit_id, hub_id, street_id, platform_id, grid_id, micro_id, department_id,
	purpose, sign, state, last_at, since_at, quiet_at, quiet_minutes, issued_at, secret, made_up, version`

func fields(d *Device) []any {
	return []any{&d.ID, &d.Key, &d.Kind, &d.Name.Chinese, &d.Name.English, &d.Lon, &d.Lat, &d.Place, &d.Unit, &d.At.Hub, &d.At.Street, &d.At.Platform, &d.At.Grid, &d.At.Micro, &d.Department,
		&d.Purpose, db.ScanJSON(&d.Sign), &d.State, db.Time(&d.Last), db.Time(&d.Since), db.Time(&d.QuietAt), db.Int(&d.Quiet), db.Time(&d.Issued), &d.hash, db.ScanBool(&d.MadeUp), &d.Version}
}

func values(d Device) []any {
	var sign any
	if d.Sign != nil {
		sign = db.JSON(d.Sign)
	}
	return []any{d.ID, d.Key, d.Kind, d.Name.Chinese, d.Name.English, d.Lon, d.Lat, d.Place, d.Unit, none(d.At.Hub), none(d.At.Street), none(d.At.Platform), none(d.At.Grid), none(d.At.Micro), none(d.Department),
		d.Purpose, sign, string(d.State), db.Millis(d.Last), db.Millis(d.Since), db.Millis(d.QuietAt), d.Quiet, db.Millis(d.Issued), d.hash, db.Bool(d.MadeUp), d.Version}
}

func none(v id.ID) any {
	if v.IsZero() {
		return nil
	}
	return v
}

func insert(tx *db.Tx, d Device) error {
	_, err := tx.Exec(`INSERT INTO device (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)`, values(d)...)
	if err != nil {
		return fmt.Errorf("write a device: %w", err)
	}
	return nil
}

func update(tx *db.Tx, d Device) error {
	_, err := tx.Exec(`UPDATE device SET code = $2, kind = $3, name_zh = $4, name_en = $5, lon = $6, lat = $7, place = $8, unit_id = $9, hub_id = $10, street_id = $11, platform_id = $12,
		grid_id = $13, micro_id = $14, department_id = $15, purpose = $16, sign = $17, state = $18, last_at = $19, since_at = $20, quiet_at = $21, quiet_minutes = $22, issued_at = $23,
		secret = $24, made_up = $25, version = $26 WHERE id = $1`, values(d)...)
	if err != nil {
		return fmt.Errorf("change a device: %w", err)
	}
	return nil
}

func byID(tx *db.Tx, v id.ID) (Device, error) {
	return one(tx.Row(`SELECT `+columns+` FROM device WHERE id = $1`, v))
}

func one(row db.Row) (Device, error) {
	var d Device
	err := row.Scan(fields(&d)...)
	if errors.Is(err, db.ErrNoRows) {
		return d, ErrMissing
	}
	if err != nil {
		return d, fmt.Errorf("read a device: %w", err)
	}
	return d, nil
}

func where(tx *db.Tx, q string, args ...any) ([]Device, error) {
	rows, err := tx.Query(`SELECT `+columns+` FROM device WHERE `+q, args...)
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	defer rows.Close()
	var out []Device
	for rows.Next() {
		var d Device
		if err := rows.Scan(fields(&d)...); err != nil {
			return nil, fmt.Errorf("list devices: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Query is which devices a list shows.
type Query struct {
	Kind, State, After string // After: the key of the last one of the page before
	Limit              int
}

// List lists the devices in the actor's scope by their keys; more says that there
// are others behind. Each kind is read under its own permission, along the index
// of each granted node.
func (d *Devices) List(tx *db.Tx, by *access.Actor, q Query) (list []Device, more bool, err error) {
	found := map[id.ID]Device{}
	for _, kind := range d.kinds {
		if q.Kind != "" && q.Kind != kind.Key {
			continue
		}
		walks := by.Walks(kind.view())
		for _, w := range by.Walks(kind.manage()) {
			if !slices.ContainsFunc(walks, func(x access.Walk) bool { return x.Column == w.Column && x.Node == w.Node }) {
				walks = append(walks, w)
			}
		}
		for _, w := range walks {
			if w.Column == access.PostColumn || w.Column == access.PersonColumn {
				continue // a device has neither
			}
			// The column is one of access's own names, never an input.
			args := []any{w.Node, kind.Key, q.After, q.Limit + 1}
			filter := ``
			if q.State != "" {
				filter, args = ` AND state = $5`, append(args, q.State)
			}
			some, err := where(tx, w.Column+` = $1 AND kind = $2 AND code > $3`+filter+` ORDER BY code LIMIT $4`, args...)
			if err != nil {
				return nil, false, err
			}
			for _, v := range some {
				found[v.ID] = v
			}
		}
	}
	for _, v := range found {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b Device) int { return cmp.Compare(a.Key, b.Key) })
	if len(list) > q.Limit {
		return list[:q.Limit], true, nil
	}
	return list, false, nil
}

// Issue gives a device a new credential, shown once: the one before ends.
// Permission <rights>.manage. Codes: device.missing, device.ended.
func (d *Devices) Issue(tx *db.Tx, by *access.Actor, device id.ID) (string, Device, error) {
	v, _, err := d.mine(tx, by, device)
	if err != nil {
		return "", v, err
	}
	if v.State == Ended {
		return "", v, ErrEnded
	}
	secret := hex.EncodeToString(v.ID[:]) + "." + base64.RawURLEncoding.EncodeToString(tx.Random(secretBytes))
	v.hash, v.Issued = hashOf(secret), tx.Now()
	v.Version++
	if err := update(tx, v); err != nil {
		return "", v, err
	}
	note(tx, by.By(), v, nil, "device.issue")
	return secret, v, nil
}

// Revoke ends a device's credential.
func (d *Devices) Revoke(tx *db.Tx, by *access.Actor, device id.ID) (Device, error) {
	v, _, err := d.mine(tx, by, device)
	if err != nil || v.hash == nil {
		return v, err
	}
	v.hash, v.Issued = nil, time.Time{}
	v.Version++
	if err := update(tx, v); err != nil {
		return v, err
	}
	note(tx, by.By(), v, nil, "device.revoke")
	return v, nil
}

// Known finds the device whose credential this is. Code: device.credential.
func (d *Devices) Known(tx *db.Tx, credential string) (Device, error) {
	if len(credential) > 200 || !strings.Contains(credential, ".") {
		return Device{}, ErrCredential
	}
	v, err := one(tx.Row(`SELECT `+columns+` FROM device WHERE secret = $1`, hashOf(credential)))
	if errors.Is(err, ErrMissing) || err == nil && v.State == Ended {
		return Device{}, ErrCredential
	}
	return v, err
}

// Beat is a device's word that it lives (心跳). Code: device.credential.
func (d *Devices) Beat(tx *db.Tx, credential string) (Device, error) {
	v, err := d.Known(tx, credential)
	if err != nil {
		return v, err
	}
	return v, d.Heard(tx, &v)
}

// Heard notes that a device spoke, by whatever protocol. Only coming back is
// written to the journal.
func (d *Devices) Heard(tx *db.Tx, v *Device) error {
	v.Last, v.QuietAt = tx.Now(), tx.Now().Add(time.Duration(v.Quiet)*time.Minute)
	was := v.State
	if was == Online {
		_, err := tx.Exec(`UPDATE device SET last_at = $1, quiet_at = $2 WHERE id = $3 AND state = 'online'`, db.Millis(v.Last), db.Millis(v.QuietAt), v.ID)
		if err != nil {
			return fmt.Errorf("note a heartbeat: %w", err)
		}
		return nil
	}
	v.State, v.Since = Online, tx.Now()
	_, err := tx.Exec(`UPDATE device SET state = 'online', last_at = $1, quiet_at = $2, since_at = $1 WHERE id = $3`, db.Millis(v.Last), db.Millis(v.QuietAt), v.ID)
	if err != nil {
		return fmt.Errorf("note a heartbeat: %w", err)
	}
	note(tx, journal.By{Via: "device"}, *v, nil, "device.online")
	return nil
}

const sweepBatch = 200

// Sweep finds the devices that have been silent for too long.
func (d *Devices) Sweep(ctx context.Context, store *db.DB) (offline int, err error) {
	var waiting int64
	if err := store.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT COUNT(*) FROM device WHERE quiet_at IS NOT NULL AND quiet_at <= $1`, db.Millis(tx.Now())).Scan(&waiting)
	}); err != nil || waiting == 0 {
		return 0, err
	}
	for {
		n := 0
		err := store.Write(ctx, func(tx *db.Tx) error {
			due, err := where(tx, `quiet_at IS NOT NULL AND quiet_at <= $1 ORDER BY quiet_at LIMIT $2`, db.Millis(tx.Now()), sweepBatch)
			if err != nil {
				return err
			}
			n = len(due)
			for _, v := range due {
				marked, err := tx.Exec(`UPDATE device SET state = 'offline', quiet_at = NULL, since_at = $1 WHERE id = $2 AND quiet_at <= $1`, db.Millis(tx.Now()), v.ID)
				if err != nil {
					return fmt.Errorf("mark a device offline: %w", err)
				}
				if marked > 0 {
					v.State = Offline
					note(tx, journal.By{Via: "sweeper"}, v, nil, "device.offline")
				}
			}
			return nil
		})
		offline += n
		if err != nil || n < sweepBatch {
			return offline, err
		}
	}
}
