// Peers written in Go: a server that our clients call, and clients that call a server of ours.
import { setTimeout as delay } from 'node:timers/promises';
import type { GoLoad, LoadCounters } from '../interop/go-load.js';
import type { GoPeers, GoServer } from '../interop/go-peer.js';
import type { Defects } from './processes.js';
import type { Mortal } from './site.js';

const WORKERS = '64';

/** A server of cmd-stream-go. It has no drain that ends while its clients stay, so it is only killed. */
export class MortalGoServer implements Mortal {
  restarts = 0;
  readonly #go: GoPeers;
  #server: GoServer;

  private constructor(go: GoPeers, server: GoServer) {
    this.#go = go;
    this.#server = server;
  }

  static async start(go: GoPeers, port: number): Promise<MortalGoServer> {
    return new MortalGoServer(go, await go.serve('-workers', WORKERS, '-listen', `127.0.0.1:${port}`));
  }

  get port(): number {
    return this.#server.port;
  }

  async kill(): Promise<void> {
    this.#server.signal('SIGKILL');
    await this.#server.exited;
  }

  drain(): Promise<void> {
    return this.kill();
  }

  async restart(afterMs: number): Promise<void> {
    await delay(afterMs);
    this.restarts++;
    this.#server = await this.#go.serve('-workers', WORKERS, '-listen', `127.0.0.1:${this.port}`);
  }

  freeze(): void {
    this.#server.signal('SIGSTOP');
  }

  resume(): void {
    this.#server.signal('SIGCONT');
  }
}

/** What the Go library, or the system, says of a Command that could not be answered. */
const knownToGo =
  /^(EOF|timeout|i\/o timeout|broken pipe|connection (reset by peer|refused)|use of closed network connection|closed)$/;
const STOP_LIMIT_MS = 20_000;
const LIFE_MS = 30_000;
const RETRY_MS = 500;

const noneOfGo = { commands: 0, ok: 0, mismatched: 0, failed: 0 };

/**
 * Clients of cmd-stream-go, one after the other: one whose connection breaks inside a frame does not come back, by
 * design, so each lives for half a minute.
 */
export class GoCallers {
  /** Of those that have ended. */
  readonly totals = { ...noneOfGo };
  readonly errors = new Map<string, number>();
  readonly #go: GoPeers;
  readonly #port: number;
  readonly #defects: Defects;
  #isOver = false;
  #wake = (): void => {};
  #running: Promise<void> | undefined;

  constructor(go: GoPeers, port: number, defects: Defects) {
    this.#go = go;
    this.#port = port;
    this.#defects = defects;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Lets the last of them finish its Commands. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const flags = ['-callers', '8', '-pause', '20ms', '-connections', '2', '-keepalive-time', '1s'];
      const load = await this.#go.load(this.#port, ...flags).catch(() => undefined);
      await this.#pause(load ? LIFE_MS : RETRY_MS);
      if (load) await this.#finish(load);
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isOver) return;
    const over = new Promise<void>((resolve) => (this.#wake = resolve));
    const timer = setTimeout(this.#wake, ms);
    await over;
    clearTimeout(timer);
  }

  async #finish(load: GoLoad): Promise<void> {
    const last = await Promise.race([load.stop(), delay(STOP_LIMIT_MS, undefined, { ref: false })]);
    if (last) this.#add(last);
    else this.#defects.add(`a Go client has not ended its Commands within ${STOP_LIMIT_MS} ms`);
    await load.kill();
  }

  #add({ sent, ok, mismatched, pending, failed }: LoadCounters): void {
    this.totals.commands += sent;
    this.totals.ok += ok;
    this.totals.mismatched += mismatched;
    for (const [text, count] of Object.entries(failed)) {
      this.totals.failed += count;
      this.errors.set(text, (this.errors.get(text) ?? 0) + count);
      if (!knownToGo.test(text)) this.#defects.add(`a Go client has failed with ${text}`);
    }
    if (mismatched > 0) this.#defects.add(`a Go client was answered wrongly, ${mismatched} times`);
    if (pending > 0) this.#defects.add(`a Go client has ended with ${pending} Commands pending`);
  }
}
