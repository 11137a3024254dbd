// The worker that compiles Sigma rules and reads settings. The page makes it when either is edited.
/* global makeCompiler, unlzma */

const compiler = makeCompiler();

const answers = {
  start({ module }) {
    compiler.initSync({ module: unlzma(module) });
    return {};
  },
  rules({ text }) {
    const compiled = compiler.compileRules(text);
    const answer = { ...JSON.parse(compiled.told), pack: compiled.pack };
    compiled.free();
    return answer;
  },
  settings({ text }) {
    return JSON.parse(compiler.readSettings(text));
  },
  lines({ text, paths }) {
    return paths.map((path) => compiler.lineOf(text, path));
  },
};

self.onmessage = ({ data }) => {
  try {
    postMessage({ number: data.number, answer: answers[data.type](data) });
  } catch (error) {
    postMessage({ number: data.number, broken: String(error?.message ?? error) });
  }
};
