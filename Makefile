# OneGrid. `make help` lists the targets.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The same for building, linting and testing, so that each package is compiled once.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath

# Data of tests is worth nothing: it lies in memory where there is room (4 GB), so
# that no test waits for a disk. What Go compiles stays on the disk.
TEST_DATA := $(shell [ "$$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)" -gt 4000000 ] 2>/dev/null && echo /dev/shm || echo "$${TMPDIR:-/tmp}")
# Tests are many short programs: less collecting makes them faster.
IN_MEMORY := GOGC=400 GOTMPDIR="$${TMPDIR:-/tmp}" TMPDIR=$(TEST_DATA)

GOLANGCI_LINT := bin/tools/golangci-lint
GOLANGCI_LINT_VERSION := v2.15.0
# A real S3 server, for tests only.
VERSITYGW := bin/tools/versitygw
VERSITYGW_VERSION := v1.8.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)
GO_SOURCES := $(shell find cmd internal data -type f -not -name "*_test.go" 2>/dev/null) web/embed.go go.mod go.sum

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: build ## build and run the demo district on http://127.0.0.1:8080
	bin/onegrid demo --dir demo-data

.PHONY: build
build: bin/onegrid ## build bin/onegrid with the web apps inside

bin/onegrid: $(GO_SOURCES) web/dist/.built
	go build -ldflags "-s -w -X main.version=$(VERSION)" -o $@ ./cmd/onegrid

web/node_modules/.installed: web/package-lock.json
	@scripts/setup build
	npm ci --prefix web --no-audit --no-fund
	@touch $@

web/dist/.built: web/node_modules/.installed $(WEB_SOURCES)
	npm run --prefix web build
	@touch $@

$(GOLANGCI_LINT):
	GOGC=200 GOBIN=$(CURDIR)/bin/tools go install -ldflags "-s -w" github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

.PHONY: lint
lint: $(GOLANGCI_LINT) web/dist/.built ## gofmt, golangci-lint, eslint, vue-tsc
	@test -z "$$(gofmt -l cmd internal data web/embed.go bench)" || { gofmt -l cmd internal data web/embed.go bench; exit 1; }
	GOGC=200 $(GOLANGCI_LINT) run ./...
	npm run --prefix web lint
	npm run --prefix web check

.PHONY: generate
generate: web/node_modules/.installed ## words, OpenAPI, typed client, diagrams, demo area
	@mkdir -p web/dist && touch web/dist/.gitkeep
	go generate ./...
	npm run --prefix web gen

$(VERSITYGW):
	GOGC=200 GOBIN=$(CURDIR)/bin/tools go install -ldflags "-s -w" github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION)

.PHONY: setup-test
setup-test: $(VERSITYGW)
	@scripts/setup test

.PHONY: test
test: setup-test ## everything but the long runs of `make proof`
	$(MAKE) --no-print-directory build
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory generate
	@git diff --exit-code --stat || { echo "make generate changed files: commit what it wrote"; exit 1; }
	trap 'TMPDIR=$(TEST_DATA) scripts/stop-test-postgres' EXIT; $(IN_MEMORY) go test -vet=off -ldflags "-s -w" -timeout 15m ./... # make lint vetted
	cd bench && go vet ./... && $(IN_MEMORY) go test -vet=off -timeout 5m ./... # whether the scenarios' answers are right
	npm run --prefix web test
	$(MAKE) --no-print-directory e2e

.PHONY: e2e
e2e: setup-test build ## stories in a real browser against the real program
	cd e2e && npm ci --no-audit --no-fund && TMPDIR=$(TEST_DATA) npm test

# A program of its own, so that the figures name the commit and nothing is compiled while they run.
bin/bench: $(wildcard bench/*.go) bench/go.mod bench/go.sum
	cd bench && go build -o ../bin/bench .

.PHONY: bench
bench: setup-test build bin/bench ## every scenario beside its reference in under 25 minutes; writes docs/benchmarks.md
	@scripts/setup bench
	cd bench && ../bin/bench all --program ../bin/onegrid

.PHONY: bench-quick
bench-quick: setup-test build bin/bench ## the same in under a minute, once and short: prints the JSON lines
	cd bench && ../bin/bench all --quick --program ../bin/onegrid

.PHONY: fuzz
fuzz: ## every parser and decoder against chance, a minute each
	scripts/fuzz

.PHONY: abuse
abuse: setup-test build ## requests of chance to every operation, a public flood, a ceiling of memory
	scripts/proof abuse
	cd bench && go run . flood && go run . ceiling

.PHONY: proof
proof: setup-test build ## the long runs; writes docs/proof/
	scripts/proof

.PHONY: faults
faults: setup-test ## everything fails under load, and nothing is lost; writes docs/proof/faults.md
	scripts/proof faults

.PHONY: clean
clean: ## remove what was built
	rm -rf bin web/dist e2e/results
