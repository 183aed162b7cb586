#!/usr/bin/env bash
# Set up graspmimic on a bare Debian or Ubuntu: system libraries, a virtual environment, pinned packages.
# Usage: tools/setup.sh VENV [PYTHON]. Called by make; running it again changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
python=${2:-}

say() { printf '[setup] %s\n' "$*"; }
stop() { printf '[setup] %s\n' "$*" >&2; exit 1; }
source tools/system_packages.sh

fits() { # whether $1 is a Python that the project runs on
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null
}

find_python() { # the first that fits; 3.12 last, since PyBullet has no wheel for it and is compiled for minutes
    local candidate
    for candidate in ${python:-python3.11 python3.10 python3.12 python3}; do
        if fits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
}

has_library() { # whether the dynamic linker knows a library whose name begins with $1
    /sbin/ldconfig -p | grep -F "$1" >/dev/null
}

need_library() { has_library "$1" || missing+=("$2"); }

open3d_libraries() { # what Open3D's wheel links to and does not bring along
    need_library libusb-1.0.so.0 libusb-1.0-0
    need_library libGL.so.1 libgl1
    need_library libEGL.so.1 libegl1
    need_library libgomp.so.1 libgomp1
    need_library libX11.so.6 libx11-6
    need_library libudev.so.1 libudev1
    need_library libidn2.so.0 libidn2-0
}

python_parts() { # what Debian splits off its Python, and a compiler where PyBullet has no wheel
    local version
    if [ -z "$interpreter" ]; then
        [ -n "$python" ] || command -v python3 >/dev/null || missing+=(python3 python3-venv)
        return
    fi
    version=$("$interpreter" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    "$interpreter" -c 'import ensurepip, venv' 2>/dev/null || missing+=("$version-venv")
    if [ "$version" = python3.12 ] || [ "$(uname -m)" != x86_64 ]; then
        command -v g++ >/dev/null || missing+=(g++)
        need_python_headers "$interpreter"
    fi
}

interpreter=$(find_python)
if [ "$(uname -s)" = Linux ]; then
    open3d_libraries
    python_parts
    install_missing
    interpreter=$(find_python)
    [ -z "$interpreter" ] || { python_parts && install_missing; }
fi
[ -n "$interpreter" ] ||
    stop "no Python 3.10, 3.11 or 3.12 in ${python:-PATH}; install one and name it: make PYTHON=/path/to/python3.11"

version() { "$1" -c 'import sys; print(sys.version.split()[0])' 2>/dev/null; }
if [ "$(version "$venv/bin/python" || true)" != "$(version "$interpreter")" ]; then
    say "making the virtual environment $venv with $interpreter ($(version "$interpreter"))"
    "$interpreter" -m venv --clear "$venv"
fi

pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input)

install_cpu_torch() { # where there is no NVIDIA GPU: that build alone comes without gigabytes of NVIDIA's libraries
    local torch
    torch=$(sed -n 's/^torch==//p' requirements.txt)
    [ "$(uname -s)" = Linux ] && [ ! -e /proc/driver/nvidia ] && ! command -v nvidia-smi >/dev/null || return 0
    "$venv/bin/python" -c 'import sys, importlib.metadata as m; sys.exit(m.version("torch").split("+")[0] != sys.argv[1])' \
        "$torch" 2>/dev/null && return
    say "installing torch $torch, its CPU build"
    "${pip[@]}" install --quiet --no-deps "torch==$torch+cpu" 2>/dev/null && return
    say "pip finds no CPU build; the usual one comes with NVIDIA's libraries, about 3 GB more, and runs without a GPU too."
    say "For the small one stop now, export PIP_EXTRA_INDEX_URL (PyTorch's index of CPU wheels), run make again."
}

install_cpu_torch
say "installing the pinned packages of requirements.txt (about 3 GB; minutes, by the network)"
"${pip[@]}" install --requirement requirements.txt |
    { grep --line-buffered -vE '^(Ignoring|Requirement already| )' || true; }
"${pip[@]}" install --quiet --no-deps --no-build-isolation --editable .
say "ready: $venv/bin/graspmimic --help"
