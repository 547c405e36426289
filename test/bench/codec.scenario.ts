// Encoding and decoding alone, without a socket: JSON.stringify and JSON.parse against the MUS codec, whose bytes go
// through a writer and a reader as those of a connection do, the frames of one batch together.
import { ByteReader } from '../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../lib/wire/byte-writer.js';
import { checkPayload, payloadCodec, payloadCommand, payloadContract } from './payload.js';
import type { Calling, Scenario, Serving } from './scenario.js';

const BATCH = 16;
const BATCHES = 64;
const commands = Array.from({ length: BATCH }, (_, at) => payloadCommand(at));
const codec = payloadCodec(payloadContract);

/** Nothing is served. */
async function serve(): Promise<Serving> {
  return { port: 0, close: async () => {} };
}

function calling(roundTrip: () => readonly unknown[]): Calling {
  const call = async (): Promise<void> => {
    let decoded: readonly unknown[] = [];
    for (let batch = 0; batch < BATCHES; batch++) decoded = roundTrip();
    commands.forEach((command, at) => checkPayload(command, decoded[at] as typeof command));
  };
  return { call, close: async () => {} };
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

export const codecScenario: Scenario = {
  name: 'codec',
  title: `Encoding and decoding alone, ${BATCH * BATCHES} times a call: an int64, a bool, a float64, a text of 200 bytes`,
  inFlight: 1,
  variants: [
    { name: 'JSON', serve, connect: async () => calling(throughJson) },
    { name: 'MUS', serve, connect: async () => calling(throughMus()) },
  ],
};
