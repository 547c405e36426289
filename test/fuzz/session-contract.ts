// The contract of the fuzzed sessions: a Command that says what its handler does, within bounds, and its Results, which
// say whose they are.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { defineContract, Result, type Answered, type CommandContext, type HandlerResult } from '../../lib/core.js';

export class Item extends Result {
  constructor(
    readonly id = 0,
    readonly at = 0,
    readonly last = true,
    readonly text = '',
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}

export const works = ['value', 'later', 'stream', 'failure', 'broken stream', 'unwritable', 'wait'] as const;
export type Work = (typeof works)[number];

/** A damaged body may ask for more. */
const MOST = { items: 60, pause: 5, size: 4_000 };

/** Extends none of the classes of Commands: how many Results it has depends on its work. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- only the compiler knows this member
export interface WorkCmd extends Answered<Item> {}

export class WorkCmd {
  constructor(
    readonly id = 0,
    readonly work: Work = 'value',
    readonly items = 1,
    /** Turns of the event loop before every step. */
    readonly pause = 0,
    /** Length of the text in each Result. */
    readonly size = 0,
  ) {}

  exec(receiver: WorkReceiver, context: CommandContext): HandlerResult<Item> {
    return receiver.work(this, context.signal);
  }
}

export const sessionContract = defineContract({ commands: [WorkCmd], results: [Item] });

export class WorkReceiver {
  /** Handlers that have not come to their end. */
  running = 0;
  /** What ends the wait of those that wait until they are aborted. */
  readonly #waiting = new Set<() => void>();

  work(command: WorkCmd, signal: AbortSignal): HandlerResult<Item> {
    const { work, id } = command;
    if (work === 'value') return new Item(id, 0, true, textOf(command));
    if (work === 'failure') throw new Error('intentional failure');
    if (work === 'stream' || work === 'broken stream') return this.#items(command);
    return this.#answer(command, signal);
  }

  /** Ends all waits, and says how many there were. */
  release(): number {
    const { size } = this.#waiting;
    for (const end of this.#waiting) end();
    return size;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    let end = (): void => {};
    const released = new Promise<void>((resolve) => (end = resolve));
    this.#waiting.add(end);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    await released;
    this.#waiting.delete(end);
  }

  async #answer(command: WorkCmd, signal: AbortSignal): Promise<Item> {
    this.running++;
    try {
      await turns(command.pause);
      if (command.work === 'wait') await this.#wait(signal);
      return new Item(command.id, command.work === 'unwritable' ? Number.NaN : 0, true, textOf(command));
    } finally {
      this.running--;
    }
  }

  async *#items(command: WorkCmd): AsyncGenerator<Item> {
    this.running++;
    try {
      const items = bounded(command.items, MOST.items);
      for (let at = 0; at < items; at++) {
        await turns(command.pause);
        yield new Item(command.id, at, at === items - 1, textOf(command));
      }
      if (command.work === 'broken stream') throw new Error('intentional failure');
    } finally {
      this.running--;
    }
  }
}

function bounded(value: unknown, most: number): number {
  return Number(value) > 0 ? Math.min(Number(value), most) : 0;
}

function textOf({ size }: WorkCmd): string {
  return 'x'.repeat(bounded(size, MOST.size));
}

export async function turns(count: number): Promise<void> {
  for (let turn = bounded(count, MOST.pause); turn > 0; turn--) await nextTurn();
}
