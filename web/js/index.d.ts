/** A setting or a pack that is wrong. */
export interface Problem {
  /** Where it stands: `trusted_organizations[1]`, `packs[0]`. */
  path: string;
  /** The value there, as JSON. */
  value: string;
  /** The problem, and what is allowed. */
  problem: string;
}

/** What the detector does not take. */
export class OrgwatchError extends Error {
  /** What was wrong: settings or packs, an event, a state, or a call after `close`. */
  readonly kind: 'settings' | 'event' | 'state' | 'closed';
  /** Every problem; of settings and packs only. */
  readonly problems: Problem[];
}

export type Severity = 'informational' | 'low' | 'medium' | 'high' | 'critical';

/** A finding; docs/contract.md of the project has every key. Keys may be added. */
export interface Finding {
  id: string;
  rule: string;
  rule_id: string;
  title: string;
  severity: Severity;
  /** Alert on `new`, and on nothing else. */
  status: 'new' | 'approved' | 'learning' | 'dry-run' | 'follow-up' | 'other';
  status_reason?: string;
  /** Given before. */
  repeat?: true;
  incident: string;
  incident_before?: string;
  account?: string;
  organization?: string;
  destination_organization?: string;
  outcome: 'success' | 'failure' | 'unknown';
  event_name: string;
  event_source: string;
  principal: { type?: string; arn?: string; name?: string; [key: string]: unknown };
  source_ip?: string;
  region?: string;
  user_agent?: string;
  first_seen?: string;
  last_seen?: string;
  summary: string;
  why?: string;
  benign?: string;
  triage?: string[];
  details?: Record<string, string>;
  /** Of a chain: the ids of the findings that it is made of. */
  parts?: string[];
  events?: string[];
  [key: string]: unknown;
}

/** Numbers of events by outcome. */
export interface Counts {
  lines: number;
  events: number;
  rejected: number;
  evaluated: number;
  unreadable: number;
  foreign: number;
  notifications: number;
  companions: number;
  ocsf: number;
  ecs: number;
  query_rows: number;
  without_time: number;
}

/** An event that could not be read: its line, from 1, its place in that line, from 0, and the reason. */
export interface Unreadable {
  line: number;
  record: number;
  reason: string;
}

export interface Batch {
  findings: { line: number; record: number; finding: Finding }[];
  counts: Counts;
  /** The first hundred; `counts` has all. */
  unreadable: Unreadable[];
}

export interface Screened {
  /** Lines, from 1, and where in the bytes they stand. */
  spans: { line: number; offset: number; length: number }[];
  counts: Counts;
  unreadable: Unreadable[];
}

export interface Rule {
  slug: string;
  id: string;
  title: string;
  description: string;
  severity: Severity;
  group: string;
  /** In lower case; null if any, none for a chain. */
  event_names: string[] | null;
  attack: string[];
  attack_aliases: string[];
  threat_catalogue: string[];
  covers: string[];
}

export interface Description {
  name: 'orgwatch';
  version: string;
  attack_version: string;
  state_format: number;
  rules: Rule[];
  sources: string[];
  envelopes: string[];
}

/** Bytes of UTF-8, copied once; or text, which is encoded first. */
export type Events = Uint8Array | string;

/** Examines events and remembers what it must. */
export class Detector {
  /**
   * Opens one with settings, as an object or as JSON, and with packs that `orgwatch rules compile` made.
   * @throws {OrgwatchError} of kind `settings`
   */
  constructor(settings?: object | string, packs?: Uint8Array[]);
  /**
   * Findings of one event, which may stand on several lines.
   * @throws {OrgwatchError} of kind `event`
   */
  detect(event: Events): Finding[];
  /** Findings of newline-delimited events with their places, and counts. */
  detectBatch(events: Events): Batch;
  /** The lines that any rule could match. Touches no memory. */
  screen(events: Events): Screened;
  /** The memory as bytes. */
  saveState(): Uint8Array;
  /**
   * Adds a memory, and gives the findings that this completes.
   * @throws {OrgwatchError} of kind `state`
   */
  mergeState(state: Uint8Array): Finding[];
  /** The rules that run. */
  rules(): Rule[];
  /** What the memory holds, and what was dropped. */
  counters(): Record<string, number>;
  /** Gives its memory back; no call may follow. */
  close(): void;
}

/** What this package is. */
export function describe(): Description;
