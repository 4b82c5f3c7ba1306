# `make` lists the targets. The build itself is Bazel's: BUILD.bazel files say what depends on what.
.DEFAULT_GOAL := help
SHELL := bash
STATE := .souk

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

.PHONY: tools
tools: ## Install the tools that are missing
	@dev/bootstrap.sh

.PHONY: run
run: tools ## Start the local stack; Ctrl-C stops it
	@dev/fetch.sh debian pypi kafka elasticsearch npm victorialogs
	@dev/build.sh //dev:stack
	@bazel run --ui_event_filters=-info --noshow_progress --show_result=0 //dev:stack

.PHONY: backup
backup: tools ## Take a base backup of the running stack's PostgreSQL, and archive its WAL from now on
	@bazel run --ui_event_filters=-info --noshow_progress //dev:recovery -- backup

.PHONY: restore
restore: tools ## Restore the stopped stack: TIME=2026-11-30T12:00:00Z, or the latest archived state
	@bazel run --ui_event_filters=-info --noshow_progress //dev:recovery -- restore $(TIME)

.PHONY: reset
reset: ## Delete the data of a stopped stack
	@mkdir -p $(STATE) && flock --nonblock $(STATE)/lock rm -rf $(STATE)/data $(STATE)/logs || { echo "the stack is running: stop it first" >&2; exit 1; }

.PHONY: logs
logs: ## Follow a component's log: make logs S=order
	@dev/logs.sh $(STATE)/logs '$(S)'

.PHONY: migrate-up
migrate-up: tools ## Apply migrations and create topics on the running servers
	@for service in account catalog order payment notification; do PROFILE=$${PROFILE:-development} bazel run --ui_event_filters=-info --noshow_progress //$$service:migrate || exit 1; done

.PHONY: test
test: tools ## Run every test
	@dev/fetch.sh debian pypi kafka elasticsearch npm clients mkdocs go victorialogs
	@dev/test.sh //...

.PHONY: unit-test
unit-test: tools ## Run the tests that start no server
	@dev/test.sh --test_tag_filters=-integration,-e2e //...

.PHONY: integration-test
integration-test: tools ## Run the tests that start real servers
	@dev/test.sh --test_tag_filters=integration,e2e //...

.PHONY: load-test
load-test: tools ## Measure CPU time, latency and memory of each operation and of whole journeys, then check data consistency
	@bazel run --ui_event_filters=-info --noshow_progress //tests/load -- $(ARGS)

.PHONY: scale-test
scale-test: tools ## Fill databases with 10,000,000 orders (26 GB), and measure every query and periodic job on them
	@bazel run --ui_event_filters=-info --noshow_progress //tests/scale -- $(ARGS)

.PHONY: invariants
invariants: tools ## Check the running stack: stock, orders, money, mail, events, index (ARGS=--internal: without provider and mail server)
	@bazel run --ui_event_filters=-info --noshow_progress //tests/invariants -- $(ARGS)

.PHONY: sweep-test
sweep-test: tools ## Cancel 10,000 overdue orders while shoppers order, and measure their latency
	@bazel run --ui_event_filters=-info --noshow_progress //tests/sweep -- $(ARGS)

.PHONY: fault-test
fault-test: tools ## Place 10,000 orders while processes, networks and the payment provider fail, then check every invariant
	@bazel run --ui_event_filters=-info --noshow_progress //tests/faults -- $(ARGS)

.PHONY: restore-drill
restore-drill: tools ## Lose the data of PostgreSQL, Kafka and Elasticsearch under traffic, restore it, and check every invariant
	@bazel run --ui_event_filters=-info --noshow_progress //tests/disasters -- $(ARGS)

.PHONY: alert-drill
alert-drill: tools ## Cause every alert on a stack of its own, with shortened windows, and wait until each fires
	@bazel run --ui_event_filters=-info --noshow_progress //tests/alerts -- $(ARGS)

.PHONY: upgrade-test
upgrade-test: tools ## Upgrade 10,000,000 orders from an older commit under traffic: ARGS="--from COMMIT"
	@bazel run --ui_event_filters=-info --noshow_progress //tests/upgrade -- $(ARGS)

.PHONY: ci-test
ci-test: tools ## Run the steps of a workflow's job in a new root of Debian: ARGS="ci/lint" (root, debootstrap)
	@bazel run --ui_event_filters=-info --noshow_progress //tests/ci -- $(ARGS)

.PHONY: cluster-test
cluster-test: tools ## Start a Kubernetes node, as root, and check the production overlay; ARGS="--only test_operation" installs Souk on it
	@dev/fetch.sh debian pypi kafka elasticsearch npm kubernetes
	@dev/build.sh //:image_load
	@bazel run --ui_event_filters=-info --noshow_progress //tests/cluster -- $(ARGS)

.PHONY: reproduce
reproduce: tools ## Build every image twice from different folders (as root: in different roots) and compare the digests
	@dev/reproduce.sh $(ARGS)

.PHONY: coverage
coverage: tools ## Line coverage of all tests but e2e, in one report
	@dev/coverage.sh

.PHONY: lint
lint: tools ## Run ruff, mypy, import-linter, buf and the structure tests
	@dev/test.sh //tests/lint/... //tests/house/...

.PHONY: format
format: tools ## Format the code and apply the fixes of ruff
	@dev/tool.sh ruff check --fix . && dev/tool.sh ruff format .

.PHONY: proto-gen
proto-gen: tools ## Write generated Python and stubs of the contracts to .souk/stubs, for editors
	@dev/proto_gen.sh

.PHONY: docs
docs: tools ## Build the documentation site into .souk/docs
	@dev/fetch.sh debian pypi mkdocs
	@dev/build.sh //docs/site
	@rm -rf $(STATE)/docs && mkdir -p $(STATE)/docs && unzip -q bazel-bin/docs/site/site.zip -d $(STATE)/docs
	@echo "open $(STATE)/docs/index.html"

.PHONY: pictures
pictures: tools ## Make the pictures of the documents from the running stack
	@bazel run --ui_event_filters=-info --noshow_progress //dev:pictures

.PHONY: events
events: tools ## Generate docs/events.md from the contracts and their consumers
	@dev/python.sh dev/event_catalogue.py .

.PHONY: dashboards
dashboards: tools ## Write the dashboards of deploy/grafana from their definitions in dev/dashboards
	@dev/python.sh -m dev.dashboards.write deploy/grafana/dashboards

.PHONY: release-protos
release-protos: tools ## Record the contracts as released, for buf breaking
	@dev/release_protos.sh

.PHONY: audit
audit: tools ## Compare the locks of third_party with published advisories (ARGS="--osv URL": another copy of OSV)
	@dev/fetch.sh debian
	@dev/python.sh -m dev.audit $(ARGS)

.PHONY: lock
lock: tools ## Update the locks of third_party
	@dev/lock.sh
