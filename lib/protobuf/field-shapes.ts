// What the bytes of a message type may look like, field by field; made once from its descriptor.
import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { BLOCK, FIXED32, FIXED64, GROUP, VARINT } from './wire-cursor.js';

export interface FieldShape {
  /** The wire type of one value. */
  readonly wireType: number;
  /** A list of numbers: its elements may also stand one behind the other in a block. */
  readonly packable: boolean;
  /** The value is a block of bytes, of which a decoder keeps a view. */
  readonly isBytes: boolean;
  /** The fields inside, of a message, a group or a map entry. */
  readonly fields: FieldShapes | undefined;
}

export type FieldShapes = ReadonlyMap<number, FieldShape>;

/**
 * The shapes of a message type and of all that it contains; `known` ends the circle of types that contain themselves.
 */
export function fieldShapesOf(message: DescMessage, known = new Map<DescMessage, FieldShapes>()): FieldShapes {
  const made = known.get(message);
  if (made) return made;
  const shapes = new Map<number, FieldShape>();
  known.set(message, shapes);
  for (const field of message.fields) shapes.set(field.number, shapeOf(field, known));
  return shapes;
}

function shapeOf(field: DescField, known: Map<DescMessage, FieldShapes>): FieldShape {
  const value = valueShape(field, known);
  if (field.fieldKind === 'list') return { ...value, packable: value.wireType !== BLOCK && !value.fields };
  if (field.fieldKind !== 'map') return value;
  const fields = new Map([
    [1, scalarShape(field.mapKey)],
    [2, value],
  ]);
  return { wireType: BLOCK, packable: false, isBytes: false, fields };
}

function valueShape({ message, scalar, ...field }: DescField, known: Map<DescMessage, FieldShapes>): FieldShape {
  if (!message) return scalarShape(scalar ?? ScalarType.INT32);
  const isGroup = 'delimitedEncoding' in field && field.delimitedEncoding;
  const fields = fieldShapesOf(message, known);
  return { wireType: isGroup ? GROUP : BLOCK, packable: false, isBytes: false, fields };
}

function scalarShape(scalar: ScalarType): FieldShape {
  return { wireType: wireTypeOf(scalar), packable: false, isBytes: scalar === ScalarType.BYTES, fields: undefined };
}

function wireTypeOf(scalar: ScalarType): number {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return BLOCK;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return FIXED64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return FIXED32;
    default:
      return VARINT;
  }
}
