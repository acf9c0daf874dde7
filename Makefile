# `make run` runs everything on this machine, `make test` tests it; both set up what they need.
# On Debian and Ubuntu: apt-get install git make python3 python3-venv

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PINNED := pip install --disable-pip-version-check --require-hashes --requirement
TOOLS := $(VENV)/tools
LOCK := $(TOOLS)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command 'make lock'
FUZZ_SECONDS ?= 600
TWO_KAFKAS := -n 2 --dist loadfile  # most of these tests wait: for a group, a restart, a time to be over
comma := ,
# Those of `.env`, too: with --profile, Compose asks COMPOSE_PROFILES no more.
COMPOSE_PROFILES ?= $(shell sed -n 's/^COMPOSE_PROFILES=//p' .env 2>/dev/null)
ALL_PROFILES = $(sort $(subst $(comma), ,$(COMPOSE_PROFILES) $(PROFILES)))
# The profiles' own settings, then those of `.env`: the later ones win.
COMPOSE_OPTIONS = $(addprefix --profile ,$(ALL_PROFILES)) \
  $(addprefix --env-file ,$(wildcard $(ALL_PROFILES:%=deploy/%.env) .env))
SOURCES := schemas telemetry broker ingest workers midi_ingest tests bench examples deploy

.DEFAULT_GOAL := help
.PHONY: help run test test-unit test-docker conformance faults fuzz check format bench schemas lock audit up down logs smoke clean

help:  ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 12

run: $(VENV)/.run  ## run Kafka, the ingress and all workers here, until Ctrl-C; ARGS='--kafka-port 9192' where 9092 is taken
	@$(BIN)/midi-ingest up $(ARGS)

test: $(VENV)/.dev  ## run the whole test suite, on a real Kafka that it starts and stops
	@$(BIN)/python -m pytest -n logical tests/unit
	@$(BIN)/python -m pytest $(TWO_KAFKAS) tests/integration examples
	@$(BIN)/python -m pytest tests/faults

test-unit: $(VENV)/.dev  ## run the tests that need no Kafka
	@$(BIN)/python -m pytest -n logical tests/unit

conformance: $(VENV)/.dev  ## have others read our files: midicsv, javax.sound.midi, @tonejs/midi, midly; fluidsynth plays some
	@$(BIN)/python -m pytest tests/conformance

test-docker: $(VENV)/.dev  ## with Docker: bring docker-compose.yml up and kill its parts; the integration tests on apache/kafka
	@$(BIN)/python -m pytest tests/docker
	@$(BIN)/python -m pytest $(TWO_KAFKAS) tests/integration

faults: $(VENV)/.dev  ## run the long fault tests, for an hour: all is killed, stopped, rebalanced; 100,000 callbacks and a ledger
	@MIDI_INGEST_TEST_CALLBACKS=2000 MIDI_INGEST_TEST_NOTES=1000 MIDI_INGEST_TEST_RATE=200 \
	  MIDI_INGEST_TEST_AWAY_SECONDS=120 MIDI_INGEST_TEST_FROZEN_SECONDS=30 MIDI_INGEST_TEST_ROUNDS=20 \
	  MIDI_INGEST_TEST_KILLERS=segfault,kill,spin,backtrack MIDI_INGEST_TEST_WORK_SECONDS=20 \
	  MIDI_INGEST_TEST_SEEDS=20 MIDI_INGEST_TEST_LEDGER_CALLBACKS=5000 \
	  $(BIN)/python -m pytest -s tests/faults

fuzz: $(VENV)/.fuzz  ## give the music bodies that coverage finds, for ten minutes or FUZZ_SECONDS
	@$(BIN)/python -m tests.fuzz -max_total_time=$(FUZZ_SECONDS)

check: $(VENV)/.dev  ## lint, format, types, import rules
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/mypy examples
	@$(BIN)/lint-imports

format: $(VENV)/.dev  ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

bench: $(VENV)/.dev  ## measure against baselines; tables here, JSON in bench/results
	@$(BIN)/python -m bench.ingress
	@$(BIN)/python -m bench.inspection
	@$(BIN)/python -m bench.music
	@$(BIN)/python -m bench.music.adversaries
	@$(BIN)/python -m bench.state
	@$(BIN)/python -m bench.workers

schemas: $(VENV)/.dev  ## write the JSON Schema files anew
	@$(BIN)/python -m schemas.generate

lock: $(VENV)/.tools  ## pin all dependencies anew, by version and hash: requirements/
	@$(LOCK) --extra tracing pyproject.toml --output-file requirements/image.txt
	@$(LOCK) --extra local pyproject.toml requirements/build.in --output-file requirements/local.txt
	@$(LOCK) --extra dev pyproject.toml requirements/build.in --output-file requirements/dev.txt
	@$(LOCK) requirements/build.in --output-file requirements/build.txt
	@$(LOCK) requirements/tools.in --output-file requirements/tools.txt

audit: $(VENV)/.tools  ## ask the package index which pinned dependencies have known vulnerabilities
	@for file in image local dev build tools; do echo "requirements/$$file.txt:" && \
	  $(TOOLS)/bin/pip-audit --progress-spinner off --strict --disable-pip --require-hashes -r requirements/$$file.txt || exit 1; done

up: export IMAGE_VERSION ?= $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' midi_ingest/version.py)
up: export IMAGE_REVISION ?= $(shell git describe --always --dirty --abbrev=40 2>/dev/null)
up:  ## run everything in Docker, from this checkout; PROFILES="cluster observability …" adds some: docs/docker.md
	@known=$$(docker compose config --profiles) && for profile in $(ALL_PROFILES); do echo "$$known" | grep -qx "$$profile" || \
	  { echo "There is no profile $$profile in docker-compose.yml, but:" $$known >&2; exit 1; }; done
	@sh deploy/up.sh $(COMPOSE_OPTIONS)

down:  ## stop what `make up` started; Kafka's data and the songs stay
	@docker compose --profile '*' down

logs:  ## follow what the parts in Docker say, or one of them: S=render
	@docker compose --profile '*' logs --follow --tail 100 $(S)

smoke:  ## post to what `make up` started; fails unless songs and dead letters come as they should
	@sh deploy/smoke.sh

clean:  ## remove the virtual environment and all caches; data/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run: pyproject.toml requirements/local.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "midi-ingest needs Python 3.11 or newer; try: make PYTHON=python3.12 run")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	$(BIN)/$(PINNED) requirements/local.txt
	$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(BIN)/$(PINNED) requirements/dev.txt
	@touch $@

$(VENV)/.tools: requirements/tools.txt
	@$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/$(PINNED) requirements/tools.txt
	@touch $@

$(VENV)/.fuzz: $(VENV)/.dev
	$(BIN)/pip install --disable-pip-version-check --editable '.[fuzz]'
	@touch $@
