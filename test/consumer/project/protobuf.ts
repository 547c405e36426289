// Messages of protobuf-es, and those of any other generator, as a contract.
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { defineContract } from 'nestjs-cmd-stream/core';
import type { CmdStreamClient } from 'nestjs-cmd-stream';
import { protobufCodec, protobufMessage, protobufType } from 'nestjs-cmd-stream/protobuf';

export const Until = protobufType(TimestampSchema, { result: DurationSchema, lastOne: undefined });
export const Left = protobufType(DurationSchema);
export const Other = protobufMessage({
  typeName: 'other.Text',
  encode: ({ text }: { text: string }) => new TextEncoder().encode(text),
  decode: (bytes) => ({ text: new TextDecoder().decode(bytes) }),
  is: (value) => typeof value === 'object',
});
export const contract = defineContract({ commands: [Until, Other], results: [Left] });
export const codec = protobufCodec({ maxDepth: undefined })(contract);
export const until = (client: CmdStreamClient, seconds: bigint) => client.execute(Until.create({ seconds }));
export const left = (client: CmdStreamClient) => client.iterate(Until.create());
