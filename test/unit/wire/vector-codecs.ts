// Codecs of other layouts, as a user would write them against the public roles: one bare string, and the layout of the
// reference's test kit.
import type { Codec } from '../../../lib/codec/codec.js';
import type { PayloadReader, PayloadWriter } from '../../../lib/wire/payload.js';

class Text {
  constructor(readonly text: string) {}
}

const readText = (reader: PayloadReader) => new Text(reader.readUtf8(reader.readLength()));
const writeText = (value: unknown, writer: PayloadWriter) => void writer.writeUtf8((value as Text).text);

/** No type number at all: there is one type only. */
export const bareTextCodec: Codec = {
  name: 'bare text',
  encodeCommand: writeText,
  decodeCommand: readText,
  encodeResult: writeText,
  decodeResult: readText,
};

interface Kit {
  /** Commands only, from 1. */
  readonly type?: number;
  readonly body: object;
}

const readBody = (reader: PayloadReader) => JSON.parse(reader.readUtf8(reader.readLength())) as object;
const writeBody = (value: unknown, writer: PayloadWriter) => void writer.writeUtf8(JSON.stringify((value as Kit).body));

/** Commands have a type number from 1, Results none. */
export const testkitCodec: Codec = {
  name: 'test kit',
  encodeCommand(command, writer) {
    writer.writeUvarint((command as Kit).type ?? 0);
    writeBody(command, writer);
  },
  decodeCommand(reader): Kit {
    return { type: Number(reader.readUvarint()), body: readBody(reader) };
  },
  encodeResult: writeBody,
  decodeResult: (reader): Kit => ({ body: readBody(reader) }),
};
