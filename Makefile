# cohort: bare `make` lists what there is.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO      ?= go

# Everything but the tests that start processes and containers. Those run
# whenever they are asked to: go test cannot see that the binary has changed.
UNIT     = $(shell $(GO) list ./... | grep -v /test/)
TIMEOUT ?= 15m

# What make test leaves out by -short is in these packages; check-long runs them whole.
LONG     = $(shell grep -rl 'testing\.Short()' --include='*_test.go' . | grep -v '^./test/' | xargs -n 1 dirname | sort -u)
# The one scenario on processes that make test plays.
SCENARIO ?= both_sides_write_and_one_view_joins_them

# Simulated schedules of each model for each kind of operator in make test.
SEEDS_TEST ?= 100
# Simulated schedules for each kind of operator: as many as CI runs, and fewer
# under the race detector, which is ten times slower and looks for something else.
SEEDS      ?= 1500
SEEDS_RACE ?= 10
# The same for causal buckets by themselves, and beside strong ones: 2,000 and 1,000 for
# the three operators together.
SEEDS_CAUSAL      ?= 667
SEEDS_MIXED       ?= 334
SEEDS_CAUSAL_RACE ?= 5
# And of those that are bent towards what the usual ones meet rarely.
SEEDS_BENT        ?= 150
# How often nodes with data on disk are killed in make restarts.
ROUNDS            ?= 50
# How long each Fuzz function runs.
FUZZTIME          ?= 30s
# The first seed; empty: the simulator's own choice.
SEED       ?=
# sane, splitting, adversarial, or all of them
OPERATOR   ?= all
# strong, causal, or both
MODEL      ?= strong
# Fewer collections of garbage: a run keeps little, and makes much.
SIMULATE    = GOGC=400 COHORT_SIM_MODEL=$(2) COHORT_SIM_OPERATOR=$(OPERATOR) COHORT_SIM_SCHEDULES=$(1) COHORT_SIM_SEED=$(SEED)

# The go command on the source with the deliberate bugs planted.
MUTANTS     = GO=$(GO) $(GO) run ./internal/cmd/mutants

.DEFAULT_GOAL := help
.PHONY: help build demo image test check check-long gofmt vet staticcheck unit unit-long sim-quick process-quick unit-race sim-causal sim-calm sim-garbled sim-twins process \
	process-race restarts mutants fuzz nightly sim test-containers test-containers-all prose arch mutate clean

help: ## this list
	@echo 'cohort $(VERSION)'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

build: ## the static binary, bin/cohort
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/cohort ./cmd/cohort

demo: build ## three nodes in one process, with curl lines to paste
	bin/cohort demo

image: ## the container image, cohort
	scripts/golang-image
	docker build --build-arg VERSION=$(VERSION) -t cohort .

test: ## what a contributor runs all day: formatting, vet, staticcheck, quick tests, a few hundred schedules, one scenario
	@scripts/timed gofmt vet staticcheck unit sim-quick process-quick

check: ## make test, and then everything else but containers and fuzzing, with the time each took
	@scripts/timed test check-long

check-long: ## what make check does beyond make test
	@scripts/timed unit-long process unit-race process-race mutants sim-causal sim-calm sim-garbled sim-twins

gofmt: ## formatting
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt -w is needed for:"; echo "$$files"; exit 1; }

vet: ## go vet, with and without the deliberate bugs
	$(GO) vet ./...
	$(MUTANTS) vet ./internal/...

staticcheck: ## staticcheck
	$(GO) tool staticcheck ./...

unit: ## unit tests, but for those that take long
	@$(call SIMULATE,$(SEEDS_TEST),strong) $(GO) test -short -timeout $(TIMEOUT) $(UNIT)

unit-long: ## the packages whose tests take long, whole, and SEEDS schedules of strong buckets for each operator
	@$(call SIMULATE,$(SEEDS),strong) $(GO) test -timeout $(TIMEOUT) $(LONG)

sim-quick: ## SEEDS_TEST schedules of causal buckets, and of both kinds, for each operator
	@for model in causal both; do \
		$(call SIMULATE,$(SEEDS_TEST),$$model) $(GO) test -timeout $(TIMEOUT) ./internal/sim -run 'TestSimulate$$' || exit 1; done

sim-causal: ## SEEDS_CAUSAL schedules of causal buckets for each operator, and SEEDS_MIXED of both kinds
	@$(call SIMULATE,$(SEEDS_CAUSAL),causal) $(GO) test -timeout $(TIMEOUT) ./internal/sim -run 'TestSimulate$$'
	@$(call SIMULATE,$(SEEDS_MIXED),both) $(GO) test -timeout $(TIMEOUT) ./internal/sim -run 'TestSimulate$$'
	@for profile in reused-counters cut-references late-delivery data-loss lost-answers restarts-with-disk; do \
		COHORT_SIM_PROFILE=$$profile $(call SIMULATE,$(SEEDS_BENT),causal) $(GO) test -timeout $(TIMEOUT) ./internal/sim -run 'TestSimulate$$' || exit 1; done

sim-garbled: ## SEEDS_BENT schedules in which nodes say what is not so, of each kind of buckets
	@for model in strong causal both; do \
		COHORT_SIM_PROFILE=garbled $(call SIMULATE,$(SEEDS_BENT),$$model) COHORT_SIM_OPERATOR=adversarial $(GO) test -timeout $(TIMEOUT) ./internal/sim -run 'TestSimulate$$' || exit 1; done

sim-calm: ## SEEDS_BENT schedules with calm stretches, of each kind of buckets and for each operator: how long everything takes
	@for model in strong causal both; do \
		COHORT_SIM_PROFILE=calm-stretches $(call SIMULATE,$(SEEDS_BENT),$$model) $(GO) test -timeout $(TIMEOUT) ./internal/sim -run 'TestSimulate$$' || exit 1; done

sim-twins: ## SEEDS_BENT schedules of strong buckets in which two processes have one id
	@COHORT_SIM_PROFILE=twins $(call SIMULATE,$(SEEDS_BENT),strong) COHORT_SIM_OPERATOR=adversarial $(GO) test -timeout $(TIMEOUT) ./internal/sim -run 'TestSimulate$$'

unit-race: ## all unit tests under the race detector, with SEEDS_RACE and SEEDS_CAUSAL_RACE schedules
	@$(call SIMULATE,$(SEEDS_RACE),strong) $(GO) test -race -timeout $(TIMEOUT) $(UNIT)
	@$(call SIMULATE,$(SEEDS_CAUSAL_RACE),causal) $(GO) test -race -timeout $(TIMEOUT) ./internal/sim -run 'TestSimulate$$'
	@$(call SIMULATE,$(SEEDS_CAUSAL_RACE),both) $(GO) test -race -timeout $(TIMEOUT) ./internal/sim -run 'TestSimulate$$'

process-quick: ## one scenario on real processes
	$(GO) test -count=1 -timeout $(TIMEOUT) -run 'TestScenarios/^$(SCENARIO)$$' ./test/process

process: ## tests of real processes
	$(GO) test -count=1 -timeout $(TIMEOUT) ./test/process/...

restarts: ## ROUNDS times, all nodes are killed under load and find their data again; and one after another
	COHORT_PROCESS_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 0 ./test/process -run 'TestNothingIsLostWhen(AllNodesAreKilledTogether|NodesAreKilledOneAfterAnother)$$'

process-race: ## all tests of real processes under the race detector, but for what measures the machine when all is ten times slower
	$(GO) test -race -count=1 -timeout 40m -skip 'TestScenarios/(twenty-two|a_chain_of|thousand|three_hundred|shards_change|one_shard_becomes)' ./test/process/...

test-containers: ## tests of real containers and networks; skipped, loudly, without an engine
	$(GO) test -count=1 -v -timeout 40m ./test/containers/...

test-containers-all: ## the same and the scenarios that take long
	COHORT_CONTAINERS_ALL=1 $(GO) test -count=1 -v -timeout 2h ./test/containers/...

sim: ## more schedules: make sim SEEDS=100000 MODEL=both, or one again: make sim SEEDS=1 SEED=17 OPERATOR=adversarial
	$(call SIMULATE,$(SEEDS),$(MODEL)) $(GO) test -count=1 -v -timeout 0 ./internal/sim

mutants: ## every deliberate bug is found, and how many seeds that takes
	GOGC=400 $(MUTANTS) test -count=1 -v -timeout $(TIMEOUT) ./internal/sim -run Mutant

fuzz: ## every Fuzz function for FUZZTIME; make fuzz ONLY=Step: those whose name matches
	@GO=$(GO) FUZZTIME=$(FUZZTIME) scripts/fuzz $(ONLY)

nightly: ## what takes a night: every Fuzz function for ten minutes, deliberate bugs, restarts, all containers
	@FUZZTIME=10m ROUNDS=300 scripts/timed fuzz mutants restarts test-containers-all

prose: ## how long the sentences of documents and comments are, and which are too long
	@$(GO) run ./internal/cmd/prose

arch: ## the packages by floors, each with what it imports
	@$(GO) run ./internal/cmd/arch

mutate: ## N random one-line bugs in the protocols: which test finds each, and which live; make mutate N=50 SEED=7 IN=node/view
	@$(GO) run ./internal/cmd/mutate -n $(or $(N),50) -seed $(or $(SEED),1) -in $(or $(IN),node)

clean: ## removes bin
	rm -rf bin
