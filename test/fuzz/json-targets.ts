// The JSON codec and the data of patterns: what is JSON within the limits is read to the last digit, all else is
// refused, and what was read can be written and read again.
import { dataOf, dataText } from '../../lib/codec/pattern-message.js';
import {
  CmdStreamError,
  Command,
  defineContract,
  jsonCodec,
  type Codec,
  type CmdStreamErrorCode,
} from '../../lib/core.js';
import { tablesOf } from '../../lib/contract/contract.js';
import { ByteReader } from '../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../lib/wire/byte-writer.js';
import { wireVectors } from '../unit/wire/wire-vectors.js';
import {
  bigintText,
  canonicalText,
  keysIn,
  numberText,
  readJson,
  type IntegerLiteral,
  type JsonText,
} from './json-oracle.js';
import { checkPrototypes, codeIn, Finding, mustEqual, type Target } from './target.js';

/** Takes any body as it is. */
class AnyCmd extends Command {
  constructor(readonly body: unknown = null) {
    super();
  }

  toJSON(): unknown {
    return this.body;
  }

  static fromJSON(body: unknown): AnyCmd {
    return new AnyCmd(body);
  }
}

class FieldsCmd extends Command {
  constructor(
    readonly A: unknown = 0,
    readonly Bc: unknown = '',
    readonly valueOf2: unknown = null,
  ) {
    super();
  }

  get both(): unknown {
    return [this.A, this.Bc];
  }
}

const limits = { maxDepth: 8, maxTokens: 200, maxKeysPerObject: 16 };
const MAX_BIGINT_DIGITS = 1_024;
const contract = tablesOf(defineContract({ commands: [AnyCmd, FieldsCmd] }));
const codecs = {
  reject: jsonCodec(limits)(contract),
  bigint: jsonCodec({ ...limits, unsafeIntegers: 'bigint' })(contract),
  go: jsonCodec({ ...limits, fieldCase: 'go' })(contract),
};
const refusals = ['BAD_PAYLOAD', 'JSON_LIMIT', 'UNSAFE_INTEGER'] as const;
const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** What is wrong with a text, by code; nothing: it must be read. */
function faultsOf(json: JsonText | undefined, integers: 'reject' | 'bigint' | 'round'): readonly CmdStreamErrorCode[] {
  if (json === undefined) return ['BAD_PAYLOAD', 'JSON_LIMIT'];
  if (json.depth > limits.maxDepth || json.tokens > limits.maxTokens) return ['JSON_LIMIT'];
  const faults: CmdStreamErrorCode[] = [];
  const keys = [...keysIn(json.value)];
  if (keys.some((all) => all.includes('__proto__'))) faults.push('BAD_PAYLOAD');
  if (keys.some((all) => all.length > limits.maxKeysPerObject)) faults.push('JSON_LIMIT');
  if (json.overflows) faults.push('BAD_PAYLOAD');
  const isRefused = (integer: IntegerLiteral): boolean => {
    if (integer.isSafe) return false;
    if (integers === 'round') return !Number.isFinite(Number(integer.text));
    return integers === 'bigint' ? integer.text.length > MAX_BIGINT_DIGITS : !integer.isExact;
  };
  if (json.integers.some(isRefused)) faults.push(integers === 'round' ? 'BAD_PAYLOAD' : 'UNSAFE_INTEGER');
  return faults;
}

/** `read` must do with the text what is right. Returns what it has read; undefined: it has refused it. */
function check(
  text: string,
  integers: 'reject' | 'bigint' | 'round',
  read: () => unknown,
): { readonly value: unknown } | undefined {
  const json = readJson(text, integers !== 'round');
  const faults = faultsOf(json, integers);
  let value: unknown;
  try {
    value = read();
  } catch (error) {
    const code = codeIn(error, refusals);
    if (!faults.includes(code)) throw new Finding(`refused with ${code}, not for ${faults.join()}`, { cause: error });
    return undefined;
  }
  // Of what stands twice only the last is in the value, and the first may be looked at or not.
  if (json === undefined || (faults.length > 0 && !json.hasDuplicates))
    throw new Finding(`read although there is ${faults.join()}: ${canonicalText(value)}`);
  mustEqual('value', canonicalText(value), canonicalText(json.value, integers === 'bigint' ? bigintText : numberText));
  return { value };
}

function decode(codec: Codec, type: number, body: Uint8Array): unknown {
  const writer = new ByteWriter();
  writer.writeUvarint(type);
  writer.writeUvarint(body.length);
  writer.writeBytes(body);
  return decodeWhole(codec, writer.take());
}

function decodeWhole(codec: Codec, bytes: Uint8Array): unknown {
  const reader = new ByteReader();
  reader.append(bytes);
  reader.beginFrame(Number.MAX_SAFE_INTEGER, 'maxBytes');
  const value = codec.decodeCommand(reader);
  if (reader.endFrame() !== bytes.length) throw new Finding('not all of the body was read');
  return value;
}

/** Integers are one, be they numbers or bigints. */
function looseText(value: unknown): string {
  return canonicalText(value).replace(/-0(?=[,\]}]|$)/g, '0');
}

function checkAny(codec: Codec, integers: 'reject' | 'bigint', body: Uint8Array): void {
  const read = check(UTF8.decode(body), integers, () => (decode(codec, 0, body) as AnyCmd).body);
  if (read === undefined) return;
  const writer = new ByteWriter();
  codec.encodeCommand(new AnyCmd(read.value), writer);
  const again = (decodeWhole(codec, writer.take()) as AnyCmd).body;
  if (integers === 'reject') mustEqual('written and read again', looseText(again), looseText(read.value));
}

function checkFields(codec: Codec, body: Uint8Array): void {
  try {
    const made = decode(codec, 1, body);
    if (!(made instanceof FieldsCmd) || Object.getPrototypeOf(made) !== FieldsCmd.prototype)
      throw new Finding('it is no instance of its class');
    if (!Array.isArray(made.both)) throw new Finding('an accessor is gone');
  } catch (error) {
    codeIn(error, refusals);
  }
}

/** Of all bodies in the vectors, and what is odd about JSON. */
const odd = [
  '{}',
  'null',
  '[1,-0,1.5e3,9007199254740993,1e400,-1E-400]',
  '{"A":1,"a":2,"Bc":"x","bC":null}',
  String.raw`{"__proto__":{"x":1},"constructor":{"prototype":{}},"toString":1,"both":2}`,
  String.raw`{"\u005f_proto__":1,"\ud83d\ude00":"\ud800","\"\\\/\b\f\n\r\t":" "}`,
  `${'['.repeat(9)}${']'.repeat(9)}`,
  `{${Array.from({ length: 17 }, (_, at) => `"k${at}":${at}`).join()}}`,
  `[${'1,'.repeat(199)}1]`,
  '1'.repeat(309),
  `[1.${'0'.repeat(20)}1e+307,123456789012345680000]`,
  ' [ true , false ,\t"é€😀"\r\n] ',
];
const vectorBodies = wireVectors.filter(({ kind }) => kind.includes('json')).map(({ hex }) => Buffer.from(hex, 'hex'));
const bodySeeds = [...odd.map((text) => Buffer.from(text)), ...vectorBodies.map((bytes) => bytes.subarray(3))];

export const jsonTargets: readonly Target[] = [
  {
    name: 'json',
    seeds: bodySeeds.flatMap((body) => [0, 1, 2, 3].map((mode) => Buffer.concat([Buffer.of(mode), body]))),
    run(bytes) {
      if (bytes.length === 0) return;
      const body = bytes.slice(1);
      const mode = bytes[0]! & 3;
      if (mode === 0) checkAny(codecs.reject, 'reject', body);
      else if (mode === 1) checkAny(codecs.bigint, 'bigint', body);
      else checkFields(mode === 2 ? codecs.reject : codecs.go, body);
      checkPrototypes();
    },
  },
  {
    name: 'pattern',
    seeds: bodySeeds,
    run(bytes) {
      const text = UTF8.decode(bytes);
      if (text === '') return;
      const read = check(text, 'round', () => dataOf(text, limits));
      if (read === undefined) return;
      try {
        const again = dataOf(dataText(read.value, limits), limits);
        mustEqual('written and read again', looseText(again), looseText(read.value));
      } catch (error) {
        // What was read is never too large, and is JSON.
        if (error instanceof CmdStreamError) throw new Finding(`cannot be written: ${error.message}`, { cause: error });
        throw error;
      }
      checkPrototypes();
    },
  },
];
