// What the tests of the page share: a browser, a page that was opened from a file, and checks.

import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// npm's packages stand below the target folder, which `NODE_MODULES` names.
const require = createRequire(join(resolve(process.env.NODE_MODULES), 'index.js'));

export const { chromium } = require('playwright-core');
export const axe = require.resolve('axe-core/axe.min.js');
export const root = resolve(import.meta.dirname, '../..');
export const shots = resolve(process.env.SCREENSHOTS ?? join(root, 'target/web-tests/screenshots'));
export const scratch = resolve(process.env.SCRATCH ?? join(root, 'target/web-tests'));
export const url = pathToFileURL(join(root, 'dist/orgwatch.html')).href;
mkdirSync(shots, { recursive: true });

export const browser = (options = {}) =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'], ...options });

/** A page with the detector loaded; an error in it, or a message that its policy was broken, fails the test. */
export async function open(of, options = {}) {
  const { lenient, ...rest } = options;
  const context = await of.newContext({ acceptDownloads: true, ...rest });
  const page = await context.newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && page.errors.push(message.text()));
  await page.goto(url);
  await page.waitForSelector('body[data-ready=yes]');
  return page;
}

/** Waits until what was given has been examined. */
export const done = (page) => page.waitForSelector('body[data-state=done]', { timeout: 120_000 });

export async function sample(page) {
  await page.evaluate(() => { document.getElementById('status').textContent = ''; });
  await page.click('#sample');
  await page.waitForFunction(() => /165 events in 1 file/.test(document.getElementById('status').textContent));
  await done(page);
  await page.waitForSelector('.incident');
}

/** Drops files, as a person does. */
export async function drop(page, files) {
  const transfer = await page.evaluateHandle((given) => {
    const data = new DataTransfer();
    for (const { name, base64 } of given) {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      data.items.add(new File([bytes], name));
    }
    return data;
  }, files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString('base64') })));
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
}

export const status = (page) => page.textContent('#status');

export async function download(page, button) {
  const [got] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
  const path = join(scratch, got.suggestedFilename());
  await got.saveAs(path);
  return path;
}

/** Violations of axe-core's rules, as text. */
export async function violations(page) {
  // Not through a tag: the page's policy would refuse it.
  const source = (await import('node:fs')).readFileSync(axe, 'utf8');
  await page.evaluate(source);
  const result = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`);
}
