// The connections that a server has lost or refused, with the reasons, in their order.
import type { CmdStreamError, CommandServerOptions, ConnectionAddresses } from '../../lib/core.js';

export interface LostConnection extends ConnectionAddresses {
  readonly cause: CmdStreamError;
}

/** Options by which a server adds to `lost`. */
export function keepLost(
  lost: LostConnection[],
): Required<Pick<CommandServerOptions, 'onDisconnect' | 'onConnectionRefused'>> {
  const keep = (connection: ConnectionAddresses, cause: CmdStreamError): void =>
    void lost.push({ ...connection, cause });
  return { onDisconnect: keep, onConnectionRefused: keep };
}
