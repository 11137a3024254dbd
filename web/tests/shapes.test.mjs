// Every shape that people ship, through the page: what `orgwatch scan` reads is read here.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { browser, done, download, drop, open, root, status } from './harness.mjs';

const shapes = join(root, 'tests/shapes');
let chrome;
before(async () => void (chrome = await browser()));
after(() => chrome.close());

test('what is in every shape is found', async () => {
  const names = readdirSync(shapes);
  assert.ok(names.length > 70, 'the shapes are there');
  const page = await open(chrome);
  for (const name of names) {
    const input = readdirSync(join(shapes, name)).find((file) => file.startsWith('input'));
    const bytes = readFileSync(join(shapes, name, input));
    await page.evaluate(() => { document.getElementById('incidents').replaceChildren(); });
    await drop(page, [{ name: input, bytes }]);
    // The drop is read before anything begins.
    await page.waitForFunction(() => document.body.dataset.state !== 'empty');
    await done(page);
    await page.waitForTimeout(60);
    const expected = JSON.parse(readFileSync(join(shapes, name, 'expect.json'), 'utf8'));
    const wanted = [...new Set(expected.found ?? [])].sort();
    const saved = await page.isEnabled('#save-findings') ? readFileSync(await download(page, '#save-findings'), 'utf8') : '';
    const findings = saved.split('\n').filter(Boolean).map((line) => JSON.parse(line));
    const said = findings.map(({ severity, rule, account = '' }) => `${severity} ${rule} ${account}`);
    assert.deepEqual([...new Set(said)].sort(), wanted, `${name}: ${await status(page)}`);
    for (const { details = {} } of findings) {
      assert.equal(details.record_at, expected.record_at, name);
      assert.equal(details.form, expected.form, name);
    }
  }
  assert.deepEqual(page.errors, []);
});
