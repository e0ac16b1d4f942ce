// Compares the encoder of @mysten/walrus-wasm with BenchmarkCodec of the test
// binary that is named first. See codec.sh.
'use strict';
const { execFileSync } = require('node:child_process');
const { performance } = require('node:perf_hooks');
const { BlobEncoder } = require('@mysten/walrus-wasm');

const sizes = { '1KB': 1 << 10, '1MB': 1 << 20, '1.8MB': 1800000, '32MiB': 32 << 20 };
const bars = {
  'n=10/1KB': 2, 'n=10/1MB': 5, 'n=10/1.8MB': 5,
  'n=100/1KB': 6, 'n=100/1MB': 10, 'n=100/32MiB': 12,
  'n=1000/1KB': 12, 'n=1000/1MB': 12, 'n=1000/32MiB': 20,
};
const rounds = Number(process.env.ROUNDS);
const [binary, ...wanted] = process.argv.slice(2);
const shapes = Object.keys(bars).filter((s) => wanted.length === 0 || wanted.includes(s));

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

// buffers returns one buffer per shard for slivers of count symbols.
function buffers(n, count, symbolSize) {
  const length = count * symbolSize;
  let prefix = 1;
  for (let v = length; v >= 0x80; v >>= 7) prefix++;
  return Array.from({ length: n }, () => new Uint8Array(prefix + length + 4));
}

function wasm(shape) {
  const [, n, size] = /n=(\d+)\/(.*)/.exec(shape).map((v, i) => (i === 1 ? Number(v) : v));
  const f = Math.floor((n - 1) / 3);
  const [rows, cols] = [n - 2 * f, n - f];
  const length = sizes[size];
  let symbolSize = Math.ceil(length / (rows * cols));
  symbolSize += symbolSize % 2;
  // The bytes of shardtest.Ramp(1, length).
  const data = Uint8Array.from({ length }, (_, i) => (i + 1) & 255);
  const primary = buffers(n, cols, symbolSize);
  const secondary = buffers(n, rows, symbolSize);
  const encoder = new BlobEncoder(n);
  encoder.encode(data, primary, secondary);
  const times = [];
  for (let total = 0; total < 300; total += times.at(-1)) {
    const start = performance.now();
    encoder.encode(data, primary, secondary);
    times.push(performance.now() - start);
  }
  encoder.free();
  return median(times);
}

function floe(shape) {
  const out = execFileSync(binary, ['-test.run=^$', `-test.bench=^BenchmarkCodec$/^${shape.replace('/', '$/^').replaceAll('.', '[.]')}$`,
    '-test.benchtime=300ms'], { encoding: 'utf8' });
  const line = /(\d+(?:\.\d+)?) ns\/op/.exec(out);
  if (!line) throw new Error(`no figure in: ${out}`);
  return Number(line[1]) / 1e6;
}

console.log('shape          wasm ms    floe ms    MiB/s    ratio    bar');
for (const shape of shapes) {
  const [theirs, ours] = [[], []];
  for (let i = 0; i < rounds; i++) {
    theirs.push(wasm(shape));
    ours.push(floe(shape));
  }
  const [a, b] = [median(theirs), median(ours)];
  const rate = sizes[shape.split('/')[1]] / 1048576 / (b / 1000);
  console.log(shape.padEnd(12), a.toFixed(2).padStart(9), b.toFixed(3).padStart(10), rate.toFixed(1).padStart(8),
    (a / b).toFixed(1).padStart(8), `${a / b >= bars[shape] ? '≥' : 'below'} ${bars[shape]}`.padStart(8));
}
