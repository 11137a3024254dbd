// The two workers, as the page asks them.

import { unpack, worker } from './payload.js';

/** The worker that examines. It is replaced when it breaks. */
export class Examiner {
  #worker;
  #job = 0;
  /** Who waits for an answer, by its kind. */
  #waiting = { report: [], checked: [] };

  constructor(listener) {
    this.listener = listener;
  }

  async start() {
    const module = await unpack('core-wasm');
    return new Promise((resolve, reject) => {
      this.#worker = worker('core-worker');
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
        this.#broken(event.message);
      };
      this.#worker.onmessage = ({ data }) => {
        if (data.type === 'ready') return resolve(data.description);
        if (this.#waiting[data.type]) return this.#waiting[data.type].shift()?.(data);
        if (data.type === 'broken') {
          reject(new Error(data.message));
          return this.#broken(data.message);
        }
        // What an earlier job still says is of no interest.
        if (data.job === this.#job) this.listener(data);
      };
      this.#worker.postMessage({ type: 'start', module }, [module]);
    });
  }

  #broken(message) {
    this.#worker.terminate();
    this.listener({ type: 'broken', message });
    this.ready = this.start();
  }

  scan(settings, pack, files) {
    this.#job += 1;
    this.#worker.postMessage({ type: 'scan', job: this.#job, settings, pack, files });
  }

  stop() {
    this.#worker.postMessage({ type: 'stop', job: this.#job });
  }

  /** Every problem that the detector has with settings and a pack. */
  async check(settings, pack) {
    return (await this.#ask('checked', { type: 'check', settings, pack })).problems;
  }

  /** The report of the last examination, as bytes. */
  async report(digest) {
    return (await this.#ask('report', { type: 'report', digest })).bytes;
  }

  #ask(answer, question) {
    return new Promise((resolve) => {
      this.#waiting[answer].push(resolve);
      this.#worker.postMessage(question);
    });
  }
}

/** The worker that compiles, made at the first question. */
export class Compiler {
  #worker;
  #waiting = new Map();
  #number = 0;

  async #start() {
    const module = await unpack('compiler-wasm');
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
