// The worker that compiles Sigma rules and reads settings. The page makes it when either is edited.
/* global wasm_bindgen */

const answers = {
  start({ module }) {
    wasm_bindgen.initSync({ module });
    return {};
  },
  rules({ text }) {
    const compiled = wasm_bindgen.compileRules(text);
    const answer = { ...JSON.parse(compiled.told), pack: compiled.pack };
    compiled.free();
    return answer;
  },
  settings({ text }) {
    return JSON.parse(wasm_bindgen.readSettings(text));
  },
  lines({ text, paths }) {
    return paths.map((path) => wasm_bindgen.lineOf(text, path));
  },
};

self.onmessage = ({ data }) => {
  try {
    postMessage({ number: data.number, answer: answers[data.type](data) });
  } catch (error) {
    postMessage({ number: data.number, broken: String(error?.message ?? error) });
  }
};
