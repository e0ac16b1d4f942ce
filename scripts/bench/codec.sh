#!/bin/sh
# codec.sh runs the official encoder, compiled to WebAssembly, and ours side by
# side and prints how much faster ours is: blob ID and all slivers into memory
# that is there already. Each figure is the median of ROUNDS (default 5), in turn.
# Usage: scripts/bench/codec.sh [shape…]     shapes such as n=1000/32MiB; default all
set -eu
cd "$(dirname "$0")/../.."

for tool in npm node; do
	command -v $tool >/dev/null || { echo "codec.sh: skipped: no $tool"; exit 0; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go test -c -o "$dir/shard.test" ./shard
cp scripts/bench/codec.cjs "$dir"
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund @mysten/walrus-wasm@0.3.0 >npm.log 2>&1 || {
	echo "codec.sh: skipped: npm cannot install @mysten/walrus-wasm@0.3.0"
	exit 0
}
ROUNDS=${ROUNDS:-5} node codec.cjs "$dir/shard.test" "$@"
