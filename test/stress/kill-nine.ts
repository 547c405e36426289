// kill -9, again and again, under 64 callers: every call that was under way must be settled at once, none may hang, and
// no answer may be wrong or missing without an error. The callers live in this process, where the kill is seen from.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CmdStreamClient, isCmdStreamError } from 'nestjs-cmd-stream';
import { checkEcho, StreamCheck, WrongAnswer } from './exchange.js';
import { Ledger } from './journal.js';
import { Defects } from './processes.js';
import { lastingPort } from './site.js';
import { StressServer } from './stress-server.js';
import { StressEchoCmd, stressContract, StressStreamCmd, textOf } from './stress-contract.js';

export interface KillFigures {
  readonly kills: number;
  readonly callers: number;
  readonly commands: number;
  readonly ok: number;
  /** Failed with CONNECTION_LOST and `sent: true`. */
  readonly lost: number;
  readonly verifyErrors: number;
  readonly duplicated: number;
  readonly ranUnsent: number;
  readonly hung: number;
  readonly pending: number;
  readonly unexpected: number;
  readonly defects: number;
  /** Calls that were under way when a server was killed, of all kills together. */
  readonly underWay: number;
  /** Milliseconds from the kill to the end of the last of them, of all kills. */
  readonly settledMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly texts: readonly string[];
}

interface Cut {
  readonly at: number;
  readonly underWay: Set<number>;
  lastAt: number;
  count: number;
}

const CALLERS = 64;
const CONNECTIONS = 4;
const HANG_MS = 20_000;
const LONGEST_WORK_MS = 20;
const RESTART_LIMIT_MS = 120_000;
const RECONNECT_MS = 50;
const SPREAD_MS = 250;
const MOST_TEXTS = 10;
const STREAMS = 5;
const [P50, P99] = [0.5, 0.99];

export async function killAgainAndAgain(kills: number): Promise<KillFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'cmd-stream-kill-'));
  const run = new KillRun(folder);
  try {
    return await run.run(kills);
  } finally {
    await run.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

class KillRun {
  readonly #ledger = new Ledger();
  readonly #defects = new Defects();
  readonly #server: StressServer;
  readonly #underWay = new Map<number, number>();
  readonly #cuts: Cut[] = [];
  readonly #unsentIds: number[] = [];
  readonly #count = { commands: 0, ok: 0, lost: 0, verifyErrors: 0, hung: 0, unexpected: 0 };
  readonly #texts: string[] = [];
  #client!: CmdStreamClient;
  #cut: Cut | undefined;
  #isOver = false;
  #lastId = 0;

  constructor(folder: string) {
    const [ledger, defects] = [this.#ledger, this.#defects];
    this.#server = new StressServer({ name: 'killed', folder, tls: undefined, ledger, defects, isMortal: true });
  }

  async run(kills: number): Promise<KillFigures> {
    this.#server.port = await lastingPort();
    await this.#server.start();
    this.#client = new CmdStreamClient({
      contract: stressContract,
      host: '127.0.0.1',
      port: this.#server.port,
      connectionsPerServer: CONNECTIONS,
      extension: 'require',
      logger: false,
      // However long a server takes to start, its callers wait for it, and are back soon.
      reconnect: { delayMs: RECONNECT_MS },
      queue: { timeoutMs: RESTART_LIMIT_MS },
      timeoutMs: 0,
    });
    await this.#client.connect();
    const callers = Array.from({ length: CALLERS }, () => this.#callOn());
    for (let kill = 0; kill < kills; kill++) {
      await this.#connected();
      await delay(Math.random() * SPREAD_MS);
      await this.#kill();
    }
    this.#isOver = true;
    await this.#connected();
    await Promise.race([Promise.all(callers), delay(HANG_MS, undefined, { ref: false })]);
    await this.#client.close();
    await this.#server.drain();
    return this.#figures(kills);
  }

  async destroy(): Promise<void> {
    await this.#server.kill();
  }

  /** Resolves when all connections stand: calls that wait for one are not under way. */
  async #connected(): Promise<void> {
    const started = performance.now();
    while (this.#client.unwrap().status !== 'connected' && performance.now() - started < RESTART_LIMIT_MS) {
      await delay(1);
    }
  }

  async #kill(): Promise<void> {
    const cut: Cut = { at: performance.now(), underWay: new Set(this.#underWay.keys()), lastAt: 0, count: 0 };
    cut.count = cut.underWay.size;
    this.#cut = cut;
    await this.#server.kill();
    const started = performance.now();
    while (cut.underWay.size > 0 && performance.now() - started < HANG_MS) await delay(1);
    this.#count.hung += cut.underWay.size;
    this.#cut = undefined;
    this.#cuts.push(cut);
    await this.#server.restart(0);
  }

  async #callOn(): Promise<void> {
    while (!this.#isOver) {
      const id = ++this.#lastId;
      this.#underWay.set(id, performance.now());
      this.#count.commands++;
      try {
        await (id % STREAMS === 0 ? this.#stream(id) : this.#echo(id));
        this.#count.ok++;
      } catch (error) {
        this.#account(error, id);
      }
      this.#underWay.delete(id);
      if (this.#cut?.underWay.delete(id)) this.#cut.lastAt = performance.now();
    }
  }

  async #echo(id: number): Promise<void> {
    const length = id % 500;
    const command = new StressEchoCmd(id, textOf(id, 0, length), Math.random() * LONGEST_WORK_MS);
    checkEcho(id, { length }, await this.#client.execute(command));
  }

  async #stream(id: number): Promise<void> {
    const plan = { count: 1 + (id % 50), length: 200 };
    const check = new StreamCheck(id, plan);
    for await (const item of this.#client.iterate(new StressStreamCmd(id, plan.count, plan.length))) check.take(item);
    check.end();
  }

  #account(error: unknown, id: number): void {
    if (error instanceof WrongAnswer) {
      this.#count.verifyErrors++;
      this.#say(error.message);
      return;
    }
    if (isCmdStreamError(error) && error.code === 'CONNECTION_LOST' && error.sent) {
      this.#count.lost++;
      return;
    }
    // Nothing else may happen: no outage is longer than a call waits for a connection.
    this.#count.unexpected++;
    if (isCmdStreamError(error) && !error.sent) this.#unsentIds.push(id);
    this.#say(`Command ${id} failed with ${String(error)}`);
  }

  #say(text: string): void {
    if (this.#texts.length < MOST_TEXTS) this.#texts.push(text);
  }

  #figures(kills: number): KillFigures {
    const times = this.#cuts
      .filter(({ count }) => count > 0)
      .map(({ at, lastAt }) => lastAt - at)
      .toSorted((a, b) => a - b);
    const at = (share: number): number => times[Math.ceil(share * times.length) - 1] ?? 0;
    return {
      ...this.#count,
      kills,
      callers: CALLERS,
      duplicated: this.#ledger.duplicates.length,
      ranUnsent: this.#unsentIds.filter((id) => this.#ledger.hasRun(id)).length,
      pending: Math.max(this.#underWay.size, this.#client.unwrap().pending),
      defects: this.#defects.count,
      underWay: this.#cuts.reduce((sum, { count }) => sum + count, 0),
      settledMs: { p50: at(P50), p99: at(P99), max: at(1) },
      texts: [...this.#texts, ...this.#defects.texts],
    };
  }
}

/** Why the run has failed; none: it has passed. */
export function killFailures(figures: KillFigures, settleMs: number): readonly string[] {
  const { settledMs, underWay } = figures;
  const zero = ['verifyErrors', 'duplicated', 'ranUnsent', 'hung', 'pending', 'unexpected', 'defects'] as const;
  const failures = zero.filter((name) => figures[name] > 0).map((name) => `${name} is ${figures[name]}, not 0`);
  if (underWay === 0) failures.push('no call was under way when a server was killed');
  if (settledMs.max > settleMs) {
    failures.push(`calls were settled ${settledMs.max.toFixed(1)} ms after a kill, not within ${settleMs} ms`);
  }
  return failures;
}

export function killReport(figures: KillFigures, settleMs: number, heading: string): string {
  const { kills, callers, commands, ok, lost, underWay, settledMs, texts } = figures;
  const failures = killFailures(figures, settleMs);
  return [
    heading,
    '',
    `kill -9 × ${kills} under ${callers} callers: ${commands} Commands, ${ok} answered, ${lost} lost with \`sent: true\``,
    `verify errors ${figures.verifyErrors}, ran twice ${figures.duplicated}, hung ${figures.hung}, pending ${figures.pending}, unexpected ${figures.unexpected}`,
    `${underWay} calls were under way at the kills; the last of each was settled after ${settledMs.p50.toFixed(1)} ms (p50), ${settledMs.p99.toFixed(1)} (p99), ${settledMs.max.toFixed(1)} (max)`,
    ...texts.map((text) => `  ! ${text}`),
    failures.length === 0 ? 'PASSED' : ['FAILED', ...failures.map((text) => `  ${text}`)].join('\n'),
    '',
  ].join('\n');
}
