// One call of a race and the model of it: settles once, gets the Results of its own Command in order, nothing after.
import { CmdStreamError, type CommandClient, type CommandSink } from '../../lib/core.js';
import { turns, type Item, type WorkCmd } from './race-contract.js';

/** How the call is made and how its caller leaves it. */
export type Manner = 'execute' | 'emit' | 'iterate' | 'cancel' | 'abort' | 'time out';

/** Results an async generator may be ahead of its taker: the credit, and what it holds in its own hands. */
const AHEAD = 32 + 2;

export class TrackedCall {
  /** Resolves when the call is over for its caller. */
  readonly over: Promise<void>;
  /** What went wrong, in the words of the model. */
  readonly violations: string[] = [];
  error: unknown;
  #results = 0;
  #end: 'complete' | 'error' | 'left' | undefined;

  /** `leaveAfter`: Results, or, for a call that is aborted, turns after which its caller leaves. */
  constructor(
    client: CommandClient,
    readonly command: WorkCmd,
    readonly manner: Manner,
    leaveAfter: number,
    produced: () => number,
  ) {
    if (manner === 'execute') this.over = this.#execute(client, {});
    else if (manner === 'emit') this.over = this.#emit(client);
    else if (manner === 'time out') this.over = this.#execute(client, { timeoutMs: 1 });
    else if (manner === 'iterate') this.over = this.#iterate(client, leaveAfter, produced);
    else this.over = this.#dispatch(client, manner, leaveAfter);
  }

  async #execute(client: CommandClient, options: { timeoutMs?: number }): Promise<void> {
    try {
      const item: Item | undefined = await client.execute(this.command, options);
      if (item) this.#took(item);
      this.#ends('complete');
    } catch (error) {
      this.#ends('error', error);
    }
  }

  /** Its end is reported to no caller. */
  async #emit(client: CommandClient): Promise<void> {
    try {
      await client.emit(this.command);
      this.#ends('left');
    } catch (error) {
      this.#ends('error', error);
    }
  }

  async #iterate(client: CommandClient, leaveAfter: number, produced: () => number): Promise<void> {
    try {
      if (leaveAfter > 0) {
        for await (const item of client.iterate(this.command)) {
          this.#took(item);
          if (produced() - this.#results > AHEAD) this.#violates(`${produced() - this.#results} Items ahead`);
          if (this.#results >= leaveAfter) return this.#ends('left');
        }
      }
      this.#ends(leaveAfter > 0 ? 'complete' : 'left');
    } catch (error) {
      this.#ends('error', error);
    }
  }

  async #dispatch(client: CommandClient, manner: 'cancel' | 'abort', leaveAfter: number): Promise<void> {
    let settled = (): void => {};
    const over = new Promise<void>((resolve) => (settled = resolve));
    const abort = new AbortController();
    const leave = (): void => {
      if (!call.isPending) return;
      if (manner === 'abort') abort.abort('left');
      else {
        call.cancel();
        this.#ends('left');
        settled();
      }
    };
    const sink: CommandSink<Item> = {
      next: (item) => {
        this.#took(item);
        if (manner === 'cancel' && this.#results === leaveAfter) leave();
      },
      complete: () => {
        this.#ends('complete');
        settled();
      },
      error: (error) => {
        this.#ends('error', error);
        settled();
      },
    };
    const call = client.dispatch(this.command, sink, { signal: abort.signal });
    if (manner === 'abort') await turns(leaveAfter).then(leave);
    return over;
  }

  #took({ id, at }: Item): void {
    if (this.#end) this.#violates(`Result ${at} after ${this.#end}`);
    if (id !== this.command.id) this.#violates(`a Result of call ${id}`);
    if (at !== this.#results++) this.#violates(`Result ${at} as number ${this.#results}`);
  }

  #ends(end: 'complete' | 'error' | 'left', error?: unknown): void {
    if (this.#end) this.#violates(`${end} after ${this.#end}`);
    this.#end ??= end;
    this.error ??= error;
  }

  #violates(what: string): void {
    this.violations.push(`call ${this.command.id} (${this.manner}): ${what}`);
  }

  /** Holds the end against what the server has executed; all violations. */
  violationsAfter(executions: number): readonly string[] {
    const { work, items } = this.command;
    if (executions > 1) this.#violates(`executed ${executions} times`);
    if (this.#end === 'complete') {
      const expected = work === 'value' ? 1 : work === 'generator' ? items : 0;
      if (executions !== 1) this.#violates(`answered, executed ${executions} times`);
      if (work !== 'value' && work !== 'nothing' && work !== 'generator') this.#violates(`${work} completed`);
      if (this.#results !== expected) this.#violates(`completed with ${this.#results} of ${expected} Results`);
    }
    if (this.#end === 'error') this.#checkError(this.error, executions);
    return this.violations;
  }

  #checkError(error: unknown, executions: number): void {
    if (error === 'left' && this.manner === 'abort') return;
    if (!(error instanceof CmdStreamError)) return this.#violates(`failed with ${String(error)}`);
    if (!error.sent && executions > 0) this.#violates(`${error.code} with sent: false, but executed`);
    if (!this.#mayFailWith(error.code)) this.#violates(`failed with ${error.code}: ${error.message}`);
    for (let cause = error.cause; cause instanceof CmdStreamError; cause = cause.cause) {
      // A call that was never sent says where the attempt to connect stood.
      if (!error.sent && cause.code === 'CONNECT_TIMEOUT') continue;
      if (!connectionEnds.has(cause.code)) this.#violates(`the connection ended with ${cause.code}: ${cause.message}`);
    }
  }

  #mayFailWith(code: CmdStreamError['code']): boolean {
    const { work, items, last } = this.command;
    if (connectionEnds.has(code)) return true;
    if (code === 'ENCODE_FAILED') return work === 'unwritable';
    if (code === 'INTERNAL') return work === 'failure' || work === 'broken generator';
    if (code === 'TIMEOUT') return this.manner === 'time out';
    const isStream = work === 'generator' || work === 'broken generator';
    return code === 'MULTIPLE_RESULTS' && isStream && (items > 1 || last !== 'final' || work !== 'generator');
  }
}

/** How connections between peers that keep to the protocol end, and what calls on them fail with. */
export const connectionEnds: ReadonlySet<string> = new Set([
  'PEER_CLOSED',
  'PEER_RESET',
  'SHUTDOWN',
  'CLOSED',
  'CONNECT_FAILED',
  'CONNECTION_LOST',
  'OVERLOADED',
]);
