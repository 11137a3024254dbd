// The package in Node: the module is read from beside this file.

import { readFileSync } from 'node:fs';
import { initSync } from './wasm/orgwatch_web.js';

initSync({ module: readFileSync(new URL('./wasm/orgwatch_web_bg.wasm', import.meta.url)) });

export * from './detector.js';
