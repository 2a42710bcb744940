package blob

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// spool holds what came over the line until it is given out: in memory, or in a
// file that is gone when it is closed.
type spool struct {
	memory bytes.Buffer
	file   *os.File
}

func (s *spool) Write(p []byte) (int, error) {
	if s.file != nil {
		return s.file.Write(p)
	}
	return s.memory.Write(p)
}

// Len is how much stands in memory.
func (s *spool) Len() int { return s.memory.Len() }

// onto goes on in a file of dir.
func (s *spool) onto(dir string) error {
	f, err := os.CreateTemp(dir, "get-*") // 0600
	if err != nil {
		return err
	}
	s.file = f
	_, err = s.memory.WriteTo(f)
	return err
}

// open gives what was written, from its beginning.
func (s *spool) open() (io.ReadSeekCloser, error) {
	if s.file == nil {
		return inPlace{bytes.NewReader(s.memory.Bytes())}, nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return spooled{s.file}, nil
}

// Close lets go of what was not given out.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	return spooled{s.file}.Close()
}

type inPlace struct{ io.ReadSeeker }

func (inPlace) Close() error { return nil }

type spooled struct{ *os.File }

func (f spooled) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }
