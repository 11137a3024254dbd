// The page: what is given to it, what is found, and what is edited.

import { Editor } from './editors.js';
import { Findings, MOST_FINDINGS, SEVERITIES } from './incidents.js';
import { chosen, dropped, pasted, total } from './intake.js';
import { Compiler, Examiner } from './jobs.js';
import { save } from './payload.js';
import { el, number, plural, size } from './text.js';
import { incident } from './view.js';

// No policy binds WebRTC in every browser, and nothing here needs it.
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport']) {
  Object.defineProperty(globalThis, name, { value: undefined, configurable: false });
}

const at = (id) => document.getElementById(id);

/** More bytes than these are not examined again by themselves after an edit. */
const MOST_AT_ONCE = 64e6;

/** The most things that could not be read which are named, and incidents that are shown. */
const MOST_UNREAD = 200;
const MOST_INCIDENTS = 200;

const digest = document.documentElement.dataset.digest;
const compiler = new Compiler();
const defaults = { json: '{}', name: undefined, text: '' };
let settings = defaults;
let pack = new Uint8Array();
let files = [];
let findings = new Findings();
let unread = [];
let unreadCount = 0;
let passedOver = 0;
let state = 'empty';
let bytes = 0;
/** Whether an edit is in use that what is shown does not know. */
let isStale = false;

const examiner = new Examiner(heard);

function enter(next, status) {
  state = next;
  document.body.dataset.state = next;
  if (status !== undefined) at('status').textContent = status;
  at('stop').hidden = next !== 'running';
  at('progress').hidden = next !== 'running';
  at('again').hidden = !(isStale && next === 'done');
  const some = findings.all.length > 0 || next === 'done';
  at('save-report').disabled = next !== 'done' || files.length === 0;
  at('save-findings').disabled = !some || findings.all.length === 0;
}

/** Examines what was given, from its start. */
function examine() {
  findings = new Findings();
  unread = [];
  unreadCount = 0;
  passedOver = 0;
  bytes = total(files);
  isStale = false;
  at('progress').value = 0;
  if (files.length > 0) enter('running', `Examining ${plural(files.length, 'file')}, ${size(bytes)}…`);
  render();
  if (files.length > 0) examiner.scan(settings, pack, files).catch(failed);
}

/** The detector cannot be started. */
function failed(error) {
  enter('failed', `This browser cannot run the detector: ${error.message}. Chromium, Firefox and Safari of 2023 or later can.`);
  at('status').classList.add('error');
}

function give(some) {
  if (some.length === 0) return enter(state, 'Nothing was in that: no file.');
  files = some;
  return examine();
}

/** After an edit that can be used. */
function edited() {
  if (files.length > 0 && total(files) > MOST_AT_ONCE) {
    isStale = true;
    return enter(state, 'The edit is in use from the next examination on.');
  }
  return examine();
}

function heard(told) {
  if (told.type === 'broken') {
    // While it is started, who started it says so.
    if (state === 'loading') return undefined;
    enter('done', `The detector failed, and was replaced: ${told.message}. What was found before stays here; what was being read was not examined to its end.`);
    return at('status').classList.add('error');
  }
  at('status').classList.remove('error', 'warning');
  for (const one of told.told) {
    if (one.finding) {
      one.finding.artifact = { ...one.finding.artifact, digest };
      findings.take(one);
    } else if (unread.length < MOST_UNREAD) {
      unread.push(one);
    }
  }
  const { totals } = told;
  unreadCount = totals.unreadable + totals.failed;
  passedOver = totals.passed_over;
  document.body.dataset.memory = told.memory;
  at('progress').value = bytes > 0 ? totals.read / bytes : 1;
  const read = `${plural(totals.events, 'event')} in ${plural(totals.files, 'file')}, ${size(totals.bytes)}`;
  render();
  if (told.type !== 'done') return enter('running', `${size(totals.read)} of ${size(bytes)} read; ${plural(findings.all.length + findings.omitted, 'finding')} so far.`);
  const again = totals.repeats > 0 ? ` ${plural(totals.repeats, 'finding')} came again.` : '';
  const none = findings.all.length > 0 ? '' : totals.events === 0
    ? ' No event was read: is this CloudTrail?'
    : ' No rule found anything in them.';
  const lost = [
    [totals.unreadable, 'event'], [totals.failed, 'file'],
  ].filter(([count]) => count > 0).map(([count, noun]) => plural(count, noun)).join(' and ');
  const rest = [
    lost && ` ${lost} could not be read: see below.`,
    passedOver > 0 && ` ${plural(passedOver, 'file')} without a CloudTrail record passed over.`,
    totals.foreign > 0 && ` ${number(totals.foreign)} ${totals.foreign === 1 ? 'is' : 'are'} not CloudTrail${totals.notifications > 0 ? `, of which ${plural(totals.notifications, 'notification')} of records elsewhere` : ''}.`,
    totals.without_time > 0 && ` ${plural(totals.without_time, 'event')} had no time that can be read.`,
  ].filter(Boolean).join('');
  enter('done', `${told.stopped ? 'Stopped: the rest was not read. ' : ''}${read}.${none}${again}${rest}`);
  at('status').classList.toggle('warning', Boolean(lost) || told.stopped);
}

let drawing;
/** Draws at most a few times a second. */
function render() {
  document.body.dataset.drawn = 'no';
  drawing ??= setTimeout(() => {
    drawing = undefined;
    draw();
    document.body.dataset.drawn = 'yes';
  }, state === 'running' ? 250 : 0);
}

function draw() {
  const list = at('incidents');
  const open = new Set(Array.from(list.querySelectorAll('details.incident[open]'), (one) => one.dataset.incident));
  const all = findings.incidents();
  // Somebody may be reading: an opened list is left alone until the end.
  const isRead = state === 'running' && open.size > 0;
  if (!isRead) list.replaceChildren(...all.slice(0, MOST_INCIDENTS).map((one) => incident(one, findings, open.has(one.id))));
  const counts = findings.counts();
  at('counts').replaceChildren(...SEVERITIES.filter((severity) => counts.get(severity) > 0)
    .map((severity) => el('li', { class: `is-${severity}` }, el('b', {}, number(counts.get(severity))), ` ${severity}`)));
  at('results').hidden = all.length === 0;
  const more = Math.max(0, all.length - MOST_INCIDENTS);
  at('more').textContent = [
    more > 0 ? `${plural(more, 'incident')} more ${more === 1 ? 'is' : 'are'} in the export.` : '',
    findings.omitted > 0 ? `${plural(findings.omitted, 'finding')} beyond the first ${number(MOST_FINDINGS)} are only counted; the report has the gravest.` : '',
  ].join(' ').trim();
  at('unread').hidden = unreadCount + passedOver === 0;
  at('unread-count').textContent = [
    unreadCount > 0 && `${plural(unreadCount, 'thing')} could not be read`,
    passedOver > 0 && `${plural(passedOver, 'file')} passed over`,
    unreadCount + passedOver > unread.length && `the first ${number(unread.length)}`,
  ].filter(Boolean).join('; ');
  at('unread-list').replaceChildren(...unread.map((one) =>
    el('li', {}, `${one.path}${one.line ? `:${one.line}` : ''}: ${one.unreadable ?? one.failed ?? `passed over: ${one.passed_over}`}`)));
}

/** The settings of a text, and every problem with them. */
async function checkSettings(text) {
  const before = settings;
  if (text.trim() === '') {
    settings = defaults;
  } else {
    const { json, line, problem } = await compiler.ask({ type: 'settings', text });
    if (problem) return { problems: [{ line, text: problem }] };
    settings = { json, name: 'settings.yaml', text };
  }
  const problems = await trial();
  if (problems.length === 0) return { good: text.trim() ? 'In use. Nothing is wrong.' : 'None: the defaults are in use.' };
  settings = before;
  const lines = await compiler.ask({ type: 'lines', text, paths: problems.map(({ path }) => path) });
  return { problems: problems.map(({ path, value, problem }, n) =>
    ({ line: lines[n], text: [path, value, problem].filter(Boolean).join(': ') })) };
}

/** The pack of a rule, and every problem with it. */
async function checkRule(text) {
  const before = pack;
  let said = { problems: [], warnings: [], slugs: [] };
  if (text.trim() === '') {
    pack = new Uint8Array();
  } else {
    said = await compiler.ask({ type: 'rules', text });
    if (said.problems.length > 0) return said;
    pack = said.pack;
  }
  const problems = await trial();
  if (problems.length > 0) {
    pack = before;
    return { problems: problems.map(({ problem }) => ({ text: problem })) };
  }
  const { warnings, slugs } = said;
  return { warnings, good: slugs.length > 0 ? `In use: ${slugs.join(', ')}.` : 'None: the rules of orgwatch alone run.' };
}

/** Uses an edit, and says what the detector does not take of it. */
async function trial() {
  const problems = await examiner.check(settings, pack);
  if (problems.length === 0) edited();
  return problems;
}

const rule = new Editor('rule', checkRule);
const setting = new Editor('settings', checkSettings);

at('files').addEventListener('change', ({ target }) => give(chosen(target)));
at('folder').addEventListener('change', ({ target }) => give(chosen(target)));
at('paste').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = at('pasted').value;
  if (text.trim() === '') return enter(state, 'Nothing was pasted: put an event, or several, into the field.');
  return give(pasted(text));
});
at('sample').addEventListener('click', async () => {
  const bytes = await examiner.unpack('sample-events');
  give([{ file: new File([bytes], 'incident.ndjson'), path: 'samples/incident.ndjson', root: 'samples/incident.ndjson' }]);
});
at('licences').addEventListener('toggle', async () => {
  at('licences-text').textContent = new TextDecoder().decode(await examiner.unpack('packed-licences'));
}, { once: true });
at('stop').addEventListener('click', () => examiner.stop());
at('again').addEventListener('click', examine);
at('example').addEventListener('click', () => rule.set(at('example-rule').textContent.trimStart()));
at('save-findings').addEventListener('click', () =>
  save('findings.ndjson', 'application/x-ndjson', findings.all.map(({ finding }) => `${JSON.stringify(finding)}\n`).join('')));
at('save-report').addEventListener('click', async () => {
  try {
    const report = await examiner.report(digest);
    if (!report) return enter(state, 'There is no report: the detector was replaced. Give it the files again.');
    return save('report.html', 'text/html', report);
  } catch (error) {
    return enter(state, `There is no report: ${error.message}`);
  }
});

for (const name of ['dragover', 'dragenter']) {
  addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.add('dragged');
  });
}
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dragged');
});
addEventListener('drop', async (event) => {
  event.preventDefault();
  document.body.classList.remove('dragged');
  try {
    give(await dropped(event.dataTransfer));
  } catch (error) {
    enter(state, `It cannot be read: ${error.message}`);
  }
});
// A part of a chain leads to its finding, which may be closed.
at('incidents').addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#finding-"]');
  const to = link && document.getElementById(link.getAttribute('href').slice(1));
  if (!link) return;
  event.preventDefault();
  if (!to) return;
  for (let one = to; one; one = one.parentElement?.closest('details')) one.open = true;
  to.querySelector('summary').focus();
});

enter('loading', 'Loading the detector…');
examiner.start().then(
  (about) => {
    at('version').textContent = `${about.version}, ${plural(about.rules, 'rule')}`;
    enter('empty', '');
    document.body.dataset.ready = 'yes';
  },
  failed,
);
