// The page in headless Chromium, opened from its file.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { browser, done, download, drop, open, root, sample, scratch, shots, status, url, violations } from './harness.mjs';

const incident = readFileSync(join(root, 'samples/incident.ndjson'));
let chrome;
before(async () => void (chrome = await browser()));
after(() => chrome.close());

/** The page down to a height that a browser draws in a moment. */
const shot = async (page, name) => {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const size = page.viewportSize();
  await page.evaluate(() => scrollTo(0, 0));
  await page.setViewportSize({ width: size.width, height: Math.min(Math.max(height, size.height), 3000) });
  await page.screenshot({ path: join(shots, `${name}.png`) });
  await page.setViewportSize(size);
};

/** A test with a page of its own, which must not have complained. */
const shown = (name, run, options) => test(name, async () => {
  const page = await open(chrome, options);
  await run(page);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

/** What is shown, by the number of findings of each severity. */
const counts = async (page) => (await page.innerText('#counts')).replace(/\s+/g, ' ').trim();

shown('it begins empty, and says what to do', async (page) => {
  assert.match(await page.innerText('header'), /Nothing leaves this machine/);
  assert.ok(await page.isVisible('#empty-title'));
  assert.ok(await page.isDisabled('#save-report'));
  await shot(page, 'empty');
});

shown('the sample opens to timeline, chain, facts, steps and record', async (page) => {
  await sample(page);
  assert.match(await status(page), /165 events in 1 file/);
  const first = page.locator('.incident').first();
  assert.doesNotMatch(await page.innerText('main'), /false|undefined|null|NaN/);
  assert.match(await first.innerText(), /critical[\s\S]*Account 444455556666/);
  await shot(page, 'incidents');
  await first.locator('summary').first().click();
  for (const heading of ['Who, and from where', 'What to do', 'Timeline']) {
    await first.getByRole('heading', { name: heading }).first().waitFor();
  }
  const exit = first.locator('.finding', { hasText: 'took account 444455556666' }).first();
  await exit.locator('> summary').click();
  await exit.locator('.facts').waitFor();
  assert.match(await exit.innerText(), /What is known[\s\S]*Who[\s\S]*203\.0\.113\.77/);
  await exit.locator('.raw > summary').click();
  await exit.locator('pre').waitFor();
  assert.match(await exit.locator('.raw').innerText(), /samples\/incident\.ndjson:\d+[\s\S]*"eventSource"/);
  const chained = first.locator('.finding', { hasText: 'then' }).first();
  await chained.locator('> summary').click();
  const link = chained.locator('.chain a').first();
  const target = await link.getAttribute('href');
  await link.click();
  assert.ok(await page.locator(`[id="${target.slice(1)}"]`).evaluate((one) => one.open && one.contains(document.activeElement)));
  await shot(page, 'incident');
});

shown('files of every form give the same', async (page) => {
  const records = incident.toString().trim().split('\n').map((line) => JSON.parse(line));
  const document = JSON.stringify({ Records: records }, undefined, 1);
  const one = incident.toString();
  await sample(page);
  const expected = await counts(page);
  const forms = {
    'lines.ndjson': incident,
    'object.json': document,
    'array.json': JSON.stringify(records),
    'object.json.gz': gzipSync(document),
    'twice.gz': gzipSync(gzipSync(one)),
    'members.gz': Buffer.concat([gzipSync(one.slice(0, one.indexOf('\n') + 1)), gzipSync(one.slice(one.indexOf('\n') + 1))]),
  };
  for (const [name, bytes] of Object.entries(forms)) {
    await drop(page, [{ name, bytes }]);
    await page.waitForFunction((size) => document.getElementById('status').textContent.match(/165 events in 1 file/) && size, 1);
    await done(page);
    await page.waitForFunction((text) => document.getElementById('counts').innerText.replace(/\s+/g, ' ').trim() === text, expected, { timeout: 5000 });
    await page.evaluate(() => { document.getElementById('status').textContent = ''; });
  }
});

shown('an event is pasted', async (page) => {
  await page.click('text=Paste an event');
  await page.click('#paste button');
  assert.match(await status(page), /Nothing was pasted/);
  const line = incident.toString().split('\n').find((one) => one.includes('"LeaveOrganization"') && !one.includes('errorCode'));
  await page.fill('#pasted', JSON.stringify(JSON.parse(line), undefined, 2));
  await page.click('#paste button');
  await page.waitForSelector('.incident');
  assert.match(await page.innerText('.incident'), /critical[\s\S]*444455556666/);
});

shown('a bad file is named, with what to do, and the others are read', async (page) => {
  await drop(page, [
    { name: 'a.parquet', bytes: Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(64, 7), Buffer.from('PAR1')]) },
    { name: 'b.json.gz', bytes: gzipSync(incident).subarray(0, 5000) },
    { name: 'c.ndjson', bytes: '{"eventName":"LeaveOrganization",\n{"eventSource":"organizations.amazonaws.com"\n' },
    { name: 'd.png', bytes: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex') },
    { name: 'e.ndjson', bytes: incident },
  ]);
  await done(page);
  await page.waitForSelector('.incident');
  await page.click('#unread-count');
  const unread = await page.innerText('#unread-list');
  assert.match(unread, /a\.parquet: the Parquet file cannot be read after 0 rows: .*its metadata are damaged[\s\S]*b\.json\.gz: .*corrupt or cut off[\s\S]*c\.ndjson:1: [\s\S]*d\.png: a PNG image/);
  await shot(page, 'bad-files');
});

shown('what is no log does not look clean', async (page) => {
  await drop(page, [{ name: 'other.ndjson', bytes: '{"a":1}\nx {"eventName":"LeaveOrganization"\n' }]);
  await page.waitForFunction(() => document.body.dataset.state === 'done' && document.body.dataset.drawn === 'yes');
  assert.match(await status(page), /1 event and 1 file could not be read: see below\. 1 is not CloudTrail/);
  assert.match(await page.textContent('#unread-count'), /^2 things could not be read$/);
  assert.match(await page.textContent('#unread-list'), /other\.ndjson: no CloudTrail record in it could be read/);
});

shown('nothing found is said, and so is no event', async (page) => {
  await drop(page, [{ name: 'quiet.ndjson', bytes: '{"eventSource":"s3.amazonaws.com","eventName":"GetObject","eventTime":"2026-06-01T00:00:00Z"}\n' }]);
  await done(page);
  assert.match(await status(page), /1 event in 1 file.*No rule found anything/);
  await shot(page, 'nothing-found');
  await drop(page, [{ name: 'notes.txt', bytes: 'no log\n' }]);
  await page.waitForFunction(() => /No event was read|could not be read/.test(document.body.innerText));
});

shown('settings are checked while typing, and used at once', async (page) => {
  await sample(page);
  const previous = await counts(page);
  await page.click('text=Settings: what orgwatch should know');
  await page.fill('#settings-text', 'management_account: "111122223333"\nrules:\n  member-left-organization:\n    mode: of\n');
  await page.waitForSelector('#settings-problems .problem');
  const problem = await page.innerText('#settings-problems');
  assert.match(problem, /Line [34][\s\S]*rules[\s\S]*mode/);
  await shot(page, 'settings-problem');
  await page.click('#settings-problems .line');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'settings-text');
  await page.fill('#settings-text', 'management_account: "111122223333"\nrules:\n  member-left-organization:\n    mode: off\n');
  await page.waitForFunction(() => /In use/.test(document.getElementById('settings-state').textContent));
  await page.waitForFunction((text) => document.getElementById('counts').innerText.replace(/\s+/g, ' ').trim() !== text, previous);
  await page.fill('#settings-text', 'a: [');
  await page.waitForSelector('#settings-problems .problem');
  await page.fill('#settings-text', 'a: 1\na: 2\n');
  await page.waitForFunction(() => /Line 2/.test(document.getElementById('settings-problems').innerText));
  await page.fill('#settings-text', '');
  await page.waitForFunction((text) => document.getElementById('counts').innerText.replace(/\s+/g, ' ').trim() === text, previous);
});

shown('a rule is compiled while typing, and finds at once', async (page) => {
  assert.equal(page.workers().length, 1, 'the compiler is not there before it is needed');
  await sample(page);
  await page.click('text=A Sigma rule of your own');
  await page.click('#example');
  await page.waitForFunction(() => /In use: organization-looked-at-from-outside/.test(document.getElementById('rule-state').textContent));
  assert.equal(page.workers().length, 2);
  await page.waitForFunction(() => document.querySelector('#counts .is-medium'));
  await shot(page, 'rule');
  const text = await page.inputValue('#rule-text');
  await page.fill('#rule-text', text.replace('selection and not ours', 'selection and not theirs'));
  await page.waitForSelector('#rule-problems .problem');
  assert.match(await page.innerText('#rule-problems'), /Line 1[0-9][\s\S]*theirs/);
  await shot(page, 'rule-problem');
  await page.fill('#rule-text', text.replace('product: aws', 'product: windows'));
  await page.waitForFunction(() => /not CloudTrail/.test(document.getElementById('rule-problems').innerText));
});

shown('the report and the findings are those of the command', async (page) => {
  await sample(page);
  const lines = readFileSync(await download(page, '#save-findings'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.ok(lines.length > 10 && lines.every(({ artifact }) => artifact.digest.startsWith('sha256:')));
  const report = readFileSync(await download(page, '#save-report'), 'utf8');
  const made = process.env.REPORT && readFileSync(process.env.REPORT, 'utf8');
  if (made) {
    const plain = (html) => html.replace(/sha256:[0-9a-f]{64}/g, '').split('\n');
    assert.deepEqual(plain(report), plain(made));
  }
  if (process.env.FINDINGS) {
    const of = ({ artifact, ...finding }) => finding;
    const told = readFileSync(process.env.FINDINGS, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(of), told.map(of));
  }
});

shown('what a record says is text', async (page) => {
  const event = JSON.parse(incident.toString().split('\n').find((line) => line.includes('"LeaveOrganization"') && !line.includes('errorCode')));
  event.userAgent = '<img src=x onerror=alert(1)></script><b>bold\u202e\u0000';
  event.userIdentity.arn = '<script>document.title="owned"</script>';
  await drop(page, [{ name: '<b>name.json', bytes: JSON.stringify(event) }]);
  await page.waitForSelector('.incident');
  await page.click('.incident > summary');
  await page.click('.finding > summary');
  await page.click('.raw > summary');
  await page.waitForSelector('.raw pre');
  const text = await page.innerText('.incident');
  assert.ok(text.includes('<img src=x onerror=alert(1)>') && text.includes('\\u{202e}') && !text.includes('\u202e'), text);
  assert.equal(await page.locator('.incident img, .incident script, .incident .summary b').count(), 0);
  assert.doesNotMatch(await page.title(), /owned/);
});

shown('it is used by keyboard alone', async (page) => {
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);
  const order = [];
  for (let n = 0; n < 5; n += 1) {
    await page.keyboard.press('Tab');
    order.push(await focused());
  }
  assert.deepEqual(order.slice(0, 4), ['skip', 'files', 'folder', 'sample']);
  await page.focus('#sample');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.incident');
  await page.focus('.incident > summary');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.incident[open] .timeline');
  await page.focus('.finding > summary');
  await page.keyboard.press('Space');
  await page.waitForSelector('.finding[open] .facts');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, 'none', 'the focus is seen');
});

shown('a folder is read in the order of its paths', async (page) => {
  const folder = mkdtempSync(join(scratch, 'folder-'));
  mkdirSync(join(folder, 'b/c'), { recursive: true });
  const lines = incident.toString().trim().split('\n');
  writeFileSync(join(folder, 'b/c/2.json.gz'), gzipSync(lines.slice(80).join('\n')));
  writeFileSync(join(folder, 'a.ndjson'), lines.slice(0, 80).join('\n'));
  writeFileSync(join(folder, 'b/bad.bin'), Buffer.alloc(4096, 0xf7));
  await page.setInputFiles('#folder', folder);
  await done(page);
  await page.waitForSelector('.incident');
  assert.match(await status(page), /165 events in 3 files/);
  assert.match(await page.innerText('#counts'), /12\s+critical/);
  assert.match(await status(page), /1 file without a CloudTrail record passed over/);
  assert.match(await page.textContent('#unread-list'), /b\/bad\.bin: passed over: bytes of no known kind/);
  const report = readFileSync(await download(page, '#save-report'), 'utf8');
  assert.ok(report.includes('165 events examined in 3 files'));
});

shown('a folder of nothing but other files does not look clean', async (page) => {
  const folder = mkdtempSync(join(scratch, 'folder-'));
  writeFileSync(join(folder, 'notes.txt'), 'no log\n');
  writeFileSync(join(folder, 'picture.png'), Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
  await page.setInputFiles('#folder', folder);
  await page.waitForFunction(() => document.body.dataset.state === 'done' && document.body.dataset.drawn === 'yes');
  assert.match(await status(page), /1 file could not be read: see below\. 2 files without a CloudTrail record passed over\./);
  const unread = await page.textContent('#unread-list');
  assert.match(unread, /notes\.txt: passed over: text that is no JSON[\s\S]*picture\.png: passed over: a PNG image[\s\S]*no CloudTrail record in any of the files/);
});

shown('a flood of findings is counted, and what is opened stays open', async (page) => {
  const event = JSON.parse(incident.toString().split('\n').find((line) => line.includes('"LeaveOrganization"') && !line.includes('errorCode')));
  const lines = Array.from({ length: 6000 }, (_, n) => JSON.stringify({ ...event, eventID: `flood-${n}`, recipientAccountId: String(100000000000 + n) }));
  await drop(page, [{ name: 'flood.ndjson', bytes: lines.join('\n') }]);
  await done(page);
  await page.waitForSelector('.incident');
  await page.waitForFunction(() => /beyond the first 5,000/.test(document.getElementById('more').textContent));
  assert.equal(await page.locator('.incident').count(), 200);
});

shown('licences can be read', async (page) => {
  await page.click('#licences > summary');
  await page.waitForFunction(() => document.getElementById('licences-text').textContent.includes('wasm-bindgen 0.2'));
  assert.match(await page.textContent('#licences-text'), /What is inside the page[\s\S]*parquet 5[\s\S]*Apache License/);
});

shown('a detector that fails is replaced', async (page) => {
  await page.workers()[0].evaluate(() => postMessage({ type: 'broken', message: 'a test wants it' }));
  await page.waitForFunction(() => /The detector failed, and was replaced/.test(document.getElementById('status').textContent));
  await shot(page, 'failed');
  await sample(page);
  await page.workers().at(-1).evaluate(() => postMessage({ type: 'broken', message: 'again' }));
  await page.waitForFunction(() => /replaced: again/.test(document.getElementById('status').textContent));
  assert.ok(await page.isVisible('.incident'), 'what was found stays');
  await page.click('#save-report');
  await page.waitForFunction(() => /There is no report/.test(document.getElementById('status').textContent));
  await sample(page);
  assert.match(await status(page), /165 events/);
});

test('a browser that cannot run it is told so', async () => {
  const context = await chrome.newContext();
  await context.addInitScript(() => { delete globalThis.Worker; });
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector('body[data-state=failed]');
  assert.match(await status(page), /This browser cannot run the detector/);
  await shot(page, 'cannot-run');
  assert.deepEqual(await violations(page), []);
  await context.close();
});

for (const [name, options] of [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true }],
]) {
  shown(`axe-core finds nothing: ${name}`, async (page) => {
    assert.deepEqual(await violations(page), []);
    await sample(page);
    for (const one of await page.locator('main > details > summary:visible, .editors summary, .intake summary').all()) await one.click();
    await page.locator('.incident > summary').first().click();
    await page.waitForSelector('.incident .timeline');
    for (const one of await page.locator('.finding > summary').all()) if (await one.isVisible()) await one.click();
    await page.locator('.raw > summary').first().click();
    assert.deepEqual(await violations(page), []);
    await shot(page, `opened-${name}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `it is ${wide} px too wide`);
    await page.locator('.incident > summary').first().click();
    await page.screenshot({ path: join(shots, `window-${name}.png`) });
  }, options);
}
