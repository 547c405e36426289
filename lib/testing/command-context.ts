// What a handler or a Command gets to know about itself, for tests that call it directly.
import type { CommandContext, PeerIdentity } from '../contract/command.js';

const usualPeer: PeerIdentity = Object.freeze({
  address: '127.0.0.1',
  port: 50_000,
  authorized: false,
  authorizationError: undefined,
  certificate: undefined,
  subject: Object.freeze({}),
  commonName: undefined,
  alternativeNames: Object.freeze({ dns: [], ip: [], uri: [], email: [] }),
});

/**
 * A context for `command.exec(receiver, context)`; a handler of Nest gets it as
 * `new CmdStreamContext([commandContext(), 'AddCmd'])`.
 *
 * @example
 * import { CmdStreamContext } from 'nestjs-cmd-stream';
 * import { commandContext } from 'nestjs-cmd-stream/testing';
 *
 * const caller = commandContext({ metadata: { user: 'carol' }, signal: AbortSignal.abort() });
 * export const context = new CmdStreamContext([caller, 'AddCmd']);
 *
 * @param given What is not as usual: Command number 1 of a plain client of this machine, just received, without
 * metadata and without a deadline, whose signal never aborts; `peer` may be given in part.
 * @publicApi
 */
export function commandContext(
  given: Partial<Omit<CommandContext, 'peer'>> & { readonly peer?: Partial<PeerIdentity> | undefined } = {},
): CommandContext {
  const peer: PeerIdentity = { ...usualPeer, ...given.peer };
  const { seq = 1, receivedAt = Date.now(), bytesRead = 0, metadata = {}, signal = neverAborts(), ...others } = given;
  return {
    deadline: undefined,
    remoteAddress: peer.address,
    remotePort: peer.port,
    localAddress: '127.0.0.1',
    localPort: 3000,
    ...others,
    seq,
    receivedAt,
    bytesRead,
    metadata,
    signal,
    peer,
  };
}

function neverAborts(): AbortSignal {
  return new AbortController().signal;
}
