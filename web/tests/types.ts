// Compiled and not run: every call of the package, as TypeScript sees it.

import { Detector, OrgwatchError, describe, type Finding } from 'orgwatch-js';
import { init } from 'orgwatch-js/manual';

const detector = new Detector({ management_account: '111122223333' }, [new Uint8Array()]);
const { findings, counts } = detector.detectBatch(new Uint8Array());
const all: Finding[] = findings.map(({ finding }) => finding);
const more: Finding[] = detector.mergeState(detector.saveState());
try {
  all.push(...detector.detect('{}'), ...more);
} catch (error) {
  if (error instanceof OrgwatchError) console.log(error.kind === 'event', error.problems[0]?.path);
}
console.log(all[0]?.severity === 'critical', counts.events, describe().rules.length);
console.log(detector.screen('').spans[0]?.offset, detector.rules()[0]?.slug, detector.counters(), init);
detector.close();
// @ts-expect-error: there is no such call
detector.nothing();
