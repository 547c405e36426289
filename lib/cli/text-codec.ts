// Commands and Results as the JSON text of their bodies, with or without a contract: the command line sends what it was
// given and prints what has come, to the digit. On the wire it is the JSON codec.
import type { Codec } from '../codec/codec.js';
import { jsonCodec } from '../codec/json/json-codec.js';
import { Result } from '../contract/command.js';
import type { Contract, ContractTables } from '../contract/contract.js';
import { isClass, TypeTable } from '../contract/type-table.js';
import { CmdStreamError, messageOf } from '../errors.js';
import { ByteReader } from '../wire/byte-reader.js';
import { ByteWriter } from '../wire/byte-writer.js';
import type { PayloadReader, PayloadWriter } from '../wire/payload.js';

/** A Command that is to be sent, or has come. */
export class TextCommand {
  constructor(
    /** Its type number. */
    readonly number: number,
    /** Its body: one JSON text. */
    readonly text: string,
    /** What errors call it, as they do with any value that has a name of its own. */
    readonly $typeName: string,
  ) {}
}

/** A Result that has come, or is to be sent. */
export class TextResult {
  constructor(
    readonly number: number,
    readonly text: string,
    readonly isLast: boolean,
  ) {}

  lastOne(): boolean {
    return this.isLast;
  }
}

/** Is the Result with this type number and body the last of its Command? */
export type LastRule = (number: number, text: string) => boolean;

/** A list of a contract that finds the number of a text, too. */
class TextTypes extends TypeTable {
  override indexOf(value: unknown): number {
    return value instanceof TextCommand || value instanceof TextResult ? value.number : super.indexOf(value);
  }

  /** May something with this number be read? */
  knows(number: number): boolean {
    return this.has(number);
  }
}

class AnyType {}

/** A list for peers of any contract: it has every number, and says nothing of its types that a peer would compare. */
class AnyTypes extends TextTypes {
  /** `orValues`: a server without Results in its contract, which answers with JSON values, is understood as well. */
  constructor(list: string, orValues: boolean) {
    super(list, orValues ? undefined : [AnyType]);
  }

  override has(): boolean {
    return false;
  }

  override knows(): boolean {
    return true;
  }

  override nameAt(number: number): string {
    return `type number ${number}`;
  }
}

/** The types of a contract, or any types, for what is text. */
export interface TextContract extends ContractTables {
  readonly commands: TextTypes;
  readonly results: TextTypes;
}

/** `side`: a client understands values besides Results; a server sends Results. */
export function textContract(side: 'client' | 'server', contract?: Contract): TextContract {
  const tableOf = (list: 'commands' | 'results'): TextTypes => {
    const types = contract?.[list].types ?? [];
    const orValues = list === 'results' && (side === 'client' || contract !== undefined);
    return types.length === 0 ? new AnyTypes(list, orValues) : new TextTypes(list, types, true);
  };
  const [commands, results] = [tableOf('commands'), tableOf('results')];
  const toJSON = () => ({ commands: commands.toJSON(), results: results.toJSON() });
  return Object.freeze({ commands, results, toJSON });
}

/** The JSON codec of texts. */
export function textCodec({ commands, results }: TextContract, isLast: LastRule): Codec {
  return {
    name: 'json',
    encodeCommand: write,
    decodeCommand: (reader) => {
      const [number, text] = read(reader, commands, 'commands');
      return new TextCommand(number, text, commands.nameAt(number));
    },
    encodeResult: write,
    decodeResult: (reader) => {
      const [number, text] = read(reader, results, 'results');
      return new TextResult(number, text, isLast(number, text));
    },
  };
}

function write(value: unknown, writer: PayloadWriter): void {
  const { number, text } = value as TextCommand | TextResult;
  writer.writeUvarint(number);
  writer.writeUtf8(text);
}

function read(reader: PayloadReader, table: TextTypes, list: string): readonly [number: number, text: string] {
  const number = Number(reader.readPositive());
  reader.delimit(reader.readLength());
  const text = reader.readUtf8(reader.remaining);
  if (!table.knows(number)) {
    const remedy = 'is the file of --contract the one that the peer has?';
    throw new CmdStreamError(
      'UNKNOWN_TYPE',
      `type number ${number} is not in the \`${list}\` of the contract; ${remedy}`,
    );
  }
  try {
    JSON.parse(text);
  } catch (error) {
    const what = `the body of ${table.nameAt(number)} is no JSON; does the peer have another codec?`;
    throw new CmdStreamError('BAD_PAYLOAD', `${what} The command line speaks JSON (${messageOf(error)})`);
  }
  return [number, text];
}

/**
 * What the classes of a contract say: their `lastOne()`, asked of an instance that the JSON codec makes of the body.
 */
export function lastRuleOf(contract: TextContract): LastRule {
  const { results } = contract;
  const codec = jsonCodec()(contract);
  return (number, text) => {
    const type = results.types[number];
    if (isClass(type) && (type.prototype as Partial<Result>).lastOne === Result.prototype.lastOne) return true;
    const writer = new ByteWriter();
    write({ number, text }, writer);
    const reader = new ByteReader();
    reader.append(writer.take());
    reader.beginFrame(Number.POSITIVE_INFINITY, '');
    return results.isLast(codec.decodeResult(reader));
  };
}

/** The type number of a class by its name, or of what is a number already; undefined where there is none. */
export function numberOfType(given: string, table: TypeTable): number | undefined {
  if (/^\d+$/.test(given)) {
    const number = Number(given);
    return Number.isSafeInteger(number) && (table instanceof AnyTypes || table.has(number)) ? number : undefined;
  }
  const at = table.types.findIndex((_, number) => {
    return table.has(number) && (table.nameAt(number) === given || table.wireNameAt(number) === given);
  });
  return at < 0 ? undefined : at;
}

/** The names of a list with their numbers, for messages. */
export function listOf(table: TypeTable): string {
  const named = [...table.types.keys()].filter((number) => table.has(number));
  return named.map((number) => `${table.nameAt(number)} (${number})`).join(', ');
}

/**
 * A JSON text as one line that no terminal takes for anything else: line breaks can only stand between its parts, and
 * control characters only in its strings.
 */
export function oneLine(text: string): string {
  const control = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text
    .replace(/[\t\r\n]+/g, ' ')
    .replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, control)
    .trim();
}
