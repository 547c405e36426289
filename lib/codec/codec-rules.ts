// What the option `codec`, which both sides have, may be, and the codec of a contract that comes of it: one that a user
// wrote is held to answering at once; and one of a contract with Commands that are deprecated says so.
import { requireSync } from '../callbacks.js';
import { CmdStreamError } from '../errors.js';
import { objectWith, type OptionRule } from '../options.js';
import type { Codec, CodecFactory } from './codec.js';
import { tablesOf, type Contract } from '../contract/contract.js';
import type { TypeTable } from '../contract/type-table.js';
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
  if (codecObject.accepts(made)) {
    const safe = made instanceof TaggedCodec ? made : withoutPromises(made);
    const { commands } = tablesOf(contract);
    return commands.hasDeprecated ? withWarnings(safe, commands) : safe;
  }
  throw new CmdStreamError(
    'INVALID_OPTION',
    `option "codec" must be ${codecRule.expected}; its function returned something else`,
  );
}

/** The same codec, whose promises are refused: code of a user may be async, whatever its type says. */
function withoutPromises(codec: Codec): Codec {
  return {
    ...factsOf(codec),
    encodeCommand: (command, writer) =>
      requireSync('ENCODE_FAILED', 'encodeCommand() of the codec', codec.encodeCommand(command, writer)),
    decodeCommand: (reader) => requireSync('BAD_PAYLOAD', 'decodeCommand() of the codec', codec.decodeCommand(reader)),
    encodeResult: (result, writer) =>
      requireSync('ENCODE_FAILED', 'encodeResult() of the codec', codec.encodeResult(result, writer)),
    decodeResult: (reader) => requireSync('BAD_PAYLOAD', 'decodeResult() of the codec', codec.decodeResult(reader)),
  };
}

/** What a codec says beside its methods. */
function factsOf({ name, dataLimits, layouts }: Codec): Pick<Codec, 'name' | 'dataLimits' | 'layouts'> {
  return { name, ...(dataLimits && { dataLimits }), ...(layouts && { layouts }) };
}

/** The same codec, which warns once of each type of Commands that should not be used any more. */
function withWarnings(codec: Codec, commands: TypeTable): Codec {
  const unsaid = new Set([...commands.types.keys()].filter((index) => commands.deprecationAt(index) !== undefined));
  const warn = (command: unknown, what: string): void => {
    // Once all is said, no Command is asked for its type.
    if (unsaid.size === 0) return;
    const index = commands.indexOf(command);
    if (!unsaid.delete(index)) return;
    const reason = commands.deprecationAt(index);
    const text = `${commands.nameAt(index)} is deprecated${reason && `: ${reason}`} (${what}; this is said once)`;
    process.emitWarning(text, { type: 'DeprecationWarning', code: 'CMD_STREAM_DEPRECATED' });
  };
  return {
    ...factsOf(codec),
    encodeCommand: (command, writer) => {
      codec.encodeCommand(command, writer);
      warn(command, 'this client sends it');
    },
    decodeCommand: (reader) => {
      const command = codec.decodeCommand(reader);
      warn(command, 'this server gets it from a client');
      return command;
    },
    encodeResult: (result, writer) => codec.encodeResult(result, writer),
    decodeResult: (reader) => codec.decodeResult(reader),
  };
}
