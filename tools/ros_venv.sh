#!/usr/bin/env bash
# Make ROS_VENV: a real rclpy from wheels, on top of the packages of VENV, for the tests of the nodes. Linux on x86-64.
# Usage: tools/ros_venv.sh VENV ROS_VENV. Called by make; running it again goes on where it was stopped.
# Status 3: this machine cannot have it, for want of wheels or of a compiler. Any other failure is one.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
ros=$2
unset PYTHONPATH # a sourced ROS 2 would come before the wheels

say() { printf '[ros] %s\n' "$*"; }
stop() { printf '[ros] %s\n' "$*" >&2; exit 1; }
cannot() { printf '[ros] no real rclpy: %s\n' "$*" >&2; exit 3; }
source tools/system_packages.sh

[ "$(uname -sm)" = "Linux x86_64" ] || cannot "its wheels are for Linux on x86-64, and this is $(uname -sm)"
python=$ros/bin/python
version=$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
    stop "no $venv yet: run make setup"

parts() { # what the wheels and their place depend on
    cat tools/ros_venv.sh tools/ros_requirements.txt
    realpath "$venv" "$ros" --canonicalize-missing
    "$venv/bin/python" -c 'import sys, importlib.metadata as m; print(sys.version, m.version("numpy"))'
}
wheels=$(parts | sha256sum)
all=$({ echo "$wheels"; cat tools/build_messages.py tests/ros_standin/messages/definitions/*.txt; } | sha256sum)

is() { [ "$(cat "$ros/$1" 2>/dev/null)" = "$2" ]; } # whether the stamp $1 says $2
! is .ready "$all" || exit 0

compilers() {
    command -v cmake >/dev/null || missing+=(cmake)
    command -v g++ >/dev/null || missing+=(g++)
    need_python_headers "$venv/bin/python"
    (install_missing) || cannot "missing to compile messages: ${missing[*]} (Debian's names)"
}

make_wheels() {
    local pip=(-m pip --disable-pip-version-check --no-input) scratch probe
    scratch=$(mktemp -d)
    trap "rm -rf $scratch" EXIT
    probe=$(grep '^ros-rclpy==' tools/ros_requirements.txt)
    "$venv/bin/python" "${pip[@]}" download --quiet --no-deps --only-binary :all: --dest "$scratch" "$probe" \
        >"$scratch/log" 2>&1 ||
        { tail -n 2 "$scratch/log" >&2; cannot "pip finds no wheel $probe for Python $version, or no network"; }
    say "making the virtual environment $ros with ROS 2's wheels (about 200 MB)"
    "$venv/bin/python" -m venv --clear --without-pip "$ros"
    # Named so as to come last: what is in $ros goes before what is in $venv, pip among it.
    echo "import site; site.addsitedir('$(realpath "$venv")/lib/python$version/site-packages')" \
        >"$ros/lib/python$version/site-packages/zz_project.pth"
    "$python" "${pip[@]}" install -qq --no-deps --no-build-isolation --requirement tools/ros_requirements.txt
    echo "$wheels" >"$ros/.wheels"
}

compilers
is .wheels "$wheels" || make_wheels
say "compiling the messages that have no wheels (minutes)"
AMENT_PREFIX_PATH=$(realpath "$ros") "$python" tools/build_messages.py
"$python" -c 'import rclpy.action, moveit_msgs.action, control_msgs.action, vision_msgs.msg; rclpy.init(); rclpy.shutdown()'
echo "$all" >"$ros/.ready"
say "ready: make test-ros"
