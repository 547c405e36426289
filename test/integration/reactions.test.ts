// How the reference's server and client were seen to react, asked of ours over real sockets.
import { describe, expect, it } from '@jest/globals';
import type { CmdStreamError } from '../../lib/core.js';
import { calcClient } from '../support/calc-client.js';
import { CalcServer } from '../support/calc-server.js';
import { turns, until } from '../support/deadline.js';
import { guardLeaks } from '../support/leak-guard.js';
import { RawServer } from '../support/raw-server.js';
import { RecordingSink } from '../support/recording-sink.js';
import { AddCmd, CalcResult, CountResult } from '../support/vector-contract.js';
import { deviations, expectedFailure, wireVectors, type WireVector } from '../unit/wire/wire-vectors.js';

const own = guardLeaks();

interface ServerReaction {
  readonly clientHalfCloses: boolean;
  readonly serverClosesConnection: boolean;
  readonly serverSends: string;
}

interface ClientReaction {
  readonly stage: 'handshake' | 'exchange';
  readonly serverSends: string;
  readonly serverAnswers?: string;
  readonly serverThenCloses: boolean;
  readonly clientClosed?: boolean;
  readonly results?: readonly { readonly error: string; readonly result: string }[];
}

/** What ours calls the end that the reference's callback was notified of. */
function endCode(vector: WireVector): string {
  const { error = '' } = vector;
  if (error === 'intentional failure') return 'HANDLER_ERROR';
  return error.endsWith('EOF') ? 'PEER_CLOSED' : expectedFailure(vector);
}

async function reactAsServer(vector: WireVector): Promise<void> {
  const { clientHalfCloses, serverClosesConnection, serverSends } = vector.extra as unknown as ServerReaction;
  const infoLength = Number.parseInt(serverSends.slice(0, 2), 16);
  const serverInfo = Buffer.from(serverSends.slice(2, 2 + 2 * infoLength), 'hex');
  const calc = own(await CalcServer.start({ serverInfo }));
  const peer = own(await calc.connect());
  peer.write(vector.hex);
  if (clientHalfCloses) peer.finish();
  await peer.receives(serverSends);
  if (serverClosesConnection) {
    await until('the server ends the connection', () => peer.isEnded, 1_000);
    expect(await calc.lostCause()).toMatchObject({ code: endCode(vector) });
  }
  expect(peer.hex).toBe(serverSends);
  expect(peer.isEnded).toBe(serverClosesConnection);
  expect(calc.lost).toHaveLength(serverClosesConnection ? 1 : 0);
}

function shown(result: unknown): string {
  if (result instanceof CalcResult) return String(result.value);
  const { I, Last } = result as CountResult;
  return `{${I} ${Last}}`;
}

async function reactAsClient(vector: WireVector): Promise<void> {
  const reaction = vector.extra as unknown as ClientReaction;
  const raw = own(await RawServer.listen());
  const client = own(calcClient(raw.port));
  if (reaction.stage === 'handshake') {
    const connected = client.connect();
    const peer = await raw.peer();
    peer.write(reaction.serverSends);
    if (reaction.serverThenCloses) peer.finish();
    const failure = { mismatch: 'SERVER_INFO_MISMATCH', 'too large': 'SERVER_INFO_TOO_LARGE', EOF: 'CONNECT_FAILED' };
    const [, code] = Object.entries(failure).find(([text]) => vector.error!.includes(text))!;
    await expect(connected).rejects.toMatchObject({ code });
    await peer.ends();
    return;
  }
  const { serverAnswers = '', clientClosed = false, results = [] } = reaction;
  const sink = new RecordingSink();
  client.dispatch(new AddCmd(2, 3), sink);
  const peer = await raw.peer();
  peer.write(reaction.serverSends);
  await peer.receives(vector.hex);
  peer.write(serverAnswers);
  if (reaction.serverThenCloses) peer.finish();
  const error = (await sink.ended()) as CmdStreamError | undefined;
  await turns();
  expect(sink.results.map(shown)).toEqual(results.filter((one) => one.error === '').map(({ result }) => result));
  expect(client.status).toBe(clientClosed ? 'disconnected' : 'connected');
  if (clientClosed) {
    // The only call is the one whose Result cannot be read: it is notified of that, where the reference tells it of the
    // loss.
    expect([error?.code, (error?.cause as CmdStreamError | undefined)?.code]).toContain(endCode(vector));
    await peer.ends();
  } else expect(error).toBeUndefined();
}

const reactions = [
  { side: 'server', react: reactAsServer },
  { side: 'client', react: reactAsClient },
];

describe.each(reactions)('a $side', ({ side, react }) => {
  const vectors = wireVectors.filter(({ kind }) => kind === `${side}.reaction`);

  it.each(vectors.map((vector) => [vector.name, vector] as const))(
    'reacts to %s as the reference does, or deviates for a reason',
    async (name, vector) => {
      if (!Object.hasOwn(deviations, name)) return react(vector);
      return expect(react(vector)).rejects.toThrow(/./);
    },
  );
});
