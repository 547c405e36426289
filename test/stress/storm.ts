// The storm: servers, the ways to them, clients, and faults from a seed, until the time is over; then all of it is
// ended in good order. Gives the figures.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GoPeers } from '../interop/go-peer.js';
import { selfSigned } from '../support/certificates.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { seededRandom } from '../support/seeded-random.js';
import { Account } from './account.js';
import { ClientsProcess } from './clients-process.js';
import { GoCallers, MortalGoServer } from './go-peers.js';
import { Explanations, type Client } from './incidents.js';
import { Ledger } from './journal.js';
import { Defects } from './processes.js';
import type { Progress } from './report.js';
import { allKinds, faultsOf, harmlessKinds, networkKinds, type FaultKind } from './schedule.js';
import type { Settings } from './settings.js';
import { lastingPort, Site } from './site.js';
import { StressServer } from './stress-server.js';
import type { LaneSetup } from './tally.js';
import { memoryFigures, type Figures, type MemorySample } from './verdict.js';

/** Of a moment, for the chart. */
export interface Moment {
  readonly seconds: number;
  readonly commands: number;
  readonly failed: number;
  readonly heldBytes: number | undefined;
}

export interface StormConfig {
  readonly settings: Settings;
  readonly withGo: boolean;
  readonly onProgress: (progress: Progress) => void;
  /** Called with what must not happen, when it does. */
  readonly onText: (text: string) => void;
}

const MINUTE_MS = 60_000;
const SECOND_MS = 1000;
const JOURNAL_MS = 500;
const PROGRESS_SECONDS = 10;
const LULLS = 60;
const SHORTEST_LULL_GAP_MS = 3000;
const LONGEST_LULL_GAP_MS = 60_000;
const ROLLING_GAP_MS = 45_000;
const CLIENT_FREEZE_GAP_MS = 20_000;
const LONGEST_CLIENT_FREEZE_MS = 1000;
/** Pings, pongs and the sweep that looks after them. */
const KEEPALIVE_SLACK_MS = 1500;
/** Longest wait for the next attempt, a fifth more by chance, and the attempt itself. */
const AWAY_MS = 15_000;
/** An end at a server that may belong to one at a client. */
const NEAR_MS = 8000;
/** No drain is begun, and nothing at all ended, while clients may still be connecting. */
const CALM_MS = 4000;

export class Storm {
  readonly moments: Moment[] = [];
  readonly #config: StormConfig;
  readonly #folder = mkdtempSync(join(tmpdir(), 'cmd-stream-stress-'));
  readonly #ledger = new Ledger();
  readonly #defects: Defects;
  readonly #servers = new Map<string, StressServer>();
  readonly #sites: Site[] = [];
  readonly #memory = new Map<string, MemorySample[]>();
  readonly #certificate = selfSigned();
  #go: GoPeers | undefined;
  #goCallers: GoCallers | undefined;
  #clients!: ClientsProcess;
  #account!: Account;
  #began = 0;
  #isOver = false;
  #printed = { seconds: 0, commands: 0 };

  constructor(config: StormConfig) {
    this.#config = config;
    this.#defects = new Defects(config.onText);
  }

  async run(): Promise<Figures> {
    try {
      await this.#start();
      await this.#blow();
      return await this.#end();
    } finally {
      this.#isOver = true;
      this.#clients?.kill();
      for (const { server, proxy } of this.#sites) {
        await server.kill();
        await proxy.close();
      }
      this.#go?.dispose();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  // --- the beginning

  async #start(): Promise<void> {
    await this.#addServer('alpha');
    await this.#addServer('beta');
    await this.#addServer('tls', this.#certificate);
    await this.#addServer('steady');
    if (this.#config.withGo) await this.#addGo();
    const lanes = this.#lanes();
    const { settings } = this.#config;
    const clients = lanes.map((lane): Client => ({
      name: lane.name,
      sites: lane.servers.map(({ site }) => site),
      isPlain: lane.isPlain || lane.isInterop,
    }));
    const silenceMs = settings['keepalive-interval-ms'] + settings['keepalive-timeout-ms'] + KEEPALIVE_SLACK_MS;
    this.#account = new Account({
      clients,
      ledger: this.#ledger,
      explanations: new Explanations({ silenceMs, awayMs: AWAY_MS }),
      records: () => this.#sites.flatMap(({ records }) => records),
      endsNear: (sites, at) => this.#endsNear(sites, at),
      onText: this.#config.onText,
    });
    for (const server of this.#servers.values()) server.onLife = (life) => this.#account.bury(life);
    this.#clients = await ClientsProcess.start({ settings, lanes }, this.#defects);
    this.#clients.onTally = (tally) => {
      for (const [name, from, until] of tally.failedCommands) this.#noteFailedCommand(name, from, until);
      this.#account.take(tally);
    };
    const alpha = this.#sites.find(({ name }) => name === 'alpha')!;
    if (this.#go) this.#goCallers = new GoCallers(this.#go, alpha.proxy.port, this.#defects);
  }

  async #addServer(name: string, tls?: { key: string; cert: string }): Promise<void> {
    const server = new StressServer({
      name,
      folder: this.#folder,
      tls,
      ledger: this.#ledger,
      defects: this.#defects,
      isMortal: name !== 'steady',
    });
    server.port = await lastingPort();
    await server.start();
    this.#servers.set(name, server);
    this.#sites.push(new Site(name, server, await FaultProxy.listen(server.port, await lastingPort())));
  }

  async #addGo(): Promise<void> {
    this.#go = new GoPeers();
    this.#go.build();
    const server = await MortalGoServer.start(this.#go, await lastingPort());
    this.#sites.push(new Site('go', server, await FaultProxy.listen(server.port, await lastingPort())));
  }

  /** Clients of ours; those of Go have a process of their own. */
  #lanes(): readonly LaneSetup[] {
    const to = (...names: readonly string[]): LaneSetup['servers'] =>
      this.#sites
        .filter(({ name }) => names.includes(name))
        .map(({ name, proxy }) => ({ site: name, port: proxy.port }));
    const lane = { isPlain: false, isInterop: false, hasBreaker: false };
    const withoutGo: readonly LaneSetup[] = [
      { ...lane, name: 'group', servers: to('alpha', 'beta', 'steady'), share: this.#go ? 0.5 : 0.6 },
      { ...lane, name: 'tls', servers: to('tls'), share: 0.15, ca: this.#certificate.cert },
      { ...lane, name: 'plain', servers: to('alpha', 'beta', 'steady'), share: 0.25, isPlain: true },
      { ...lane, name: 'sessions', servers: to('alpha', 'beta'), share: 0, hasBreaker: true },
    ];
    if (!this.#go) return withoutGo;
    return [...withoutGo, { ...lane, name: 'to Go', servers: to('go'), share: 0.1, isInterop: true }];
  }

  #endsNear(sites: readonly string[], near: number): readonly string[] {
    return sites.flatMap((site) => {
      const ends = this.#servers.get(site)?.ends.filter(({ at }) => Math.abs(at - near) <= NEAR_MS) ?? [];
      return ends.map(({ at, text }) => `${site}, ${at - near} ms from it: ${text}`);
    });
  }

  #noteFailedCommand(client: string, from: number, until: number): void {
    for (const site of this.#sites) {
      const record = site.note({ kind: 'failed Command', lengthMs: 0, clients: [client] });
      Object.assign(record, { from, until });
    }
  }

  // --- while it blows

  async #blow(): Promise<void> {
    const { settings } = this.#config;
    this.#began = performance.now();
    const reading = setInterval(() => this.#readJournals(), JOURNAL_MS);
    const watching = setInterval(() => this.#watch(), SECOND_MS);
    this.#goCallers?.start();
    this.#clients.resume();
    const troubles = [
      ...this.#sites.map((site, at) => this.#trouble(site, (settings.seed + at) >>> 0)),
      this.#roll(),
      this.#freezeClients(),
    ];
    const gapMs = (settings.minutes * MINUTE_MS) / LULLS;
    const lullGapMs = Math.min(LONGEST_LULL_GAP_MS, Math.max(SHORTEST_LULL_GAP_MS, gapMs));
    while (this.#elapsedMs < settings.minutes * MINUTE_MS && this.#clients.isAlive) {
      await delay(Math.min(lullGapMs, Math.max(0, settings.minutes * MINUTE_MS - this.#elapsedMs)));
      await this.#lull();
    }
    this.#isOver = true;
    await Promise.all(troubles);
    clearInterval(reading);
    clearInterval(watching);
  }

  get #elapsedMs(): number {
    return performance.now() - this.#began;
  }

  async #trouble(site: Site, seed: number): Promise<void> {
    for (const fault of faultsOf(kindsOf(site.name), seed, this.#config.settings)) {
      await this.#rest(fault.gapMs);
      if (this.#isOver) return;
      await site.inTurn(() => site.inject(fault));
    }
  }

  /** Drains and starts again one server after the other, while nothing else goes wrong at any of them. */
  async #roll(): Promise<void> {
    const mortal = this.#sites.filter(({ name }) => ['alpha', 'beta', 'tls'].includes(name));
    for (;;) {
      await this.#rest(ROLLING_GAP_MS);
      if (this.#isOver) return;
      const roll = async (): Promise<void> => {
        for (const site of mortal) {
          await delay(CALM_MS);
          await site.inject({ kind: 'drain', gapMs: 0, lengthMs: 0, extent: 0 });
        }
      };
      const holdAll = mortal.reduce((work, site) => () => site.inTurn(work), roll);
      await holdAll();
    }
  }

  /** Time in which the clients stand still counts for none of their limits, and explains nothing but late notices. */
  async #freezeClients(): Promise<void> {
    const random = seededRandom(this.#config.settings.seed);
    for (;;) {
      await this.#rest(CLIENT_FREEZE_GAP_MS * (1 + random()));
      if (this.#isOver) return;
      const lengthMs = random() * LONGEST_CLIENT_FREEZE_MS;
      const from = Date.now();
      this.#clients.freeze();
      await delay(lengthMs);
      this.#clients.thaw();
      for (const { records } of this.#sites) {
        for (const record of records) if (record.until > from - CALM_MS) record.until += lengthMs;
      }
    }
  }

  /** Ends with the run. */
  async #rest(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms;
    while (!this.#isOver && this.#elapsedMs < until) await delay(Math.min(100, until - this.#elapsedMs));
  }

  /** Nothing is sent until all calls have ended and pings have gone both ways; then memory can be compared. */
  async #lull(): Promise<void> {
    const settled = await this.#clients.pause();
    if (!settled) return;
    const atMs = this.#elapsedMs;
    this.#noteMemory('the clients', { atMs, ...settled.sample });
    const sample = await this.#servers.get('steady')!.sample();
    if (sample) this.#noteMemory('a server', { atMs, ...sample });
    const { settings } = this.#config;
    if (!this.#isOver) await this.#rest(Math.min(2 * settings['keepalive-interval-ms'], settings.minutes * SECOND_MS));
    if (this.#elapsedMs < settings.minutes * MINUTE_MS) this.#clients.resume();
  }

  #noteMemory(process: string, sample: MemorySample): void {
    const samples = this.#memory.get(process);
    if (samples) samples.push(sample);
    else this.#memory.set(process, [sample]);
  }

  #readJournals(): void {
    for (const server of this.#servers.values()) server.readJournal();
  }

  #watch(): void {
    const seconds = Math.round(this.#elapsedMs / SECOND_MS);
    const { counters, pending, unexpected } = this.#account;
    const { commands, lost, unsent, blocked, failed } = counters;
    const last = this.#memory.get('the clients')?.at(-1);
    this.moments.push({ seconds, commands, failed: lost + unsent + blocked + failed, heldBytes: last?.heldBytes });
    const { seconds: from, commands: before } = this.#printed;
    if (seconds < from + PROGRESS_SECONDS) return;
    this.#printed = { seconds, commands };
    this.#config.onProgress({
      ...counters,
      seconds,
      commandsPerSecond: (commands - before) / (seconds - from),
      pending,
      unexpected: unexpected + this.#defects.count,
      restarts: this.#restarts,
      faults: this.#faults,
      heldMiB: last && last.heldBytes / 1024 / 1024,
      loopMaxMs: last?.delayMaxMs,
    });
  }

  get #restarts(): number {
    return this.#sites.reduce((sum, { server }) => sum + server.restarts, 0);
  }

  get #faults(): number {
    return this.#sites.reduce((sum, { faults }) => sum + faults, 0);
  }

  // --- the end

  async #end(): Promise<Figures> {
    const seconds = this.#elapsedMs / SECOND_MS;
    await this.#goCallers?.end();
    const settled = await this.#clients.pause();
    await this.#clients.end();
    // Nothing is left to be answered: all of them end by themselves.
    for (const server of this.#servers.values()) await server.drain();
    this.#account.close();
    return this.#figures(seconds, settled?.pending ?? this.#account.pending);
  }

  #figures(seconds: number, pending: number): Figures {
    const { counters, hung, late, lost, unexpected, ranUnsent, connectionsLost, codes, texts } = this.#account;
    const { duplicates, count } = this.#ledger;
    const byKind = new Map<string, number>();
    for (const { faultsByKind } of this.#sites) {
      for (const [kind, times] of faultsByKind) byKind.set(kind, (byKind.get(kind) ?? 0) + times);
    }
    const go = this.#goCallers?.totals;
    return {
      ...counters,
      verifyErrors: counters.verifyErrors + (go?.mismatched ?? 0),
      seed: this.#config.settings.seed,
      seconds,
      lostAccepted: lost,
      duplicated: duplicates.length,
      hung,
      pending,
      unexpected,
      ranUnsent,
      defects: this.#defects.count,
      restarts: this.#restarts,
      faults: this.#faults,
      faultsByKind: sortedRecord(byKind),
      connectionsLost,
      late,
      executed: count,
      codes: sortedRecord(codes),
      memory: [...this.#memory].map(([process, samples]) => memoryFigures(process, samples)),
      go,
      texts: [...texts, ...this.#defects.texts, ...duplicates.slice(0, 5).map((id) => `Command ${id} ran twice`)],
    };
  }
}

function kindsOf(site: string): readonly FaultKind[] {
  if (site === 'steady') return harmlessKinds;
  // A server of Go does not end while its clients stay.
  return site === 'go' ? [...networkKinds, 'kill', 'kill'] : allKinds;
}

function sortedRecord(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
