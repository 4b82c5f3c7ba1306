# `make` lists the targets. The build itself is Bazel's: BUILD.bazel files say what depends on what.
.DEFAULT_GOAL := help
SHELL := bash

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

.PHONY: tools
tools: ## Install the tools that are missing
	@dev/bootstrap.sh

.PHONY: run
run: tools ## Start the whole stack; Ctrl-C stops it
	@bazel run --ui_event_filters=-info --noshow_progress //dev:stack

.PHONY: test
test: tools ## Run every test
	@dev/test.sh //...

.PHONY: unit-test
unit-test: tools ## Run the tests that start no server
	@dev/test.sh --test_tag_filters=-integration,-e2e //...

.PHONY: integration-test
integration-test: tools ## Run the tests that start real servers
	@dev/test.sh --test_tag_filters=integration,e2e //...
