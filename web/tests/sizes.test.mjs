// The sizes of the page: what it costs to send it to somebody.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

const page = readFileSync(join(import.meta.dirname, '../../dist/orgwatch.html'), 'utf8');

const element = (id) => new RegExp(`<script type="text/plain" id="${id}">[^]*?</script>`).exec(page)[0];

/** What is decompressed and made ready only when it is needed: of these one, or none. */
const late = ['compiler-worker', 'compiler-wasm', 'rows-wasm', 'report-wasm', 'packed-licences'];

test('the page is small', () => {
  const sizes = Object.fromEntries(late.map((id) => [id, element(id).length]));
  const core = late.reduce((rest, id) => rest.replace(element(id), ''), page);
  const packed = gzipSync(core, { level: 9 }).length;
  const more = Object.values(sizes).reduce((sum, size) => sum + size);
  console.log(`core ${core.length} bytes, gzipped ${packed}; later ${more}: ${JSON.stringify(sizes)}; all ${page.length}, gzipped ${gzipSync(page, { level: 9 }).length}`);
  assert.ok(core.length <= 900e3, `the page with the core has ${core.length} bytes`);
  assert.ok(packed <= 350e3, `gzipped it has ${packed} bytes`);
  assert.ok(more <= 700e3, `what is loaded later has ${more} bytes more`);
});

test('no test case travels with it', () => {
  const wasm = readFileSync(join(import.meta.dirname, '../../dist/orgwatch-js/wasm/orgwatch_web_bg.wasm'));
  assert.ok(!wasm.includes('findings.ndjson') && !wasm.includes('about.md'));
});
