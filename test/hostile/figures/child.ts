// The parent's hold on one process of a measurement: starts it, asks it, counts the lines it prints, ends it.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { getPriority, setPriority } from 'node:os';
import { projectRoot } from '../../support/project.js';
import type { Answer, Question, Roles } from './worker.js';

type Operations<R extends keyof Roles> = Roles[R];

/** Attackers have less of the processor than those who are attacked, or who measure: that is not what they attack. */
const NICE = 5;
const MOST_NICE = 19;

export class Child<R extends keyof Roles> {
  /** Lines it has printed. */
  lines = 0;
  readonly #child: ChildProcess;
  readonly #role: R;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #questions = 0;
  #printed = '';

  constructor(role: R) {
    this.#role = role;
    const entry = join(projectRoot, 'dist/test/hostile/figures/worker.js');
    const child = fork(entry, [role], {
      execArgv: ['--expose-gc'],
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Infinity is among the options.
      serialization: 'advanced',
    });
    this.#child = child;
    if (role === 'attacker' && child.pid !== undefined)
      setPriority(child.pid, Math.min(getPriority() + NICE, MOST_NICE));
    child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#print(text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => this.#print(text));
    child.on('message', (message) => {
      const answer = message as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    child.on('exit', (code, signal) => {
      const error = `the ${role} has ended with ${code ?? signal}: ${this.#printed}`;
      for (const [id, settle] of this.#waiting) settle({ id, error });
      this.#waiting.clear();
    });
  }

  #print(text: string): void {
    this.lines += text.split('\n').length - 1;
    this.#printed = (this.#printed + text).slice(-2000);
  }

  async ask<K extends keyof Operations<R>>(
    what: K,
    ...args: Operations<R>[K] extends (...args: infer A) => unknown ? A : never
  ): Promise<Operations<R>[K] extends (...args: never[]) => infer V ? Awaited<V> : never> {
    const id = ++this.#questions;
    const question: Question = { id, what: String(what), args };
    const { value, error } = await new Promise<Answer>((resolve) => {
      if (!this.#child.connected) return resolve({ id, error: `the ${this.#role} has ended: ${this.#printed}` });
      this.#waiting.set(id, resolve);
      this.#child.send(question);
    });
    if (error !== undefined) throw new Error(error);
    return value as never;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** The processes of one round: ended with it, however it ends. */
export async function withChildren<T>(
  run: (start: <R extends keyof Roles>(role: R) => Child<R>) => Promise<T>,
): Promise<T> {
  const children: { end(): Promise<void> }[] = [];
  try {
    return await run((role) => {
      const child = new Child(role);
      children.push(child);
      return child;
    });
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}
