// The worker that reads files and examines them. It is made from a blob, so that the page's policy binds it.
/* global wasm_bindgen, Reading */

/** That of the file which the module reads. */
let reading;

/** The module asks for bytes of the file that is read. */
globalThis.orgwatchReadFile = (offset, to) => reading.read(offset, to);

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

function progress(job, finished, stopped = false) {
  const told = scan.take();
  const totals = JSON.parse(scan.totals());
  postMessage({ type: finished ? 'done' : 'progress', job, stopped, told: JSON.parse(told), totals, memory: memory.buffer.byteLength });
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
  scan = new wasm_bindgen.Scan(settings.json, settings.name, settings.text, pack);
  const roots = new Set(given.map((one) => one.root));
  for (const root of roots) scan.path(root);
  let last = performance.now();
  for (const { file, path } of given) {
    // Of its own: a job that was given up may still wait for a part of its file.
    const own = new Reading(file);
    reading = own;
    scan.begin(file.size, path);
    let more = true;
    while (more) {
      await own.fill();
      if (wanted !== job) return own.close();
      more = scan.step();
      const now = performance.now();
      if (now - last > 60) {
        last = now;
        progress(job, false);
        await pause();
        if (wanted !== job) return own.close();
      }
    }
    own.close();
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
          progress(data.job, true, true);
        }
        break;
      case 'check':
        postMessage({ type: 'checked', problems: problems(data) });
        break;
      case 'report':
        postMessage({ type: 'report', bytes: scan?.report(data.digest) });
        break;
    }
  } catch (error) {
    postMessage({ type: 'broken', job: data.job, message: String(error?.message ?? error) });
  }
};
