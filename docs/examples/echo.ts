// A codec of one's own, that of cmd-stream-go's echo example: one Command and one Result, both a bare string.
import { Command, defineContract, Result, type PayloadReader, type Codec } from 'nestjs-cmd-stream/core';

export class EchoCmd extends Command<Echo> {
  constructor(readonly text = '') {
    super();
  }
}

export class Echo extends Result {
  constructor(readonly text = '') {
    super();
  }
}

export const echoContract = defineContract({ commands: [EchoCmd], results: [Echo] });

// seq 01, length 0d, text: 01 0d 6f6e652074776f207468726565
export const echoCodec: Codec = {
  name: 'echo',
  encodeCommand: (command, writer) => writer.writeUtf8((command as EchoCmd).text),
  decodeCommand: (reader) => new EchoCmd(readText(reader)),
  encodeResult: (result, writer) => writer.writeUtf8((result as Echo).text),
  decodeResult: (reader) => new Echo(readText(reader)),
};

function readText(reader: PayloadReader): string {
  reader.delimit(reader.readLength());
  return reader.readUtf8(reader.remaining);
}
