// Whether a google.protobuf.Struct, which protobuf-es has as a plain object, can be written as it is: text and depth.
// That everything in it is JSON, protobuf-es checks itself.
import { ScalarType } from '@bufbuild/protobuf';
import { faultOf, keyFault, scalarCheck, shown, type Fault } from './scalar-checks.js';

const text = scalarCheck(ScalarType.STRING);

/** `depth` is that of the message the Struct is a field of. */
export function structFault(value: unknown, depth: number, maxDepth: number): Fault {
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
