// The package in Node: every case folder gives its findings.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const { Detector, OrgwatchError, describe } = await import(join(root, 'dist/orgwatch-js/node.js'));
const cases = join(root, 'tests/cases');
const settingsOf = process.env.CASE_SETTINGS ? JSON.parse(readFileSync(process.env.CASE_SETTINGS, 'utf8')) : {};

/** Every folder with events, by its name. */
function* folders() {
  for (const slug of readdirSync(cases)) {
    for (const name of readdirSync(join(cases, slug))) {
      if (existsSync(join(cases, slug, name, 'events.ndjson'))) yield `${slug}/${name}`;
    }
  }
}

test('every case gives its findings', () => {
  const names = Array.from(folders());
  assert.ok(names.length > 100, 'the cases are there');
  for (const name of names) {
    const settings = settingsOf[name] ?? {};
    assert.equal(existsSync(join(cases, name, 'settings.yaml')), name in settingsOf, `${name}: its settings`);
    const batch = new Detector(settings).detectBatch(readFileSync(join(cases, name, 'events.ndjson')));
    const found = batch.findings.map(({ finding: { artifact, ...finding } }) => finding);
    const expected = readFileSync(join(cases, name, 'findings.ndjson'), 'utf8').split('\n').filter(Boolean);
    assert.deepEqual(found, expected.map((line) => JSON.parse(line)), name);
  }
});

test('errors have a kind, and say everything', () => {
  const thrown = (call) => {
    try {
      call();
    } catch (error) {
      assert.ok(error instanceof OrgwatchError, String(error));
      return error;
    }
    return assert.fail('nothing was thrown');
  };
  const settings = thrown(() => new Detector({ acounts: [], management_account: 'x' }));
  assert.equal(settings.kind, 'settings');
  assert.deepEqual(settings.problems.map(({ path }) => path).sort(), ['acounts', 'management_account']);
  assert.match(thrown(() => new Detector({}, [new Uint8Array(9)])).problems[0].path, /^packs\[0\]/);
  const detector = new Detector();
  assert.equal(thrown(() => detector.detect('{"eventName":"LeaveOrganization",')).kind, 'event');
  assert.equal(thrown(() => detector.mergeState(new Uint8Array([1, 2, 3]))).kind, 'state');
  detector.close();
  assert.equal(thrown(() => detector.saveState()).kind, 'closed');
});

test('a memory is handed on', () => {
  const events = readFileSync(join(root, 'samples/incident.ndjson'));
  const [one, other] = [new Detector(), new Detector()];
  const ids = (batch) => new Set(batch.findings.map(({ finding }) => finding.id).sort());
  const first = one.detectBatch(events);
  assert.ok(first.findings.length > 10 && !first.findings[0].finding.repeat);
  other.mergeState(one.saveState());
  const again = other.detectBatch(events);
  assert.deepEqual(ids(again), ids(first));
  assert.ok(again.findings.every(({ finding }) => finding.repeat));
});

test('what is screened and described is there', () => {
  const events = readFileSync(join(root, 'samples/incident.ndjson'));
  const detector = new Detector();
  const { spans, counts } = detector.screen(events);
  assert.ok(spans.length > 10 && counts.rejected > 50);
  const line = events.subarray(spans[0].offset, spans[0].offset + spans[0].length);
  assert.ok(JSON.parse(line).eventName);
  assert.ok(describe().rules.length > 50);
  assert.equal(detector.rules().length, describe().rules.length);
  assert.ok('memory_events' in detector.counters());
});

test('bytes cross in one copy', () => {
  const line = `${JSON.stringify({ eventSource: 's3.amazonaws.com', eventName: 'GetObject', requestParameters: { key: 'x'.repeat(1200) } })}\n`;
  const bytes = Buffer.from(line.repeat(Math.ceil(32e6 / line.length)));
  const detector = new Detector();
  detector.screen(bytes);
  const start = performance.now();
  const { counts } = detector.screen(bytes);
  const seconds = (performance.now() - start) / 1000;
  assert.equal(counts.events, bytes.length / line.length);
  console.log(`${Math.round(bytes.length / 1e6 / seconds)} MB/s`);
  // A list that is handed over byte by byte goes at 0.4 MB/s.
  assert.ok(bytes.length / 1e6 / seconds > 20, `${seconds} s`);
});

test('the example gives the findings of the sample', () => {
  const events = readFileSync(join(root, 'samples/incident.ndjson'));
  const run = (settings, input) => {
    const args = [join(root, 'examples/hosts/node/direct.mjs'), ...settings];
    return spawnSync(process.execPath, args, { input, encoding: 'utf8', maxBuffer: 1 << 26 });
  };
  const quiet = '{"eventSource":"s3.amazonaws.com","eventName":"GetObject"}\n'.repeat(100_000);
  const ran = run([], Buffer.concat([Buffer.from(quiet), events, Buffer.from('{"eventName":"LeaveOrganization",\n')]));
  assert.equal(ran.status, 0, ran.stderr);
  const found = new Detector().detectBatch(events).findings.map(({ finding }) => finding);
  assert.deepEqual(ran.stdout.trim().split('\n').map((line) => JSON.parse(line)), found);
  assert.match(ran.stderr, /^direct\.mjs: line 100166: /);
  const settings = join(mkdtempSync(join(tmpdir(), 'orgwatch-')), 'settings.json');
  writeFileSync(settings, '{"acounts": []}');
  const refused = run([settings], '');
  assert.ok(refused.status === 2 && refused.stderr.includes('acounts'), refused.stderr);
});
