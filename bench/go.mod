module onegrid/bench

go 1.26
