// The worker that reads files and examines them. It is made from a blob, so that the page's policy binds it.
/* global makeCore, makeReport, makeRows, unlzma, Reading */

const core = makeCore();
const report = makeReport();

/** That of the file which the module reads. */
let reading;

/** The module asks for bytes of the file that is read. */
globalThis.orgwatchReadFile = (offset, to) => reading.read(offset, to);

/** The parts of the page that are not decompressed yet, by name. */
let parts;
let memory;
let scan;
let rowsModule;
/** The maker of the report, once there is something for it. */
let maker;
/** The number of the job that is wanted: another one, or none, ends the one that runs. */
let wanted = 0;

const channel = new MessageChannel();
let resume;
channel.port1.onmessage = () => resume();
/** Lets messages in, such as that to stop. */
const pause = () => new Promise((resolve) => {
  resume = resolve;
  channel.port2.postMessage(0);
});

/** Makes a module ready when it is first needed. */
function ready(name, glue) {
  if (!parts[name]) return;
  glue.initSync({ module: unlzma(parts[name]) });
  parts[name] = undefined;
}

/** The maker of this examination's report. */
function reporting() {
  ready('report', report);
  maker ??= new report.ReportMaker();
  return maker;
}

function progress(job, finished, stopped = false) {
  const text = scan.take();
  if (text !== '[]') reporting().take(text);
  const totals = { ...JSON.parse(scan.totals()), read: scan.read() };
  postMessage({ type: finished ? 'done' : 'progress', job, stopped, told: JSON.parse(text), totals, memory: memory.buffer.byteLength });
}

/** The lines that the rows of a Parquet file are, as the module reads them: one after another. */
class RowLines {
  #rows;
  #piece = new Uint8Array();
  #at = 0;
  #given = 0;

  constructor(file) {
    const own = new Reading(file);
    globalThis.orgwatchReadRows = (offset, to) => own.read(offset, to);
    // An instance for each file: one that failed must not be called again, and none gives its memory back.
    rowsModule ??= new WebAssembly.Module(unlzma(parts.rows));
    const rows = makeRows();
    rows.initSync({ module: rowsModule });
    this.#run(() => (this.#rows = new rows.Rows(file.size)));
  }

  #run(call) {
    try {
      return call();
    } catch (error) {
      this.#rows = undefined;
      this.failed = typeof error === 'string' ? error
        : `the Parquet file cannot be read after ${this.#given} rows: it is damaged`;
      return undefined;
    }
  }

  fill() {}

  close() {
    this.#rows = undefined;
  }

  read(offset, to) {
    if (this.#at === this.#piece.length) {
      this.#piece = (this.#rows && this.#run(() => this.#rows.more())) ?? new Uint8Array();
      this.#at = 0;
      for (const byte of this.#piece) this.#given += Number(byte === 10);
    }
    const piece = this.#piece.subarray(this.#at, this.#at + to.length);
    to.set(piece);
    this.#at += piece.length;
    return piece.length;
  }
}

/** Every problem with settings and a pack. */
function problems({ settings, pack }) {
  try {
    new core.Scan(settings.json, settings.name, settings.text, pack).free();
    return [];
  } catch (error) {
    if (typeof error !== 'string') throw error;
    return JSON.parse(error);
  }
}

async function run({ job, settings, pack, files: given }) {
  scan?.free();
  maker?.free();
  [scan, maker] = [undefined, undefined];
  scan = new core.Scan(settings.json, settings.name, settings.text, pack);
  const roots = new Set(given.map((one) => one.root));
  for (const root of roots) scan.path(root);
  let last = performance.now();
  /** Reads all of a file; false if the job was given up. Its own: one that waits does not disturb the next. */
  const read = async (own) => {
    for (let more = true; more;) {
      await own.fill();
      if (wanted !== job) break;
      reading = own;
      more = scan.step();
      const now = performance.now();
      if (now - last > 60) {
        last = now;
        progress(job, false);
        await pause();
        if (wanted !== job) break;
      }
    }
    own.close();
    return wanted === job;
  };
  for (const { file, path, root } of given) {
    scan.begin(file.size, path, path === root);
    if (!await read(new Reading(file))) return;
    if (!scan.hasRows()) continue;
    scan.beginRows(path);
    const lines = new RowLines(file);
    if (!await read(lines)) return;
    if (lines.failed) scan.fail(path, lines.failed);
  }
  scan.end();
  progress(job, true);
}

self.onmessage = async ({ data }) => {
  try {
    switch (data.type) {
      case 'start':
        parts = data.parts;
        memory = core.initSync({ module: unlzma(parts.core) }).memory;
        postMessage({ type: 'ready', about: JSON.parse(core.about()) });
        break;
      case 'scan':
        wanted = data.job;
        await run(data);
        break;
      case 'stop':
        if (wanted === data.job) {
          wanted = 0;
          progress(data.job, true, true);
        }
        break;
      case 'check':
        postMessage({ type: 'checked', problems: problems(data) });
        break;
      case 'report':
        postMessage({ type: 'report', bytes: scan && reporting().write(scan.about(), data.digest) });
        break;
      case 'unpack':
        postMessage({ type: 'unpacked', bytes: unlzma(data.bytes) });
        break;
    }
  } catch (error) {
    postMessage({ type: 'broken', job: data.job, message: String(error?.message ?? error) });
  }
};
