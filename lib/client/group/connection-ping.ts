// A ping of each open connection, and what came of it. When it is over, nothing waits for it any more.
import { CmdStreamError } from '../../errors.js';
import type { ClientSession } from '../session/client-session.js';
import type { GroupConnection } from './group-connection.js';

/**
 * What came of pinging a connection.
 *
 * @publicApi
 */
export interface ConnectionPing {
  /** Number of the connection within the client, from 0. */
  readonly index: number;
  /** The server it leads to: `host:port`, or the path of its socket. */
  readonly server: string;
  /** Time from the ping to its pong, in milliseconds; undefined if none came. */
  readonly roundTripMs: number | undefined;
  /** TIMEOUT, CONNECTION_LOST, CLOSED or QUEUE_FULL; undefined if the pong came. */
  readonly error: CmdStreamError | undefined;
}

interface PingedGroup {
  readonly open: readonly GroupConnection[];
  connect(timeoutMs: number): Promise<void>;
}

/**
 * Pings every open connection, and opens one first if there is none; resolves when each has answered, has ended or is
 * late. `timeoutMs`: for all of it; 0: no limit. `mostPending`: how many pings may wait for a pong of one connection.
 */
export async function pingGroup(
  group: PingedGroup,
  timeoutMs: number,
  mostPending: number,
): Promise<readonly ConnectionPing[]> {
  const start = performance.now();
  await group.connect(timeoutMs);
  const leftMs = timeoutMs === 0 ? 0 : Math.max(1, timeoutMs - (performance.now() - start));
  const pings = group.open.flatMap((connection) =>
    connection.session ? pingConnection(connection, connection.session, leftMs, mostPending) : [],
  );
  if (pings.length === 0) throw new CmdStreamError('CONNECTION_LOST', 'the connection was lost before it was pinged');
  return Promise.all(pings);
}

function pingConnection(
  { index, server }: GroupConnection,
  session: ClientSession,
  leftMs: number,
  mostPending: number,
): Promise<ConnectionPing> | ConnectionPing {
  if (session.waitingForPong >= mostPending) {
    const text = `${mostPending} pings wait for a pong from ${server} already`;
    return { index, server, roundTripMs: undefined, error: new CmdStreamError('QUEUE_FULL', text) };
  }
  return new Promise((resolve) => {
    const end = (roundTripMs: number | undefined, error: CmdStreamError | undefined): void => {
      stopWatching();
      resolve({ index, server, roundTripMs, error });
    };
    const late = (): void => {
      leave();
      end(undefined, new CmdStreamError('TIMEOUT', `no pong from ${server} in time`));
    };
    const stopWatching = session.ticker.after(leftMs, late);
    const leave = session.ping({
      answered: (roundTripMs) => end(roundTripMs, undefined),
      failed: (error) => end(undefined, error),
    });
  });
}
