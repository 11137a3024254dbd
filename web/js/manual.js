// The package where neither fits: `init` takes the bytes of `wasm/orgwatch_web_bg.wasm`, or a compiled module.

import { initSync } from './wasm/orgwatch_web.js';

/** Makes the detector ready. To be called once, before anything else. */
export const init = (module) => void initSync({ module });

export * from './detector.js';
