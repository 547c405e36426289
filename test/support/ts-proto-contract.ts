// The calculator's messages as ts-proto makes them, in a contract. It shows how any generator is let in.
import { defineContract } from 'nestjs-cmd-stream/core';
import { protobufMessage } from 'nestjs-cmd-stream/protobuf';
import * as messages from '../fixtures/protobuf/gen-ts-proto/vectors.js';

const isOf = (type: string) => (value: unknown) => (value as { $type?: unknown } | null | undefined)?.$type === type;

export const CalcResult = protobufMessage({
  typeName: 'vectors.CalcResult',
  encode: (message: messages.CalcResult) => messages.CalcResult.encode(message).finish(),
  decode: (bytes) => messages.CalcResult.decode(bytes),
  is: isOf('vectors.CalcResult'),
});

export const AddCmd = protobufMessage({
  typeName: 'vectors.AddCmd',
  encode: (message: messages.AddCmd) => messages.AddCmd.encode(message).finish(),
  decode: (bytes) => messages.AddCmd.decode(bytes),
  is: isOf('vectors.AddCmd'),
  result: CalcResult,
});

export const tsProtoContract = defineContract({ commands: [AddCmd], results: [CalcResult] });
