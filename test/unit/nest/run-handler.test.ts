// What a handler of Nest gives, on its way to the sink: whatever it is, the sink learns of its end.
import { describe, expect, it } from '@jest/globals';
import { of, throwError } from 'rxjs';
import type { MessageHandler } from '@nestjs/microservices';
import type { CommandContext, ResultSink } from '../../../lib/core.js';
import { CmdStreamContext } from '../../../lib/nest/server/cmd-stream.context.js';
import { runHandler } from '../../../lib/nest/server/handler-invoker.js';
import { turns } from '../../support/deadline.js';

const failure = new Error('intentional failure');

async function given(give: () => Promise<unknown>): Promise<readonly unknown[]> {
  const log: unknown[] = [];
  const sink: ResultSink = {
    isOpen: true,
    drained: undefined,
    next: (result) => log.push(result),
    complete: (result) => void log.push(['complete', result]),
    error: (error) => void log.push(['error', error]),
  };
  const { signal } = new AbortController();
  const context = new CmdStreamContext([{ signal } as CommandContext, 'numbers'], sink);
  runHandler(give as unknown as MessageHandler, undefined, context, sink);
  await turns();
  return log;
}

describe('what a handler of Nest gives', () => {
  it.each<[string, () => Promise<unknown>, readonly unknown[]]>([
    ['a value', async () => 5, [['complete', 5]]],
    ['nothing', async () => undefined, [['complete', undefined]]],
    ['an Observable', async () => of(1, 2), [1, 2, ['complete', undefined]]],
    ['an Observable that fails', async () => throwError(() => failure), [['error', failure]]],
    ['a failure', () => Promise.reject(failure), [['error', failure]]],
    [
      'what throws when it is looked at',
      async () => ({
        get lift(): never {
          throw failure;
        },
      }),
      [['error', failure]],
    ],
  ])('ends the Command: %s', async (_what, give, expected) => {
    expect(await given(give)).toEqual(expected);
  });
});
