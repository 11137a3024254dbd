// The detector for JavaScript: objects and typed errors around the WebAssembly module.

import { RawDetector, describe as rawDescribe } from './wasm/orgwatch_web.js';

/** What the detector does not take: settings or packs, an event, or a state. */
export class OrgwatchError extends Error {
  constructor({ kind, message, problems }) {
    super(message);
    this.name = 'OrgwatchError';
    this.kind = kind;
    this.problems = problems;
  }
}

/** Runs a call, and throws what it throws as an `OrgwatchError`. */
function typed(call) {
  try {
    return call();
  } catch (error) {
    if (typeof error === 'string') throw new OrgwatchError(JSON.parse(error));
    throw error;
  }
}

/** Bytes as they are, text as UTF-8. */
const bytes = (value) => (typeof value === 'string' ? new TextEncoder().encode(value) : value);

/** Examines events and remembers what it must. */
export class Detector {
  #raw;

  constructor(settings = {}, packs = []) {
    const text = typeof settings === 'string' ? settings : JSON.stringify(settings);
    const lengths = Uint32Array.from(packs, (pack) => pack.length);
    const all = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const pack of packs) {
      all.set(pack, at);
      at += pack.length;
    }
    this.#raw = typed(() => new RawDetector(text, all, lengths));
  }

  get #open() {
    if (!this.#raw) throw new OrgwatchError({ kind: 'closed', message: 'the detector was closed', problems: [] });
    return this.#raw;
  }

  /** Findings of one event, which may stand on several lines. */
  detect(event) {
    return JSON.parse(typed(() => this.#open.detect(bytes(event))));
  }

  /** Findings of newline-delimited events with their places, counts, and what could not be read. */
  detectBatch(events) {
    return JSON.parse(this.#open.detectBatch(bytes(events)));
  }

  /** The lines that any rule could match. Touches no memory. */
  screen(events) {
    return JSON.parse(this.#open.screen(bytes(events)));
  }

  /** The memory as bytes: keep it where it outlives this program. Loading is merging. */
  saveState() {
    return this.#open.saveState();
  }

  /** Adds a memory, of this detector or of another, and gives the findings that this completes. */
  mergeState(state) {
    return JSON.parse(typed(() => this.#open.mergeState(state)));
  }

  /** The rules that run. */
  rules() {
    return JSON.parse(this.#open.rules());
  }

  /** What the memory holds, and what was dropped. */
  counters() {
    return JSON.parse(this.#open.counters());
  }

  /** Gives its memory back; a detector that nobody holds does so by itself. */
  close() {
    this.#raw?.free();
    this.#raw = undefined;
  }

  [Symbol.dispose ?? Symbol.for("dispose")]() {
    this.close();
  }
}

/** What this package is: its version, the rules that it carries, and the shapes of input. */
export const describe = () => JSON.parse(rawDescribe());
