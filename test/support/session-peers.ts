// Both sides of the recorded sessions: for each one the contract, the codec, what the client asks and what the server
// answers. The codecs other than JSON are written here as a user would write them, and one of them knows no length.
import {
  Command,
  defineContract,
  jsonCodec,
  type Codec,
  type CodecFactory,
  type Contract,
  type PayloadReader,
  type PayloadWriter,
  type CommandInvoker,
  type AnyCommand,
} from '../../lib/core.js';
import { calcInvoker } from './calc-invoker.js';
import { Said } from './said.js';
import { AddCmd, CalcResult, CountCmd, CountResult, SubCmd, vectorContract } from './vector-contract.js';

export interface SessionPeers {
  readonly contract: Contract;
  readonly codec: Codec | CodecFactory;
  readonly commands: readonly AnyCommand[];
  readonly invoker: CommandInvoker;
  /** A Result as the vectors write it. */
  show(result: unknown): string;
}

class SayCmd extends Command<Said> {
  constructor(
    readonly fancy = false,
    readonly text = '',
  ) {
    super();
  }
}

const sayContract = defineContract({ commands: [SayCmd], results: [Said] });

/** MUS: type numbers from 1, then the fields; no length. `flagged`: Results say whether they are the last one. */
function sayCodec(flagged: boolean): Codec {
  return {
    name: 'say',
    encodeCommand(command, writer) {
      const { fancy, text } = command as SayCmd;
      writer.writeUvarint(fancy ? 2 : 1);
      writer.writeUtf8(text);
    },
    decodeCommand(reader) {
      const fancy = reader.readUvarint() === 2;
      return new SayCmd(fancy, reader.readUtf8(reader.readLength()));
    },
    encodeResult(result, writer) {
      const { text, last } = result as Said;
      writer.writeUvarint(1);
      writer.writeUtf8(text);
      if (flagged) writer.writeByte(last ? 1 : 0);
    },
    decodeResult(reader) {
      reader.readUvarint();
      const text = reader.readUtf8(reader.readLength());
      return new Said(text, flagged ? reader.readByte() === 1 : true);
    },
  };
}

const sayInvoker: CommandInvoker = {
  invoke(command, _context, sink) {
    const { fancy, text } = command as SayCmd;
    sink.next(new Said(fancy ? `Hello incredible ${text}` : `Hello ${text}`));
    sink.complete();
  },
};

const sayManyInvoker: CommandInvoker = {
  invoke(command, _context, sink) {
    const words = ['Hello', 'incredible', (command as SayCmd).text];
    words.forEach((word, at) => sink.next(new Said(word, at === words.length - 1)));
    sink.complete();
  },
};

/** Protobuf: type number, length, then each field that is not 0 as its key and a varint. */
const protobufCodec: Codec = {
  name: 'protobuf',
  encodeCommand(command, writer) {
    const { A, B } = command as AddCmd;
    writer.writeUvarint(command instanceof AddCmd ? 0 : 1);
    writeFields([A, B], writer);
  },
  decodeCommand(reader) {
    const type = reader.readUvarint();
    const [A = 0, B = 0] = readFields(reader);
    return type === 0 ? new AddCmd(A, B) : new SubCmd(A, B);
  },
  encodeResult(result, writer) {
    writer.writeUvarint(0);
    writeFields([(result as CalcResult).value], writer);
  },
  decodeResult(reader) {
    reader.readUvarint();
    return new CalcResult(readFields(reader)[0]);
  },
};

function writeFields(values: readonly (number | bigint)[], writer: PayloadWriter): void {
  const bytes = values.flatMap((value, at) => (value === 0 ? [] : [((at + 1) << 3) | 0, Number(value)]));
  writer.writeUvarint(bytes.length);
  writer.writeBytes(Uint8Array.from(bytes));
}

function readFields(reader: PayloadReader): number[] {
  reader.delimit(reader.readLength());
  const values: number[] = [];
  while (reader.remaining > 0) {
    const field = reader.readByte() >> 3;
    values[field - 1] = Number(reader.readUvarint());
  }
  return values;
}

const sums = [new AddCmd(2, 3), new SubCmd(8, 4)];
const showText = (result: unknown): string => (result as Said).text;

export const sessionPeers: Readonly<Record<string, SessionPeers>> = {
  'session/json-calc': {
    contract: vectorContract,
    codec: jsonCodec(),
    commands: sums,
    invoker: calcInvoker,
    show: (result) => String((result as CalcResult).value),
  },
  'session/json-count-3': {
    contract: vectorContract,
    codec: jsonCodec(),
    commands: [new CountCmd(3)],
    invoker: calcInvoker,
    show: (result) => `{${(result as CountResult).I} ${(result as CountResult).Last}}`,
  },
  'session/protobuf-calc': {
    contract: vectorContract,
    codec: protobufCodec,
    commands: sums,
    invoker: calcInvoker,
    show: (result) => `R:${(result as CalcResult).value}`,
  },
  'session/mus-hello-world': {
    contract: sayContract,
    codec: sayCodec(false),
    commands: [new SayCmd(false, 'world'), new SayCmd(true, 'world')],
    invoker: sayInvoker,
    show: showText,
  },
  'session/mus-server-streaming': {
    contract: sayContract,
    codec: sayCodec(true),
    commands: [new SayCmd(false, 'world')],
    invoker: sayManyInvoker,
    show: showText,
  },
};
