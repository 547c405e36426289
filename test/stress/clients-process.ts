// The parent's hold on the process of the clients: starts it, has it pause and go on, freezes it, and takes its
// tallies.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Sample } from './gauge.js';
import { entryOf, outputOf, type Defects } from './processes.js';
import type { ClientQuestion, ClientSetup, ClientWord, Tally } from './tally.js';

export interface Settled {
  readonly sample: Sample;
  readonly pending: number;
}

const END_LIMIT_MS = 30_000;

export class ClientsProcess {
  onTally: ((tally: Tally) => void) | undefined;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #defects: Defects;
  #isEnding = false;
  #waiting = new Map<keyof ClientWord | string, (word: ClientWord) => void>();

  private constructor(setup: ClientSetup, defects: Defects) {
    this.#defects = defects;
    this.#child = fork(entryOf('client'), [JSON.stringify(setup)], {
      execArgv: [...process.execArgv, '--expose-gc'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    outputOf(this.#child, (text) => defects.add(`the clients say: ${text}`));
    this.#child.on('message', (word) => this.#take(word as ClientWord));
    this.#exited = once(this.#child, 'exit').then(([code, signal]) => {
      if (!this.#isEnding) defects.add(`the clients have ended by themselves, with ${code ?? signal}`);
      for (const settle of this.#waiting.values()) settle({ ended: true });
    });
  }

  /** Resolves when all connections stand. */
  static async start(setup: ClientSetup, defects: Defects): Promise<ClientsProcess> {
    const clients = new ClientsProcess(setup, defects);
    await clients.#word('ready');
    return clients;
  }

  get isAlive(): boolean {
    return this.#child.connected;
  }

  /** Resolves when all calls have ended, or should have; undefined if the process is gone. */
  async pause(): Promise<Settled | undefined> {
    const settled = this.#word('settled');
    this.#ask('pause');
    const word = await settled;
    return 'settled' in word ? { sample: word.settled, pending: word.pending } : undefined;
  }

  resume(): void {
    this.#ask('resume');
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** Has all clients closed, after a pause. */
  async end(): Promise<void> {
    const ended = this.#word('ended');
    this.#isEnding = true;
    this.#ask('end');
    await ended;
    const late = setTimeout(() => {
      this.#defects.add(`the clients are closed, and their process has not ended within ${END_LIMIT_MS} ms`);
      this.kill();
    }, END_LIMIT_MS);
    await this.#exited;
    clearTimeout(late);
  }

  kill(): void {
    this.#isEnding = true;
    this.#child.kill('SIGKILL');
  }

  #ask(question: ClientQuestion): void {
    if (this.#child.connected) this.#child.send(question);
  }

  #word(kind: string): Promise<ClientWord> {
    if (!this.#child.connected) return Promise.resolve({ ended: true });
    return new Promise((resolve) => this.#waiting.set(kind, resolve));
  }

  #take(word: ClientWord): void {
    if ('tally' in word) return this.onTally?.(word.tally);
    if ('defect' in word) return this.#defects.add(`the clients: ${word.defect}`);
    for (const kind of Object.keys(word)) {
      this.#waiting.get(kind)?.(word);
      this.#waiting.delete(kind);
    }
  }
}
