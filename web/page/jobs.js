// The two workers, as the page asks them.

import { part, worker } from './payload.js';

/** The worker that examines. It is replaced when it breaks. */
export class Examiner {
  #job = 0;
  /** Who waits for an answer, by its kind. */
  #waiting = { report: [], checked: [], unpacked: [] };
  /** The worker, once it is ready. */
  #worker;

  constructor(listener) {
    this.listener = listener;
  }

  /** What the detector says of itself. */
  async start() {
    let described;
    this.#worker = this.#start((about) => (described = about));
    await this.#worker;
    return described;
  }

  async #start(describe = () => {}) {
    const parts = { core: part('core-wasm'), report: part('report-wasm'), rows: part('rows-wasm') };
    const made = worker('core-worker');
    await new Promise((resolve, reject) => {
      const broken = (message) => {
        made.terminate();
        reject(new Error(message));
        this.#broken(message);
      };
      made.onerror = (event) => {
        event.preventDefault();
        broken(event.message);
      };
      made.onmessage = ({ data }) => {
        if (data.type === 'ready') resolve(describe(data.about));
        else if (data.type === 'broken') broken(data.message);
        else if (this.#waiting[data.type]) this.#waiting[data.type].shift()?.resolve(data);
        // What an earlier job still says is of no interest.
        else if (data.job === this.#job) this.listener(data);
      };
      made.postMessage({ type: 'start', parts }, Object.values(parts).map((one) => one.buffer));
    });
    return made;
  }

  #broken(message) {
    for (const waiting of Object.values(this.#waiting)) {
      for (const { reject } of waiting.splice(0)) reject(new Error(message));
    }
    this.listener({ type: 'broken', message });
    this.#worker = this.#start();
    // Who asks next learns of it.
    this.#worker.catch(() => {});
  }

  async scan(settings, pack, files) {
    this.#job += 1;
    const job = this.#job;
    (await this.#worker).postMessage({ type: 'scan', job, settings, pack, files });
  }

  async stop() {
    (await this.#worker).postMessage({ type: 'stop', job: this.#job });
  }

  /** Every problem that the detector has with settings and a pack. */
  async check(settings, pack) {
    return (await this.#ask('checked', { type: 'check', settings, pack })).problems;
  }

  /** The report of the last examination, as bytes. */
  async report(digest) {
    return (await this.#ask('report', { type: 'report', digest })).bytes;
  }

  /** A part of the page, decompressed. */
  async unpack(id) {
    return (await this.#ask('unpacked', { type: 'unpack', bytes: part(id) })).bytes;
  }

  async #ask(answer, question) {
    const made = await this.#worker;
    return new Promise((resolve, reject) => {
      this.#waiting[answer].push({ resolve, reject });
      made.postMessage(question);
    });
  }
}

/** The worker that compiles, made at the first question. */
export class Compiler {
  #worker;
  #waiting = new Map();
  #number = 0;

  async #start() {
    const module = part('compiler-wasm');
    const made = worker('compiler-worker');
    made.onmessage = ({ data: { number, answer, broken } }) => {
      const { resolve, reject } = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (broken === undefined) return resolve(answer);
      // A module that failed must not be called again.
      made.terminate();
      this.#worker = undefined;
      reject(new Error(broken));
    };
    this.#send(made, { type: 'start', module });
    return made;
  }

  #send(made, question) {
    this.#number += 1;
    const number = this.#number;
    const answer = new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
    made.postMessage({ ...question, number });
    return answer;
  }

  async ask(question) {
    this.#worker ??= this.#start();
    return this.#send(await this.#worker, question);
  }
}
