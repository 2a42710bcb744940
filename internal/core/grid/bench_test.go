package grid

import (
	"math/rand/v2"
	"testing"

	"onegrid/internal/kit/geo"
)

// BenchmarkFind looks up random positions in lattices of cells with 48 corners,
// the drawing of notes/geo.md section 1. Run with -benchtime=3s; the figure is
// lookups on one core.
func BenchmarkFind(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"196", 14}, {"1024", 32}, {"10000", 100}, {"99856", 316}} {
		b.Run(c.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			drawn := draw(b, lattice(r, c.n, 12), 0)
			p := &Partition{}
			for _, d := range drawn {
				p.Shapes = append(p.Shapes, d.Shape)
			}
			p.locator = geo.NewIndex(p.Shapes)
			nodes := make([]geo.Node, 1<<16)
			for i := range nodes {
				nodes[i] = geo.Node{
					X: 1170000000 + int32(r.Float64()*float64(c.n)*0.004*geo.Scale),
					Y: 368000000 + int32(r.Float64()*float64(c.n)*0.004*geo.Scale),
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			found := 0
			for i := range b.N {
				if p.locator.Find(nodes[i&(1<<16-1)]) >= 0 {
					found++
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lookups/s")
			if b.N > 1000 && found < b.N*9/10 {
				b.Fatalf("only %d of %d found", found, b.N)
			}
		})
	}
}

// BenchmarkBuild checks and nodes a whole drawing, as an import does.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{14, 100} {
		b.Run(map[int]string{14: "196", 100: "10000"}[n], func(b *testing.B) {
			drawn := draw(b, lattice(rand.New(rand.NewPCG(1, 1)), n, 12), 0)
			b.ReportAllocs()
			for b.Loop() {
				if p, err := Build(drawn); err != nil || len(p.Flaws) > 0 {
					b.Fatal(err, len(p.Flaws))
				}
			}
		})
	}
}
