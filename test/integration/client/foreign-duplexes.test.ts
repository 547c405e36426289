// Clients whose option `connect` gives something else than a socket of Node: tunnels, meters, peers in the same
// process, and Duplexes that break the rules of a Duplex. Whatever they do costs their own connection only, and no call
// stays without its end.
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { Duplex, duplexPair, PassThrough, type DuplexOptions } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { CommandClient } from '../../../lib/core.js';
import { calcClient } from '../../support/calc-client.js';
import { echoResultFrame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { inTime, turns } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { AddCmd, CalcResult, EchoCmd, EchoResult } from '../../support/vector-contract.js';

const own = guardLeaks();
const greeting = Buffer.from(GREETING, 'hex');

/** A server in this process; what it does within a write is `answer`. */
class ScriptedDuplex extends Duplex {
  constructor(answer: (self: ScriptedDuplex, bytes: Buffer) => void = () => {}, options: DuplexOptions = {}) {
    super({
      autoDestroy: false,
      read() {},
      write: (bytes: Buffer, _encoding, done) => {
        answer(this, bytes);
        done();
      },
      final: (done) => {
        this.push(null);
        done();
      },
      ...options,
    });
    setImmediate(() => this.push(greeting));
  }
}

function clientOver(connect: () => unknown, options: Parameters<typeof calcClient>[1] = {}): CommandClient {
  return own(calcClient(1, { connect: (async () => connect()) as never, ...options }));
}

async function towards(port: number): Promise<Duplex> {
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

describe('a Duplex that is no socket', () => {
  it('has every Command executed once although it keeps what was written', async () => {
    const calc = own(await CalcServer.start());
    const meter = new PassThrough({ highWaterMark: 1 << 20 });
    const client = clientOver(async () => {
      const socket = await towards(calc.port);
      const release = setInterval(() => {
        const bytes: unknown = meter.read();
        if (bytes) socket.write(bytes as Buffer);
      }, 5);
      socket.on('close', () => clearInterval(release));
      return Duplex.from({ writable: meter, readable: socket });
    });
    const texts = Array.from({ length: 200 }, (_, at) => `${at}-${'x'.repeat(at % 50)}`);
    const echoes: Promise<unknown>[] = [];
    for (const text of texts) {
      echoes.push(client.execute(new EchoCmd(text)));
      if (echoes.length % 5 === 0) await turns(1);
    }
    expect(await Promise.all(echoes)).toEqual(texts.map((text) => new EchoResult(text)));
  });

  it('may be one end of a pair whose other end is piped elsewhere', async () => {
    const calc = own(await CalcServer.start());
    const client = clientOver(
      async () => {
        const [near, far] = duplexPair();
        const socket = await towards(calc.port);
        far.pipe(socket).pipe(far);
        return near;
      },
      { extension: true },
    );
    const sums = Array.from({ length: 1000 }, (_, n) => client.execute(new AddCmd(n, 1)));
    expect(await Promise.all(sums)).toEqual(sums.map((_, n) => new CalcResult(n + 1)));
  });

  it('may answer within the write, however large the Command is', async () => {
    let seq = 0;
    const client = clientOver(
      () => new ScriptedDuplex((self) => self.push(Buffer.from(echoResultFrame(++seq, 'x'), 'hex'))),
    );
    for (const size of [1, 9000, 1, 60_000]) {
      const echo = client.execute(new EchoCmd('a'.repeat(size)));
      expect(await inTime('the answer', echo)).toEqual(new EchoResult('x'));
    }
    expect(client.unexpectedResults).toBe(0);
  });

  it('may be handed over paused', async () => {
    const client = clientOver(() =>
      new ScriptedDuplex((self) => self.push(Buffer.from(sumFrame(1, 5), 'hex'))).pause(),
    );
    expect(await inTime('the answer', client.execute(new AddCmd(2, 3)))).toEqual(new CalcResult(5));
  });
});

describe('a Duplex that throws', () => {
  it('in a write ends the connection: nothing is written behind what it may have lost', async () => {
    let broken = false;
    const duplex = new ScriptedDuplex(() => {
      if (broken) throw new Error('not now');
    });
    const client = clientOver(() => duplex);
    await client.connect();
    const first = client.execute(new AddCmd(1, 1));
    await turns(3);
    broken = true;
    const others: Promise<unknown>[] = [9000, 1, 1].map((size) => client.execute(new EchoCmd('z'.repeat(size))));
    broken = false;
    for (const lost of [...others, first]) {
      await expect(inTime('its end', lost)).rejects.toMatchObject({ code: 'CONNECTION_LOST', sent: true });
    }
    expect(duplex.destroyed).toBe(true);
    expect(client.status).toBe('disconnected');
  });

  it.each(['pause', 'resume', 'isPaused', 'end', 'destroy', 'setNoDelay', 'setKeepAlive'])(
    'in %s() harms itself only',
    async (method) => {
      const duplex = new ScriptedDuplex((self) => self.push(Buffer.from(sumFrame(1, 5), 'hex')));
      const client = clientOver(() => duplex, { timeoutMs: 2000 });
      Object.assign(duplex, {
        [method]: () => {
          throw new Error(`no ${method}`);
        },
      });
      const call = await inTime('the call ends', Promise.allSettled([client.execute(new AddCmd(2, 3))]));
      const serves = method === 'isPaused' || method === 'end' || method === 'destroy' || method === 'pause';
      expect(call[0]!.status).toBe(serves ? 'fulfilled' : 'rejected');
      await inTime('close() settles', client.close());
      expect(client.status).toBe('closed');
    },
  );
});

describe('a Duplex that never says that it is closed', () => {
  it.each([
    ['with emitClose: false', { emitClose: false }],
    ['whose destroy never calls back', { destroy() {} }],
    ['whose final never calls back', { final() {} }],
  ] as const)('%s is waited for no longer than it takes', async (_name, options) => {
    const client = clientOver(() => new ScriptedDuplex(undefined, options));
    await client.connect();
    await inTime('close() settles', client.close());
    expect(client.status).toBe('closed');
  });
});

describe('what is no Duplex', () => {
  it.each([undefined, null, 7, 'socket', {}, new PassThrough().destroy()])('is refused: %p', async (given) => {
    const client = clientOver(() => given);
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringContaining('option "connect" must give an open Duplex'),
    });
  });

  it('is refused when it gives too much at once, even before its connection is made', async () => {
    const empty = Buffer.alloc(0);
    class Flood extends ScriptedDuplex {
      override resume(): this {
        // Each counts as 256 bytes.
        for (let n = 0; n <= 64 * 4096; n++) this.emit('data', empty);
        return super.resume();
      }
    }
    const client = clientOver(() => new Flood());
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringContaining('the socket gave more than 67108864 bytes at once'),
    });
  });

  it('such as a stream of text is refused when it gives some', async () => {
    const client = clientOver(() => new ScriptedDuplex().setEncoding('latin1'));
    await expect(client.execute(new AddCmd(2, 3))).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringContaining('the socket gives no bytes'),
    });
  });
});
