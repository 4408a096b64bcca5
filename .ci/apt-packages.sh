#!/usr/bin/env bash
# Installs the Debian packages that the tests need and that are not there yet. Run again, it does nothing.
set -euo pipefail

packages=(chromium chromium-driver gcc git libc6-dev make redis-server)

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "Not installed, and not to be installed here: ${missing[*]}. The tests that need them are skipped." >&2
    exit 0
fi
# At this runlevel no service of a package is started.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
