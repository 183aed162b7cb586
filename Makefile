# make demo | test | check | bench, on a machine with nothing but make: the first one sets everything up.

PYTHON ?=
VENV   ?= .venv
ROS_VENV ?= .venv-ros
ROUNDS ?= 10
TEST_PROCESSES ?= 2
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help setup demo test test-ros slow check format bench clean

help:
	@echo "make demo     set up what is missing, then watch a simulated robot clear a pile"
	@echo "make test     set up what is missing, then run the fast tests; ARGS=... goes to pytest"
	@echo "make test-ros the nodes' tests on a real rclpy, from wheels: no ROS 2 need be installed; Linux on x86-64"
	@echo "make slow     the tests that take longer"
	@echo "make check    formatting, lint and types"
	@echo "make format   put the formatting right"
	@echo "make bench    the benchmarks, small: ROUNDS=100 for the size of the tables"
	@echo "make clean    remove the virtual environments, caches and build folders"
	@echo "PYTHON=python3.12 chooses the interpreter, 3.10 to 3.12."

setup: $(READY)

$(READY): setup.py requirements.txt tools/setup.sh tools/system_packages.sh
	@bash tools/setup.sh $(VENV) $(PYTHON)
	@touch $@

demo: $(READY)
	@$(BIN)/graspmimic demo $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile $(ARGS)

# Nothing of a ROS 2 that the shell has sourced comes in between.
test-ros: $(READY)
	@bash tools/ros_venv.sh $(VENV) $(ROS_VENV)
	env -u PYTHONPATH ROS_DISTRO=jazzy RMW_IMPLEMENTATION=rmw_fastrtps_cpp AMENT_PREFIX_PATH=$(abspath $(ROS_VENV)) \
		$(ROS_VENV)/bin/python -m pytest -n $(TEST_PROCESSES) --dist loadfile -o faulthandler_timeout=300 \
		$(if $(filter tests/%,$(ARGS)),,tests/ros_nodes) $(ARGS)

slow: $(READY)
	$(BIN)/python -m pytest -m slow $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	$(BIN)/graspmimic bench render --json output/bench_render.json
	$(BIN)/graspmimic bench clutter --scene packed --rounds $(ROUNDS) --output output/bench-packed --json output/bench_packed.json
	$(BIN)/graspmimic bench clutter --scene pile --rounds $(ROUNDS) --output output/bench-pile --json output/bench_pile.json

clean:
	rm -rf $(VENV) $(ROS_VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
