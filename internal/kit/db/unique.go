package db

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Unique says whether err is the violation of a unique constraint.
func Unique(err error) bool {
	var s *sqlite.Error
	if errors.As(err, &s) {
		return s.Code() == 1555 || s.Code() == 2067 // PRIMARYKEY, UNIQUE
	}
	var p *pgconn.PgError
	return errors.As(err, &p) && p.Code == "23505"
}
