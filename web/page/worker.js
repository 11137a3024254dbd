// The worker that reads files and examines them. It is made from a blob, so that the page's policy binds it.
/* global wasm_bindgen */

let files = [];
const reader = new FileReaderSync();

/** The module asks for bytes of a file: how many there were, or -1 if the browser cannot read it. */
globalThis.orgwatchReadFile = (number, offset, to) => {
  try {
    const bytes = reader.readAsArrayBuffer(files[number].file.slice(offset, offset + to.length));
    to.set(new Uint8Array(bytes));
    return bytes.byteLength;
  } catch {
    return -1;
  }
};

let memory;
let scan;
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

function progress(job, finished) {
  const told = scan.take();
  const totals = JSON.parse(scan.totals());
  postMessage({ type: finished ? 'done' : 'progress', job, told: JSON.parse(told), totals, memory: memory.buffer.byteLength });
}

/** Every problem with settings and a pack. */
function problems({ settings, pack }) {
  try {
    new wasm_bindgen.Scan(settings.json, settings.name, settings.text, pack).free();
    return [];
  } catch (error) {
    if (typeof error !== 'string') throw error;
    return JSON.parse(error);
  }
}

async function run({ job, settings, pack, files: given }) {
  scan?.free();
  scan = undefined;
  files = given;
  scan = new wasm_bindgen.Scan(settings.json, settings.name, settings.text, pack);
  const roots = new Set(given.map((one) => one.root));
  for (const root of roots) scan.path(root);
  let last = performance.now();
  for (const [number, { file, path }] of given.entries()) {
    scan.begin(number, file.size, path);
    let more = true;
    while (more) {
      more = scan.step();
      const now = performance.now();
      if (now - last > 60) {
        last = now;
        progress(job, false);
        await pause();
        if (wanted !== job) return;
      }
    }
  }
  progress(job, true);
}

self.onmessage = async ({ data }) => {
  try {
    switch (data.type) {
      case 'start':
        memory = wasm_bindgen.initSync({ module: data.module }).memory;
        postMessage({ type: 'ready', description: JSON.parse(wasm_bindgen.describe()) });
        break;
      case 'scan':
        wanted = data.job;
        await run(data);
        break;
      case 'stop':
        if (wanted === data.job) {
          wanted = 0;
          progress(data.job, true);
        }
        break;
      case 'check':
        postMessage({ type: 'checked', problems: problems(data) });
        break;
      case 'report':
        postMessage({ type: 'report', bytes: scan.report(data.digest) });
        break;
    }
  } catch (error) {
    postMessage({ type: 'broken', job: data.job, message: String(error?.message ?? error) });
  }
};
