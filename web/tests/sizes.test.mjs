// The sizes of the page: what it costs to send it to somebody.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

const page = readFileSync(join(import.meta.dirname, '../../dist/orgwatch.html'), 'utf8');

const element = (id) => new RegExp(`<script type="text/plain" id="${id}">[^]*?</script>`).exec(page)[0];

test('the page is small', () => {
  const compiler = element('compiler-wasm') + element('compiler-worker');
  const core = page.replace(element('compiler-wasm'), '').replace(element('compiler-worker'), '');
  const packed = gzipSync(core, { level: 9 }).length;
  console.log(`core ${core.length} bytes, gzipped ${packed}; compiler ${compiler.length} bytes`);
  assert.ok(core.length <= 900e3, `the page with the core has ${core.length} bytes`);
  assert.ok(packed <= 600e3, `gzipped it has ${packed} bytes`);
  assert.ok(compiler.length <= 700e3, `the compiler has ${compiler.length} bytes more`);
});

test('no test case travels with it', () => {
  const wasm = readFileSync(join(import.meta.dirname, '../../dist/orgwatch-js/wasm/orgwatch_web_bg.wasm'));
  assert.ok(!wasm.includes('findings.ndjson') && !wasm.includes('about.md'));
});
