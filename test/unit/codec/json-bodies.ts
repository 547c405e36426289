// The JSON codec seen from one class: bodies in, bodies out. The bytes around a body are written and checked here.
import { Command, Result } from '../../../lib/contract/command.js';
import { defineContract, type ContractDefinition } from '../../../lib/contract/contract.js';
import { jsonCodec } from '../../../lib/codec/json/json-codec.js';
import type { JsonCodecOptions } from '../../../lib/codec/json/json-codec-options.js';
import type { TypeClass } from '../../../lib/contract/type-table.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';

class Nothing extends Command {}

export interface JsonBodies<T> {
  read(body: string | Uint8Array): T;
  write(value: unknown): string;
}

export function jsonBodies<T>(type: TypeClass<T>, options?: JsonCodecOptions): JsonBodies<T> {
  const isResult = type.prototype instanceof Result;
  const lists = { commands: [isResult ? Nothing : type], results: isResult ? [type] : undefined };
  const codec = jsonCodec(options)(defineContract(lists as unknown as ContractDefinition));
  return {
    read(body) {
      const bytes = Buffer.from(body as string);
      const reader = new ByteReader();
      reader.append(Buffer.concat([Buffer.from([0]), lengthOf(bytes), bytes]));
      reader.beginFrame(Number.MAX_SAFE_INTEGER, 'maxCommandBytes');
      const value = (isResult ? codec.decodeResult(reader) : codec.decodeCommand(reader)) as T;
      if (reader.remaining !== 0) throw new Error(`${reader.remaining} bytes of the body were not read`);
      return value;
    },
    write(value) {
      const writer = new ByteWriter();
      if (isResult) codec.encodeResult(value, writer);
      else codec.encodeCommand(value, writer);
      const frame = writer.take();
      const body = frame.subarray(1 + lengthSize(frame));
      const header = Buffer.concat([Buffer.from([0]), lengthOf(body)]);
      if (!frame.subarray(0, header.length).equals(header)) throw new Error(`wrong header in ${frame.toString('hex')}`);
      return body.toString();
    },
  };
}

function lengthOf(body: Uint8Array): Buffer {
  const out: number[] = [];
  let rest = body.length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80);
  return Buffer.from([...out, rest]);
}

function lengthSize(frame: Uint8Array): number {
  let size = 1;
  while ((frame[size] ?? 0) > 0x7f) size++;
  return size;
}
