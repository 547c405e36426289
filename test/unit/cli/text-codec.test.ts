// Commands and Results as texts: what of a contract they have, and how they are shown.
import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { transformPatternToRoute } from '@nestjs/microservices/utils/index.js';
import { Fingerprint } from '../../../lib/codec/fingerprint.js';
import { resultText, routeOf } from '../../../lib/cli/calls.js';
import {
  lastRuleOf,
  listOf,
  numberOfType,
  oneLine,
  textCodec,
  TextCommand,
  textContract,
  TextResult,
} from '../../../lib/cli/text-codec.js';
import { jsonCodec } from '../../../lib/codec/json/json-codec.js';
import { tablesOf } from '../../../lib/contract/contract.js';
import { ByteReader } from '../../../lib/wire/byte-reader.js';
import { ByteWriter } from '../../../lib/wire/byte-writer.js';
import { AddCmd, CalcResult, vectorContract } from '../../support/vector-contract.js';

function bytesOf(write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

function readerOf(bytes: Buffer): ByteReader {
  const reader = new ByteReader();
  reader.append(bytes);
  reader.beginFrame(10_000, 'maxResultBytes');
  return reader;
}

const any = textContract('client');
const known = textContract('client', vectorContract);
const json = jsonCodec()(vectorContract);

describe('a text', () => {
  it('has the bytes that the JSON codec gives the same value', () => {
    const codec = textCodec(any, () => true);
    const text = bytesOf((writer) => codec.encodeCommand(new TextCommand(0, '{"A":2,"B":3}', 'AddCmd'), writer));
    expect(text).toEqual(bytesOf((writer) => json.encodeCommand(new AddCmd(2, 3), writer)));
  });

  it('is what has come, to the digit', () => {
    const codec = textCodec(any, () => true);
    const bytes = bytesOf((writer) =>
      codec.encodeResult(new TextResult(7, '{"n": 12345678901234567890}', true), writer),
    );
    const result = codec.decodeResult(readerOf(bytes)) as TextResult;
    expect(result).toEqual(new TextResult(7, '{"n": 12345678901234567890}', true));
    expect(resultText(result)).toBe('{"n": 12345678901234567890}');
  });

  it('that is no JSON is refused', () => {
    const codec = textCodec(any, () => true);
    const bytes = bytesOf((writer) => codec.encodeResult(new TextResult(0, '\u0001\u0002', true), writer));
    expect(() => codec.decodeResult(readerOf(bytes))).toThrow(/no JSON; does the peer have another codec\?/);
  });

  it('of a type that is not in the contract is refused', () => {
    const codec = textCodec(known, () => true);
    const bytes = bytesOf((writer) => codec.encodeResult(new TextResult(9, '{}', true), writer));
    expect(() => codec.decodeResult(readerOf(bytes))).toThrow('type number 9 is not in the `results`');
  });
});

describe('the fingerprint', () => {
  const theirs = new Fingerprint(tablesOf(vectorContract), json);
  const ofText = (contract: typeof any) =>
    new Fingerprint(
      contract,
      textCodec(contract, () => true),
    );

  it('of texts without a contract fits any with the codec JSON', () => {
    for (const side of ['client', 'server'] as const) ofText(textContract(side)).check(theirs);
    const mus = { codec: 'mus', commands: [1], results: [1] };
    expect(() => ofText(any).check(mus)).toThrow('this side uses the codec json, the peer "mus"');
  });

  it('of texts with a contract is that of the contract', () => {
    expect({ ...ofText(known) }).toEqual({ ...theirs });
  });
});

describe('a type', () => {
  it('is found by its number and its name', () => {
    expect(numberOfType('2', known.commands)).toBe(2);
    expect(numberOfType('CountCmd', known.commands)).toBe(2);
    expect(numberOfType('CalcResult', known.results)).toBe(0);
    expect(numberOfType('99', any.commands)).toBe(99);
  });

  it.each(['countcmd', '99', '', '-1', 'toString'])('is not found by "%s"', (given) => {
    expect(numberOfType(given, known.commands)).toBeUndefined();
  });

  it('has no name without a contract', () => {
    expect(numberOfType('CountCmd', any.commands)).toBeUndefined();
    expect(listOf(any.commands)).toBe('');
    expect(listOf(known.results)).toBe('CalcResult (0), CountResult (1), EchoResult (2)');
  });
});

describe('the last Result', () => {
  const isLast = lastRuleOf(known);

  it('is that whose lastOne() says so', () => {
    expect(isLast(0, '5')).toBe(true);
    expect(isLast(1, '{"I":0,"Last":false}')).toBe(false);
    expect(isLast(1, '{"I":1,"Last":true}')).toBe(true);
  });

  it('is asked of a body that its class can read', () => {
    expect(() => isLast(1, '[1]')).toThrow(/CountResult/);
    expect(new CalcResult(1).lastOne()).toBe(true);
  });
});

describe('one line', () => {
  it.each([
    ['{\n\t"a": 1,\r\n  "b": [\n2 ]}', '{ "a": 1,   "b": [ 2 ]}'],
    ['"\u009b31m\u007f\u2028\u202e"', String.raw`"\u009b31m\u007f\u2028\u202e"`],
    ['"\\n ü 😀"', '"\\n ü 😀"'],
  ])('is made of %j', (text, line) => {
    expect(oneLine(text)).toBe(line);
    expect(JSON.parse(line)).toEqual(JSON.parse(text));
  });

  it('is made of values as well', () => {
    expect(resultText({ a: [1, null] })).toBe('{"a":[1,null]}');
    expect(resultText(undefined)).toBe('null');
  });
});

describe('a pattern', () => {
  it.each(['sum', '42', '{"cmd":"sum"}', '{"b":1,"a":{"d":"x","c":true}}', ' {"cmd":"sum"}', '[1]', 'a{b}'])(
    '%s is the route that Nest makes of it',
    (text) => {
      const given: unknown = text.trim().startsWith('{') ? JSON.parse(text) : text;
      expect(routeOf(text)).toBe(transformPatternToRoute(given as string));
    },
  );

  it('that only begins like an object is refused', () => {
    expect(() => routeOf('{cmd:"sum"}')).toThrow('--pattern begins like an object and is no JSON');
  });
});
