// Findings by incident, the gravest first. Neighbouring days of one attack are one incident, as in the report.

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'informational'];

/** More findings than these are counted and not shown. */
export const MOST_FINDINGS = 5000;

/** The most characters of raw records that are kept. */
const MOST_RAW = 32 << 20;

const gravity = (finding) => SEVERITIES.indexOf(finding.severity);

export const isOfAlert = ({ status }) => status === 'new' || status === 'follow-up';

/** A time in seconds, or undefined. */
export const seconds = (time) => {
  const value = Date.parse(time ?? '') / 1000;
  return Number.isFinite(value) ? value : undefined;
};

export class Findings {
  all = [];
  byId = new Map();
  omitted = 0;
  #raw = 0;

  take({ finding, path, line, raw, length }) {
    if (this.all.length >= MOST_FINDINGS) {
      this.omitted += 1;
      return;
    }
    this.#raw += raw.length;
    const kept = this.#raw <= MOST_RAW ? raw : undefined;
    const one = { finding, path, line, raw: kept, length };
    this.all.push(one);
    this.byId.set(finding.id, one);
  }

  /** How many there are of each severity. */
  counts() {
    const counts = new Map(SEVERITIES.map((severity) => [severity, 0]));
    for (const { finding } of this.all) counts.set(finding.severity, counts.get(finding.severity) + 1);
    return counts;
  }

  incidents() {
    const days = new Map();
    for (const one of this.all) {
      const { incident, incident_before: before } = one.finding;
      if (!days.has(incident)) days.set(incident, { before, all: [] });
      days.get(incident).all.push(one);
    }
    const after = new Map(Array.from(days, ([id, { before }]) => [before, id]));
    const incidents = [];
    for (const [id, { before }] of days) {
      if (days.has(before)) continue;
      const all = [];
      for (let next = id; days.has(next); next = after.get(next)) all.push(...days.get(next).all);
      incidents.push(new Incident(id, all));
    }
    return incidents.sort((one, other) => one.rank - other.rank || (one.from ?? 0) - (other.from ?? 0));
  }
}

class Incident {
  constructor(id, all) {
    this.id = id;
    const time = ({ finding }) => seconds(finding.last_seen) ?? Infinity;
    this.all = all.sort((one, other) => time(one) - time(other));
    const times = all.map(time).filter(Number.isFinite);
    [this.from, this.to] = [times[0], times.at(-1)];
    this.alerts = all.filter(({ finding }) => finding.status === 'new').length;
    const told = all.filter(({ finding }) => isOfAlert(finding));
    this.isQuiet = told.length === 0;
    // The first of the gravest; an event before a chain, since its words are plainer.
    const weight = ({ finding }) => gravity(finding) * 2 + Number((finding.parts?.length ?? 0) > 0);
    const among = this.isQuiet ? all : told;
    this.gravest = among.reduce((best, one) => (weight(one) < weight(best) ? one : best));
    this.rank = gravity(this.gravest.finding) + (this.isQuiet ? SEVERITIES.length : 0);
    this.account = all.map(({ finding }) => finding.account).find(Boolean);
  }
}
