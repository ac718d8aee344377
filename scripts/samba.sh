#!/bin/sh
# Leaves Samba's server in target/samba, taken out of the distribution's package: to install that would start a service.
set -eu
cd "$(dirname "$0")/.."
[ ! -e /usr/sbin/smbd ] && [ ! -e target/samba/smbd ] || exit 0
command -v apt-get >/dev/null || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -qq samba 2>/dev/null) || {
    echo "cannot download samba: its test will fail" >&2
    exit 0
}
dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -C "$work" ./usr/sbin/smbd
mkdir -p target/samba
mv "$work/usr/sbin/smbd" target/samba/smbd
