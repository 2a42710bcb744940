package main

//go:generate go run . api spec --out ../../api/openapi.json
//go:generate go run . api words --screens ../../web --out ../../api/words.json
//go:generate go run . api protection --language en --out ../../docs/data-protection.md
//go:generate go run . api protection --language zh-CN --out ../../docs/data-protection.zh-CN.md
