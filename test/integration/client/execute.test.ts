// Calls of a client with one Result.
import { describe, expect, it } from '@jest/globals';
import { Command, defineContract, type CommandInvoker, type UnexpectedResult } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, addFrame, countResultFrame, SUM_5, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { openPair } from '../../support/client-pair.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import {
  AddCmd,
  CalcResult,
  CountCmd as StreamingCmd,
  CountResult,
  EchoCmd,
  EchoResult,
  SubCmd,
} from '../../support/vector-contract.js';

const own = guardLeaks();

/** Has one Result, as far as its class says. */
class CountCmd extends Command<CountResult> {
  constructor(readonly N = 0) {
    super();
  }
}

const countContract = defineContract({
  commands: [AddCmd, SubCmd, CountCmd],
  results: [CalcResult, CountResult],
});

describe('execute()', () => {
  it('resolves with the Result, an instance of its class', async () => {
    const { client, peer } = await openPair(own);
    const sum = client.execute(new AddCmd(2, 3));
    await peer.receives(ADD_2_3);
    peer.write(SUM_5);
    const result: CalcResult = await sum;
    expect(result).toBeInstanceOf(CalcResult);
    expect(result).toEqual(new CalcResult(5));
    expect(client.pending).toBe(0);
  });

  it('numbers Commands from 1 and matches Results by their number', async () => {
    const { client, peer } = await openPair(own);
    const sums = [1, 2, 3].map((A) => client.execute(new AddCmd(A, 0)));
    await peer.receives(addFrame(1, 1, 0) + addFrame(2, 2, 0) + addFrame(3, 3, 0));
    peer.write(sumFrame(3, 30) + sumFrame(1, 10) + sumFrame(2, 20));
    await expect(Promise.all(sums)).resolves.toEqual([new CalcResult(10), new CalcResult(20), new CalcResult(30)]);
  });

  it('answers 1,000 Commands that are under way at once', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port));
    const numbers = Array.from({ length: 1_000 }, (_, at) => at);
    const sums = numbers.map((A) => client.execute(new AddCmd(A, 1)));
    expect(client.pending).toBe(1_000);
    const results = await Promise.all(sums);
    expect(results.map(({ value }) => value)).toEqual(numbers.map((A) => A + 1));
    expect(client.pending).toBe(0);
  });

  it.each([
    ['one Result that is not the last', countResultFrame(1, 0, false)],
    ['several Results', countResultFrame(1, 0, false) + countResultFrame(1, 1, true)],
  ])('rejects MULTIPLE_RESULTS when it gets %s, and the connection lives', async (_what, answer) => {
    const { client, peer } = await openPair(own, { contract: countContract });
    const counted = client.execute(new CountCmd(2));
    peer.write(answer);
    const message = expect.stringMatching(/ \(CountCmd at 127\.0\.0\.1:\d+\)$/);
    const failure = await counted.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'MULTIPLE_RESULTS', message, sent: true });
    expect(failure).not.toHaveProperty('cause');
    expect(client.pending).toBe(0);
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(2, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });

  it.each([
    [
      'no last one',
      countResultFrame(1, 0, false),
      /^CountResult is not the last Result: its lastOne\(\) is false; use /,
    ],
    ['the last one after another', countResultFrame(1, 0, false) + countResultFrame(1, 1, true), /^CountResult is not/],
  ])('says what is wrong with the Result when it is %s', async (_what, answer, text) => {
    const { client, peer } = await openPair(own, { contract: countContract });
    const counted = client.execute(new CountCmd(2));
    peer.write(answer);
    await expect(counted).rejects.toMatchObject({ message: expect.stringMatching(text) });
  });

  it('counts what follows MULTIPLE_RESULTS as unexpected', async () => {
    const unexpected: boolean[] = [];
    const onUnexpectedResult = ({ afterLast }: UnexpectedResult): unknown => unexpected.push(afterLast);
    const { client, peer } = await openPair(own, { contract: countContract, onUnexpectedResult });
    const counted = client.execute(new CountCmd(3));
    peer.write([0, 1, 2].map((at) => countResultFrame(1, at, at === 2)).join(''));
    await expect(counted).rejects.toMatchObject({ code: 'MULTIPLE_RESULTS' });
    await until('the others arrive', () => client.unexpectedResults === 2);
    expect(unexpected).toEqual([false, false]);
  });

  it('says of a Result whether it follows the last one of its Command', async () => {
    const unexpected: UnexpectedResult[] = [];
    const onUnexpectedResult = (result: UnexpectedResult): unknown => unexpected.push(result);
    const { client, peer } = await openPair(own, { onUnexpectedResult });
    const sum = client.execute(new AddCmd(2, 3));
    peer.write(sumFrame(1, 5) + sumFrame(1, 6) + sumFrame(9, 7));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    await until('the others arrive', () => unexpected.length === 2);
    expect(unexpected).toMatchObject([
      { seq: 1, result: new CalcResult(6), afterLast: true },
      { seq: 9, result: new CalcResult(7), afterLast: false },
    ]);
  });
});

describe('execute() of a StreamCommand', () => {
  it('rejects MULTIPLE_RESULTS before anything is sent', async () => {
    const { client, peer } = await openPair(own);
    const message = expect.stringMatching(/^CountCmd is a StreamCommand: .* iterate\(\)/);
    const failure = { code: 'MULTIPLE_RESULTS', sent: false, message };
    await expect(client.execute(new StreamingCmd(2) as never)).rejects.toMatchObject(failure);
    const sum = client.execute(new AddCmd(2, 3));
    await peer.receives(ADD_2_3);
    peer.write(SUM_5);
    await expect(sum).resolves.toEqual(new CalcResult(5));
  });
});

describe('execute() with a contract without Results', () => {
  const contract = defineContract({ commands: [AddCmd] });
  const given = { a: 'value' };

  async function execute(values: number): Promise<unknown> {
    const invoker: CommandInvoker = {
      async invoke(_command, _context, sink) {
        // By the end of the turn it is not known that none follows.
        for (let n = 0; n < values; n++) sink.next(given);
        await turns();
      },
    };
    const calc = own(await CalcServer.start({ contract, invoker }));
    return own(calcClient(calc.port, { contract, extension: true })).execute(new AddCmd(2, 3));
  }

  it('resolves with the one value, also where the handler ends later than it was sent', async () => {
    await expect(execute(1)).resolves.toEqual(given);
  });

  it('rejects with MULTIPLE_RESULTS where a second value comes', async () => {
    await expect(execute(2)).rejects.toMatchObject({ code: 'MULTIPLE_RESULTS' });
  });
});

describe('a client and a server', () => {
  it('carry text of any script', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port));
    const texts = ['', 'ä', '日本語', '👩‍👩‍👧‍👦', '\u2028<&>', 'x'.repeat(100_000) + 'ß'];
    const echoes = await Promise.all(texts.map((text) => client.execute(new EchoCmd(text))));
    expect(echoes).toEqual(texts.map((text) => new EchoResult(text)));
  });
});
