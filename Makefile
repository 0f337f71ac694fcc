# SPDX-License-Identifier: Apache-2.0
.DEFAULT_GOAL := help
.PHONY: help run build test ledger check lint bench bench-catalog bench-tails noise survival conformance sdk loki schemathesis telemetry image-check composition-check clean

help: ## Print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Not where only tests are built: they would be built again with each commit.
run build noise survival bench-tails bench bench-catalog conformance image-check composition-check: \
    export BUILD_REVISION = $(shell scripts/revision)

run: ## Install what is missing, build, serve the demo, and say what to try
	@scripts/install build
	@scripts/run $(ARGS)

build: ## Build the release binary, .build/release/lucarne
	@scripts/install build
	swift build -c release --static-swift-stdlib --product lucarne

test: ## Install what the tests need, and run all of them (ARGS='--filter RestTests' for some)
	@scripts/install test
	@scripts/test $(ARGS)

noise: ## Send a million random requests, and see that no series and no memory come of it (minutes)
	@scripts/install test
	swift build -c release --static-swift-stdlib --product lucarne
	@LUCARNE_TEST_BINARY="$$PWD/.build/release/lucarne" LUCARNE_TEST_NOISE=1000000 \
		scripts/test --filter LogSurvivalTests

survival: ## Kill the process at 50,000 log records a second, and see that its last one is told (minutes)
	@scripts/install test
	swift build -c release --static-swift-stdlib --product lucarne
	@LUCARNE_TEST_BINARY="$$PWD/.build/release/lucarne" LUCARNE_TEST_RECORDS=50000 \
		scripts/test --filter 'LogSurvivalTests.*killed'

bench-tails: ## Measure requests while three clients follow the log
	@scripts/install bench
	swift build -c release --static-swift-stdlib --product lucarne
	@python3 Benchmarks/tails.py

ledger: ## Hold the four accounts of 10,000 requests against each other (minutes)
	@scripts/install test
	@LUCARNE_TEST_REQUESTS=10000 scripts/test --filter LedgerTests

lint: ## Check format and style
	@scripts/lint

check: lint test ## Format, lint, house rules, tests

bench: ## Measure beside pgbench and nginx, and print the ratios (ARGS='--quick')
	@scripts/install bench
	@Benchmarks/run $(ARGS)

bench-catalog: ## Measure a catalog of 10,000 tables (ARGS=another number)
	@scripts/install bench
	@Benchmarks/catalog $(ARGS)

conformance: ## Replay cases made from PostgREST's specification (CASES=file of JSON lines; skipped without)
	@scripts/conformance $(CASES) $(ARGS)

sdk: ## Run supabase-py's PostgREST tests, unmodified (SUPABASE_PY=checkout; skipped without one)
	@scripts/sdk-suite $(ARGS)

loki: ## Push to a real Loki, kill it, and ask it every panel (LOKI=binary; skipped without one)
	@scripts/loki $(ARGS)

schemathesis: ## Try the API by its OpenAPI 3.1 document (EXAMPLES=requests an operation)
	@scripts/install test
	@scripts/schemathesis $(ARGS)

telemetry: ## Write dashboards, rules and documents from their declarations
	swift build --product lucarne
	.build/debug/lucarne telemetry write

image-check: ## Build the container image and run it against a PostgreSQL (root, podman; minutes)
	@scripts/install image
	@scripts/image

composition-check: ## Start docker-compose.yml and ask all that is in it (LOKI=binary; root, podman; minutes)
	@scripts/install composition
	@scripts/composition

clean: ## Remove what was built
	rm -rf .build
