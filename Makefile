# make demo   compile the shipped student, build it, run it in the emulator on a recording, prove it equals TFLM
# make test   lint and the whole test suite (what CI runs)
# make bench  measure the README's table: every model at every point, in the emulator
# make clean  remove what was built
#
# Both set up what they need: a virtual environment in .venv, and the tools through apt where that needs no password;
# otherwise they say what to install.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
JOBS   ?= auto

TOOLS         := arm-none-eabi-gcc qemu-system-arm
PACKAGES      := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
TEST_TOOLS    := $(TOOLS) gcc g++ clang cmake cppcheck openocd
CPLUSPLUS     := libstdc++-arm-none-eabi-newlib
TEST_PACKAGES := $(PACKAGES) $(CPLUSPLUS) gcc g++ clang cmake cppcheck openocd

# $(call install,WHAT IS MISSING,PACKAGES): through apt as root or with a sudo that asks nothing, else say how.
define install
	if [ "$$(id -u)" = 0 ]; then apt="apt-get"; elif sudo -n true 2>/dev/null; then apt="sudo -n apt-get"; fi; \
	if [ -z "$$apt" ] || ! command -v apt-get >/dev/null; then \
	  echo "error: not found:" $(1); echo "hint: install the Debian packages $(2) or their like"; exit 1; fi; \
	echo "installing $(2)"; $$apt update -qq && \
	DEBIAN_FRONTEND=noninteractive $$apt install -y -qq --no-install-recommends $(2) >/dev/null
endef

# $(call need,TOOLS,PACKAGES): install PACKAGES unless every tool is on the PATH.
define need
	@missing=; for tool in $(1); do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	[ -z "$$missing" ] || { $(call install,$$missing,$(2)); }
endef

.PHONY: demo test bench lint tools test-tools clean
.DELETE_ON_ERROR:

demo: tools $(VENV)/.runtime
	@$(BIN)/seatool demo

test: lint
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS)

bench: tools $(VENV)/.development
	@$(BIN)/python tests/bench/bench.py

lint: test-tools $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(CPPCHECK) -Ifirmware/port/stm32h743 firmware/app firmware/host firmware/audio firmware/port/console.c \
	  firmware/port/cortex_m7 firmware/port/stm32h743
	$(CPPCHECK) -Ifirmware/port/mps2_an500 firmware/port/mps2_an500
	$(CPPCHECK) --std=c++17 --language=c++ -Itests/tflm/stubs firmware/tflm

CPPCHECK := cppcheck --std=c11 --platform=arm32-wchar_t4 --enable=warning,style,performance,portability --quiet \
  --error-exitcode=1 --inline-suppr --suppress=missingIncludeSystem --suppress=unusedStructMember \
  -Ifirmware/app -Ifirmware/audio -Ifirmware/port -Ifirmware/port/cortex_m7

tools:
	$(call need,$(TOOLS),$(PACKAGES))

test-tools:
	$(call need,$(TEST_TOOLS),$(TEST_PACKAGES))
	@echo '#include <cstdint>' | arm-none-eabi-g++ -x c++ -fsyntax-only - 2>/dev/null || { $(call install,"the C++ library of arm-none-eabi-g++",$(CPLUSPLUS)); }

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed, this is $$($(PYTHON) --version)"; \
	    echo "hint: install one and run: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(call install,venv,python3-venv); }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.development: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[keras,dev]'
	@touch $@ $(VENV)/.runtime

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis
