// Whether a value fits a scalar or enum field, by the types that protobuf-es gives them.
import { ScalarType, type DescEnum } from '@bufbuild/protobuf';

/** What is wrong with a value, to be put behind the path of its field; undefined: nothing. */
export type Fault = string | undefined;

export interface ScalarCheck {
  readonly expected: string;
  accepts(value: unknown): boolean;
}

const loneSurrogate = /\p{Surrogate}/u;

export function scalarCheck(scalar: ScalarType, longAsString = false): ScalarCheck {
  const name = ScalarType[scalar].toLowerCase();
  switch (scalar) {
    case ScalarType.STRING:
      return { expected: 'a well-formed string', accepts: isText };
    case ScalarType.BOOL:
      return { expected: 'a boolean', accepts: (value) => typeof value === 'boolean' };
    case ScalarType.BYTES:
      return { expected: 'a Uint8Array', accepts: (value) => value instanceof Uint8Array };
    case ScalarType.DOUBLE:
      return { expected: 'a number', accepts: (value) => typeof value === 'number' };
    case ScalarType.FLOAT:
      return { expected: 'a number that fits into 32 bits', accepts: isFloat };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return integer(name, 0, 0xffffffff);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return integer(name, -0x80000000, 0x7fffffff);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return long(name, 0n, 2n ** 64n - 1n, longAsString);
    default:
      return long(name, -(2n ** 63n), 2n ** 63n - 1n, longAsString);
  }
}

/** An open enum may have values without a name. */
export function enumCheck({ typeName, open, values }: DescEnum): ScalarCheck {
  const int32 = scalarCheck(ScalarType.INT32);
  const known = new Set<unknown>(values.map(({ number }) => number));
  return { expected: `a value of ${typeName}`, accepts: (value) => (open ? int32.accepts(value) : known.has(value)) };
}

/** The keys of a map are property names, whatever their type. */
export function keyCheck(scalar: ScalarType): ScalarCheck {
  const { expected, accepts } = scalarCheck(scalar, true);
  if (scalar === ScalarType.STRING) return { expected, accepts };
  if (scalar === ScalarType.BOOL) return { expected, accepts: (key) => key === 'true' || key === 'false' };
  return { expected, accepts: (key) => accepts(key) || (isDecimal(key) && accepts(Number(key))) };
}

export function faultOf({ expected, accepts }: ScalarCheck, value: unknown): Fault {
  return accepts(value) ? undefined : ` must be ${expected}, got ${shown(value)}`;
}

/** The same of the key of a map, which its path shows. */
export function keyFault({ expected, accepts }: ScalarCheck, key: string): Fault {
  return accepts(key) ? undefined : ` must have a key that is ${expected}`;
}

/** Values of these types have no secrets that matter and are short; of others the type is enough. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function integer(name: string, min: number, max: number): ScalarCheck {
  const accepts = (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
  return { expected: `an integer that fits into ${name}`, accepts };
}

/** A bigint, a number that is exact, or, where the field is declared so, a string of digits. */
function long(name: string, min: bigint, max: bigint, asString: boolean): ScalarCheck {
  const fits = (value: bigint): boolean => value >= min && value <= max;
  const accepts = (value: unknown): boolean => {
    if (typeof value === 'bigint') return fits(value);
    if (typeof value === 'number') return Number.isSafeInteger(value) && value >= min;
    return asString && isDecimal(value) && fits(BigInt(value));
  };
  return { expected: `a bigint that fits into ${name}`, accepts };
}

/** A surrogate without the other half of its pair would be written as another character. */
function isText(value: unknown): boolean {
  return typeof value === 'string' && !loneSurrogate.test(value);
}

function isFloat(value: unknown): boolean {
  return typeof value === 'number' && (!Number.isFinite(value) || Number.isFinite(Math.fround(value)));
}

function isDecimal(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value);
}
