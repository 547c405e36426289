// What several connections together are called.
import type { CmdStreamError } from '../errors.js';
import type { LinkStatus } from './link.js';

/**
 * `connecting`: the first attempt is under way. `connected`: all connections are open. `degraded`: some are.
 * `disconnected`: none is, be it that nobody needs one yet, or that they are lost and tried again. `draining`: it closes,
 * pending calls are waited for. `closed`: for good.
 *
 * @publicApi
 */
export type ClientStatus = 'disconnected' | 'connecting' | 'connected' | 'degraded' | 'draining' | 'closed';

/**
 * A change of a client's status.
 *
 * @publicApi
 */
export interface ClientStatusChange {
  readonly status: ClientStatus;
  /** Why a connection, or the attempt to open one, has ended; undefined for other changes. */
  readonly cause: CmdStreamError | undefined;
  /** The server it concerns; undefined where it concerns the client as a whole. */
  readonly server: string | undefined;
  /** What has become of the one connection that has changed. */
  readonly connection: LinkStatus | undefined;
}

export function groupStatus(links: readonly { readonly status: LinkStatus }[]): ClientStatus {
  const has = (wanted: LinkStatus): boolean => links.some(({ status }) => status === wanted);
  if (has('connected')) return links.every(({ status }) => status === 'connected') ? 'connected' : 'degraded';
  if (has('connecting')) return 'connecting';
  return has('closed') ? 'closed' : 'disconnected';
}
