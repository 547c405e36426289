// Commands that may be executed twice are sent again when their connection is lost; nothing else ever is.
import { describe, expect, it } from '@jest/globals';
import { tablesOf } from '../../../lib/contract/contract.js';
import { Command, defineContract, type AnyCommand, type CommandClientOptions } from '../../../lib/core.js';
import { protobufCodec, protobufMessage, protobufType } from '../../../lib/protobuf.js';
import * as schemas from '../../fixtures/protobuf/gen/vectors_pb.js';
import { calcClient } from '../../support/calc-client.js';
import { countResultFrame, frame, GREETING, sumFrame, uvarint } from '../../support/calc-frames.js';
import { inTime, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { groupClient, NamedServer, soon } from '../../support/named-server.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { RawServer } from '../../support/raw-server.js';
import { RecordingSink } from '../../support/recording-sink.js';
import { CalcResult, CountResult } from '../../support/vector-contract.js';

const own = guardLeaks();

class AskCmd extends Command<CalcResult> {
  static readonly idempotent = true;
}
class PayCmd extends Command<CalcResult> {}
class MaybeCmd extends Command<CalcResult> {
  static readonly idempotent = false;
}
const contract = defineContract({ commands: [AskCmd, PayCmd, MaybeCmd], results: [CalcResult, CountResult] });

async function open(options: Partial<CommandClientOptions> = {}) {
  const raw = own(await RawServer.listen());
  const retry = { delayMs: 1, maxAttempts: 3 };
  const client = own(calcClient(raw.port, { contract, reconnect: soon, retry, ...options }));
  /** The connection number `index`, greeted, once a Command has come on it. */
  const asked = async (index: number): Promise<RawPeer> => {
    const peer = await raw.peer(index);
    peer.write(GREETING);
    await peer.receivesBytes(4);
    return peer;
  };
  return { raw, client, asked };
}

describe('an idempotent Command', () => {
  it('is sent again under a new number when its connection is lost', async () => {
    const { client, asked } = await open();
    const answer = client.execute(new AskCmd());
    const first = await asked(0);
    expect(first.hex.slice(0, 2)).toBe('01');
    first.reset();
    const second = await asked(1);
    expect(second.hex.slice(0, 2)).toBe('02');
    second.write(sumFrame(2, 5));
    await expect(answer).resolves.toEqual(new CalcResult(5));
    expect(client.pending).toBe(0);
  });

  it('is what its caller says, for this one call', async () => {
    const { client, asked } = await open();
    const paid = client.execute(new PayCmd(), { idempotent: true });
    const asking = client.execute(new AskCmd(), { idempotent: false });
    const lost = asking.catch((error: unknown) => error);
    const first = await asked(0);
    await first.receivesBytes(8);
    first.reset();
    expect(await lost).toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    const second = await asked(1);
    second.write(sumFrame(3, 5));
    await expect(paid).resolves.toEqual(new CalcResult(5));
  });

  it.each([
    ['cannot be read', (seq: number) => frame(seq, 0, '{"')],
    ['is of no type of the contract', (seq: number) => frame(seq, 9, '{}')],
    ['is longer than maxResultBytes', (seq: number) => `${uvarint(seq)}00${uvarint(65)}`],
  ])('is not asked for again when its Result %s; one that shares the connection is', async (_what, poison) => {
    const { raw, client, asked } = await open({ maxResultBytes: 64 });
    const poisoned = client.execute(new AskCmd());
    poisoned.catch(() => {});
    const neighbour = client.execute(new AskCmd());
    const first = await asked(0);
    await first.receives(frame(1, 0, '{}') + frame(2, 0, '{}'));
    first.write(poison(1));
    await expect(poisoned).rejects.toMatchObject({ code: expect.not.stringMatching('CONNECTION_LOST'), sent: true });
    const second = await raw.peer(1);
    second.write(GREETING);
    await second.receives(frame(3, 0, '{}'));
    second.write(sumFrame(3, 5));
    await expect(neighbour).resolves.toEqual(new CalcResult(5));
    expect(client.pending).toBe(0);
  });

  it('goes to another server of the group', async () => {
    const raw = own(await RawServer.listen());
    const other = own(
      await NamedServer.start('other', {
        contract,
        invoker: { invoke: (_command, _context, sink) => sink.complete(new CalcResult(7)) },
      }),
    );
    const client = own(
      groupClient([raw, other], { contract, extension: false, reconnect: false, retry: { delayMs: 1 } }),
    );
    const greeted = raw.peer().then((peer) => peer.write(GREETING));
    await client.connect();
    await greeted;
    await until('both are open', () => client.status === 'connected');
    const answers = [client.execute(new AskCmd()), client.execute(new AskCmd())];
    const peer = await raw.peer();
    await peer.receivesBytes(1);
    peer.reset();
    expect(await Promise.all(answers)).toEqual([new CalcResult(7), new CalcResult(7)]);
  });

  it('is sent maxAttempts times, then fails', async () => {
    const { raw, client, asked } = await open();
    const answer = client.execute(new AskCmd());
    answer.catch(() => {});
    for (let attempt = 0; attempt < 3; attempt++) (await asked(attempt)).reset();
    await expect(answer).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    const last = client.execute(new PayCmd());
    (await asked(3)).write(sumFrame(4, 1));
    await last;
    expect(raw.peers).toHaveLength(4);
  });

  it('is not sent again when a Result has come', async () => {
    const { client, asked } = await open();
    const sink = new RecordingSink();
    client.dispatch(new AskCmd(), sink);
    const peer = await asked(0);
    peer.write(countResultFrame(1, 0, false));
    await until('a Result has come', () => sink.results.length === 1);
    peer.reset();
    expect(await sink.ended()).toMatchObject({ code: 'CONNECTION_LOST', sent: true });
  });

  it('is not sent again when its caller has given up meanwhile', async () => {
    const { client, asked } = await open({ retry: { delayMs: 60_000, maxDelayMs: 60_000 } });
    const controller = new AbortController();
    const answer = client.execute(new AskCmd(), { signal: controller.signal });
    (await asked(0)).reset();
    await until('it waits to be sent again', () => client.status === 'disconnected' && client.pending === 1);
    controller.abort(new Error('changed my mind'));
    await expect(answer).rejects.toThrow('changed my mind');
    expect(client.pending).toBe(0);
  });

  it('is not waited for by destroy() when it waits to be sent again', async () => {
    const { client, asked } = await open({ retry: { delayMs: 60_000, maxDelayMs: 60_000 } });
    const answer = client.execute(new AskCmd());
    answer.catch(() => {});
    (await asked(0)).reset();
    await until('it waits to be sent again', () => client.status === 'disconnected' && client.pending === 1);
    client.destroy();
    await expect(inTime('it fails', answer)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('has no more time for it than its own', async () => {
    const { client, asked } = await open({ retry: { delayMs: 60_000, maxDelayMs: 60_000 } });
    const answer = client.execute(new AskCmd(), { timeoutMs: 100 });
    answer.catch(() => {});
    (await asked(0)).reset();
    await expect(answer).rejects.toMatchObject({ code: 'TIMEOUT', sent: true });
  });

  it('fails like any other when retry is false', async () => {
    const { client, asked } = await open({ retry: false });
    const answer = client.execute(new AskCmd());
    answer.catch(() => {});
    (await asked(0)).reset();
    await expect(answer).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
  });
});

describe('any other Command', () => {
  it.each<[string, AnyCommand]>([
    ['says nothing', new PayCmd()],
    ['says that it may not be', new MaybeCmd()],
  ])('is never sent again when its class %s', async (_what, command) => {
    const { client, asked } = await open();
    const answer = client.execute(command);
    answer.catch(() => {});
    (await asked(0)).reset();
    await expect(answer).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    const next = client.execute(new PayCmd());
    const peer = await asked(1);
    expect(peer.hex.slice(0, 2)).toBe('02');
    peer.write(sumFrame(2, 1));
    await next;
    await peer.receives('0201027b7d');
  });
});

describe('a Command of Protobuf', () => {
  const result = schemas.CalcResultSchema;
  const Sum = protobufType(result);
  const add = (idempotent?: boolean) =>
    protobufType(schemas.AddCmdSchema, { result, ...(idempotent !== undefined && { idempotent }) });

  async function sent(idempotent?: boolean) {
    const Add = add(idempotent);
    const protobuf = defineContract({ commands: [Add], results: [Sum] });
    const { client, asked } = await open({ contract: protobuf, codec: protobufCodec() });
    const answer = client.execute(Add.create({ A: 2n, B: 3n }));
    answer.catch(() => {});
    (await asked(0)).reset();
    return { answer, asked };
  }

  it('is sent again when its type says that it is idempotent', async () => {
    const { answer, asked } = await sent(true);
    const peer = await asked(1);
    expect(peer.hex.slice(0, 2)).toBe('02');
    peer.write('0200020805');
    await expect(answer).resolves.toMatchObject({ R: 5n });
  });

  it.each([false, undefined])('is never sent again when its type says idempotent: %s', async (idempotent) => {
    const { answer } = await sent(idempotent);
    await expect(answer).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('may be of any generator', () => {
    const options = { typeName: 'Ask', encode: () => new Uint8Array(), decode: () => ({}), is: () => true };
    const commands = (idempotent: boolean) =>
      tablesOf(defineContract({ commands: [protobufMessage({ ...options, idempotent })], results: [Sum] })).commands;
    expect(commands(true).isIdempotent({})).toBe(true);
    expect(commands(false).isIdempotent({})).toBe(false);
  });

  it.each([1, 'true', null])('is refused when its type says idempotent: %j', (idempotent) => {
    expect(() => add(idempotent as never)).toThrow(expect.objectContaining({ code: 'INVALID_CONTRACT' }));
  });
});
