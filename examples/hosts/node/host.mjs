// A host of the orgwatch component in Node, with npm's `@bytecodealliance/jco`.
//
//     npx jco transpile orgwatch-0.1.0.wasm --instantiation async --name orgwatch --out-dir component
//     node host.mjs component orgwatch-0.1.0.wasm [settings.json [mine.pack]]
//         < events.ndjson > findings.ndjson
//
// `orgwatch rules compile` makes a pack of your own rules.
//
// It is an example: docs/contract.md explains it.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/// Settings, a pack or a state that the component does not take.
export class Refused extends Error {}

/// An opened detector. A guest that traps is replaced by a new one with the memory that was saved
/// last, and what it was given is examined again without the event that did it.
export class Detector {
  /// `folder` is what jco made of the component in `file`.
  static async open(folder, file, settings = '{}', packs = []) {
    const detector = new Detector();
    const { instantiate } = await import(pathToFileURL(resolve(folder, 'orgwatch.js')));
    // Compiled once; a guest that trapped is replaced without waiting.
    const modules = new Map();
    const module = async (name) => {
      if (!modules.has(name)) {
        modules.set(name, await WebAssembly.compile(await readFile(resolve(folder, name))));
      }
      return modules.get(name);
    };
    // The component imports nothing.
    detector.instantiate = () => instantiate(module, {});
    detector.settings = settings;
    detector.packs = packs;
    // The component cannot know its own digest.
    const digest = createHash('sha256').update(await readFile(file)).digest('hex');
    detector.digest = `sha256:${digest}`;
    detector.state = undefined;
    await detector.reopen();
    return detector;
  }

  async reopen() {
    const { detection } = await this.instantiate();
    try {
      this.guest = detection.Detector.open(this.settings, this.packs);
    } catch (error) {
      // jco throws the error of a result, with the WIT value as its payload.
      if (!Array.isArray(error.payload)) throw error;
      const problems = error.payload.map(({ path, problem }) => `${path}: ${problem}`);
      throw new Refused(problems.join('; '));
    }
    if (this.state !== undefined) this.guest.mergeState(this.state);
  }

  /// The memory: keep it where it outlives this program. Loading is merging.
  save() {
    this.state = this.guest.saveState();
    return this.state;
  }

  /// Adds a memory, of this detector or of another, and gives the findings that this completes.
  merge(state) {
    let findings;
    try {
      findings = this.guest.mergeState(state);
    } catch (error) {
      if (typeof error.payload !== 'string') throw error;
      throw new Refused(error.payload);
    }
    this.save();
    return findings.map((finding) => this.shown(finding));
  }

  /// Findings, and what could not be read.
  async detectBatch(events) {
    let batch;
    try {
      batch = this.guest.detectBatch(events);
    } catch (error) {
      await this.reopen();
      return this.withoutTheCulprit(events, error);
    }
    this.save();
    return {
      findings: batch.findings.map(({ finding }) => this.shown(finding)),
      unreadable: batch.unreadable.map(({ place, reason }) => ({ line: place.line, reason })),
    };
  }

  /// Halves the batch until the event that did it stands alone.
  async withoutTheCulprit(events, error) {
    const ends = lineEnds(events);
    if (ends.length < 2) {
      const reason = `the component failed: ${error.message}`;
      return { findings: [], unreadable: [{ line: 1, reason }] };
    }
    const middle = ends.length >> 1;
    const first = await this.detectBatch(events.subarray(0, ends[middle - 1]));
    const second = await this.detectBatch(events.subarray(ends[middle - 1]));
    const moved = second.unreadable.map(({ line, reason }) => ({ line: middle + line, reason }));
    return {
      findings: [...first.findings, ...second.findings],
      unreadable: [...first.unreadable, ...moved],
    };
  }

  /// A finding as orgwatch itself writes it as JSON.
  shown(finding) {
    const shown = plain(finding);
    for (const name of ['principal', 'target']) {
      if (shown[name]?.kind !== undefined) {
        shown[name].type = shown[name].kind;
        delete shown[name].kind;
      }
    }
    if (shown.details) shown.details = Object.fromEntries(shown.details);
    if (!shown.repeat) delete shown.repeat;
    shown.artifact.digest = this.digest;
    return shown;
  }
}

/// Where each line ends, its newline included.
function lineEnds(events) {
  const ends = [];
  for (let at = 0; at < events.length; at = ends.at(-1)) {
    const newline = events.indexOf(10, at);
    ends.push(newline < 0 ? events.length : newline + 1);
  }
  return ends;
}

/// Without what is absent; names with underscores.
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const named = Object.entries(value)
    .filter(([, one]) => one !== undefined && !(Array.isArray(one) && one.length === 0))
    .map(([name, one]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), plain(one)]);
  return Object.fromEntries(named);
}

async function main([folder, file, settings, ...packs]) {
  const given = settings && (await readFile(settings, 'utf8'));
  const rules = await Promise.all(packs.map((pack) => readFile(pack)));
  const detector = await Detector.open(folder, file, given, rules);
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const { findings, unreadable } = await detector.detectBatch(Buffer.concat(chunks));
  for (const finding of findings) console.log(JSON.stringify(finding));
  for (const { line, reason } of unreadable) console.error(`host.mjs: line ${line}: ${reason}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(`host.mjs: ${error.message}`);
    process.exitCode = 2;
  });
}
