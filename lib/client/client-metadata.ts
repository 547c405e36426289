// The metadata that a client gives every call: a value, or a function that is asked for each call, in the scope of its
// caller. What a hook or the caller gives wins, key by key.
import { isPromiseLike } from '../callbacks.js';
import { CmdStreamError, messageOf } from '../errors.js';
import { objectWith, type OptionRule } from '../options.js';
import { NO_METADATA, type Metadata } from '../wire/control-frame.js';
import { ownMetadata } from './call/call-rules.js';
import type { CallNeeds } from './call/client-call.js';

/** Gives the metadata of one call, now or by a promise; undefined: none. @publicApi */
export type ClientMetadataFactory = (
  command: unknown,
) => Readonly<Record<string, string>> | undefined | Promise<Readonly<Record<string, string>> | undefined>;

const OPTION = 'option "metadata"';
const object = objectWith('');

export const clientMetadataRule: OptionRule = {
  expected: 'a plain object of strings, or a function that gives one',
  accepts: (value) => typeof value === 'function' || (object.accepts(value) && !Array.isArray(value)),
};

/** A copy of what is given as a value. @throws {CmdStreamError} INVALID_OPTION */
export function ownClientMetadata(
  client: string,
  given: Metadata | ClientMetadataFactory | undefined,
): Metadata | ClientMetadataFactory | undefined {
  return given === undefined || typeof given === 'function' ? given : ownMetadata(`${client}: ${OPTION}`, given);
}

/**
 * What the client gives to a call of this Command.
 *
 * @throws {CmdStreamError} METADATA_FAILED, INVALID_OPTION
 */
export function clientMetadata(
  given: Metadata | ClientMetadataFactory,
  command: unknown,
): Metadata | Promise<Metadata> {
  if (typeof given !== 'function') return given;
  let metadata: unknown;
  try {
    metadata = given(command);
  } catch (error) {
    throw failed(error);
  }
  if (!isPromiseLike(metadata)) return checked(metadata);
  return Promise.resolve(metadata).then(checked, (error: unknown) => {
    throw failed(error);
  });
}

/** What a call needs, with the client's metadata beneath that of hooks. */
export function withClientMetadata(needs: CallNeeds | undefined, metadata: Metadata): CallNeeds | undefined {
  if (metadata === NO_METADATA) return needs;
  return { ...needs, ambient: { ...metadata, ...needs?.ambient } };
}

function checked(given: unknown): Metadata {
  return given === undefined ? NO_METADATA : ownMetadata(`what ${OPTION} gives`, given as Metadata);
}

function failed(cause: unknown): CmdStreamError {
  return new CmdStreamError('METADATA_FAILED', `${OPTION} failed: ${messageOf(cause)}`, { cause });
}
