# make help lists the targets. Each is a script under scripts/ that can be run by itself.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help run test build format lint campaign bench install clean

help: ## Lists the targets.
	@awk -F ': *## *' '/^[a-z]+:.*##/ { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Builds reeve and runs the example in the foreground; says what to try.
	@scripts/run

test: ## Lint, all tests, the campaign in short, the thread and the address sanitizer, the OpenAPI document.
	@scripts/test

build: ## Builds .build/release/reeve.
	@scripts/install-packages build
	@scripts/build

format: ## Formats the Swift sources in place.
	swift format --in-place --recursive --parallel Package.swift Sources Tests

lint: ## Fails on any finding of the formatter, shellcheck and the project's own rules.
	@scripts/install-packages test
	@scripts/lint

campaign: ## Kills the agent 1,000 times, its keeper, and both, and compares the history with what the workers know.
	@scripts/campaign

bench: ## Builds reeve and measures it beside a bare C loop and bare libmicrohttpd.
	@scripts/bench

install: ## Installs it with service files and examples below PREFIX (/usr/local) and DESTDIR; run make build first.
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" scripts/install

clean: ## Removes what was built.
	rm -rf .build .build-tsan .build-asan .venv
