// Errors travel to the caller whose Command failed, and cost no other anything.
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import {
  CmdStreamError,
  Command,
  defineContract,
  grpcStatusOf,
  httpStatusOf,
  isRemoteError,
  Result,
  type CommandInvoker,
} from '../../../lib/core.js';
import { PatternMessage } from '../../../lib/codec/pattern-message.js';
import { errorMeanings } from '../../../lib/error-codes.js';
import { ADD_2_3, echoFrame, echoResultFrame, frame, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { calcClient } from '../../support/calc-client.js';
import { until } from '../../support/deadline.js';
import { error, EXTENDED_GREETING, hello, PROBE } from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import { Item, LostCmd, openStage, PlayCmd } from '../../support/stage.js';
import { AddCmd, CalcResult } from '../../support/vector-contract.js';

const own = guardLeaks();

/** What the server said, before what the client adds to it. */
const starting = (text: string): unknown => expect.stringContaining(`${text} (`);

describe('an error', () => {
  it.each([
    ['JSON', { reason: 'no\u202e', n: 1 }, /^the server answered REMOTE: \{"reason":"no\\u\{202e\}","n":1\} \(/],
    ['JSON that is cut', { reason: 'x'.repeat(5_000) }, /^the server answered REMOTE: \{"reason":"x{900,1000}… \(/],
  ])('has its payload in its text when that has no message: %s', async (_what, payload, text) => {
    const { client } = await openStage(own, () => {
      throw new CmdStreamError('REMOTE', 'no', { payload });
    });
    const message = expect.stringMatching(text);
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'REMOTE', payload, message });
  });

  it('reaches the caller as REMOTE with its payload verbatim', async () => {
    const payload = { status: 404, message: 'no such thing', details: [null, 'ü', { deep: true }] };
    const { client } = await openStage(own, () => {
      throw new CmdStreamError('REMOTE', 'for the caller', { payload });
    });
    const failed = client.execute(new PlayCmd());
    await expect(failed).rejects.toMatchObject({
      code: 'REMOTE',
      message: starting('no such thing'),
      payload,
      sent: true,
    });
  });

  it.each([[{ statusCode: 404, item: 'tea' }], ['a text'], [null]])(
    'by CmdStreamError.remote() reaches the caller with its payload, its status, and nothing of its cause: %j',
    async (payload) => {
      const secret = new Error('a secret');
      const { calc, client } = await openStage(own, async () => {
        throw CmdStreamError.remote(payload, { cause: secret });
      });
      const caught: unknown = await client.execute(new PlayCmd()).catch((reason: unknown) => reason);
      const isSame = (given: unknown): given is typeof payload => JSON.stringify(given) === JSON.stringify(payload);
      expect(isRemoteError(caught, isSame)).toBe(true);
      const expected = typeof payload === 'object' && payload ? [404, 5] : [500, 2];
      expect([httpStatusOf(caught), grpcStatusOf(caught)]).toEqual(expected);
      expect(inspect(caught)).not.toContain('a secret');
      expect(calc.errors).toEqual([]);
    },
  );

  it('names the Command and the server', async () => {
    const { calc, client } = await openStage(own, () => {
      throw new CmdStreamError('REMOTE', 'no', { payload: { message: 'sold out' } });
    });
    const message = `sold out (PlayCmd at 127.0.0.1:${calc.port})`;
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ message });
    await expect(client.execute(new LostCmd())).rejects.toMatchObject({
      message: expect.stringContaining('(LostCmd at '),
    });
  });

  it.each([
    ['its payload', 'REMOTE', { message: `a\n\u001b[2J${'x'.repeat(5_000)}` }],
    ['its code', `LATER\n\u001b[2J${'x'.repeat(5_000)}`, {}],
  ])('shows text of the server in one line, cut: of %s', async (_, code, payload) => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const failed = client.execute(new AddCmd(2, 3)).catch((reason: unknown) => reason as CmdStreamError);
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await until('the Command arrives', () => peer.hex.endsWith(ADD_2_3));
    peer.write(error(1, code, payload));
    const { message } = (await failed) as CmdStreamError;
    expect(message).toMatch(/\\u\{a\}\\u\{1b\}\[2Jx+… \(AddCmd at 127\.0\.0\.1:\d+\)$/);
    expect(message.length).toBeLessThan(1_200);
  });

  it('is CONNECTION_LOST with the name of the server', async () => {
    const { calc, client } = await openStage(own, () => new Promise<never>(() => {}));
    const failed = client.execute(new PlayCmd());
    failed.catch(() => {});
    await until('it runs', () => calc.server.inFlight === 1);
    calc.server.destroy();
    const message = expect.stringMatching(/^the connection to 127\.0\.0\.1:\d+ was lost: /);
    await expect(failed).rejects.toMatchObject({ code: 'CONNECTION_LOST', message });
  });

  it('does not show its text when the application did not mean it for the caller', async () => {
    const secret = new Error('password is hunter2');
    const { calc, client } = await openStage(own, () => Promise.reject(secret));
    const failure: unknown = await client.execute(new PlayCmd()).catch((reason: unknown) => reason);
    expect(failure).toMatchObject({ code: 'INTERNAL', message: starting('Internal server error') });
    expect(JSON.stringify(failure)).not.toContain('hunter2');
    expect(calc.errors).toEqual([secret]);
  });

  it('is INTERNAL when its payload cannot be written', async () => {
    const { client } = await openStage(own, () => {
      throw new CmdStreamError('REMOTE', 'x', { payload: 10n });
    });
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('is INTERNAL when its payload is larger than a frame may be', async () => {
    const play = (): never => {
      throw new CmdStreamError('REMOTE', 'x', { payload: 'x'.repeat(2_000) });
    };
    const { client } = await openStage(own, play, { maxResultBytes: 1_024 });
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('is NO_HANDLER for a message by pattern where Commands run themselves, and names it', async () => {
    const { client } = await openStage(own, () => new Item(1));
    const failed = client.execute(new PatternMessage('message', 'sum', []) as never);
    const message = expect.stringMatching(/^no handler for the message sum: an ExecInvoker runs Commands/);
    await expect(failed).rejects.toMatchObject({ code: 'NO_HANDLER', message });
  });

  it('is NO_HANDLER for a Command without a handler, and the connection goes on', async () => {
    const { calc, client } = await openStage(own, () => new Item(1));
    await expect(client.execute(new LostCmd())).rejects.toMatchObject({ code: 'NO_HANDLER' });
    await expect(client.execute(new PlayCmd())).resolves.toEqual(new Item(1));
    expect(calc.lost).toEqual([]);
  });

  it('is RESULT_NOT_IN_CONTRACT when a handler gives something else', async () => {
    const { client } = await openStage(own, () => new CalcResult(1) as unknown as Item);
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'RESULT_NOT_IN_CONTRACT' });
  });

  it('keeps a code that only a later version knows readable as REMOTE', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const failed = client.execute(new AddCmd(2, 3));
    failed.catch(() => {});
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await until('the Command arrives', () => peer.hex.endsWith(ADD_2_3));
    peer.write(error(1, 'LATER', 'text'));
    await expect(failed).rejects.toMatchObject({ code: 'REMOTE', message: starting('text'), payload: 'text' });
  });
});

describe("an error's text", () => {
  const secret = 'password is hunter2';
  const leaks = (): never => {
    throw new Error(secret);
  };

  /** What the caller gets, which holds nothing of the secret, beside what the server reports, which does. */
  async function failure(play: () => unknown): Promise<[unknown, readonly unknown[]]> {
    const { calc, client } = await openStage(own, play as () => Item);
    const caught: unknown = await client.execute(new PlayCmd()).catch((reason: unknown) => reason);
    expect(inspect(caught)).not.toContain('hunter2');
    return [caught, calc.errors];
  }

  it('stays at the server when it is that of a toJSON', async () => {
    const [caught, reported] = await failure(() => Object.assign(new Item(), { text: { toJSON: leaks } }));
    expect(caught).toMatchObject({ code: 'ENCODE_FAILED', message: starting(errorMeanings.ENCODE_FAILED) });
    expect(reported).toMatchObject([{ code: 'ENCODE_FAILED', cause: { message: secret } }]);
  });

  it('stays at the server when it is that of a fromJSON', async () => {
    class PickyCmd extends Command<Item> {
      static fromJSON = leaks;
    }
    const contract = defineContract({ commands: [PickyCmd], results: [Item] });
    const calc = own(await CalcServer.start({ contract }));
    const client = own(calcClient(calc.port, { contract, extension: true }));
    const caught: unknown = await client.execute(new PickyCmd()).catch((reason: unknown) => reason);
    expect(caught).toMatchObject({ code: 'BAD_PAYLOAD', message: starting(errorMeanings.BAD_PAYLOAD) });
    expect(calc.errors).toMatchObject([{ code: 'BAD_PAYLOAD', cause: { message: secret } }]);
  });

  it('stays at the server when the handler has it from another server', async () => {
    const foreign = new CmdStreamError('CONNECT_FAILED', `connect ECONNREFUSED, ${secret}`);
    const [caught, reported] = await failure(() => Promise.reject(foreign));
    expect(caught).toMatchObject({ code: 'CONNECT_FAILED', message: starting(errorMeanings.CONNECT_FAILED) });
    expect(reported).toEqual([foreign]);
  });

  it('stays at the server when another server meant it for this one', async () => {
    const elsewhere = { payload: { secret }, sent: true };
    const [caught, reported] = await failure(() => Promise.reject(new CmdStreamError('REMOTE', secret, elsewhere)));
    expect(caught).toMatchObject({ code: 'INTERNAL', message: starting('Internal server error') });
    expect(reported).toMatchObject([{ code: 'REMOTE', payload: { secret } }]);
    const [missing] = await failure(() => Promise.reject(new CmdStreamError('NO_HANDLER', secret, elsewhere)));
    expect(missing).toMatchObject({ code: 'NO_HANDLER', message: starting(errorMeanings.NO_HANDLER) });
  });

  it('stays at the server when it is in what travels', async () => {
    const inner = Object.assign(new Error(secret), { config: secret, toJSON: () => ({ config: secret }) });
    const [caught] = await failure(() => {
      throw new CmdStreamError('REMOTE', 'no', { payload: { cause: inner, all: [inner, 1] } });
    });
    expect(caught).toMatchObject({ code: 'REMOTE', payload: { cause: {}, all: [{}, 1] } });
  });

  it('travels when the session has made it', async () => {
    const large = new Item(1, true, 'x'.repeat(2_000));
    const single = await openStage(own, () => large, { maxResultBytes: 1_024 });
    const stream = await openStage(
      own,
      async function* () {
        yield large;
      },
      { maxResultBytes: 1_024 },
    );
    for (const { client, calc } of [single, stream]) {
      const message = expect.stringMatching(
        /the handler of PlayCmd gave what cannot be sent: .*exceeds maxResultBytes/,
      );
      await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE', message });
      expect(calc.errors).toMatchObject([{ code: 'FRAME_TOO_LARGE', message }]);
    }
  });
});

describe('a Command that was executed', () => {
  it.each([false, true])('is not sent again because the payload of its error says started: %p', async (started) => {
    let executed = 0;
    const payload = { started, job: 7 };
    const { client } = await openStage(own, () => {
      executed++;
      throw new CmdStreamError('REMOTE', 'no', { payload });
    });
    await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'REMOTE', payload, sent: true });
    expect(executed).toBe(1);
  });

  it.each(['OVERLOADED', 'SHUTDOWN'] as const)(
    'is not sent again because it failed with %s elsewhere',
    async (code) => {
      let executed = 0;
      const elsewhere = new CmdStreamError(code, 'another server', { payload: { started: false } });
      const { calc, client } = await openStage(own, () => {
        executed++;
        throw elsewhere;
      });
      await expect(client.execute(new PlayCmd())).rejects.toMatchObject({ code: 'INTERNAL', sent: true });
      expect(executed).toBe(1);
      expect(calc.errors).toEqual([elsewhere]);
    },
  );
});

describe('a refused body', () => {
  it.each([
    ['of an unknown type', frame(1, 99, '{}'), 'UNKNOWN_TYPE'],
    ['of bad JSON', frame(1, 0, '{"A":'), 'BAD_PAYLOAD'],
    ['that is too deep', frame(1, 0, '['.repeat(5_000) + ']'.repeat(5_000)), 'JSON_LIMIT'],
    ['with a forbidden key', frame(1, 0, '{"__proto__":1}'), 'BAD_PAYLOAD'],
  ])('costs only its Command: %s', async (_what, refused, code) => {
    const calc = own(await CalcServer.start());
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + refused + echoFrame(2, 'alive'));
    await until('the answers arrive', () => peer.hex.endsWith(echoResultFrame(2, 'alive')));
    expect(peer.received.subarray(EXTENDED_GREETING.length / 2).toString()).toContain(code);
    expect(calc.lost).toEqual([]);
  });

  it('costs only its call when it is a Result', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const sums = [client.execute(new AddCmd(2, 3)), client.execute(new AddCmd(2, 3))];
    for (const sum of sums) sum.catch(() => {});
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await until('the Commands arrive', () => peer.hex.endsWith(ADD_2_3.slice(2)) && client.has(2));
    peer.write(frame(1, 0, '"x') + sumFrame(2, 5));
    await expect(sums[0]).rejects.toMatchObject({ code: 'BAD_PAYLOAD' });
    await expect(sums[1]).resolves.toEqual(new CalcResult(5));
  });
});

describe('OVERLOADED', () => {
  it('is sent again under a new number until the server takes it', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const sum = client.execute(new AddCmd(2, 3));
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    await until('the Command arrives', () => peer.hex.endsWith(ADD_2_3));
    peer.write(error(1, 'OVERLOADED', { message: 'full' }));
    await until('it is sent again', () => peer.hex.endsWith(`02${ADD_2_3.slice(2)}`));
    peer.write(error(2, 'SHUTDOWN', { message: 'not begun', started: false }));
    await until('it is sent again', () => peer.hex.endsWith(`03${ADD_2_3.slice(2)}`));
    peer.write(sumFrame(3, 5));
    await expect(sum).resolves.toEqual(new CalcResult(5));
    expect(client.pending).toBe(0);
  });

  it('reaches the caller when the server never takes it', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { extension: true }));
    const sum = client.execute(new AddCmd(2, 3));
    sum.catch(() => {});
    const peer = await raw.peer();
    peer.write(EXTENDED_GREETING);
    for (let seq = 1; client.pending > 0; seq++) {
      await until(`it is sent as ${seq}`, () => client.has(seq));
      peer.write(error(seq, 'OVERLOADED'));
      await until(`it is refused as ${seq}`, () => !client.has(seq));
    }
    await expect(sum).rejects.toMatchObject({ code: 'OVERLOADED', sent: false });
  });

  it('is what a server answers above its limit, executing nothing', async () => {
    const ran: number[] = [];
    const invoker = { invoke: (_: unknown, { seq }: { seq: number | bigint }) => void ran.push(Number(seq)) };
    const calc = own(await CalcServer.start({ invoker, maxInFlightPerConnection: 1 }));
    const peer = own(await calc.connect());
    peer.write(PROBE + hello() + echoFrame(1, 'a') + echoFrame(2, 'b'));
    await until('the second is refused', () => peer.received.includes('OVERLOADED'));
    expect(ran).toEqual([1]);
  });

  it('does not come from a server whose limit the client was notified', async () => {
    let running = 0;
    let most = 0;
    const play = async (): Promise<Item> => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return new Item(1);
    };
    const { client } = await openStage(own, play, { maxInFlightPerConnection: 3 });
    await Promise.all(Array.from({ length: 50 }, () => client.execute(new PlayCmd())));
    expect(most).toBe(3);
  });
});

it.each([true, false])(
  'a Result that cannot be read is reported with its Command and server (extension: %s)',
  async (extension) => {
    class Big extends Result {
      readonly n = 9_007_199_254_740_993n;
    }
    class BigCmd extends Command<Big> {}
    const contract = defineContract({ commands: [BigCmd], results: [Big] });
    const invoker: CommandInvoker = { invoke: (_command, _context, sink) => sink.complete(new Big()) };
    const calc = own(await CalcServer.start({ contract, invoker }));
    const client = own(calcClient(calc.port, { contract, extension }));
    await expect(client.execute(new BigCmd())).rejects.toMatchObject({
      code: 'UNSAFE_INTEGER',
      message: expect.stringMatching(` \\(BigCmd at 127.0.0.1:${calc.port}\\)$`),
      sent: true,
    });
  },
);
