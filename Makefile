# HIMARI Layer 3. `make` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TRAINED := $(VENV)/.trains
PIP := $(BIN)/python -m pip --disable-pip-version-check
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.DEFAULT_GOAL := help
.PHONY: help install install-train system-packages demo run train train-smoke evaluate test check format lint types imports
.PHONY: bench mutate chaos soak stack-test newcomer dashboards dashboards-check screenshots reference lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

install: $(STAMP)  ## make .venv with everything locked

$(STAMP): pyproject.toml requirements/dev.txt requirements/data.txt requirements/web.txt
	@command -v $(PYTHON) >/dev/null || { echo "needs Python 3.11 or newer"; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV) || { $(MAKE) system-packages && $(PYTHON) -m venv --clear $(VENV); }
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/data.txt
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/web.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $(STAMP)

system-packages:  ## install what the tests need from Debian (PostgreSQL binaries, venv)
	@./tests/install_system_packages.sh

install-train: $(TRAINED)  ## add what training needs

$(TRAINED): $(STAMP) requirements/train.txt requirements/torch.txt
	$(PIP) install --quiet -r requirements/torch.txt
	$(PIP) install --quiet --require-hashes -r requirements/train.txt
	@touch $(TRAINED)

demo: install  ## play real prices through the service: Phase 2, RL, mock RL, dead RL endpoint
	$(BIN)/himari demo

run: install  ## start the service on 127.0.0.1:8000
	$(BIN)/himari serve

test: install-train system-packages  ## all tests
	$(BIN)/python -m pytest -n 2

check: install-train system-packages lint types imports test train-smoke  ## format, lint, types, imports, tests: the one door

lint: install  ## ruff, formatting included
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: install  ## apply the formatting
	$(BIN)/ruff format .

types: install  ## mypy strict everywhere, pyright strict on the core
	$(BIN)/mypy
	$(BIN)/basedpyright

imports: install  ## the layers of the tree
	$(BIN)/lint-imports

train: install-train  ## train the policy anew on real prices, walk-forward; resumable
	$(BIN)/himari train

train-smoke: install-train  ## the same on a few days and steps, under a minute
	$(BIN)/himari train --smoke

evaluate: install-train  ## judge the trained policy and write what ships: docs/evidence.md
	$(BIN)/himari train --evaluate

bench: install-train  ## measure against the targets, write docs/bench
	$(PIP) install --quiet --require-hashes -r requirements/bench.txt
	$(BIN)/python -m tests.tools.bench

chaos: install  ## faults for real, about half an hour: matrix, flaps, outage, crash, disk, liar, overload
	$(BIN)/python -m tests.tools.chaos.matrix
	$(BIN)/python -m tests.tools.chaos.flaps
	$(BIN)/python -m tests.tools.chaos.outage
	$(BIN)/python -m tests.tools.chaos.crash --rounds 20
	$(BIN)/python -m tests.tools.chaos.disk
	$(BIN)/python -m tests.tools.chaos.liar
	$(BIN)/python -m tests.tools.chaos.overload

soak: install  ## 10,000 requests that nobody should send, to each server
	$(BIN)/python -m tests.tools.chaos.fuzz --cases 10000 --out docs/bench

stack-test: install  ## build the images and run the compose stack for real, without Docker; as root
	@./tests/install_system_packages.sh stack
	$(BIN)/python -m tests.tools.stack

newcomer: install  ## time the way from clone to first decision
	$(BIN)/python -m tests.tools.bench.newcomer

screenshots: install system-packages  ## pictures of the console: docs/images
	$(BIN)/python -m tests.tools.screenshots

dashboards: install  ## write grafana/dashboards and docs/metrics.md from their code
	$(BIN)/python -m grafana.build

reference: install  ## write docs/settings.md and the types of the clients anew; TypeScript needs node and npm
	$(BIN)/python -m tests.tools.reference.settings_page
	$(BIN)/python -m tests.tools.reference.python_types
	$(BIN)/python -m tests.tools.reference.typescript

dashboards-check: install  ## type-check the dashboards against Grafana's own schema; needs node and npm
	$(BIN)/python -m tests.tools.dashboards.typecheck

mutate: install  ## mutation score of app/core, about an hour; results in mutants/
	$(PIP) install --quiet --require-hashes -r requirements/mutate.txt
	$(BIN)/mutmut run
	$(BIN)/mutmut export-cicd-stats
	@cat mutants/mutmut-cicd-stats.json

lock: install  ## compile the lock files anew
	$(BIN)/python -m piptools compile $(LOCK) -o requirements/base.txt pyproject.toml
	$(BIN)/python -m piptools compile $(LOCK) --extra inference -c requirements/base.txt -o requirements/inference.txt pyproject.toml
	$(BIN)/python -m piptools compile $(LOCK) --extra otel -c requirements/base.txt -o requirements/otel.txt pyproject.toml
	$(BIN)/python -m piptools compile $(LOCK) --extra dev -c requirements/inference.txt -o requirements/dev.txt pyproject.toml
	$(BIN)/python -m piptools compile $(LOCK) --extra train -c requirements/dev.txt -o requirements/train.txt pyproject.toml
	$(BIN)/python -m piptools compile $(LOCK) --extra peers -o requirements/peers.txt pyproject.toml
	$(BIN)/python -m piptools compile $(LOCK) --extra bench -c requirements/dev.txt -o requirements/bench.txt pyproject.toml
	$(BIN)/python -m piptools compile $(LOCK) --extra mutate --extra dev -c requirements/dev.txt -o requirements/mutate.txt pyproject.toml

LOCK := --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

clean:  ## remove what was made
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
