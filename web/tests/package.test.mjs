// The package in a browser and in a worker, from a server, and its types.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

import { browser, root, scratch } from './harness.mjs';

const folder = join(root, 'dist/orgwatch-js');
const types = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };
const pages = {
  '/': '<!doctype html><title>package</title>',
  '/worker.js': `import { Detector } from './browser.js';
    onmessage = ({ data }) => postMessage(new Detector().detectBatch(data).findings.length);
    postMessage('ready');`,
};
let chrome;
let server;

before(async () => {
  chrome = await browser();
  server = createServer((request, response) => {
    const file = join(folder, request.url);
    const body = pages[request.url] ?? (existsSync(file) ? readFileSync(file) : undefined);
    response.writeHead(body ? 200 : 404, { 'Content-Type': types[extname(request.url)] ?? 'text/html' });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  await chrome.close();
  server.close();
});

test('it runs in a page and in a worker', async () => {
  const page = await chrome.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const sample = readFileSync(join(root, 'samples/incident.ndjson'), 'utf8');
  const [found, kind, inWorker] = await page.evaluate(async (text) => {
    const { Detector, OrgwatchError } = await import('/browser.js');
    const bytes = new TextEncoder().encode(text);
    const found = new Detector().detectBatch(bytes).findings.length;
    let kind;
    try {
      new Detector({ acounts: [] });
    } catch (error) {
      kind = error instanceof OrgwatchError && error.kind;
    }
    const worker = new Worker('/worker.js', { type: 'module' });
    const answer = () => new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
    });
    await answer();
    worker.postMessage(bytes);
    return [found, kind, await answer()];
  }, sample);
  assert.ok(found > 10);
  assert.deepEqual([kind, inWorker], ['settings', found]);
});

test('what the manifest names is there', () => {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const paths = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(paths));
  for (const path of [...paths(manifest.exports), manifest.types, './LICENSE', './README.md']) {
    assert.ok(existsSync(join(folder, path)), path);
  }
  assert.match(manifest.version, /^\d+\.\d+\.\d+$/);
});

test('the types are those of the calls', () => {
  const place = join(scratch, 'types');
  cpSync(folder, join(place, 'node_modules/orgwatch-js'), { recursive: true });
  cpSync(join(import.meta.dirname, 'types.ts'), join(place, 'types.mts'));
  const compiler = join(resolve(process.env.NODE_MODULES), 'typescript/bin/tsc');
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', 'types.mts'];
  const ran = spawnSync(process.execPath, [compiler, ...options], { cwd: place, encoding: 'utf8' });
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
});
