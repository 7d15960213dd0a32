# make demo   compile the shipped student, build it, run it in the emulator on a recording, prove it equals TFLM
# make test   lint and the whole test suite (what CI runs)
# make bench  instructions, RAM and flash of the shipped cases
#
# Both set up what they need: a virtual environment in .venv, and the cross compiler and emulator through apt where
# that is possible without a password; otherwise they say what to install.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
JOBS   ?= auto

TOOLS          := arm-none-eabi-gcc qemu-system-arm make
TOOL_PACKAGES  := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm make
TEST_TOOLS     := $(TOOLS) gcc g++ cppcheck cmake
TEST_PACKAGES  := $(TOOL_PACKAGES) gcc g++ cppcheck cmake

# $(call need,TOOLS,PACKAGES): install PACKAGES unless every tool is on the PATH.
define need
	@missing=; for tool in $(1); do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then apt="apt-get"; \
	elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then apt="sudo -n apt-get"; fi; \
	if [ -n "$$apt" ]; then echo "installing$$missing with apt"; \
	  DEBIAN_FRONTEND=noninteractive && export DEBIAN_FRONTEND && \
	  $$apt update -qq && $$apt install -y -qq --no-install-recommends $(2) >/dev/null; \
	else echo "error: not found:$$missing"; echo "hint: sudo apt install $(2)"; exit 1; fi
endef

.PHONY: demo test lint bench tools test-tools clean
.DELETE_ON_ERROR:

demo: tools $(VENV)/.runtime
	@$(BIN)/seatool demo

test: lint
	$(BIN)/pytest -n $(JOBS)

lint: test-tools $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
	  --suppress=missingIncludeSystem --std=c11 -Ifirmware/nn -Ifirmware/app -Ifirmware/audio firmware

tools:
	$(call need,$(TOOLS),$(TOOL_PACKAGES))

test-tools:
	$(call need,$(TEST_TOOLS),$(TEST_PACKAGES))

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version)"; \
	    echo "hint: install one and run: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(MAKE) --no-print-directory venv-package; }
	$(PYTHON) -m venv $(VENV)

.PHONY: venv-package
venv-package:
	@if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; \
	elif sudo -n true 2>/dev/null; then sudo -n apt-get update -qq && sudo -n apt-get install -y -qq python3-venv >/dev/null; \
	else echo "error: this Python has no venv module"; echo "hint: sudo apt install python3-venv"; exit 1; fi

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.development: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[keras,dev]'
	@touch $@ $(VENV)/.runtime

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis
