// What the log says of peers: a coded line for each kind of bad input, no flood, nothing a peer could forge lines with.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { addressesOf } from '../../lib/connection/connection-socket.js';
import { Controller } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import {
  CmdStreamError,
  CommandHandler,
  type CmdStreamServerOptions,
  type CmdStreamErrorCode,
} from 'nestjs-cmd-stream';
import { PeerLog } from '../../lib/nest/peer-log.js';
import { ADD_2_3, addFrame, echoFrame, frame, GREETING, SUM_5, uvarint } from '../support/calc-frames.js';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { AddCmd, CalcResult, EchoCmd, EchoResult } from './calc.contract.js';
import { HandMadeClient, NestServer } from './nest-server.js';
import { SpyLogger } from './spy-logger.js';

const own = guardLeaks();

@Controller()
class CalcController {
  @CommandHandler(AddCmd)
  add({ A, B }: AddCmd) {
    return new CalcResult(A + B);
  }

  @CommandHandler(EchoCmd)
  echo({ text }: EchoCmd): EchoResult {
    throw new RpcException(text);
  }
}

async function serve(options: Partial<CmdStreamServerOptions> = {}): Promise<NestServer> {
  return own(await NestServer.listen({ module: { controllers: [CalcController] }, options }));
}

const badInput: [string, string, CmdStreamErrorCode][] = [
  [
    'another protocol',
    Buffer.from(`GET / HTTP/1.1\r\nHost: ${'x'.repeat(80)}\r\n\r\n`).toString('hex'),
    'UNKNOWN_TYPE',
  ],
  ['noise', 'deadbeef'.repeat(64), 'VARINT_OVERFLOW'],
  ['a length of 2^63-1', `0100${uvarint(2n ** 63n - 1n)}`, 'FRAME_TOO_LARGE'],
  ['a negative length', `0100${uvarint(2n ** 64n - 1n)}`, 'NEGATIVE_LENGTH'],
  ['an unknown type number', frame(1, 99, '{}'), 'UNKNOWN_TYPE'],
  ['a body that is no JSON', frame(1, 0, '{"A":'), 'BAD_PAYLOAD'],
  ['10,000 bytes of 80', '80'.repeat(10_000), 'VARINT_OVERFLOW'],
  ['half a frame and silence', ADD_2_3.slice(0, 12), 'FRAME_TIMEOUT'],
  ['a body nested deeper than allowed', frame(1, 0, '['.repeat(100) + ']'.repeat(100)), 'JSON_LIMIT'],
  ['a key that is no data', frame(1, 0, '{"__proto__":{}}'), 'BAD_PAYLOAD'],
];

describe('bad input', () => {
  it.each(badInput)('ends only its connection, with a coded line: %s', async (_, bytes, code) => {
    const server = await serve({ frameTimeoutMs: 300 });
    const [peer, other] = [own(await server.connect()), own(await server.connect())];
    await peer.receives(GREETING);
    const { localPort } = peer.socket;
    peer.write(bytes);
    await peer.ends();
    const line = await server.logger.line(code);
    expect(line).toMatch(new RegExp(`^warn: connection of 127\\.0\\.0\\.1:${localPort} ended: ${code}: .+`));
    other.write(ADD_2_3);
    await other.receives(GREETING + SUM_5);
    expect(server.logger.having('ended: ')).toEqual([line]);
  });

  it('is not what an ordinary end is: that has no line', async () => {
    const server = await serve();
    const [finishing, resetting] = [own(await server.connect()), own(await server.connect())];
    for (const peer of [finishing, resetting]) {
      peer.write(ADD_2_3);
      await peer.receives(GREETING + SUM_5);
    }
    finishing.finish();
    resetting.reset();
    await until('both are gone', () => server.core.connections === 0);
    await turns();
    expect(server.logger.having('ended: ')).toEqual([]);
  });

  it('has one line for many peers of a moment', async () => {
    const server = await serve();
    const started = performance.now();
    const peers = await Promise.all(Array.from({ length: 40 }, () => server.connect()));
    for (const peer of peers) own(peer).write(frame(1, 99, '{}'));
    await Promise.all(peers.map((peer) => peer.ends()));
    const seconds = Math.floor((performance.now() - started) / 1000);
    const lines = server.logger.having('UNKNOWN_TYPE');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(1 + seconds);
  });

  it('of too many connections is logged as such', async () => {
    const server = await serve({ maxConnections: 1 });
    const peer = own(await server.connect());
    await peer.receives(GREETING);
    own(await server.connect());
    expect(await server.logger.line('MAX_CONNECTIONS')).toContain('maxConnections (1)');
    peer.write(ADD_2_3);
    await peer.receives(GREETING + SUM_5);
  });

  it('cannot forge a line of the log', async () => {
    const server = await serve();
    const peer = own(await server.connect());
    const forged = 'x\r\n[Nest] 1 - LOG forged\u001b[2J\u0000\u2028\u202e\u{e0041}\ud800';
    peer.write(echoFrame(1, forged));
    await peer.ends();
    const line = await server.logger.line('HANDLER_ERROR');
    expect(line).toContain('forged');
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(line).toContain('\\u{a}');
    expect(line).toContain('\\u{1b}');
    expect(line).toContain('\\u{e0041}');
  });

  it('cannot fill the log with one long line', async () => {
    const server = await serve();
    const peer = own(await server.connect());
    peer.write(echoFrame(1, '\u0001'.repeat(100_000)));
    await peer.ends();
    expect((await server.logger.line('HANDLER_ERROR')).length).toBeLessThan(4096);
    const other = own(await server.connect());
    other.write(addFrame(1, 2, 3));
    await other.receives(GREETING + SUM_5);
  });
});

describe('events', () => {
  it('without a handler, or that cannot be read, have a line for many of a moment', async () => {
    const server = await serve();
    const client = own(new HandMadeClient(server.port, { extension: true }));
    const started = performance.now();
    const manyKeys = Object.fromEntries(Array.from({ length: 10_001 }, (_, key) => [`key ${key}`, key]));
    await Promise.all(Array.from({ length: 100 }, () => lastValueFrom(client.emit('unheard', 1))));
    await Promise.all(Array.from({ length: 20 }, () => lastValueFrom(client.emit('many', manyKeys))));
    await server.logger.line('no matching event handler');
    await server.logger.line('JSON_LIMIT');
    const most = 1 + Math.floor((performance.now() - started) / 1000);
    expect(server.logger.having('no matching event handler').length).toBeLessThanOrEqual(most);
    expect(server.logger.having('JSON_LIMIT').length).toBeLessThanOrEqual(most);
  });
});

describe('a log of peers', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  function lose(log: PeerLog, code: CmdStreamErrorCode, times = 1): void {
    for (let i = 0; i < times; i++) {
      const from = addressesOf({ remoteAddress: '192.0.2.1', remotePort: 5000 });
      log.connectionEnd(from, new CmdStreamError(code, 'what happened'));
    }
  }

  it('has at most one line per reason and second, with a count of those left out', () => {
    const logger = new SpyLogger();
    const log = new PeerLog(logger);
    const line = (code: string) => `warn: connection of 192.0.2.1:5000 ended: ${code}: what happened`;
    lose(log, 'BAD_PAYLOAD', 10);
    lose(log, 'UNKNOWN_TYPE');
    expect(logger.lines).toEqual([line('BAD_PAYLOAD'), line('UNKNOWN_TYPE')]);
    jest.advanceTimersByTime(999);
    lose(log, 'BAD_PAYLOAD');
    expect(logger.lines).toHaveLength(2);
    jest.advanceTimersByTime(1);
    lose(log, 'BAD_PAYLOAD', 3);
    lose(log, 'UNKNOWN_TYPE');
    expect(logger.lines.slice(2)).toEqual([
      `${line('BAD_PAYLOAD')} (and 10 more since the last line)`,
      line('UNKNOWN_TYPE'),
    ]);
    jest.advanceTimersByTime(60_000);
    lose(log, 'BAD_PAYLOAD');
    expect(logger.lines.at(-1)).toBe(`${line('BAD_PAYLOAD')} (and 2 more since the last line)`);
  });

  it.each<CmdStreamErrorCode>(['PEER_CLOSED', 'PEER_RESET', 'IDLE_TIMEOUT', 'SHUTDOWN', 'CLOSED'])(
    'has no line for %s',
    (code) => {
      const logger = new SpyLogger();
      lose(new PeerLog(logger), code, 5);
      expect(logger.lines).toEqual([]);
    },
  );
});
