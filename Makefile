# make help lists the targets. Each is a script under scripts/ that can be run by itself.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=
bindir = $(DESTDIR)$(PREFIX)/bin

.PHONY: help run test build format lint bench install clean

help: ## Lists the targets.
	@awk -F ': *## *' '/^[a-z]+:.*##/ { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Builds reeve and runs the example in the foreground; says what to try.
	@scripts/run

test: ## Lint, all tests, the thread and the address sanitizer, the OpenAPI document.
	@scripts/test

build: ## Builds .build/release/reeve.
	@scripts/install-packages build
	@scripts/build

format: ## Formats the Swift sources in place.
	swift format --in-place --recursive --parallel Package.swift Sources Tests

lint: ## Fails on any finding of the formatter, shellcheck and the project's own rules.
	@scripts/install-packages test
	@scripts/lint

bench: ## Builds reeve and measures it beside a bare C loop and bare libmicrohttpd.
	@scripts/bench

install: ## Installs .build/release/reeve, stripped, below PREFIX (/usr/local) and DESTDIR; run make build first.
	@test -x .build/release/reeve || { echo "run make build first" >&2; exit 1; }
	install -D --strip --mode=755 .build/release/reeve "$(bindir)/reeve"

clean: ## Removes what was built.
	rm -rf .build .build-tsan .build-asan .venv
