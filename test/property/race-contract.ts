// The contract of the races and its Receiver, which counts what is executed and what goes on.
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

export type Work = 'value' | 'unwritable' | 'nothing' | 'failure' | 'generator' | 'broken generator' | 'endless wait';

/** Extends none of the classes of Commands: how many Results it has depends on its work. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- only the compiler knows this member
export interface WorkCmd extends Answered<Item> {}

export class WorkCmd {
  constructor(
    /** Results carry it, so that each of them can be seen to belong to its Command. */
    readonly id = 0,
    readonly work: Work = 'value',
    readonly items = 1,
    /** Turns of the event loop before every step. */
    readonly pause = 0,
    /** Which of the Items say that they are the last one. */
    readonly last: 'each' | 'final' | 'none' = 'final',
    /** Length of the first Items. */
    readonly size = 0,
  ) {}

  exec(receiver: WorkReceiver, context: CommandContext): HandlerResult<Item> {
    return receiver.execute(this, context);
  }
}

/** So many Items of a stream have the size of its Command. */
const LARGE_ITEMS = 4;

export const raceContract = defineContract({ commands: [WorkCmd], results: [Item] });

export class WorkReceiver {
  /** Executions by the id of their Command. */
  readonly executions = new Map<number, number>();
  /** Items made by the id of their Command. */
  readonly produced = new Map<number, number>();
  /** Executions that have not come to their end. */
  running = 0;

  execute(command: WorkCmd, context: CommandContext): HandlerResult<Item> {
    this.executions.set(command.id, (this.executions.get(command.id) ?? 0) + 1);
    if (command.work === 'generator' || command.work === 'broken generator') return this.#items(command);
    if (command.work === 'value' && command.pause === 0) return new Item(command.id, 0, true, 'x'.repeat(command.size));
    return this.#answer(command, context.signal);
  }

  async #answer({ id, work, pause, size }: WorkCmd, signal: AbortSignal): Promise<Item> {
    this.running++;
    try {
      await turns(pause);
      if (work === 'failure') throw new Error('intentional failure');
      if (work === 'endless wait') await aborted(signal);
      if (work === 'unwritable') return new Item(id, Number.NaN);
      // The types would not allow to give nothing.
      return work === 'value' ? new Item(id, 0, true, 'x'.repeat(size)) : (undefined as never);
    } finally {
      this.running--;
    }
  }

  async *#items({ id, work, items, pause, last, size }: WorkCmd): AsyncGenerator<Item> {
    this.running++;
    try {
      for (let at = 0; at < items; at++) {
        await turns(pause);
        this.produced.set(id, at + 1);
        const isLast = last === 'each' || (last === 'final' && at === items - 1);
        yield new Item(id, at, isLast, at < LARGE_ITEMS ? 'x'.repeat(size) : '');
      }
      if (work === 'broken generator') throw new Error('intentional failure');
    } finally {
      this.running--;
    }
  }
}

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
