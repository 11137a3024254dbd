/** Makes the detector ready. To be called once, before anything else. */
export function init(module: BufferSource | WebAssembly.Module): void;
export * from './index.js';
