package main

//go:generate go run . api spec --out ../../api/openapi.json
//go:generate go run . api words zh-CN --out ../../web/packages/words/src/faults.zh-CN.json
//go:generate go run . api words en --out ../../web/packages/words/src/faults.en.json
