// The parent's hold on the process of a server: starts it, ends it in good order or not, freezes it, starts it again on
// the same port, and reads its journal.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sample } from './gauge.js';
import { JournalReader, type Ledger } from './journal.js';
import { entryOf, outputOf, type Defects } from './processes.js';

export interface ServerSetup {
  /** 0: any. */
  readonly port: number;
  readonly journal: string;
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
}

/** What the process says; `left`: why a connection of a client has ended. */
export type ServerWord =
  | { readonly port: number }
  | { readonly sample: Sample }
  | { readonly refused: string }
  | { readonly left: string }
  | { readonly defect: string };

/** What one process has run, from its start to its end. */
export interface ServerLife {
  readonly ids: ReadonlySet<number>;
  /** When its drain began; Infinity unless it has drained and ended by itself. */
  readonly drainedAt: number;
  readonly endedAt: number;
}

interface ServerConfig {
  readonly name: string;
  readonly folder: string;
  readonly tls: ServerSetup['tls'];
  readonly ledger: Ledger;
  readonly defects: Defects;
  /** Is it ended now and then? What has run is kept for these. */
  readonly isMortal: boolean;
}

const DRAIN_LIMIT_MS = 25_000;
const MOST_ENDS = 100;

export class StressServer {
  port = 0;
  /** How often it was started again. */
  restarts = 0;
  /** Called with each life that is over. */
  onLife: ((life: ServerLife) => void) | undefined;
  /** The last ends of connections as this side sees them, for what nothing explains. */
  readonly ends: { readonly at: number; readonly text: string }[] = [];
  readonly #config: ServerConfig;
  #child: ChildProcess | undefined;
  #journal: JournalReader | undefined;
  #isEnding = false;
  #drainedAt = Infinity;
  #samples: ((sample: Sample) => void)[] = [];

  constructor(config: ServerConfig) {
    this.#config = config;
  }

  async start(): Promise<void> {
    const { name, folder, tls, ledger, isMortal, defects } = this.#config;
    const journal = join(folder, `${name}-${this.restarts}.journal`);
    this.#journal = new JournalReader(journal, ledger, isMortal);
    const setup: ServerSetup = { port: this.port, journal, tls };
    const child = fork(entryOf('server'), [JSON.stringify(setup)], {
      execArgv: [...process.execArgv, '--expose-gc'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#isEnding = false;
    this.#drainedAt = Infinity;
    outputOf(child, (text) => defects.add(`server ${name} says: ${text}`));
    const listens = new Promise<void>((resolve) => {
      child.on('message', (word) => this.#take(word as ServerWord, resolve));
    });
    const ended = once(child, 'exit').then(([code, signal]) => {
      if (!this.#isEnding) defects.add(`server ${name} has ended by itself, with ${code ?? signal}`);
    });
    await Promise.race([listens, ended]);
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    await this.#end('SIGKILL');
    this.#bury();
  }

  /** Asks it to drain, and waits until it has ended by itself. */
  async drain(): Promise<void> {
    this.#isEnding = true;
    this.#drainedAt = Date.now();
    const late = setTimeout(() => {
      this.#config.defects.add(`server ${this.#config.name} has not drained within ${DRAIN_LIMIT_MS} ms`);
      this.#drainedAt = Infinity;
      this.#child?.kill('SIGKILL');
    }, DRAIN_LIMIT_MS);
    await this.#end('SIGTERM');
    clearTimeout(late);
    this.#bury();
  }

  async restart(afterMs: number): Promise<void> {
    await delay(afterMs);
    this.restarts++;
    await this.start();
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  readJournal(): void {
    this.#journal?.read();
  }

  /** Undefined when it is not there, or does not answer. */
  async sample(): Promise<Sample | undefined> {
    if (!this.#child?.connected || this.#isEnding) return undefined;
    const answer = new Promise<Sample>((resolve) => this.#samples.push(resolve));
    this.#child.send('sample');
    return Promise.race([answer, delay(5000, undefined, { ref: false })]);
  }

  #take(word: ServerWord, listens: () => void): void {
    const { name, defects } = this.#config;
    if ('port' in word) {
      this.port = word.port;
      listens();
    } else if ('sample' in word) {
      for (const take of this.#samples.splice(0)) take(word.sample);
    } else if ('refused' in word || 'left' in word) {
      this.#noteEnd('left' in word ? word.left : `refused: ${word.refused}`);
    } else if ('defect' in word) {
      defects.add(`server ${name}: ${word.defect}`);
    }
  }

  #noteEnd(text: string): void {
    this.ends.push({ at: Date.now(), text });
    if (this.ends.length > MOST_ENDS) this.ends.shift();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  #bury(): void {
    const journal = this.#journal;
    if (!journal) return;
    this.#journal = undefined;
    // A journal is read to its end before anything is said about the life.
    journal.close();
    this.onLife?.({ ids: journal.ids, drainedAt: this.#drainedAt, endedAt: Date.now() });
  }
}
