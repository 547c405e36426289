// What the option `codec`, which both sides have, may be, and the codec of a contract that comes of it: one that a user
// wrote is held to answering at once.
import { requireSync } from '../callbacks.js';
import { CmdStreamError } from '../errors.js';
import { objectWith, type OptionRule } from '../options.js';
import type { Codec, CodecFactory } from './codec.js';
import type { Contract } from '../contract/contract.js';
import { jsonCodec } from './json/json-codec.js';
import { TaggedCodec } from './tagged-codec.js';

const codecMethods: readonly string[] = ['encodeCommand', 'decodeCommand', 'encodeResult', 'decodeResult'];
const codecObject = objectWith('a codec', ...codecMethods);

export const codecRule: OptionRule = {
  expected: `a codec (an object with the methods ${codecMethods.join(', ')}) or a function that makes one`,
  accepts: (value) => typeof value === 'function' || codecObject.accepts(value),
};

/** The codec for a contract: JSON unless another one was given. */
export function codecFor(contract: Contract, codec: Codec | CodecFactory = jsonCodec()): Codec {
  const made = typeof codec === 'function' ? codec(contract) : codec;
  if (codecObject.accepts(made)) return made instanceof TaggedCodec ? made : withoutPromises(made);
  throw new CmdStreamError(
    'INVALID_OPTION',
    `option "codec" must be ${codecRule.expected}; its function returned something else`,
  );
}

/** The same codec, whose promises are refused: code of a user may be async, whatever its type says. */
function withoutPromises(codec: Codec): Codec {
  const { name, dataLimits, layouts } = codec;
  return {
    name,
    ...(dataLimits && { dataLimits }),
    ...(layouts && { layouts }),
    encodeCommand: (command, writer) =>
      requireSync('ENCODE_FAILED', 'encodeCommand() of the codec', codec.encodeCommand(command, writer)),
    decodeCommand: (reader) => requireSync('BAD_PAYLOAD', 'decodeCommand() of the codec', codec.decodeCommand(reader)),
    encodeResult: (result, writer) =>
      requireSync('ENCODE_FAILED', 'encodeResult() of the codec', codec.encodeResult(result, writer)),
    decodeResult: (reader) => requireSync('BAD_PAYLOAD', 'decodeResult() of the codec', codec.decodeResult(reader)),
  };
}
