// The detector in Node without a component runtime: the package that `cargo xtask web` builds.
//
//     node direct.mjs [settings.json [mine.pack]] < events.ndjson > findings.ndjson
//
// `npm install dist/orgwatch-js` puts the package where `orgwatch-js` is found; from a checkout, without
// it, the package is taken from `dist`. docs/contract.md says when to choose this and when `host.mjs`.

import { readFile } from 'node:fs/promises';

const packaged = () => import(new URL('../../../dist/orgwatch-js/node.js', import.meta.url));
const { Detector, OrgwatchError } = await import('orgwatch-js').catch(packaged);

/// A batch is about so long: enough for full speed.
const BATCH = 4 << 20;

/// The bytes of a stream in batches that end with a line.
async function* batches(stream) {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    const end = rest.length < BATCH ? 0 : rest.lastIndexOf(10) + 1;
    if (end > 0) {
      yield rest.subarray(0, end);
      rest = rest.subarray(end);
    }
  }
  if (rest.length > 0) yield rest;
}

try {
  const [settings, ...packs] = process.argv.slice(2);
  const given = settings && (await readFile(settings, 'utf8'));
  const rules = await Promise.all(packs.map((pack) => readFile(pack)));
  const detector = new Detector(given ?? {}, rules);
  let before = 0;
  for await (const events of batches(process.stdin)) {
    const { findings, counts, unreadable } = detector.detectBatch(events);
    for (const { finding } of findings) console.log(JSON.stringify(finding));
    for (const { line, reason } of unreadable) console.error(`direct.mjs: line ${before + line}: ${reason}`);
    before += counts.lines;
  }
} catch (error) {
  if (!(error instanceof OrgwatchError)) throw error;
  console.error(`direct.mjs: ${error.message}`);
  process.exitCode = 2;
}
