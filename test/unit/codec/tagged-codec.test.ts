// The frame of a body: type number, length and bytes, and what is said of what does not fit.
import { describe, expect, it } from '@jest/globals';
import { Command, Result } from '../../../lib/contract/command.js';
import { defineContract, emptyContract, tablesOf } from '../../../lib/contract/contract.js';
import { TaggedCodec, type BodyCodec } from '../../../lib/codec/tagged-codec.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { readEveryWay } from '../wire/cutting.js';

class Ask extends Command {
  constructor(readonly text = '') {
    super();
  }
}
class Tell extends Ask {}
class Reply extends Result {
  constructor(readonly text = '') {
    super();
  }
}

/** The body is the bare text, with the type number in front of it when read, to see that it was given. */
const bareText: BodyCodec = {
  encodeBody(index, value, writer) {
    writer.writeUvarint(index);
    writer.writeUtf8((value as Ask).text);
  },
  decodeBody: (index, reader) => `${index}:${reader.readUtf8(reader.remaining)}`,
};
const contract = tablesOf(defineContract({ commands: [Ask, Tell], results: [Reply] }));
const codec = new TaggedCodec('bare', contract, bareText, bareText);

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const readCommand = (hex: string, limit = 1_000) =>
  readEveryWay(bytes(hex), (reader) => codec.decodeCommand(reader), limit);

describe('a tagged codec', () => {
  it('writes type number, length and body', () => {
    const writer = new ByteWriter();
    codec.encodeCommand(new Tell('hi'), writer);
    codec.encodeResult(new Reply('ho'), writer);
    expect(writer.take().toString('hex')).toBe('01026869' + '0002686f');
  });

  it('reads them back, however they are cut', () => {
    expect(readCommand('01026869')).toEqual({ value: '1:hi', consumed: 4 });
    const result = readEveryWay(bytes('0002686f'), (reader) => codec.decodeResult(reader));
    expect(result).toEqual({ value: '0:ho', consumed: 4 });
  });

  it('reads a type number and a length in padded form', () => {
    expect(readCommand('818000828000' + '6869')).toEqual({ value: '1:hi', consumed: 8 });
  });

  it('refuses to write what is not in the contract and names its class', () => {
    const writer = new ByteWriter();
    expect(() => codec.encodeCommand(new Reply(), writer)).toThrow(
      expect.objectContaining({ code: 'COMMAND_NOT_IN_CONTRACT', message: expect.stringContaining('Reply') }),
    );
    expect(() => codec.encodeResult(new Ask(), writer)).toThrow(
      expect.objectContaining({ code: 'RESULT_NOT_IN_CONTRACT', message: expect.stringContaining('Ask') }),
    );
    expect(writer.length).toBe(0);
  });

  it.each([
    [undefined, 'a undefined'],
    [null, 'null'],
    [5, 'a number'],
    [{}, 'Object'],
    [Object.create(null), 'an object without a class'],
  ])('refuses to write %p', (value, shown) => {
    expect(() => codec.encodeResult(value, new ByteWriter())).toThrow(
      expect.objectContaining({ code: 'RESULT_NOT_IN_CONTRACT', message: expect.stringContaining(shown) }),
    );
  });

  it('says what probably happened to what is not in the contract', () => {
    class Twin {}
    Object.defineProperty(Twin, 'name', { value: 'Ask' });
    const empty = new TaggedCodec('bare', emptyContract, bareText, bareText);
    const refusals: [() => void, string | RegExp][] = [
      [() => codec.encodeCommand({}, new ByteWriter()), /a plain object; make an instance.*send\(pattern, data\)$/],
      [
        () => codec.encodeCommand(Ask, new ByteWriter()),
        /^the class Ask is not in .*: it takes an instance, `new Ask\(…\)`$/,
      ],
      [() => codec.encodeResult(Reply, new ByteWriter()), /^the class Reply is not in .*`new Reply\(…\)`$/],
      [() => codec.encodeCommand('ask', new ByteWriter()), /^a string is not in .*a Command.*send\(pattern, data\)$/],
      [() => empty.encodeCommand('ask', new ByteWriter()), /^a string is not in .*a Command.*send\(pattern, data\)$/],
      [() => codec.encodeResult('reply', new ByteWriter()), /^a string is not in the contract's `results`$/],
      [() => codec.encodeResult({}, new ByteWriter()), /a plain object is no Result.*CmdStreamSerializerInterceptor/],
      [() => codec.encodeCommand(new Twin(), new ByteWriter()), 'the Ask there is another class'],
      [() => empty.encodeCommand(new Ask(), new ByteWriter()), 'was the option `contract` given?'],
      [() => codec.encodeCommand(new Reply(), new ByteWriter()), /`commands`$/],
    ];
    for (const [refuse, text] of refusals) expect(refuse).toThrow(text);
  });

  it.each(['02026869', 'ac02026869', 'ffffffffffffffffff01026869', 'ffffffffffffffff7f026869'])(
    'refuses the type number of %s before its body, and asks who that is',
    (hex) => {
      const error = { code: 'UNKNOWN_TYPE', message: expect.stringContaining('is that a cmd-stream peer') };
      expect(readCommand(hex)).toMatchObject({ error });
      expect(readCommand(hex.slice(0, -2))).toMatchObject({ error });
      expect(readCommand(hex.slice(0, -6))).toEqual({ incomplete: true });
    },
  );

  it('refuses it once the frame is there where frames can be skipped', () => {
    const skipping = (hex: string) =>
      readEveryWay(bytes(hex), (reader) => {
        reader.skipsRefused = true;
        return codec.decodeCommand(reader);
      });
    expect(skipping('020268')).toEqual({ incomplete: true });
    const refused = skipping('02026869');
    expect(refused).toMatchObject({ error: { code: 'UNKNOWN_TYPE', message: expect.stringMatching(/0 to 1$/) } });
  });

  it('says that a contract has no Results', () => {
    const none = new TaggedCodec('bare', tablesOf(defineContract({ commands: [Ask] })), bareText, bareText);
    const result = readEveryWay(bytes('00026869'), (reader) => none.decodeResult(reader));
    expect(result).toMatchObject({ error: { message: expect.stringContaining('it has no `results`') } });
  });

  it('lets a frame with an unknown type be skipped', () => {
    const reader = new ByteReader();
    reader.append(bytes('07026869' + '01026869'));
    reader.skipsRefused = true;
    reader.beginFrame(100, 'maxCommandBytes');
    expect(() => codec.decodeCommand(reader)).toThrow(expect.objectContaining({ code: 'UNKNOWN_TYPE' }));
    expect(reader.skipFrame()).toBe(true);
    expect(reader.endFrame()).toBe(4);
    reader.beginFrame(100, 'maxCommandBytes');
    expect(codec.decodeCommand(reader)).toBe('1:hi');
  });

  it('reads bodies up to its limit, and refuses longer ones by their length', () => {
    const limited = new TaggedCodec('bare', contract, bareText, bareText, { bytes: 2, option: 'maxBytes' });
    const read = (hex: string) => readEveryWay(bytes(hex), (reader) => limited.decodeCommand(reader));
    expect(read('01026869')).toEqual({ value: '1:hi', consumed: 4 });
    expect(read('0103')).toMatchObject({
      error: { code: 'FRAME_TOO_LARGE', message: 'body of 3 bytes exceeds maxBytes (2)' },
    });
  });

  it('calls neither a message nor a number a plain object', () => {
    for (const [value, name] of [
      [{ $typeName: 'calc.Ask' }, 'calc.Ask'],
      [5, 'a number'],
      [null, 'null'],
    ])
      expect(() => codec.encodeCommand(value, new ByteWriter())).toThrow(
        expect.objectContaining({
          message: expect.stringMatching(
            new RegExp(`^${String(name)} is not in the contract's \`commands\`(?!.*plain)`),
          ),
        }),
      );
  });

  it.each([
    ['00ffffffffffffffffff01', 'NEGATIVE_LENGTH'],
    ['00ffffffffffffffff7f', 'FRAME_TOO_LARGE'],
    ['00e707', 'FRAME_TOO_LARGE'],
    ['008080808080808080808000', 'VARINT_OVERFLOW'],
    ['8080808080808080808000', 'VARINT_OVERFLOW'],
  ])('refuses the header %s at once: %s', (hex, code) => {
    expect(readCommand(hex)).toMatchObject({ error: { code } });
  });
});
