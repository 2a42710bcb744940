//go:build unix

package disk

import (
	"errors"
	"syscall"
)

// Of is the room of the disk that dir lies on, as an ordinary user has it.
func Of(dir string) (Room, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return Room{}, err
	}
	unit := int64(s.Bsize) //nolint:unconvert // of another type on other systems
	return Room{Size: int64(s.Blocks) * unit, Free: int64(s.Bavail) * unit}, nil
}

// Full says that something failed because there is no room.
func Full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Refuses says that something failed because the disk takes nothing: it is
// mounted for reading only, or broken.
func Refuses(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO)
}
