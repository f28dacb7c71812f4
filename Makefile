# Thin on purpose: every target is one or two commands that can be typed by hand (see README).
PYTHON ?= python3
VENV := .venv
# Bytecode makes every start of a process faster; some machines switch it off.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test lab check clean

demo: $(VENV)/.demo
	$(VENV)/bin/python examples/demo.py $(ARGS)

test: $(VENV)/.test
	$(VENV)/bin/python -m pytest $(ARGS)

check: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

lab: $(VENV)/.lab
	$(VENV)/bin/jupyter lab examples

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e '.[demo]'
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e '.[test]'
	touch $@ $(VENV)/.demo

$(VENV)/.lab: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[lab]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
