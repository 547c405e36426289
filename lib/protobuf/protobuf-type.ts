// A message type of protobuf-es in a contract. Its bodies are written and read by protobuf-es, which trusts what it is
// given; so every message is checked before it is written, and every body looked over before it is read.
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import type { Answered } from '../contract/command.js';
import { TYPE_ENTRY } from '../contract/type-table.js';
import { CmdStreamError } from '../errors.js';
import { BodyScan, withoutStrays } from './body-scan.js';
import { fieldShapesOf } from './field-shapes.js';
import { MessageCheck } from './message-check.js';
import {
  FORMAT,
  traitsOf,
  type BodyLimits,
  type MessageFormat,
  type MessageTraits,
  type ProtobufType,
} from './message-format.js';

/** A schema or several. */
export type MessageSchemas = DescMessage | readonly DescMessage[];

/** The messages of a schema, or of any of several. */
export type MessageOf<S> = S extends readonly DescMessage[]
  ? MessageShape<S[number]>
  : S extends DescMessage
    ? MessageShape<S>
    : unknown;

/**
 * What {@link protobufType} knows of a message type besides its schema; all are optional.
 *
 * @example
 * import { protobufType } from 'nestjs-cmd-stream/protobuf';
 * import { AddCmdSchema, CalcResultSchema, PrimeSchema } from './gen/calc_pb.js';
 *
 * export const AddCmd = protobufType(AddCmdSchema, { result: CalcResultSchema, idempotent: true });
 * export const Prime = protobufType(PrimeSchema, { lastOne: ({ last }) => last });
 *
 * @publicApi
 */
export interface ProtobufTypeOptions<M, S extends MessageSchemas | undefined> extends MessageTraits<M> {
  /**
   * Of a Command: the schema of its Results, or an array of them. What its calls give, and its handlers return, follows
   * from it.
   */
  result?: S | undefined;
}

/**
 * Puts a message type of protobuf-es into a contract, as a Command or a Result. Its messages are found by `$typeName`.
 *
 * @throws {CmdStreamError} INVALID_CONTRACT when it is given something that is no schema, a `lastOne` that is no
 * function, or an `idempotent` that is no boolean
 * @publicApi
 */
export function protobufType<Desc extends DescMessage, const S extends MessageSchemas | undefined = undefined>(
  schema: Desc,
  { result, ...others }: ProtobufTypeOptions<MessageShape<Desc>, S> = {},
): ProtobufType<MessageShape<Desc>, MessageOf<S>, MessageInitShape<Desc>> {
  const results = (result === undefined ? [] : [result].flat()) as readonly DescMessage[];
  for (const given of [schema, ...results]) {
    if (given?.kind !== 'message') {
      throw new CmdStreamError('INVALID_CONTRACT', 'protobufType() is for schemas of messages, such as AddCmdSchema');
    }
  }
  const { typeName } = schema;
  const entry = {
    [TYPE_ENTRY]: true,
    name: typeName,
    key: typeName,
    is: (value: unknown): value is MessageShape<Desc> =>
      (value as { $typeName?: unknown } | null | undefined)?.$typeName === typeName,
    create: (init?: MessageInitShape<Desc>) => create(schema, init) as MessageShape<Desc> & Answered<MessageOf<S>>,
    [FORMAT]: (limits: BodyLimits) => new SchemaFormat(schema, limits),
    answers: results.map((answer) => answer.typeName),
    ...traitsOf(others),
  };
  return Object.freeze(entry) as unknown as ProtobufType<MessageShape<Desc>, MessageOf<S>, MessageInitShape<Desc>>;
}

class SchemaFormat implements MessageFormat {
  readonly #schema: DescMessage;
  readonly #limits: BodyLimits;
  readonly #shapes;
  readonly #check: MessageCheck;
  readonly #hasRequired: boolean;

  constructor(schema: DescMessage, limits: BodyLimits) {
    this.#schema = schema;
    this.#limits = limits;
    this.#shapes = fieldShapesOf(schema);
    this.#check = new MessageCheck(schema, limits.maxDepth);
    this.#hasRequired = hasRequired(schema);
  }

  encode(message: unknown): Uint8Array {
    const fault = this.#check.faultOf(message);
    if (fault !== undefined) throw new CmdStreamError('ENCODE_FAILED', fault);
    const body = toBinary(this.#schema, message as MessageShape<DescMessage>);
    // A field takes two bytes at least: most bodies are too short to have too many.
    const mayExceed = body.length > 2 * this.#limits.maxFields;
    if (mayExceed || this.#check.hasUnknown) new BodyScan(body, this.#limits).run(this.#shapes);
    return body;
  }

  decode(body: Uint8Array): unknown {
    const { hasStrays, leavesViews } = new BodyScan(body, this.#limits).run(this.#shapes);
    const bytes = hasStrays ? withoutStrays(body, this.#shapes) : leavesViews ? new Uint8Array(body) : body;
    const message = fromBinary(this.#schema, bytes, { recursionLimit: this.#limits.maxDepth });
    const fault = this.#hasRequired ? this.#check.faultOf(message) : undefined;
    if (fault !== undefined) throw new CmdStreamError('BAD_PAYLOAD', fault);
    return message;
  }
}

/**
 * protobuf-es reads a message that lacks a required field, which could not be written again; other implementations
 * refuse it.
 */
function hasRequired(message: DescMessage, known = new Set<DescMessage>()): boolean {
  if (known.has(message)) return false;
  known.add(message);
  return message.fields.some(
    (field) =>
      field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED ||
      (field.message !== undefined && hasRequired(field.message, known)),
  );
}
