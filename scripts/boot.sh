#!/usr/bin/env bash
# Writes boot.js into the built page: the names of the hashed files, and the hash by which the browser checks the wasm.
set -euo pipefail
cd "${TRUNK_STAGING_DIR:?run by trunk}"
wasm=$(echo inferboard-*_bg.wasm)
js=${wasm%_bg.wasm}.js
[ -f "$wasm" ] && [ -f "$js" ] || { echo "no built page in $PWD" >&2; exit 1; }
hex=$(sha384sum "$wasm" | cut -c1-96)
integrity=sha384-$(printf "$(sed 's/../\\x&/g' <<<"$hex")" | base64 -w0)
sed -e "s|{{WASM}}|./$wasm|" -e "s|{{JS}}|./$js|" -e "s|{{INTEGRITY}}|$integrity|" "$TRUNK_SOURCE_DIR/public/boot.js" >boot.tmp
boot=boot-$(sha256sum boot.tmp | cut -c1-16).js
mv boot.tmp "$boot"
sed -i "s|src=\"boot.js\"|src=\"./$boot\"|" index.html
grep -q "$boot" index.html || { echo "index.html has no boot script: its tag is not as it should be" >&2; exit 1; }
