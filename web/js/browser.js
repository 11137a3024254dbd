// The package in browsers and workers: the module is fetched from beside this file.

import init from './wasm/orgwatch_web.js';

await init({ module_or_path: new URL('./wasm/orgwatch_web_bg.wasm', import.meta.url) });

export * from './detector.js';
