import { describe, expect, it } from '@jest/globals';
import { CommandServer, ExecInvoker } from '../../lib/core.js';
import { calcClient } from '../support/calc-client.js';
import { GREETING } from '../support/calc-frames.js';
import { CalcServer } from '../support/calc-server.js';
import { guardLeaks } from '../support/leak-guard.js';
import { Item, openStage, PlayCmd } from '../support/stage.js';
import { AddCmd, CalcResult, EchoCmd, vectorContract } from '../support/vector-contract.js';

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
  it.each(['toJSON', 'lastOne'])('is told that this cannot be, and is sent itself: in %s', async (method) => {
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
