#!/usr/bin/env bash
# Finishes the built page: boot.js gets the names of the hashed files and the hash by which the browser checks the wasm,
# and the stylesheets become one file, in their order, as each request costs more than most of them.
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
sheets=$(sed -n 's|.*<link rel="stylesheet" href="\./\([^"]*\)".*|\1|p' index.html)
# shellcheck disable=SC2086
cat $sheets >sheet.tmp
sheet=style-$(sha256sum sheet.tmp | cut -c1-16).css
mv sheet.tmp "$sheet"
# shellcheck disable=SC2086
rm $sheets
sed -i -e "0,/<link rel=\"stylesheet\"/s|<link rel=\"stylesheet\" href=\"[^\"]*\"|<link rel=\"stylesheet-one\" href=\"./$sheet\"|" \
	-e '/<link rel="stylesheet" /d' -e '/<link data-trunk /d' index.html
sed -i 's|rel="stylesheet-one"|rel="stylesheet"|' index.html
