#!/usr/bin/env bash
# Finishes the built page: fills the names of the hashed files and the hash of the wasm into boot.js, joins the
# stylesheets into one file, since each request costs more than most of them, and removes comments, indentation and the
# hashes in the names that the wasm imports.
set -euo pipefail
cd "${TRUNK_STAGING_DIR:?run by trunk}"
wasm=$(echo inferboard-*_bg.wasm)
js=${wasm%_bg.wasm}.js
[ -f "$wasm" ] && [ -f "$js" ] || { echo "no built page in $PWD" >&2; exit 1; }
# Drops indentation, empty lines, and comments that have lines of their own.
plain_js() {
	sed -e 's/^[[:space:]]*//' -e '/^\/\*.*\*\/$/d' -e '/^\/\*/,/\*\/$/d' -e '/^\/\//d' -e '/^$/d'
}
plain_js <"$js" >js.tmp
mv js.tmp "$js"
# Most imported names end in a hash, which does not compress. A number of the same length does, and keeps the wasm valid.
# Some have a number already, after words of their own.
{ grep -oE '[_h][0-9a-f]{16}\b' "$js" | grep -vE '^.0{8}' || true; } | awk '!seen[$0]++ { printf "s/%s/%s%016d/g\n", $0, substr($0, 1, 1), ++count }' >names.tmp
LC_ALL=C sed -i -f names.tmp "$js" "$wasm"
rm names.tmp
hex=$(sha384sum "$wasm" | cut -c1-96)
integrity=sha384-$(printf "$(sed 's/../\\x&/g' <<<"$hex")" | base64 -w0)
sed -e "s|{{WASM}}|./$wasm|" -e "s|{{JS}}|./$js|" -e "s|{{INTEGRITY}}|$integrity|" "$TRUNK_SOURCE_DIR/public/boot.js" | plain_js >boot.tmp
boot=boot-$(sha256sum boot.tmp | cut -c1-16).js
mv boot.tmp "$boot"
sed -i "s|src=\"boot.js\"|src=\"./$boot\"|" index.html
grep -q "$boot" index.html || { echo "index.html has no boot script: its tag is not as it should be" >&2; exit 1; }
sheets=$(sed -n 's|.*<link rel="stylesheet" href="\./\([^"]*\)".*|\1|p' index.html)
# Drops comments and the white space that means nothing.
# shellcheck disable=SC2086
cat $sheets | sed -Ez 's#/\*([^*]|\*+[^*/])*\*+/##g; s/[[:space:]]+/ /g; s/ ?([{};,>]) ?/\1/g; s/: /:/g; s/;}/}/g' >sheet.tmp
sheet=style-$(sha256sum sheet.tmp | cut -c1-16).css
mv sheet.tmp "$sheet"
# shellcheck disable=SC2086
rm $sheets
sed -i -e "0,/<link rel=\"stylesheet\"/s|<link rel=\"stylesheet\" href=\"[^\"]*\"|<link rel=\"stylesheet-one\" href=\"./$sheet\"|" \
	-e '/<link rel="stylesheet" /d' -e '/<link data-trunk /d' index.html
sed -i 's|rel="stylesheet-one"|rel="stylesheet"|' index.html
