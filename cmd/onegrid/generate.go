package main

//go:generate go run . api spec --out ../../api/openapi.json
//go:generate go run . api words --screens ../../web --out ../../api/words.json
