#!/bin/sh
# Leaves a kernel for the virtual machine of the tests, and the modules for its disk, in
# target/guest: taken out of the distribution's package, which need not be installed.
set -eu
cd "$(dirname "$0")/.."
guest=target/guest
[ "$(uname -m)" = x86_64 ] && [ ! -e $guest/vmlinuz ] || exit 0
command -v apt-get >/dev/null || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The package of this name has no content but a dependency on the one of today.
package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
(cd "$work" && apt-get download -qq "$package" 2>/dev/null) || {
    echo "cannot download ${package:-a kernel}: the tests' virtual machine will not start" >&2
    exit 0
}
dpkg-deb --fsys-tarfile "$work"/*.deb |
    tar -x -C "$work" --wildcards './boot/vmlinuz-*' '*/drivers/virtio/*' '*/block/virtio_blk.ko*'
mkdir -p $guest
for module in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
    find "$work" -name "$module.ko*" -exec cp {} $guest/ \;
done
find $guest -name '*.xz' -exec unxz -f {} +
cp "$work"/boot/vmlinuz-* $guest/vmlinuz.new
mv $guest/vmlinuz.new $guest/vmlinuz
