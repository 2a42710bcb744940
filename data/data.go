// Package data holds the files that ship inside the program: official holidays,
// real divisions, default work items and their dictionaries, import mappings,
// the demo's area and requests, and what faces are found with to be blurred. They
// are only files; the room that owns a subject reads its own and keeps what an
// office may edit in its own tables.
package data

import "embed"

// FS has the folders as they lie beside this file.
//
//go:embed defaults divisions holidays mappings demo faces
var FS embed.FS
