# Needs Go, git and make; the rest installs itself (infra/setup/install.sh), or is named when it cannot.

.DEFAULT_GOAL := help
.PHONY: help run test test-all test-cloud bench lint lint-code build release

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## install what is missing, build, and serve with demo tenants; Ctrl-C stops all of it
	@infra/setup/install.sh run
	@$(MAKE) --no-print-directory build
	@exec bin/lignum dev

build: ## build bin/lignum
	@go build -o bin/lignum ./api/cmd/lignum

# .ci/run names fewer, since make test-cloud runs the rest, and vets nothing again, since make lint has.
PACKAGES = ./...
VET =

# Compiled packages name no folder, so that every checkout of the same sources finds them in Go's cache.
TRIMMED = GOFLAGS="$$(go env GOFLAGS) -trimpath"

# A program with the race detector sleeps for a second before it ends, in case something races even then. There are some fifty, and many of them start more.
RACE = CGO_ENABLED=1 GORACE="atexit_sleep_ms=50 $$GORACE"

# Three packages at a time: on two cores, one of them mostly waits for the database. They share one cluster, and a browser each would starve on a small machine.
test: ## install what is missing and run the tests, with the race detector; of what is long a tenth, by the commit's hash
	@infra/setup/install.sh test
	$(TRIMMED) $(RACE) go test $(VET) -race -shuffle=on -count=1 -p 3 -timeout 20m $(PACKAGES)

test-all: ## the same with the whole of what is long: every browser day, ten times as many generated cases
	@infra/setup/install.sh test
	LIGNUM_TEST_ALL=1 $(TRIMMED) $(RACE) go test -race -shuffle=on -count=1 -p 3 -timeout 90m ./...

# What takes longest begins first here too. TestGoals simulates twenty whole years, for which the race detector is too slow. What comes out follows from the
# sources alone, so it is run where they changed (no -count=1), and Go remembers it otherwise.
test-cloud: ## check the CloudFormation with cfn-lint, run the cloud tests against moto, and keep files there
	@missing=; \
	command -v cfn-lint >/dev/null || missing="$$missing cfn-lint"; \
	command -v moto_server >/dev/null || missing="$$missing 'moto[server]'"; \
	for name in $$missing; do echo "missing; install with: pipx install $$name"; done; \
	[ -z "$$missing" ]
	@infra/setup/install.sh cloud
	$(TRIMMED) $(RACE) go test $(VET) -race -shuffle=on -count=1 -p 3 -timeout 10m -tags cloud -skip '^TestGoals$$' ./infra/release ./tenants/files ./tenants/mail ./infra/...
	LIGNUM_TEST_ALL=1 $(TRIMMED) go test $(VET) -timeout 20m -run '^TestGoals$$' ./infra/autoscale/simulate

bench: ## measure reads, audited writes, authorization, exam attempts, a surge, noise, sign-ins, the record day, growth and 1,000 tenants; a missed goal fails
	@infra/setup/install.sh run
	go run ./tests/bench

lint: lint-code ## formatting, go vet, the linters of .golangci.yaml and their planted faults, known vulnerabilities
	@infra/setup/vulnerabilities.sh lint

# The linters have Go compile everything first: with the race detector, where there is one, so that the tests find it compiled. With GOGC=400 the compiler
# takes a fifth less time, and more memory, up to a bound.
# tests/lint needs the tools of the linters built, which takes minutes and the network, so make test leaves it to this (build tag lint).
lint-code:
	@linter=$$(infra/setup/tool.sh golangci-lint) && race= && if [ "$$(go env CGO_ENABLED)" = 1 ]; then race=-race; fi && \
		GOGC=400 GOMEMLIMIT=2GiB GOFLAGS="$$(go env GOFLAGS) -trimpath $$race" "$$linter" run ./...
	@$(TRIMMED) go test -tags lint -count=1 ./tests/lint

release: ## check a clean checkout and build into dist/ what is delivered: programs, image, functions, what is in them, hashes
	@infra/setup/install.sh release
	@infra/release/release.sh
