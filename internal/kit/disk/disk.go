// Package disk says how much room the disk of a folder has. It owns nothing.
package disk

// Room is what a disk has and what may still be written to it, in bytes. Where
// the system does not tell, Size is 0 and Free without bounds: a full disk shows
// itself when writing fails.
type Room struct{ Size, Free int64 }
