// Encoding and decoding alone, without a socket: JSON.stringify and JSON.parse against the MUS codec, whose bytes go
// through a writer and a reader as those of a connection do, the frames of one batch together.
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { checkMixed, mixedPayloads } from '../workload.js';
import type { Calling, Contestant, Serving } from './contestant.js';
import { codec as musCodec, contract, MixedCmd } from './contract.js';

const BATCH = 16;
const BATCHES = 64;
const commands = mixedPayloads.slice(0, BATCH).map((of) => new MixedCmd(of.Bool, of.Int64, of.String, of.Float64));
const codec = musCodec(contract);

/** Nothing is served. */
async function serve(): Promise<Serving> {
  return { port: 0, close: async () => {} };
}

function calling(roundTrip: () => readonly unknown[]): Calling {
  const call = async (): Promise<void> => {
    let decoded: readonly unknown[] = [];
    for (let batch = 0; batch < BATCHES; batch++) decoded = roundTrip();
    commands.forEach((command, at) => checkMixed(command, decoded[at] as MixedCmd));
  };
  return { call, units: BATCH * BATCHES, close: async () => {} };
}

function throughJson(): unknown[] {
  const texts = commands.map((command) => JSON.stringify(command));
  return texts.map((text) => JSON.parse(text) as unknown);
}

function throughMus(): () => unknown[] {
  const writer = new ByteWriter();
  const reader = new ByteReader();
  return () => {
    for (const command of commands) codec.encodeCommand(command, writer);
    const bytes = writer.take();
    reader.append(bytes);
    const decoded = commands.map(() => {
      reader.beginFrame(1_048_576, 'maxCommandBytes');
      const command = codec.decodeCommand(reader);
      reader.endFrame();
      return command;
    });
    writer.recycle(bytes);
    return decoded;
  };
}

export const codecJson: Contestant = { serve, connect: async () => calling(throughJson) };
export const codecMus: Contestant = { serve, connect: async () => calling(throughMus()) };
