package grid

// Kind is what sort of grid it is (网格类型).
type Kind string

const (
	// Comprehensive is an ordinary governance grid (综合网格).
	Comprehensive Kind = "comprehensive"
	// Special is a grid of its own for a park, a market, an office building
	// (专属网格). It is cut out of the ordinary ones.
	Special Kind = "special"
)

func (k Kind) known() bool { return k == Comprehensive || k == Special }
