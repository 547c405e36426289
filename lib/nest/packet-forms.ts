// What packets of messages by pattern are made and read with, at both sides: a serializer and a deserializer of Nest,
// and what their patterns are.
import type { Deserializer, MsPattern, Serializer } from '@nestjs/microservices';
import { ignoreRejection } from '../callbacks.js';
import { CmdStreamError } from '../errors.js';
import { objectWith } from '../options.js';

/** What wraps and unwraps packets, if they are wrapped. */
export interface PacketForms {
  readonly serializer: Serializer | undefined;
  readonly deserializer: Deserializer | undefined;
}

export const serializerRule = objectWith('an object with a method serialize', 'serialize');
export const deserializerRule = objectWith('an object with a method deserialize', 'deserialize');

/**
 * What a serializer of Nest makes of a packet.
 *
 * @throws {CmdStreamError} ENCODE_FAILED for a promise, which Nest's transports would send as it is
 */
export function serialized(serializer: Serializer, packet: object): unknown {
  const made: unknown = serializer.serialize(packet);
  if (!ignoreRejection(made)) return made;
  throw new CmdStreamError('ENCODE_FAILED', 'the serializer gave a promise: a serializer must give the packet itself');
}

/**
 * Nest's `normalize`, for patterns as Nest's own transports send them, which is as JSON: what is undefined in one is
 * not there.
 */
export function normalized(pattern: MsPattern, normalize: (pattern: MsPattern) => string): string {
  const route = normalize(pattern);
  const isWhole = typeof (route as unknown) !== 'string' || !route.includes(':undefined');
  if (isWhole || typeof pattern !== 'object') return route;
  return normalize(JSON.parse(JSON.stringify(pattern)) as MsPattern);
}
