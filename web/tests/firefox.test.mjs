// The page in Firefox: that it starts, reads, compiles, and sends nothing.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

import { root, url } from './harness.mjs';

const require = createRequire(join(resolve(process.env.NODE_MODULES), 'index.js'));
const puppeteer = require('puppeteer-core');
let firefox;
let page;
const errors = [];

before(async () => {
  firefox = await puppeteer.launch({ browser: 'firefox', executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr', headless: true });
  page = await firefox.newPage();
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url);
  await page.waitForSelector('body[data-ready=yes]');
});
after(() => firefox.close());

const says = (id, text) => page.waitForFunction((id, text) => document.getElementById(id).textContent.includes(text), {}, id, text);

test('the sample is examined, and opens', async () => {
  await page.click('#sample');
  await says('status', '165 events in 1 file');
  await page.waitForSelector('.incident');
  await page.click('.incident > summary');
  await page.waitForSelector('.incident[open] .timeline');
});

test('a Parquet file is read', async () => {
  const input = await page.$('#files');
  await input.uploadFile(join(root, 'web/tests/parquet/zstd.parquet'));
  await says('status', '165 events in 1 file, 142 KB');
  await page.waitForSelector('.incident');
  assert.equal(await page.$eval('#unread', (one) => one.hidden), true);
});

test('a rule is compiled', async () => {
  await page.$eval('#example', (button) => { button.closest('details').open = true; });
  await page.click('#example');
  await says('rule-state', 'In use: organization-looked-at-from-outside');
  assert.deepEqual(errors, []);
});

test('nothing is sent', async () => {
  const heard = [];
  const server = createServer((request, response) => {
    heard.push(request.url);
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${server.address().port}`;
  await fetch(`${base}/control`);
  const leak = async (base) => {
    const tried = await fetch(`${base}/fetch`).then(() => 'sent', () => 'refused');
    if (globalThis.document) {
      navigator.sendBeacon(`${base}/beacon`, 'x');
      new Image().src = `${base}/image`;
    }
    return tried;
  };
  assert.equal(await page.evaluate(leak, base), 'refused');
  // Firefox lets nobody into a worker: one that is made in the same way stands for them.
  const inWorker = await page.evaluate((base, leak) => new Promise((resolve) => {
    const text = `(${leak})('${base}').then(postMessage)`;
    const worker = new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
    worker.onmessage = ({ data }) => resolve(data);
  }), base, String(leak));
  assert.equal(inWorker, 'refused');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.deepEqual(heard, ['/control']);
  server.close();
});
