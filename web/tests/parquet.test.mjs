// Parquet files through the page and through the command: whole, compressed again, and damaged.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { browser, done, download, drop, open, root, scratch, status } from './harness.mjs';

const folder = join(root, 'web/tests/parquet');
const command = process.env.ORGWATCH ?? join(root, 'target/release/orgwatch');
let chrome;
before(async () => void (chrome = await browser()));
after(() => chrome.close());

const found = (text) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line)).map(({ artifact, ...finding }) => finding);

/** What the command finds, and what it says of a file that it cannot read. */
function scanned(bytes) {
  const path = join(scratch, 'given.parquet');
  writeFileSync(path, bytes);
  const ran = spawnSync(command, ['scan', '--quiet', path], { encoding: 'utf8', maxBuffer: 1 << 26 });
  assert.ok(ran.status !== null && ran.status < 3, ran.stderr);
  return { findings: found(ran.stdout), reason: /given\.parquet: ([^\n]*cannot be read[^\n]*)/.exec(ran.stderr)?.[1] };
}

async function shown(page, bytes) {
  await page.evaluate(() => { document.getElementById('status').textContent = ''; });
  await drop(page, [{ name: 'given.parquet', bytes }]);
  await page.waitForFunction(() => / in 1 file/.test(document.getElementById('status').textContent))
    .catch(async () => assert.fail(`${await page.getAttribute('body', 'data-state')}: ${await status(page)}; ${page.errors}`));
  await done(page);
  await page.waitForFunction(() => document.body.dataset.drawn === 'yes');
  const saved = await page.isEnabled('#save-findings') ? readFileSync(await download(page, '#save-findings'), 'utf8') : '';
  const told = await page.textContent('#unread-list');
  return { findings: found(saved), reason: /given\.parquet: (.*cannot be read.*)/.exec(told)?.[1] };
}

test('what the command finds is found', async () => {
  const page = await open(chrome);
  for (const name of readdirSync(folder)) {
    const whole = readFileSync(join(folder, name));
    for (const bytes of [whole, gzipSync(whole)]) {
      const expected = scanned(bytes);
      assert.ok(expected.findings.length > 10 && !expected.reason, name);
      assert.deepEqual(await shown(page, bytes), expected, name);
      assert.match(await status(page), /165 events/);
    }
  }
  assert.deepEqual(page.errors, []);
});

test('a damaged file fails where the command fails', async () => {
  const page = await open(chrome);
  const whole = readFileSync(join(folder, 'snappy.parquet'));
  let failures = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const bytes = Buffer.from(whole);
    // Of the data, and of the metadata behind them.
    const at = seed % 2 ? (seed * 7919) % bytes.length : bytes.length - 9 - ((seed * 104729) % 6000);
    bytes[at] ^= 1 << (seed % 8);
    const expected = scanned(bytes);
    const got = await shown(page, bytes);
    failures += Number(Boolean(expected.reason));
    assert.equal(Boolean(got.reason), Boolean(expected.reason), `${seed}: ${got.reason}; ${expected.reason}`);
    assert.deepEqual(got.findings, expected.findings, `${seed}: ${got.reason}; ${expected.reason}`);
  }
  assert.ok(failures > 3, `${failures} failed`);
  assert.deepEqual(page.errors, []);
});
