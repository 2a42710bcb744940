package db

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"onegrid/internal/kit/id"
)

// Millis is a time as it is stored: epoch milliseconds, NULL for none.
func Millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Time scans epoch milliseconds into p, in UTC; NULL becomes the zero time.
func Time(p *time.Time) sql.Scanner { return (*timeScanner)(p) }

type timeScanner time.Time

func (s *timeScanner) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = timeScanner{}
	case int64:
		*s = timeScanner(time.UnixMilli(v).UTC())
	default:
		return fmt.Errorf("%T is no time in milliseconds", src)
	}
	return nil
}

// Text scans a text into p; NULL becomes "".
func Text(p *string) sql.Scanner { return (*textScanner)(p) }

type textScanner string

func (s *textScanner) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = ""
	case string:
		*s = textScanner(v)
	default:
		return fmt.Errorf("%T is no text", src)
	}
	return nil
}

// Int scans a whole number into p; NULL becomes 0.
func Int[T ~int | ~int8 | ~int16 | ~int32 | ~int64](p *T) sql.Scanner { return intScanner[T]{p} }

type intScanner[T ~int | ~int8 | ~int16 | ~int32 | ~int64] struct{ p *T }

func (s intScanner[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s.p = 0
	case int64:
		*s.p = T(v)
		if int64(*s.p) != v {
			return fmt.Errorf("%d does not fit %T", v, *s.p)
		}
	default:
		return fmt.Errorf("%T is no whole number", src)
	}
	return nil
}

// Float scans a number into p; NULL becomes 0.
func Float(p *float64) sql.Scanner { return (*floatScanner)(p) }

type floatScanner float64

func (s *floatScanner) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = 0
	case float64:
		*s = floatScanner(v)
	case int64:
		*s = floatScanner(v)
	default:
		return fmt.Errorf("%T is no number", src)
	}
	return nil
}

// Bool is a truth value as it is stored: 0 or 1.
func Bool(b bool) any {
	if b {
		return int64(1)
	}
	return int64(0)
}

// ScanBool scans 0 or 1 (NULL is false) into p.
func ScanBool(p *bool) sql.Scanner { return (*boolScanner)(p) }

type boolScanner bool

func (s *boolScanner) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s = false
	case int64:
		*s = v != 0
	case bool:
		*s = boolScanner(v)
	default:
		return fmt.Errorf("%T is no truth value", src)
	}
	return nil
}

// JSON is a value as it is stored: JSON text. A nil value is NULL.
func JSON(v any) any { return jsonValue{v} }

type jsonValue struct{ v any }

func (j jsonValue) Value() (driver.Value, error) {
	switch v := j.v.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		if v == nil {
			return nil, nil
		}
		return string(v), nil
	}
	b, err := json.Marshal(j.v)
	return string(b), err
}

// ScanJSON scans JSON text into the value p points to; NULL leaves it alone.
func ScanJSON(p any) sql.Scanner { return jsonScanner{p} }

type jsonScanner struct{ p any }

func (s jsonScanner) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		if raw, ok := s.p.(*json.RawMessage); ok {
			*raw = json.RawMessage(v)
			return nil
		}
		return json.Unmarshal([]byte(v), s.p)
	default:
		return fmt.Errorf("%T is no JSON text", src)
	}
}

// plain turns an argument into what both engines take: nil, int64, float64,
// string or []byte.
func plain(a any) (any, error) {
	switch v := a.(type) {
	case nil, int64, float64, string:
		return a, nil
	case []byte:
		if v == nil {
			return nil, nil
		}
		return a, nil
	case id.ID:
		if v.IsZero() {
			return nil, nil
		}
		return v[:], nil
	case int:
		return int64(v), nil
	case bool:
		return Bool(v), nil
	case time.Time:
		return nil, fmt.Errorf("a time is stored through db.Millis")
	case json.RawMessage:
		if v == nil {
			return nil, nil
		}
		return string(v), nil
	case driver.Valuer:
		if r := reflect.ValueOf(a); r.Kind() == reflect.Pointer && r.IsNil() {
			return nil, nil
		}
		w, err := v.Value()
		if err != nil {
			return nil, err
		}
		if _, again := w.(driver.Valuer); again {
			return nil, fmt.Errorf("%T gives another valuer", a)
		}
		return plain(w)
	}
	r := reflect.ValueOf(a)
	switch r.Kind() {
	case reflect.String:
		return r.String(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := r.Uint(); u <= 1<<63-1 {
			return int64(u), nil
		}
	case reflect.Float32, reflect.Float64:
		return r.Float(), nil
	case reflect.Bool:
		return Bool(r.Bool()), nil
	case reflect.Pointer:
		if r.IsNil() {
			return nil, nil
		}
		return plain(r.Elem().Interface())
	}
	return nil, fmt.Errorf("a %T can't be stored", a)
}

// assign copies a column's value into the variable that dest points to.
func assign(dest, src any) error {
	switch d := dest.(type) {
	case *int64:
		if v, ok := src.(int64); ok {
			*d = v
			return nil
		}
	case *string:
		if v, ok := src.(string); ok {
			*d = v
			return nil
		}
	case *int:
		if v, ok := src.(int64); ok {
			*d = int(v)
			return nil
		}
	case *id.ID:
		return d.Scan(src)
	case *[]byte:
		switch v := src.(type) {
		case nil:
			*d = nil
			return nil
		case []byte:
			*d = v
			return nil
		}
	case *float64:
		switch v := src.(type) {
		case float64:
			*d = v
			return nil
		case int64:
			*d = float64(v)
			return nil
		}
	case *bool:
		switch v := src.(type) {
		case int64:
			*d = v != 0
			return nil
		case bool:
			*d = v
			return nil
		}
	case *any:
		*d = src
		return nil
	case sql.Scanner:
		return d.Scan(src)
	}
	r := reflect.ValueOf(dest)
	if r.Kind() != reflect.Pointer || r.IsNil() {
		return ErrMisuse.Because(fmt.Errorf("can't scan into a %T", dest))
	}
	r = r.Elem()
	switch v := src.(type) {
	case string:
		if r.Kind() == reflect.String {
			r.SetString(v)
			return nil
		}
	case int64:
		switch r.Kind() {
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			if !r.OverflowInt(v) {
				r.SetInt(v)
				return nil
			}
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			if v >= 0 && !r.OverflowUint(uint64(v)) {
				r.SetUint(uint64(v))
				return nil
			}
		case reflect.Bool:
			r.SetBool(v != 0)
			return nil
		}
	case float64:
		if r.Kind() == reflect.Float32 || r.Kind() == reflect.Float64 {
			r.SetFloat(v)
			return nil
		}
	}
	if src == nil {
		return fmt.Errorf("NULL can't be read into a %T", dest)
	}
	return fmt.Errorf("%T can't be read into a %T", src, dest)
}
