# Sourced by setup.sh and ros_venv.sh, which define say and stop: Debian packages that a step needs, installed through apt.
# shellcheck shell=bash
missing=() # their names

need_python_headers() { # for the Python $1
    local version
    version=$("$1" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    [ -e "$("$1" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h" ] || missing+=("$version-dev")
}

install_missing() {
    local as_root=()
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || stop "missing: ${missing[*]} (Debian's names); install them, then run make again"
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || stop "missing system packages; run: sudo apt-get install -y ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing system packages: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    missing=()
}
