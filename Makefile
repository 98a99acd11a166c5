# Every target creates .venv where it is missing and installs what it needs.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench soak pictures vscode clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/demo ## See the assistant at work, through its language server
	@$(BIN)/python -m tools.demo.demo

test: .venv/dev ## Run all tests
	@# Two beside each other, as far as they only compute; editors and terminals have the machine.
	@$(BIN)/python -m pytest -m "not e2e" -n 2 --dist loadfile
	@$(BIN)/python -m pytest -m e2e

check: .venv/dev ## Check style, types and the import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/dev ## Lay the code out
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/bench ## Measure the claims of speed, each beside its peer
	@# Threads that wait as in the server.
	@for file in $(filter-out bench/soak.py,$(wildcard bench/*.py)); do OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=2000 $(BIN)/python $$file || exit 1; done

soak: .venv/dev ## Load a server for an hour, and look what it leaves behind
	@$(BIN)/python bench/soak.py

pictures: .venv/dev ## Take the pictures of docs/tour.md anew (needs tmux)
	@ASSISTANT_TEST_PICTURES=docs/pictures/tour $(BIN)/python -m pytest tests/tui/test_tour.py

vscode: ## Check and package the extension for VS Code (needs Node.js 20 or newer)
	@cd editors/vscode && npm ci --no-audit --no-fund && npm run lint && npm run package

clean: ## Remove what the other targets made
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf editors/vscode/node_modules editors/vscode/dist editors/vscode/*.vsix

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "creating .venv" >&2
	@$(PYTHON) -m venv .venv

.venv/demo: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing the server and the language server (minutes, the first time)" >&2
	@$(PIP) --editable '.[server,lsp]'
	@touch $@

.venv/dev: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing everything that the tests need (minutes, the first time)" >&2
	@$(PIP) --editable '.[server,gptq,lsp,web,finetune,eval,harness,dev]'
	@touch $@ .venv/demo

# llama.cpp is compiled. Where a build for this very processor crashes (its AMX path does), say what
# to build in CMAKE_ARGS: -DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_AVX512=ON and so on.
.venv/bench: .venv/dev
	@echo "building llama.cpp, a peer of the benchmarks (minutes, the first time)" >&2
	@$(PIP) --editable '.[bench]'
	@touch $@
