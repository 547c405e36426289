// The recorded sessions over real sockets, each side played by us once, its bytes cut in every way.
import { describe, expect, it } from '@jest/globals';
import { CommandClient } from '../../lib/core.js';
import { CalcServer } from '../support/calc-server.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawServer } from '../support/raw-server.js';
import { RecordingSink } from '../support/recording-sink.js';
import { sessionPeers } from '../support/session-peers.js';
import { SocketSpy } from '../support/socket-spy.js';
import { wireVectors } from '../unit/wire/wire-vectors.js';

const own = guardLeaks();
const GREETING_LENGTH = 16;

const sessions = wireVectors
  .filter(({ kind }) => kind === 'session')
  .map(({ name, hex, extra, value }) => ({
    name,
    toServer: hex,
    toClient: extra?.serverToClient ?? '',
    results: (value as { results: string[] }[]).map(({ results }) => results),
    peers: sessionPeers[name]!,
  }));

/** As one part, byte by byte, and in two parts at every byte. */
function cuttings(hex: string): string[][] {
  const cuts = Array.from({ length: hex.length / 2 - 1 }, (_, at) => 2 * (at + 1));
  return [[hex], hex.match(/../g) ?? [], ...cuts.map((at) => [hex.slice(0, at), hex.slice(at)])];
}

describe('the recorded sessions', () => {
  it('are all played', () => {
    expect(sessions.map(({ name }) => name).toSorted()).toEqual(Object.keys(sessionPeers).toSorted());
  });
});

describe('a server', () => {
  it.each(sessions)('plays $name, however it is cut', async ({ toServer, toClient, peers }) => {
    const { contract, codec, invoker } = peers;
    const spy = own(new SocketSpy('server'));
    const calc = own(await CalcServer.start({ contract, codec, invoker }));
    for (const parts of cuttings(toServer)) {
      const peer = own(await calc.connect());
      await peer.receives(toClient.slice(0, GREETING_LENGTH));
      await peer.writeParts(parts, () => spy.bytesRead);
      await peer.receives(toClient);
      await peer.destroy();
    }
  });
});

describe('a client', () => {
  it.each(sessions)('plays $name, however it is cut', async ({ toServer, toClient, results, peers }) => {
    const { contract, codec, commands, show } = peers;
    const spy = own(new SocketSpy('client'));
    const raw = own(await RawServer.listen());
    const answers = toClient.slice(GREETING_LENGTH);
    for (const [round, parts] of cuttings(answers).entries()) {
      const client = own(new CommandClient({ contract, codec, host: '127.0.0.1', port: raw.port, extension: false }));
      const sinks = commands.map((command) => {
        const sink = new RecordingSink();
        client.dispatch(command, sink);
        return sink;
      });
      const peer = await raw.peer(round);
      await peer.dribble(toClient.slice(0, GREETING_LENGTH), () => spy.bytesRead);
      await peer.receives(toServer);
      await peer.writeParts(parts, () => spy.bytesRead);
      for (const sink of sinks) expect(await sink.ended()).toBeUndefined();
      expect(sinks.map((sink) => sink.results.map(show))).toEqual(results);
      client.destroy();
    }
  });
});
