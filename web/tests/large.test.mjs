// Large files: the page answers, can be stopped, and the worker does not grow.

import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { browser, done, open, root, scratch, shots, status } from './harness.mjs';

/** A log of about so many bytes, with the sample at its end. */
function log(bytes) {
  const path = join(scratch, `large-${bytes / 1e6}.ndjson`);
  if (existsSync(path) && statSync(path).size >= bytes) return path;
  const quiet = JSON.stringify({
    eventVersion: '1.11', eventSource: 's3.amazonaws.com', eventName: 'GetObject', eventTime: '2026-11-17T08:00:00Z',
    awsRegion: 'us-east-1', sourceIPAddress: '198.51.100.7', recipientAccountId: '111122223333',
    requestParameters: { bucketName: 'logs', key: 'a/'.repeat(300) },
  });
  const piece = Buffer.from(`${quiet}\n`.repeat(Math.ceil(4e6 / quiet.length)));
  const file = openSync(path, 'w');
  for (let written = 0; written < bytes; written += piece.length) writeSync(file, piece);
  writeSync(file, readFileSync(join(root, 'samples/incident.ndjson')));
  closeSync(file);
  return path;
}

/** What Linux says of a process: its parent, and its resident memory in MB. */
function about(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { parent: number('PPid'), resident: number('VmRSS') / 1024 };
}

/** The resident memory of the largest process of this test's browser that draws pages, in MB. */
function resident() {
  let most = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer')) continue;
      let parent = Number(pid);
      while (parent > 1 && parent !== process.pid) parent = about(parent).parent;
      if (parent === process.pid) most = Math.max(most, about(pid).resident);
    } catch {
      // It has ended.
    }
  }
  return most;
}

let chrome;
before(async () => void (chrome = await browser()));
after(() => chrome.close());

test('the page answers while 200 MB are read', async () => {
  const page = await open(chrome);
  const start = performance.now();
  await page.setInputFiles('#files', log(200e6));
  await page.evaluate(() => {
    window.longest = 0;
    let last = performance.now();
    const tick = () => {
      const now = performance.now();
      window.longest = Math.max(window.longest, now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  await page.waitForSelector('#stop:visible');
  await page.screenshot({ path: join(shots, 'reading.png') });
  await done(page);
  const seconds = (performance.now() - start) / 1000;
  await page.waitForSelector('.incident');
  const longest = await page.evaluate(() => window.longest);
  console.log(`200 MB in ${seconds.toFixed(1)} s; the longest frame took ${Math.round(longest)} ms; ${await status(page)}`);
  assert.ok(longest < 500, `a frame took ${longest} ms`);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('it is stopped, and keeps what it found', async () => {
  const page = await open(chrome);
  await page.setInputFiles('#files', log(200e6));
  await page.waitForSelector('#stop:visible');
  await page.click('#stop');
  await done(page);
  assert.match(await status(page), /^Stopped: the rest was not read\. /);
  assert.ok(await page.isEnabled('#save-report'));
  await page.context().close();
});

test('an edit waits for a word where much would be read again', async () => {
  const page = await open(chrome);
  await page.setInputFiles('#files', log(200e6));
  await done(page);
  await page.click('text=Settings: what orgwatch should know');
  await page.fill('#settings-text', 'rules:\n  member-left-organization:\n    mode: off\n');
  await page.waitForSelector('#again:visible');
  assert.match(await status(page), /from the next examination on/);
  assert.ok(await page.isVisible('.incident'), 'what was found stays');
  await page.click('#again');
  await page.waitForSelector('body[data-state=running]');
  await done(page);
  assert.ok(await page.isHidden('#again'));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('the worker does not grow while 2 GB are read', async () => {
  const page = await open(chrome);
  const before = resident();
  assert.ok(before > 10, 'the process is found');
  await page.setInputFiles('#files', log(2e9));
  let [most, memory] = [0, 0];
  for (;;) {
    most = Math.max(most, resident());
    memory = Math.max(memory, Number(await page.getAttribute('body', 'data-memory')));
    if (await page.getAttribute('body', 'data-state') === 'done') break;
    await page.waitForTimeout(200);
  }
  await page.waitForSelector('.incident');
  console.log(`${await status(page)} ${Math.round(memory / 1e6)} MB of WebAssembly; the process grew from ${Math.round(before)} to ${Math.round(most)} MB`);
  assert.ok(memory < 150e6 && most - before < 150, `${memory} bytes, ${most} MB`);
  assert.match(await status(page), /in 1 file, 2\.0 GB/);
  await page.context().close();
});
