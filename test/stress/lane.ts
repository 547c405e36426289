// One client under load: sends Commands, compares what comes back, and keeps account of all that does not.
import { setTimeout as delay } from 'node:timers/promises';
import {
  CmdStreamClient,
  isCmdStreamError,
  isRemoteError,
  type CallOptions,
  type ConnectionChange,
} from 'nestjs-cmd-stream';
import { cockatielBreaker } from 'nestjs-cmd-stream/circuit-breaker';
import { interopContract, SlowCmd } from '../support/interop-contract.js';
import { seededRandom } from '../support/seeded-random.js';
import { AddCmd, CountCmd, EchoCmd, FailCmd } from '../support/vector-contract.js';
import { checkEcho, planOf, StreamCheck, WrongAnswer, type Plan } from './exchange.js';
import type { IncidentBook } from './incident-book.js';
import type { Settings } from './settings.js';
import { StressEchoCmd, StressFailCmd, stressContract, StressStreamCmd, textOf } from './stress-contract.js';
import { noCounters, type LaneSetup } from './tally.js';

interface Shared {
  readonly settings: Settings;
  readonly book: IncidentBook;
  /** Numbers of Commands: no two have the same. */
  readonly nextId: () => number;
  readonly seed: number;
}

/** A call that is under way. */
interface Watched {
  readonly id: number;
  readonly lastMs: number;
  isReported: boolean;
}

/** Longer than any call may take by all its limits, its repetitions included. */
const PATIENCE_MS = 75_000;
/** The process may stand still for as long. */
const LATE_MS = 4000;
/** Timers fire up to a millisecond early. */
const EARLY_MS = 2;
const MOST_UNDER_WAY = 1000;
/** Where timers are late a stream must not take longer than a server that drains waits for it. */
const LONGEST_TASTE_MS = 3000;
const CANCELLED = new Error('given up by its caller');

export class Lane {
  readonly client: CmdStreamClient;
  counters = noCounters();
  late = 0;
  readonly setup: LaneSetup;
  readonly #shared: Shared;
  readonly #random: () => number;
  readonly #underWay = new Set<Watched>();
  readonly #open = new Map<string, number>();

  constructor(setup: LaneSetup, shared: Shared) {
    this.setup = setup;
    this.#shared = shared;
    this.#random = seededRandom(shared.seed);
    this.client = this.#makeClient();
  }

  /** Calls that have not ended, as we count them and as the client does. */
  get pending(): number {
    return Math.max(this.#underWay.size, this.client.unwrap().pending);
  }

  get hasRoom(): boolean {
    return this.#underWay.size < MOST_UNDER_WAY;
  }

  /** Calls that should have ended long ago, each of them once. */
  countHung(): number {
    const now = performance.now();
    let hung = 0;
    for (const call of this.#underWay) {
      if (call.isReported || now < call.lastMs) continue;
      call.isReported = true;
      this.#shared.book.text(`${this.setup.name}: Command ${call.id} hangs`);
      hung++;
    }
    return hung;
  }

  /** Sends one Command, and resolves when its call has ended; never rejects. */
  async call(): Promise<void> {
    const plan = planOf(this.#random, this.#shared.settings);
    const id = this.#shared.nextId();
    const began = performance.now();
    const limitMs = plan.deadlineMs > 0 ? plan.deadlineMs + LATE_MS : PATIENCE_MS + plan.tasteMs * plan.count;
    const watched = { id, lastMs: began + limitMs, isReported: false };
    this.#underWay.add(watched);
    this.counters.commands++;
    try {
      await (this.setup.isInterop ? this.#askGo(id, plan) : this.#ask(id, plan));
      this.counters.ok++;
    } catch (error) {
      this.#account(error, id, plan, began);
    } finally {
      this.#underWay.delete(watched);
    }
  }

  #ask(id: number, plan: Plan): Promise<void> {
    if (plan.what === 'echo') return this.#echo(id, plan);
    return plan.what === 'stream' ? this.#stream(id, plan) : this.#fail(id);
  }

  async #echo(id: number, plan: Plan): Promise<void> {
    const command = new StressEchoCmd(id, textOf(id, 0, plan.length), plan.workMs, plan.mayRepeat);
    await this.#cancellable(plan, async (options) => checkEcho(id, plan, await this.client.execute(command, options)));
  }

  async #cancellable(plan: Plan, run: (options: CallOptions) => Promise<void>): Promise<void> {
    const options = optionsOf(plan);
    if (plan.cancelAfter === undefined) return run(options);
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(CANCELLED), plan.cancelAfter);
    try {
      await run({ ...options, signal: controller.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  #stream(id: number, plan: Plan): Promise<void> {
    const command = new StressStreamCmd(id, plan.count, plan.length, plan.mayRepeat);
    const check = new StreamCheck(id, plan);
    return plan.how === 'send' ? this.#observe(command, plan, check) : this.#iterate(command, plan, check);
  }

  async #iterate(command: StressStreamCmd, plan: Plan, check: StreamCheck): Promise<void> {
    const began = performance.now();
    for await (const item of this.client.iterate(command, optionsOf(plan))) {
      check.take(item);
      if (check.taken === plan.cancelAfter) throw CANCELLED;
      if (plan.tasteMs > 0 && performance.now() - began < LONGEST_TASTE_MS) await delay(plan.tasteMs);
    }
    check.end();
  }

  #observe(command: StressStreamCmd, plan: Plan, check: StreamCheck): Promise<void> {
    return new Promise((resolve, reject) => {
      const subscription = this.client.send(command, optionsOf(plan)).subscribe({
        next: (item) => {
          try {
            check.take(item);
          } catch (error) {
            reject(error as Error);
          }
          if (check.taken !== plan.cancelAfter) return;
          subscription.unsubscribe();
          reject(CANCELLED);
        },
        error: reject,
        complete: () => {
          try {
            resolve(check.end());
          } catch (error) {
            reject(error as Error);
          }
        },
      });
    });
  }

  async #fail(id: number): Promise<void> {
    const began = Date.now();
    try {
      await this.client.execute(new StressFailCmd(id));
    } catch (error) {
      if (isRemoteError(error, saysId) && error.payload.id === id) return;
      if (this.setup.isPlain) this.#shared.book.failedCommand(this.setup.name, began);
      throw error;
    }
    throw new WrongAnswer(`Command ${id} was to fail, and was answered`);
  }

  /** A server written in Go has Commands without numbers of their own; no two of ours have the same answer. */
  async #askGo(id: number, plan: Plan): Promise<void> {
    if (plan.what === 'fail') {
      const began = Date.now();
      await this.client.execute(new FailCmd()).catch((error: unknown) => {
        this.#shared.book.failedCommand(this.setup.name, began);
        throw error;
      });
      throw new WrongAnswer('a Command was to fail, and was answered by Go');
    }
    if (plan.what === 'stream') return this.#countGo(plan);
    await this.#cancellable(plan, async (options) => {
      if (plan.workMs > 0) {
        same(plan.workMs, (await this.client.execute(new SlowCmd(plan.workMs), options)).value);
      } else if (id % 2 === 0) {
        same(id + plan.length, (await this.client.execute(new AddCmd(id, plan.length), options)).value);
      } else {
        const text = `${id} ${textOf(id, 0, plan.length)}`;
        same(text, (await this.client.execute(new EchoCmd(text), options)).text);
      }
    });
  }

  async #countGo(plan: Plan): Promise<void> {
    let taken = 0;
    for await (const { I, Last } of this.client.iterate(new CountCmd(plan.count), optionsOf(plan))) {
      same(taken, I);
      same(taken === plan.count - 1, Last);
      taken++;
      if (taken === plan.cancelAfter) throw CANCELLED;
    }
    same(plan.count, taken);
  }

  #account(error: unknown, id: number, plan: Plan, began: number): void {
    const { counters } = this;
    const { book } = this.#shared;
    if (error === CANCELLED) {
      counters.cancelled++;
    } else if (error instanceof WrongAnswer) {
      counters.verifyErrors++;
      book.text(`${this.setup.name}: ${error.message}`);
    } else if (isCmdStreamError(error) && error.code === 'TIMEOUT' && plan.deadlineMs > 0) {
      counters.timedOut++;
      if (!error.sent) this.#unsent(id);
      if (performance.now() - began >= plan.deadlineMs - EARLY_MS) return;
      counters.verifyErrors++;
      book.text(`${this.setup.name}: Command ${id} was over before its ${plan.deadlineMs} ms`);
    } else {
      this.#accountFailure(error, id, plan, began);
    }
  }

  #accountFailure(error: unknown, id: number, { mayRepeat }: Plan, began: number): void {
    const { counters, setup } = this;
    const { book } = this.#shared;
    const isOurs = isCmdStreamError(error);
    const sent = isOurs ? error.sent : undefined;
    const code = isOurs ? error.code : String(error);
    const cause = isOurs && isCmdStreamError(error.cause) ? error.cause.code : undefined;
    book.call({ client: setup.name, code, cause, sent, began });
    const isAway = isOurs && error.kind === 'connection';
    if (code === 'CIRCUIT_OPEN') counters.blocked++;
    else if (isAway && sent) counters.lost++;
    else if (isAway) counters.unsent++;
    else {
      counters.failed++;
      book.text(`${setup.name}: Command ${id} failed with ${String(error)}`);
    }
    if (sent === false) this.#unsent(id);
    // What may be sent again may have run at a server before the one that it was lost at.
    else if (isOurs && code === 'CONNECTION_LOST' && !setup.isInterop && !mayRepeat)
      book.lost(id, setup.name, error.message);
  }

  #unsent(id: number): void {
    // What Go has run is in no journal.
    if (!this.setup.isInterop) this.#shared.book.unsent(id);
  }

  #makeClient(): CmdStreamClient {
    const { settings } = this.#shared;
    const { servers, isPlain, isInterop, hasBreaker, ca } = this.setup;
    return new CmdStreamClient({
      contract: isInterop ? interopContract : stressContract,
      servers: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
      connectionsPerServer: settings.connections,
      connectTimeoutMs: settings['keepalive-timeout-ms'],
      keepalive: { intervalMs: settings['keepalive-interval-ms'], timeoutMs: settings['keepalive-timeout-ms'] },
      extension: isPlain || isInterop ? false : 'require',
      logger: false,
      onUnexpectedResult: () => this.late++,
      instrumentation: { observeClient: () => ({ onConnection: (change) => this.#onConnection(change) }) },
      ...(ca !== undefined && { tls: { ca } }),
      ...(hasBreaker && {
        circuitBreaker: cockatielBreaker({
          windowSize: settings['cb-window-size'],
          failureRate: settings['cb-failure-rate'],
          openDurationMs: settings['cb-open-duration-ms'],
          successThreshold: settings['cb-success-threshold'],
        }),
      }),
    });
  }

  /** One that was open is lost; one that was not could not be opened. */
  #onConnection({ server, status, cause, open }: ConnectionChange): void {
    const before = this.#open.get(server) ?? 0;
    this.#open.set(server, open);
    if (status !== 'disconnected' || cause === undefined) return;
    const site = this.setup.servers.find(({ port }) => server.endsWith(`:${port}`))?.site;
    const inner = isCmdStreamError(cause.cause) ? cause.cause.code : undefined;
    const what = open < before ? 'connection' : 'attempt';
    this.#shared.book.connection({ what, client: this.setup.name, site, code: cause.code, cause: inner });
  }
}

function optionsOf({ deadlineMs, mayRepeat }: Plan): CallOptions {
  return { idempotent: mayRepeat, ...(deadlineMs > 0 && { timeoutMs: deadlineMs }) };
}

function saysId(payload: unknown): payload is { readonly id: number } {
  return typeof (payload as { id?: unknown } | null)?.id === 'number';
}

function same(expected: unknown, actual: unknown): void {
  if (typeof actual === 'bigint' ? BigInt(expected as number) === actual : expected === actual) return;
  throw new WrongAnswer(`Go has answered ${String(actual)}, not ${String(expected)}`.slice(0, 300));
}
