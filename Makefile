# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Everything a checkout needs is installed by the targets themselves: the locked tool chain into .venv/, and as root
# the Debian packages (as another user they are named). `make help` lists the targets.

.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules

PYTHON ?=
ARGS ?=
VENV := .venv/bin
export PATH := $(CURDIR)/$(VENV):$(PATH)

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r a b; do printf '%-20s %s\n' "$$a" "$$b"; done

.PHONY: venv
venv: ## install the locked tool chain into .venv/ (every target below does it by itself)
	@PYTHON='$(PYTHON)' sh tools/venv.sh

##
.PHONY: demo
demo: venv ## boot a small fleet of real mail hosts, break them, diagnose them
	@$(VENV)/python tests/lab/demo.py $(ARGS)

.PHONY: lab-up
lab-up: venv ## boot the lab and leave it running
	@$(VENV)/python tests/lab/lab.py up $(ARGS)

.PHONY: lab-down
lab-down: venv ## power the lab off and remove its traces
	@$(VENV)/python tests/lab/lab.py down $(ARGS)

.PHONY: check
check: venv ## lint, sanity and unit tests: without root, in under three minutes
	@$(VENV)/python tools/steps.py check

.PHONY: test
test: venv ## all there is: check, the package, and every fault on a real host
	@$(VENV)/python tools/steps.py test

.PHONY: lint
lint: venv ## ruff, mypy, yamllint, shellcheck, ansible-lint, changelog, documentation
	@$(VENV)/python tools/steps.py lint

.PHONY: sanity
sanity: venv ## ansible-test sanity; ARGS='--all-pythons' or ARGS='--test pylint plugins/...'
	@$(VENV)/python tools/sanity.py $(ARGS)

.PHONY: unit
unit: venv ## unit tests; ARGS goes to pytest
	@$(VENV)/python -m pytest tests/unit $(ARGS)

.PHONY: lab
lab: venv ## the tests on real hosts alone
	@$(VENV)/python tools/steps.py lab lab first-aid

.PHONY: packages
packages: venv ## updates with a real apt and a real dnf in systems of their own: as root, a minute
	@$(VENV)/python tools/steps.py packages packages

.PHONY: test-ticket
test-ticket: venv ## a ticket goes in and an answer comes out: a real ticket system and real mail hosts, as root
	@$(VENV)/python -m pytest tests/tickets $(ARGS)
	@$(VENV)/python -m pytest tests/end_to_end $(ARGS)

.PHONY: awx
awx: venv ## what AWX gets and how its jobs run, without an AWX: two minutes
	@$(VENV)/python -m pytest tests/awx $(ARGS)

.PHONY: eda
eda: venv ## ansible-rulebook really running: alerts and tickets that start a triage
	@$(VENV)/python -m pytest -q tests/eda $(ARGS)

.PHONY: package
package: venv ## build the collection, install it elsewhere, see whether it works there
	@$(VENV)/python tools/package.py

.PHONY: compat
compat: venv ## unit tests and playbook smoke on the oldest and the newest ansible-core supported
	@$(VENV)/python tools/compat.py

.PHONY: accuracy
accuracy: venv ## every fault on busy, varied hosts, three seeds: figures, and two peers beside; ARGS='--seed 2 F073'
	@$(VENV)/python tests/accuracy/accuracy.py $(ARGS)

.PHONY: chaos
chaos: venv ## first aid under load, disturbed: no message is lost; then how long mail is down, beside Monit
	@$(VENV)/python tests/chaos/chaos.py $(ARGS)
	@$(VENV)/python tests/chaos/recovery.py

.PHONY: night
night: venv ## a patch night over four real hosts with the day's real updates, under mail load; and nights that go wrong: a quarter of an hour
	@$(VENV)/python -m pytest -q -s tests/night $(ARGS)

.PHONY: bench
bench: venv ## cost of a whole diagnosis against a ping playbook; the log reader against pflogsumm
	@$(VENV)/python tests/bench/bench.py $(ARGS)

.PHONY: build
build: venv ## build the collection's artifact into dist/
	@$(VENV)/ansible-galaxy collection build --force --output-path dist

.PHONY: format
format: venv ## let ruff order imports and lay out the Python source
	@$(VENV)/ruff check --fix --quiet . ; $(VENV)/ruff format --quiet .

.PHONY: lock
lock: ## make the locks in requirements/ anew, with the newest versions
	@PYTHON='$(PYTHON)' sh tools/lock.sh

.PHONY: clean
clean: ## remove what the targets made, except the lab's cached base system
	@rm -rf .venv .venv-* .ansible-root .ansible .package .pytest_cache .mypy_cache .ruff_cache dist tests/output
	@find . -path ./.lab -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
