// Values that call, answer or end something while they are being written.
import { describe, expect, it } from '@jest/globals';
import { CmdStreamError, CommandServer, ExecInvoker, type CommandInvoker, type ResultSink } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { ADD_2_3, countFrame, countResultFrame, GREETING, SUM_5 } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import {
  credit,
  end as endFrame,
  error as errorFrame,
  EXTENDED_GREETING,
  hello,
  PROBE,
  meta,
} from '../../support/extension-frames.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { Item, openStage, PlayCmd } from '../../support/stage.js';
import { AddCmd, CalcResult, CountResult, EchoCmd, vectorContract } from '../../support/vector-contract.js';

const own = guardLeaks();

describe('a value that sends while it is being written', () => {
  it('fails what it sends, and harms no other call of the connection', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port));
    await client.connect();
    let inner: Promise<unknown> | undefined;
    const meddling = new EchoCmd('outer');
    meddling.toJSON = () => {
      inner ??= client.execute(new AddCmd(1, 1)).catch((error: unknown) => error);
      return 'outer';
    };
    const [outer, sum] = await Promise.all([client.execute(meddling), client.execute(new AddCmd(2, 3))]);
    expect(outer.text).toBe('outer');
    expect(sum).toEqual(new CalcResult(5));
    expect(await inner).toMatchObject({ code: 'ENCODE_FAILED', sent: false });
    expect(calc.lost).toEqual([]);
  });
});

describe('a Result that gives another one while it is being written', () => {
  it.each(['toJSON', 'lastOne'])('is notified that this cannot be, and is sent itself: in %s', async (method) => {
    const thrown: unknown[] = [];
    const { client } = await openStage(own, () => undefined, {
      invoker: {
        invoke: (_command, _context, sink) => {
          const outer = new Item(1);
          const original = method === 'toJSON' ? () => ({ n: 1, last: true, text: '' }) : () => true;
          const meddle = (): unknown => {
            try {
              if (thrown.length === 0) sink.next(new Item(2));
            } catch (error) {
              thrown.push(error);
            }
            return original();
          };
          Object.defineProperty(outer, method, { value: meddle });
          sink.next(outer);
          sink.complete();
        },
      },
    });
    expect(await client.execute(new PlayCmd())).toMatchObject({ n: 1 });
    expect(thrown).toMatchObject([{ code: 'ENCODE_FAILED' }]);
  });
});

describe('a Result that ends its Command while it is being written', () => {
  const ends: Readonly<Record<string, { end(sink: ResultSink): void; readonly frame: string }>> = {
    'complete()': { end: (sink) => sink.complete(), frame: endFrame(1) },
    'error()': {
      end: (sink) => sink.error(new CmdStreamError('REMOTE', 'over', { payload: 'over' })),
      frame: errorFrame(1, 'REMOTE', 'over'),
    },
  };

  /** A CountResult whose code runs `meddle` when it is written. */
  function meddling(meddle: () => void): CountResult {
    const written = { I: 3, Last: false };
    return Object.defineProperty(new CountResult(), 'toJSON', { value: () => (meddle(), written) });
  }

  it.each(Object.keys(ends))('ends it behind that Result: by %s, while it waits', async (how) => {
    const { end, frame } = ends[how]!;
    const invoke: CommandInvoker['invoke'] = (_command, _context, sink) => {
      sink.next(new CountResult(1, false));
      sink.next(new CountResult(2, false));
      sink.next(meddling(() => end(sink)));
    };
    const calc = own(await CalcServer.start({ invoker: { invoke } }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    // The first is sent on credit, the others wait.
    peer.write(PROBE + hello() + meta(1, { credit: 1 }) + countFrame(1, 3));
    const first = EXTENDED_GREETING + countResultFrame(1, 1, false);
    await peer.receives(first);
    peer.write(credit(1, 9));
    await peer.receives(first + countResultFrame(1, 2, false) + countResultFrame(1, 3, false) + frame);
    expect(calc.server.inFlight).toBe(0);
    expect(calc.errors).toEqual([]);
  });

  it.each(Object.keys(ends))('ends it once: by %s, in the last Result', async (how) => {
    const invoke: CommandInvoker['invoke'] = (_command, _context, sink) =>
      sink.complete(meddling(() => ends[how]!.end(sink)));
    const calc = own(await CalcServer.start({ invoker: { invoke } }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write(PROBE + hello() + countFrame(1, 3));
    await peer.receives(EXTENDED_GREETING + countResultFrame(1, 3, false) + endFrame(1));
    expect(calc.server.inFlight).toBe(0);
  });

  it.each(Object.keys(ends))('ends it once: by %s, when it is asked whether it is the last', async (how) => {
    const answers: [() => boolean, string][] = [
      [() => true, countResultFrame(1, 1, false)],
      [
        () => {
          throw new Error('it cannot say');
        },
        errorFrame(1, 'INTERNAL', { status: 'error', message: 'Internal server error' }),
      ],
    ];
    for (const [answer, expected] of answers) {
      const meddle = (sink: ResultSink): boolean => {
        ends[how]!.end(sink);
        return answer();
      };
      const invoke: CommandInvoker['invoke'] = (_command, _context, sink) =>
        sink.complete(Object.defineProperty(new CountResult(1, false), 'lastOne', { value: () => meddle(sink) }));
      const calc = own(await CalcServer.start({ invoker: { invoke } }));
      const peer = own(await calc.connect());
      await peer.receives(GREETING);
      peer.write(PROBE + hello() + countFrame(1, 3));
      await peer.receives(EXTENDED_GREETING + expected);
      expect(calc.server.inFlight).toBe(0);
    }
  });

  it('sends a plain peer no bytes that were not written', async () => {
    const invoke: CommandInvoker['invoke'] = (_command, _context, sink) => {
      sink.next(new CountResult(1, false));
      const bad = meddling(() => {
        sink.error(new Error('over'));
        throw new Error('not written');
      });
      expect(() => sink.next(bad)).toThrow('not written');
    };
    const calc = own(await CalcServer.start({ invoker: { invoke } }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write(countFrame(1, 3));
    await peer.ends();
    await peer.receives(GREETING + countResultFrame(1, 1, false));
    expect(await calc.lostCause()).toMatchObject({ code: 'HANDLER_ERROR' });
  });

  it('keeps a plain peer that was sent its last Result', async () => {
    const invoke: CommandInvoker['invoke'] = (_command, _context, sink) => {
      const last = new CalcResult(5);
      last.toJSON = () => (sink.complete(), 5);
      sink.next(last);
    };
    const calc = own(await CalcServer.start({ invoker: { invoke } }));
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
    expect(calc.server.inFlight).toBe(0);
    expect([peer.isEnded, calc.errors]).toEqual([false, []]);
  });
});

describe('an outcome that cannot be looked at', () => {
  it.each(['then', 'subscribe', Symbol.asyncIterator])('fails its Command only when its %p throws', async (name) => {
    const throws = Object.defineProperty({}, name, {
      get() {
        throw new Error('do not look');
      },
    });
    class Receiver {}
    const invoker = new ExecInvoker(new Receiver());
    AddCmd.prototype.exec = () => Promise.resolve({ throws }).then((held) => held.throws) as never;
    const server = new CommandServer({ contract: vectorContract, host: '127.0.0.1', port: 0, invoker });
    own({ destroy: () => server.destroy() });
    const { port } = await server.listen();
    try {
      await expect(own(calcClient(port)).execute(new AddCmd(1, 1))).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
      expect(server.inFlight).toBe(0);
    } finally {
      delete AddCmd.prototype.exec;
    }
  });
});

describe('a server that has stopped reading', () => {
  it('still sees the end of its peer, and aborts what it runs', async () => {
    const aborted: unknown[] = [];
    const calc = own(
      await CalcServer.start({
        maxInFlightPerConnection: 2,
        invoker: {
          invoke: (_command, { signal }, sink) =>
            signal.addEventListener('abort', () => {
              aborted.push(signal.reason);
              sink.complete();
            }),
        },
      }),
    );
    const peer = own(await calc.connect());
    await peer.receives(GREETING);
    peer.write('01000d7b2241223a322c2242223a337d'.repeat(3));
    peer.socket.end();
    expect(await calc.lostCause()).toMatchObject({ code: 'PEER_CLOSED' });
    expect(aborted).toHaveLength(2);
  });
});

describe('TLS material that cannot be read', () => {
  const tls = { key: 'garbage', cert: 'garbage' };

  it('is a coded error of the client', async () => {
    const client = own(calcClient(1, { tls }));
    await expect(client.connect()).rejects.toMatchObject({ code: 'TLS_ERROR' });
  });

  it('is a coded error of the server, which may be asked again', async () => {
    const calc = own(new CalcServer({ tls }));
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'TLS_ERROR' });
    await expect(calc.server.listen()).rejects.toMatchObject({ code: 'TLS_ERROR' });
  });
});
