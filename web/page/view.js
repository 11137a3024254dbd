// An incident as elements: closed, and opened to its timeline and its findings.

import { isOfAlert, seconds } from './incidents.js';
import { el, number, plural, span } from './text.js';

/** The most findings of one incident that are shown. */
const MOST_SHOWN = 300;

const time = (text) => (text ? el('time', { datetime: text }, text.replace('T', ' ').replace(/Z$/, '')) : el('span', {}, 'time unknown'));

const badge = (severity) => el('span', { class: `badge is-${severity}` }, severity);

/** A name and its values; nothing where there is none. */
function fact(name, ...values) {
  const shown = values.flat().filter((value) => value !== undefined && value !== null && value !== '');
  return shown.length === 0 ? undefined
    : el('div', {}, el('dt', {}, name), shown.map((value) => el('dd', {}, value)));
}

const steps = (finding) => el('ol', { class: 'triage' }, (finding.triage ?? []).map((step) => el('li', {}, step)));

const outcomes = { success: 'It succeeded', failure: 'It failed', unknown: 'It is not known how it ended' };

function facts(finding) {
  const who = finding.principal ?? {};
  const mfa = who.mfa === undefined ? undefined : who.mfa ? 'with a second factor' : 'no second factor';
  const details = Object.entries(finding.details ?? {}).filter(([name]) => name !== 'parts');
  return el('dl', { class: 'facts' },
    fact('Who', who.arn ?? who.name, who.type, who.access_key_id && `access key ${who.access_key_id}`, who.issuer && `session of ${who.issuer}`, mfa),
    fact('From', finding.source_ip, finding.region && `region ${finding.region}`),
    fact('With', finding.user_agent),
    fact('Call', finding.event_name, finding.event_source),
    fact('Outcome', outcomes[finding.outcome], finding.outcome_reason),
    fact('Target', finding.target?.id, finding.target?.type),
    fact('Account', finding.account, finding.accounts?.acting && `acting ${finding.accounts.acting}`, finding.accounts?.recipient && `recorded in ${finding.accounts.recipient}`),
    fact('Organization', finding.organization),
    fact('Going to', finding.destination_organization),
    details.map(([name, value]) => fact(name, value)),
    finding.status === 'new' ? undefined : fact('Status', finding.status, finding.status_reason),
    fact('ATT&CK', finding.attack),
    fact('Rule', finding.rule),
    fact('Events', finding.events));
}

/** The parts of a chain, in order, each leading to its finding. */
function chain({ finding }, findings) {
  if (!finding.parts?.length) return undefined;
  let before;
  const step = (id) => {
    const part = findings.byId.get(id);
    if (!part) return el('li', {}, `finding ${id}, which is not shown here`);
    const at = seconds(part.finding.last_seen);
    const gap = before !== undefined && at > before ? `${span(Math.round(at - before))} later` : undefined;
    before = at ?? before;
    return el('li', {}, gap && el('span', { class: 'gap' }, gap), badge(part.finding.severity), ' ',
      time(part.finding.last_seen), ' ', el('a', { href: `#finding-${id}` }, part.finding.title),
      el('p', {}, part.finding.summary));
  };
  return [el('h4', {}, 'The chain'), el('ol', { class: 'chain' }, finding.parts.map(step))];
}

/** A record with every value on a line of its own; as it is, if it is no JSON. */
function laidOut(raw) {
  try {
    return JSON.stringify(JSON.parse(raw), undefined, 2);
  } catch {
    return raw;
  }
}

function rawRecord({ path, line, raw, length }) {
  if (raw === undefined) return el('p', { class: 'note' }, `The record is on line ${number(line)} of ${path}.`);
  const details = el('details', { class: 'raw' }, el('summary', {}, 'Raw record'));
  details.addEventListener('toggle', () => {
    const cut = new TextEncoder().encode(raw).length < length ? ` This is the first part of its ${number(length)} bytes.` : '';
    details.append(el('p', { class: 'note' }, `Read from ${path}:${line}.${cut}`), el('pre', { tabindex: 0 }, laidOut(raw)));
  }, { once: true });
  return details;
}

function body(one, findings) {
  const { finding } = one;
  return el('div', { class: 'body' },
    chain(one, findings),
    el('h4', {}, 'What is known'), facts(finding),
    Boolean(finding.why) && [el('h4', {}, 'Why it matters'), el('p', {}, finding.why)],
    Boolean(finding.benign) && [el('h4', {}, 'What else it could be'), el('p', {}, finding.benign)],
    finding.triage?.length > 0 && [el('h4', {}, 'What to do'), steps(finding)],
    rawRecord(one));
}

/** A finding in the timeline. */
function row(one, findings) {
  const { finding } = one;
  const details = el('details', { class: 'finding', id: `finding-${finding.id}` },
    el('summary', {}, badge(finding.severity), ' ',
      isOfAlert(finding) && finding.status === 'new' ? undefined : el('span', { class: 'badge other' }, finding.status),
      ' ', time(finding.last_seen), ' ', el('b', {}, finding.title), el('span', { class: 'summary' }, finding.summary)));
  details.addEventListener('toggle', () => details.append(body(one, findings)), { once: true });
  return el('li', { class: `is-${finding.severity}` }, details);
}

function opened(incident, findings) {
  const { finding } = incident.gravest;
  const shown = incident.all.slice(0, MOST_SHOWN);
  const left = incident.all.length - shown.length;
  return el('div', { class: 'body' },
    el('h3', {}, 'Who, and from where'),
    el('dl', { class: 'facts' },
      fact('Who', finding.principal?.arn ?? finding.principal?.name),
      fact('From', finding.source_ip, finding.region), fact('With', finding.user_agent),
      fact('Going to', finding.destination_organization)),
    finding.triage?.length > 0 && [el('h3', {}, 'What to do'), steps(finding)],
    el('h3', {}, 'Timeline'),
    el('ol', { class: 'timeline' }, shown.map((one) => row(one, findings))),
    left > 0 && el('p', { class: 'note' }, `${plural(left, 'finding')} more: the export has them.`),
    el('p', { class: 'note' }, `Incident ${incident.id}. Times are UTC, and the events' own.`));
}

/** An incident; what it opens to is made when it is opened. */
export function incident(incident, findings, isOpen) {
  const { finding } = incident.gravest;
  const details = el('details', { class: `incident is-${finding.severity}`, 'data-incident': incident.id },
    el('summary', {}, badge(finding.severity),
      incident.isQuiet && el('span', { class: 'badge other' }, 'no alert'), ' ',
      el('b', {}, incident.account ? `Account ${incident.account}` : 'Account unknown'), ' ',
      el('span', { class: 'note' }, `${plural(incident.all.length, 'finding')}, ${plural(incident.alerts, 'alert')}`), ' ',
      time(incident.all[0].finding.first_seen ?? incident.all[0].finding.last_seen),
      el('span', { class: 'summary' }, finding.summary)));
  const fill = () => details.append(opened(incident, findings));
  if (isOpen) {
    details.open = true;
    fill();
  } else {
    details.addEventListener('toggle', fill, { once: true });
  }
  return el('li', {}, details);
}
