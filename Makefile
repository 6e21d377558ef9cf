# Every target sets up what it needs in .venv/. Stamps are keyed on pyproject.toml, so a second run installs nothing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
REFEREE := $(VENV)/bin/referee
PIP := $(PY) -m pip --disable-pip-version-check --quiet install
KEY := $(shell cksum < pyproject.toml | tr -d ' ')
CORE := $(VENV)/.core-$(KEY)
CPU := $(VENV)/.cpu-$(KEY)
DEV := $(VENV)/.dev-$(KEY)
NPM := tests/npm/node_modules/.stamp-$(shell cksum < tests/npm/package-lock.json | tr -d ' ')
PYTEST_ARGS ?= -n 2 --dist loadgroup
FUZZ_SECONDS ?= 600

.PHONY: help audit test image lint typecheck imports ci-lock workflows examples rules-docs bench bench-reference corpus pin accuracy smoke-sweep smoke-docs probe-table screenshots reviews fuzz dev clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 20

audit: $(CORE) ## Audit the four embedded examples and print their review
	@$(REFEREE) audit --no-exit-codes

test: $(DEV) $(NPM) lint typecheck imports workflows ## Run every check that needs neither mirror nor GPU
	@engines="$$(scripts/start_docker.sh)"; \
	case " $$engines " in *" docker "*) $(PY) -m containers.image | tail -n 1 ;; esac; \
	REFEREE_NEED="$$engines" $(PY) -m pytest $(PYTEST_ARGS)

image: $(DEV) ## Start Docker and build the image that submissions run in
	@scripts/start_docker.sh > /dev/null
	$(PY) -m containers.image

lint: $(DEV) ## Check style with ruff
	$(VENV)/bin/ruff check .

typecheck: $(DEV) ## Check types with mypy --strict
	$(VENV)/bin/mypy

workflows: $(DEV) ## Check our workflows with zizmor at its strictest
	$(VENV)/bin/zizmor --persona=auditor --offline --no-progress --quiet .

ci-lock: $(DEV) ## Write .github/requirements.txt: what action.yml installs, by hash
	{ echo '# What action.yml installs, by hash. Written by `make ci-lock`.'; \
	echo 'hatchling>=1.24' | $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --extra github --extra box pyproject.toml -; } > .github/requirements.tmp
	mv .github/requirements.tmp .github/requirements.txt

imports: $(DEV) ## Check which package may import which
	$(VENV)/bin/lint-imports

examples: $(CPU) ## Run the four example trainers and rewrite their logs and claims
	$(PY) examples/run.py

rules-docs: $(CORE) ## Write RULES.md from the rules and the README's --help excerpts from the command
	$(REFEREE) rules --markdown --output RULES.md
	$(PY) scripts/readme_help.py

bench: $(DEV) ## Compare the time of an audit with ast.parse over real scripts (MIRROR=DIR)
	@test -n "$(MIRROR)" || { echo "usage: make bench MIRROR=DIR (a mirror of openai/parameter-golf)"; exit 2; }
	REFEREE_MIRROR="$(MIRROR)" $(PY) -m tests.audits.bench

bench-reference: $(DEV) ## Compare the reference with the challenge's own trainer in a box (MIRROR=DIR, SHAPE=small)
	@test -n "$(MIRROR)" || { echo "usage: make bench-reference MIRROR=DIR (a mirror of openai/parameter-golf)"; exit 2; }
	$(PY) -m tests.reference_impl.bench --mirror "$(MIRROR)" $(if $(SHAPE),--shape $(SHAPE))

corpus: $(DEV) ## Run the checks on real pull requests (MIRROR=DIR, LABELS=FILE)
	@test -n "$(MIRROR)" || { echo "usage: make corpus MIRROR=DIR (a mirror of openai/parameter-golf)"; exit 2; }
	REFEREE_MIRROR="$(MIRROR)" REFEREE_LABELS="$(LABELS)" $(PY) -m pytest -m corpus tests/audits $(PYTEST_ARGS)

pin: $(DEV) ## Write the verdicts that corpus compares with (MIRROR=DIR, LABELS="FILE FILE")
	@test -n "$(MIRROR)" || { echo "usage: make pin MIRROR=DIR [LABELS=\"FILE FILE\"]"; exit 2; }
	$(PY) -m tests.audits.corpus.pins --mirror "$(MIRROR)" $(LABELS)

accuracy: $(CORE) ## Write docs/accuracy.md from a sweep and labels (RUN=DIR, LABELS="FILE FILE")
	@test -n "$(RUN)" -a -n "$(LABELS)" || { echo "usage: make accuracy RUN=DIR LABELS=\"FILE FILE\""; exit 2; }
	$(REFEREE) score "$(RUN)" $(foreach file,$(LABELS),--labels "$(file)") --accuracy docs/accuracy.md

smoke-sweep: $(DEV) ## Run the sample of docs/smoke.md in boxes, or what LABELS=FILE has lines on (MIRROR=DIR, RUN=DIR)
	@test -n "$(MIRROR)" -a -n "$(RUN)" || { echo "usage: make smoke-sweep MIRROR=DIR RUN=DIR [LABELS=FILE]"; exit 2; }
	prs="$$($(PY) scripts/smoke_sample.py $(if $(LABELS),--lines "$(LABELS)",--list))"; \
	$(REFEREE) sweep --repo "$(MIRROR)" --out "$(RUN)" --prs "$$prs" --smoke

smoke-docs: $(CORE) ## Write docs/smoke.md (RUN=DIR of smoke-sweep; COMMUNITY=DIR, LABELS=FILE to compare lines)
	@test -n "$(RUN)" || { echo "usage: make smoke-docs RUN=DIR [COMMUNITY=DIR LABELS=FILE]"; exit 2; }
	$(PY) scripts/smoke_docs.py "$(RUN)" $(if $(COMMUNITY),--community "$(COMMUNITY)") $(if $(LABELS),--labels "$(LABELS)")

JOBS ?= 2

probe-table: $(DEV) ## Probe what LABELS=FILE has labels on and write the table of docs/probe.md (MIRROR=DIR, RUN=DIR)
	@test -n "$(MIRROR)" -a -n "$(RUN)" -a -n "$(LABELS)" || { echo "usage: make probe-table MIRROR=DIR RUN=DIR LABELS=FILE [JOBS=2]"; exit 2; }
	$(REFEREE) sweep --repo "$(MIRROR)" --out "$(RUN)" --labels "$(LABELS)" --probe --smoke-jobs $(JOBS)
	$(PY) scripts/probe_table.py "$(RUN)" --labels "$(LABELS)"

screenshots: $(DEV) ## Photograph a dashboard for docs/dashboard.md (RUN=DIR, LABELS="FILE FILE")
	@test -n "$(RUN)" || { echo "usage: make screenshots RUN=DIR LABELS=\"FILE FILE\""; exit 2; }
	$(REFEREE) dashboard "$(RUN)" $(foreach file,$(LABELS),--labels "$(file)") --output build/site
	$(PY) scripts/screenshots.py build/site

REVIEWED := 339 895 1073 1231 1629 1172 1306 1376 1624 1854
REVIEW_ARGS ?=

reviews: $(CORE) ## Write docs/reviews/ from a mirror (MIRROR=DIR, REVIEW_ARGS="--skip smoke")
	@test -n "$(MIRROR)" || { echo "usage: make reviews MIRROR=DIR [REVIEW_ARGS=\"--skip smoke\"]"; exit 2; }
	@mkdir -p docs/reviews
	@for pr in $(REVIEWED); do $(REFEREE) review --repo "$(MIRROR)" --pr $$pr --repository openai/parameter-golf \
		--no-excerpts --no-exit-codes $(REVIEW_ARGS) --output docs/reviews/PR-$$pr.md; echo "docs/reviews/PR-$$pr.md"; done

fuzz: $(DEV) ## Fuzz for FUZZ_SECONDS (600)
	$(PY) -m pytest tests/fuzz --fuzz-seconds $(FUZZ_SECONDS) --timeout 0

dev: $(DEV) ## Set up .venv/ with everything a contributor needs

clean: ## Remove .venv/ and build products
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Referee needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(CORE): | $(PY)
	$(PIP) --editable .
	@rm -f $(VENV)/.core-*; touch $@

$(CPU): | $(PY)
	$(PIP) --editable '.[cpu]'
	@rm -f $(VENV)/.cpu-* $(VENV)/.core-*; touch $@ $(CORE)

$(DEV): | $(PY)
	$(PIP) --editable '.[cpu,dev]'
	@rm -f $(VENV)/.dev-* $(VENV)/.cpu-* $(VENV)/.core-*; touch $@ $(CPU) $(CORE)

# Without npm the tests that need it say so.
$(NPM):
	@if command -v npm >/dev/null; then \
		npm ci --prefix tests/npm --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "no npm: tests of the GitHub side will be skipped"; fi
