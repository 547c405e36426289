// The account of a run: adds up what the clients say, compares it with what the servers have run and with the faults
// there were, and keeps what nothing explains.
import { Explanations, type Client, type FaultRecord, type Incident } from './incidents.js';
import type { Ledger } from './journal.js';
import type { ServerLife } from './stress-server.js';
import { addCounters, noCounters, type Counters, type Tally } from './tally.js';

interface AccountConfig {
  readonly clients: readonly Client[];
  readonly explanations: Explanations;
  readonly ledger: Ledger;
  /** What may still explain something, of all sites. */
  readonly records: () => readonly FaultRecord[];
  /** What the servers of these sites say about connections that ended at about this time. */
  readonly endsNear?: ((sites: readonly string[], at: number) => readonly string[]) | undefined;
  /** Called with the first texts about what must not happen, as they come. */
  readonly onText?: (text: string) => void;
}

/** How long a process lives at most between the loss of a Command and the end of its drain. */
const KEPT_MS = 120_000;
/** By then the clients have said what was lost with it, though they stood still. */
const SAID_MS = 10_000;
/** Between the end of one call and that of another, with their connection. */
const SAME_MOMENT_MS = 100;
const MOST_TEXTS = 30;

export class Account {
  readonly counters: Counters = noCounters();
  pending = 0;
  hung = 0;
  late = 0;
  /** Calls and connections that nothing explains. */
  unexpected = 0;
  /** Commands that a server has accepted, which then drained and ended without an answer. */
  lost = 0;
  /** Commands that a server has run although their caller was notified that none has seen them. */
  ranUnsent = 0;
  connectionsLost = 0;
  /** The first texts about any of these. */
  readonly texts: string[] = [];
  /** How often calls and connections ended with each code. */
  readonly codes = new Map<string, number>();
  readonly #config: AccountConfig;
  readonly #clients: ReadonlyMap<string, Client>;
  #lives: ServerLife[] = [];
  #lostIds = new Map<number, { readonly at: number; readonly client: string; readonly error: string }>();
  #unsentIds: number[] = [];

  constructor(config: AccountConfig) {
    this.#config = config;
    this.#clients = new Map(config.clients.map((client) => [client.name, client]));
  }

  take(tally: Tally): void {
    addCounters(this.counters, tally.counters);
    this.pending = tally.pending;
    this.hung += tally.hung;
    this.late += tally.late;
    for (const text of tally.texts) this.#say(text);
    for (const [id, at, client, error] of tally.lostIds) this.#lostIds.set(id, { at, client, error });
    this.#unsentIds.push(...tally.unsentIds);
    this.#checkLives(Date.now());
    const records = this.#config.records();
    for (const incident of tally.incidents) this.#explain(incident, records);
  }

  /** A process of a server has ended. What the clients say about it may still be on its way. */
  bury(life: ServerLife): void {
    this.#lives.push(life);
  }

  /** Call it when the clients have said all they will, and the journals have been read to their end. */
  close(): void {
    this.#checkLives(Infinity);
    for (const id of this.#unsentIds.splice(0)) {
      if (!this.#config.ledger.hasRun(id)) continue;
      this.ranUnsent++;
      this.#say(`Command ${id} has run, and its caller was notified that it was not sent`);
    }
  }

  /** What ran at a server that drained, and what was lost since, must have nothing in common. */
  #checkLives(now: number): void {
    const isOver = ({ endedAt }: ServerLife): boolean => endedAt + SAID_MS < now;
    for (const { ids, drainedAt } of this.#lives.filter(isOver)) {
      for (const [id, { at, client, error }] of this.#lostIds) {
        if (at < drainedAt || !ids.has(id) || this.#wasCutBy(client, at)) continue;
        this.lost++;
        this.#lostIds.delete(id);
        const since = `${at - drainedAt} ms after its drain began`;
        const where = `${error}; before it ${this.#lastFaults(client, at)}`;
        this.#say(`Command ${id} of ${client} ran at a server that drained, and was lost ${since}: ${where}`);
      }
    }
    this.#lives = this.#lives.filter((life) => !isOver(life));
    for (const [id, { at }] of this.#lostIds) if (at < now - KEPT_MS) this.#lostIds.delete(id);
  }

  /** A plain client that sends a Command that fails loses all others of that connection with it. */
  #wasCutBy(client: string, at: number): boolean {
    return this.#config.records().some(({ kind, clients, from, until }) => {
      return kind === 'failed Command' && clients?.includes(client) && from <= at && at <= until + SAME_MOMENT_MS;
    });
  }

  #explain(incident: Incident, records: readonly FaultRecord[]): void {
    const { what, client, site, code, cause, sent, count, until } = incident;
    const flag = sent === undefined ? '' : sent ? ', sent' : ', not sent';
    const name = `${what}: ${code}${cause === undefined ? '' : ` (${cause})`}${flag}`;
    this.codes.set(name, (this.codes.get(name) ?? 0) + count);
    if (what === 'connection') this.connectionsLost += count;
    if (this.#config.explanations.covers(incident, this.#clients.get(client)!, records)) return;
    this.unexpected += count;
    const where = site === undefined ? '' : ` at ${site}`;
    const { sites } = this.#clients.get(client)!;
    const last = this.#lastFaults(client, until);
    const time = new Date(until).toISOString();
    const ends = this.#config.endsNear?.(sites, until) ?? [];
    const seen = ends.length === 0 ? 'no server has seen a connection end' : `the servers: ${ends.join('; ')}`;
    this.#say(`${time} ${client}${where}: ${count} × ${name}, which nothing explains; before it ${last}; ${seen}`);
  }

  /** The last fault at each of its sites. */
  #lastFaults(client: string, at: number): string {
    const own = this.#config.records().filter(({ clients }) => !clients || clients.includes(client));
    const { sites } = this.#clients.get(client)!;
    return sites.map((site) => lastOf(own, site, at)).join(', ');
  }

  #say(text: string): void {
    if (this.texts.length >= MOST_TEXTS) return;
    this.texts.push(text);
    this.#config.onText?.(text);
  }
}

/** The fault that began last at one site before `at`, and when, so that a report says where to look. */
function lastOf(records: readonly FaultRecord[], site: string, at: number): string {
  const last = records.findLast((record) => record.site === site && record.from <= at);
  if (!last) return `nothing at ${site}`;
  const until = last.until === Infinity ? 'lasts' : `ended ${Math.round(at - last.until)} ms ago`;
  return `${last.kind} at ${site}, which began ${Math.round(at - last.from)} ms ago and ${until}`;
}
