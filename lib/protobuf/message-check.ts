// Whether a message fits its type, before a byte of it is written: every field, by name, down to the last element, that
// of a google.protobuf.Struct included. protobuf-es turns some values into others without a word; what does not fit is
// refused here.
import { ScalarType, type DescField, type DescMessage, type DescOneof } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { enumCheck, faultOf, keyCheck, keyFault, scalarCheck, shown, type Fault } from './scalar-checks.js';

type Check = (value: unknown, depth: number) => Fault;
type Fields = Readonly<Record<string, unknown>>;

const WRAPPER = /^google\.protobuf\.(Double|Float|U?Int32|U?Int64|Bool|String|Bytes)Value$/;

/** The checks of a message type and of all that it contains, made once from its descriptor. */
export class MessageCheck {
  /** The message checked last, or one in it, holds unknown fields, whose bytes are written as they are. */
  hasUnknown = false;
  readonly #maxDepth: number;
  readonly #known = new Map<DescMessage, Check>();
  readonly #check: Check;

  constructor(message: DescMessage, maxDepth: number) {
    this.#maxDepth = maxDepth;
    this.#check = this.#messageCheck(message);
  }

  /** What is wrong with a message, beginning with the path from it to the field. */
  faultOf(message: unknown): Fault {
    this.hasUnknown = false;
    return this.#check(message, 1)?.replace(/^[. ]/, '');
  }

  #messageCheck(message: DescMessage): Check {
    const made = this.#known.get(message);
    if (made) return made;
    const members: [name: string, check: (fields: Fields, depth: number) => Fault][] = [];
    const check: Check = (value, depth) => {
      if ((value as { $typeName?: unknown } | null)?.$typeName !== message.typeName) {
        return ` must be a message of type ${message.typeName}, got ${shown(value)}`;
      }
      if (depth > this.#maxDepth) return ` is nested deeper than maxDepth (${this.#maxDepth})`;
      const { $unknown } = value as Fields;
      if ($unknown !== undefined) {
        if (!isUnknownFields($unknown)) return `.$unknown must be a list of unknown fields, got ${shown($unknown)}`;
        this.hasUnknown = true;
      }
      for (const [name, checkMember] of members) {
        const fault = checkMember(value as Fields, depth);
        if (fault !== undefined) return `.${name}${fault}`;
      }
      return undefined;
    };
    this.#known.set(message, check);
    for (const member of message.members) {
      const checkMember = member.kind === 'oneof' ? this.#oneof(member) : this.#field(member);
      members.push([member.name, checkMember]);
    }
    return check;
  }

  #oneof({ localName, fields }: DescOneof): (message: Fields, depth: number) => Fault {
    const cases = new Map<unknown, Check>(fields.map((field) => [field.localName, this.#value(field)]));
    return (message, depth) => {
      const oneof = message[localName] as { readonly case?: unknown; readonly value?: unknown } | null | undefined;
      if (typeof oneof !== 'object' || oneof === null) return ` must be an object with a case, got ${shown(oneof)}`;
      if (oneof.case === undefined) return undefined;
      const check = cases.get(oneof.case);
      if (check === undefined) return ` has no case ${typeof oneof.case === 'string' ? oneof.case : shown(oneof.case)}`;
      const fault = check(oneof.value, depth);
      return fault && `.${String(oneof.case)}${fault}`;
    };
  }

  #field(field: DescField): (message: Fields, depth: number) => Fault {
    const { localName, presence } = field;
    const check = this.#value(field);
    // That of lists and maps, too.
    if (presence === FeatureSet_FieldPresence.IMPLICIT) return (message, depth) => check(message[localName], depth);
    const isRequired = presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
    return (message, depth) => {
      // A field that is not set has the default on the prototype.
      const value = Object.hasOwn(message, localName) ? message[localName] : undefined;
      if (value !== undefined) return check(value, depth);
      return isRequired ? ' is required and not set' : undefined;
    };
  }

  #value(field: DescField): Check {
    if (field.fieldKind === 'list') return this.#list(this.#element(field));
    if (field.fieldKind === 'map') return this.#map(field.mapKey, this.#element(field));
    return this.#single(field);
  }

  /** In a list or map a closed enum has the values without a name among the others, as they were read. */
  #element(field: DescField): Check {
    if (!field.enum) return this.#single(field);
    const int32 = scalarCheck(ScalarType.INT32);
    return (value) => faultOf(int32, value);
  }

  /** A field that is no list, or one element of it. */
  #single(field: DescField): Check {
    const { message, scalar, enum: enumeration } = field;
    if (message) {
      if (message.typeName === 'google.protobuf.Struct' && field.parent.typeName !== 'google.protobuf.Value')
        return (value, depth) => structFault(value, depth, this.#maxDepth);
      const isUnwrapped = field.fieldKind === 'message' && !field.oneof && WRAPPER.test(message.typeName);
      if (isUnwrapped) return this.#single(message.fields[0]!);
      const check = this.#messageCheck(message);
      return (value, depth) => check(value, depth + 1);
    }
    const longAsString = 'longAsString' in field && field.longAsString;
    const check = enumeration ? enumCheck(enumeration) : scalarCheck(scalar ?? ScalarType.INT32, longAsString);
    return (value) => faultOf(check, value);
  }

  #list(check: Check): Check {
    return (value, depth) => {
      if (!Array.isArray(value)) return ` must be an array, got ${shown(value)}`;
      for (let index = 0; index < value.length; index++) {
        const fault = check(value[index], depth);
        if (fault !== undefined) return `[${index}]${fault}`;
      }
      return undefined;
    };
  }

  #map(keys: ScalarType, check: Check): Check {
    const checkKey = keyCheck(keys);
    return (value, depth) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return ` must be an object, got ${shown(value)}`;
      for (const [key, item] of Object.entries(value)) {
        const fault = keyFault(checkKey, key) ?? check(item, depth + 1);
        if (fault !== undefined) return `[${JSON.stringify(key)}]${fault}`;
      }
      return undefined;
    };
  }
}

function isUnknownFields(value: unknown): boolean {
  return Array.isArray(value) && value.every((field: { data?: unknown } | null) => field?.data instanceof Uint8Array);
}

const text = scalarCheck(ScalarType.STRING);

/**
 * Whether a google.protobuf.Struct, which protobuf-es has as a plain object, can be written as it is: text and depth.
 * That everything in it is JSON, protobuf-es checks itself. `depth` is that of the message the Struct is a field of.
 */
function structFault(value: unknown, depth: number, maxDepth: number): Fault {
  const is = typeof value === 'object' && value !== null && !Array.isArray(value);
  return is ? jsonFault(value, depth, maxDepth) : ` must be an object, got ${shown(value)}`;
}

/** On the wire a JSON value is a Value, an object in it a Struct with map entries, an array a ListValue. */
function jsonFault(value: unknown, depth: number, maxDepth: number): Fault {
  const isContainer = typeof value === 'object' && value !== null;
  if (depth + (isContainer ? 1 : 0) > maxDepth) return ` is nested deeper than maxDepth (${maxDepth})`;
  if (!isContainer) return typeof value === 'string' ? faultOf(text, value) : undefined;
  const isArray = Array.isArray(value);
  for (const [key, item] of Object.entries(value)) {
    const fault = keyFault(text, key) ?? jsonFault(item, depth + (isArray ? 2 : 3), maxDepth);
    if (fault !== undefined) return `[${isArray ? key : JSON.stringify(key)}]${fault}`;
  }
  return undefined;
}
