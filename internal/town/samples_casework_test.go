package town_test

// flowSamples are the operations around deadlines that the samples of cases do
// not reach.
func flowSamples() []sample {
	return []sample{
		{op: "case.redated", scopes: noScope, make: func(*matrix, string, string) ask { return ask{path: "/api/deadline-changes"} }},
	}
}
