import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

export interface FleetOptions {
  readonly size: number;
  /** Starts a process that listens on `port`, 0: any, and sends its port as a message when it does. */
  readonly start: (port: number) => ChildProcess;
  /**
   * Do all listen on one port, or a successor somewhere else? Then a successor can listen before the one that it
   * replaces gets SIGTERM.
   */
  readonly sharesPort: boolean;
  /** What a process sends after its port. */
  readonly onMessage?: (message: unknown) => void;
  /** A process is about to get SIGTERM. */
  readonly onLeaving?: (child: ChildProcess) => void;
}

interface Worker {
  readonly process: ChildProcess;
  readonly port: number;
}

/** So that one that cannot run does not take a core for being started. */
const RETRY_DELAY_MS = 1_000;

/** Server processes: started, replaced when they crash, restarted one after the other, ended. */
export class Fleet {
  /** Each worker, or the one that is being started in its place. */
  readonly #workers: Promise<Worker>[] = [];
  readonly #options: FleetOptions;
  /** Those that have got SIGTERM. */
  readonly #leaving = new Set<ChildProcess>();
  #restarted: Promise<void> = Promise.resolve();
  #isStopping = false;

  private constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Resolves when all of them listen. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    for (let at = 0; at < options.size; at++) fleet.#workers.push(fleet.#start(at, 0));
    await Promise.all(fleet.#workers);
    return fleet;
  }

  async ports(): Promise<readonly number[]> {
    const workers = await Promise.all(this.#workers);
    return workers.map(({ port }) => port);
  }

  async pids(): Promise<readonly number[]> {
    const workers = await Promise.all(this.#workers);
    return workers.map((worker) => worker.process.pid!);
  }

  /**
   * One after the other gets a successor, so that there is always one that answers; a second call waits for the first.
   * On a shared port a successor that does not start leaves all as it is, and is the error. `settleMs`: the pause
   * between two of them.
   */
  restart(settleMs = 0): Promise<void> {
    const restarted = this.#restarted.then(() => this.#restartEach(settleMs));
    this.#restarted = restarted.catch(() => {});
    return restarted;
  }

  async #restartEach(settleMs: number): Promise<void> {
    const replace = this.#options.sharesPort ? this.#replaceBeforeEnd : this.#replaceBehindEnd;
    for (let at = 0; at < this.#workers.length && !this.#isStopping; at++) {
      if (at > 0) await delay(settleMs);
      await replace.call(this, at);
    }
  }

  async #replaceBeforeEnd(at: number): Promise<void> {
    const { port } = await this.#workers[at]!;
    const successor = await this.#start(at, port);
    // The old one may have crashed meanwhile: then this is the one that took its place.
    const old = await this.#workers[at]!;
    this.#workers[at] = Promise.resolve(successor);
    await this.#end(old);
  }

  async #replaceBehindEnd(at: number): Promise<void> {
    const running = this.#workers[at]!;
    const old = await running;
    await this.#end(old);
    // Has it crashed before that? Then another one is there already.
    if (this.#workers[at] === running) this.#workers[at] = this.#startInTheEnd(at, old.port);
    await this.#workers[at];
  }

  /** Resolves when all have drained and are gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#restarted;
    const workers = await Promise.allSettled(this.#workers);
    await Promise.all(workers.map((worker) => worker.status === 'fulfilled' && this.#end(worker.value)));
  }

  async #start(at: number, port: number): Promise<Worker> {
    const child = this.#options.start(port);
    const ended = once(child, 'exit').then(([code, signal]) => `a worker has ended: ${code ?? signal}`);
    const first = await Promise.race([once(child, 'message'), ended]);
    if (typeof first === 'string') throw new Error(`${first}, before it listened`);
    const worker: Worker = { process: child, port: first[0] as number };
    if (this.#options.onMessage) child.on('message', this.#options.onMessage);
    void ended.then((why) => {
      if (this.#leaving.delete(child) || this.#isStopping) return;
      console.error(`${why}; another one takes its place`);
      this.#workers[at] = this.#startInTheEnd(at, worker.port);
    });
    return worker;
  }

  /** Tries until it succeeds. */
  async #startInTheEnd(at: number, port: number): Promise<Worker> {
    for (;;) {
      try {
        return await this.#start(at, port);
      } catch (error) {
        if (this.#isStopping) throw error;
        console.error(error);
        await delay(RETRY_DELAY_MS);
      }
    }
  }

  async #end({ process: child }: Worker): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    this.#leaving.add(child);
    this.#options.onLeaving?.(child);
    // Its last message may come after its end.
    const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
    child.kill('SIGTERM');
    await ended;
  }
}
