// How two peers find out that their contracts differ, and what they say about it.
import { describe, expect, it } from '@jest/globals';
import type { Codec, CodecLayouts } from '../../../lib/codec/codec.js';
import { Command, Result } from '../../../lib/contract/command.js';
import {
  defineContract,
  mergeContracts,
  tablesOf,
  type CommandType,
  type Contract,
} from '../../../lib/contract/contract.js';
import { Fingerprint } from '../../../lib/codec/fingerprint.js';
import { reserved } from '../../../lib/contract/type-numbers.js';
import { TYPE_ENTRY, type TypeClass, type TypeEntry } from '../../../lib/contract/type-table.js';

class AddCmd extends Command {}
class SubCmd extends Command {}
class Sum extends Result {}

const nothing = (): never => {
  throw new Error('not called');
};
const codecOf = (name: string, layouts?: CodecLayouts): Codec => ({
  name,
  encodeCommand: nothing,
  decodeCommand: nothing,
  encodeResult: nothing,
  decodeResult: nothing,
  ...(layouts && { layouts }),
});
const json = codecOf('json');
const of = (contract: Contract, codec = json) => new Fingerprint(tablesOf(contract), codec);
const ofTypes = (...commands: TypeClass[]) =>
  of(defineContract({ commands: commands as CommandType[], results: [Sum] }));
const mismatch = (message: RegExp) =>
  expect.objectContaining({ code: 'CONTRACT_MISMATCH', message: expect.stringMatching(message) });

/** As a bundler would have renamed it. */
function renamed(type: TypeClass, name: string, wireName?: unknown): TypeClass {
  class Renamed extends (type as new () => object) {}
  Object.defineProperty(Renamed, 'name', { value: name });
  if (wireName !== undefined) Object.defineProperty(Renamed, 'wireName', { value: wireName });
  return Renamed;
}

describe('a fingerprint', () => {
  it('fits one with more or fewer types, either way', () => {
    const [less, more] = [ofTypes(AddCmd), ofTypes(AddCmd, SubCmd)];
    expect(() => less.check(more)).not.toThrow();
    expect(() => more.check(less)).not.toThrow();
  });

  it('has hashes that stay, of the name alone or with the layout', () => {
    const contract = defineContract({ commands: [AddCmd] });
    expect([of(contract).commands, of(contract).results]).toEqual([[967_907_396], []]);
    expect(of(contract, codecOf('mus', { commands: ['a'], results: [] })).commands).toEqual([3_033_789_233]);
    expect(() => of(contract).check(ofTypes(SubCmd))).toThrow(mismatch(/is AddCmd here and another type at the peer/));
  });

  it('names the first position that differs, and how a class gets a name that stays', () => {
    const why = /at the peer: the lists differ in order or version.*wrong server; or was one renamed or minified\?/;
    const hint = new RegExp(
      `${why.source} Then give it a name that stays, at both sides: \`commandType\\(SubCmd, { name: 'SubCmd' }\\)\`$`,
    );
    const other = ofTypes(AddCmd, renamed(SubCmd, 'SubCmd2'));
    expect(() => ofTypes(AddCmd, SubCmd).check(other)).toThrow(mismatch(/`commands\[1\]` is SubCmd here/));
    expect(() => ofTypes(AddCmd, SubCmd).check(other)).toThrow(mismatch(hint));
  });

  it('gives that advice for Results, too', () => {
    const [mine, theirs] = [Sum, renamed(Sum, 'b')].map((type) =>
      of(defineContract({ commands: [AddCmd], results: [type as typeof Sum] })),
    );
    expect(() => mine!.check(theirs!)).toThrow(mismatch(/`results\[0\].*resultType\(Sum, { name: 'Sum' }\)/));
  });

  it('is the same for a list and for numbers', () => {
    const numbered = of(defineContract({ commands: { 0: AddCmd, 1: reserved, 2: SubCmd }, results: { 0: Sum } }));
    const listed = of(defineContract({ commands: [AddCmd, reserved, SubCmd], results: [Sum] }));
    expect({ ...numbered }).toEqual({ ...listed });
    expect(numbered.commands).toEqual([967_907_396, 0, expect.any(Number)]);
  });

  it('fits where one has reserved a number that has a type at the other, and not where that has another one', () => {
    const [before, after, wrong] = [SubCmd, reserved, renamed(SubCmd, 'Other') as CommandType].map((type) =>
      of(defineContract({ commands: [AddCmd, type], results: [Sum] })),
    );
    for (const [one, other] of [
      [before, after],
      [after, before],
      [after, wrong],
    ])
      expect(() => one!.check(other!)).not.toThrow();
    expect(() => before!.check(wrong!)).toThrow(mismatch(/`commands\[1\]/));
    expect(() => after!.check(ofTypes(SubCmd))).toThrow(mismatch(/`commands\[0\]/));
  });

  it('of a part fits that of the whole', () => {
    const add = defineContract({ commands: { 0: AddCmd }, results: [Sum] });
    const sub = defineContract({ commands: { 3: SubCmd }, results: [Sum] });
    const whole = of(mergeContracts(add, sub));
    expect(whole.commands.slice(1, 3)).toEqual([0, 0]);
    for (const part of [add, sub].map((contract) => of(contract))) {
      expect(() => part.check(whole)).not.toThrow();
      expect(() => whole.check(part)).not.toThrow();
    }
    const other = of(defineContract({ commands: { 3: renamed(SubCmd, 'Other') as CommandType } }));
    expect(() => other.check(whole)).toThrow(mismatch(/`commands\[3\]/));
  });

  it('of a contract with layouts has none at a reserved number', () => {
    const layouts = { commands: ['a', '', 'c'], results: [''] };
    const contract = defineContract({ commands: [AddCmd, reserved, SubCmd], results: [Sum] });
    expect(of(contract, codecOf('mus', layouts)).commands).toEqual([3_033_789_233, 0, expect.any(Number)]);
  });

  it('gives no such hint for a type that has a name', () => {
    const named = ofTypes(renamed(SubCmd, 'a', 'Sub'));
    expect(() => named.check(ofTypes(AddCmd))).toThrow(mismatch(/`commands\[0\]` is Sub here.*wrong server$/));
    const entry: TypeEntry = {
      [TYPE_ENTRY]: true,
      name: 'calc.Add',
      is: (value): value is unknown => value === undefined,
    };
    const message = of(defineContract({ commands: [entry] }));
    expect(() => message.check(ofTypes(AddCmd))).toThrow(mismatch(/`commands\[0\]` is calc.Add here.*wrong server$/));
  });

  it('fits whatever the classes are called if their wire names are the same', () => {
    const bundled = ofTypes(renamed(AddCmd, '_AddCmd', 'AddCmd'), renamed(SubCmd, 'SubCmd2', 'SubCmd'));
    expect(() => ofTypes(AddCmd, SubCmd).check(bundled)).not.toThrow();
    expect(() => bundled.check(ofTypes(AddCmd, SubCmd))).not.toThrow();
  });

  it('takes the name of a type entry, whatever else it holds', () => {
    const entry = (more: object): TypeEntry => ({
      [TYPE_ENTRY]: true,
      name: 'Add',
      is: (value): value is unknown => value === undefined,
      ...more,
    });
    const [plain, odd] = [{}, { wireName: 'Other' }].map((more) => of(defineContract({ commands: [entry(more)] })));
    expect(odd?.commands).toEqual(plain?.commands);
  });

  it('does not take the wire name of the class that a class extends', () => {
    const base = renamed(AddCmd, 'Base', 'Base');
    expect(() => ofTypes(base, renamed(base, 'Sub')).check(ofTypes(base, renamed(AddCmd, 'Sub')))).not.toThrow();
  });

  it('fits a peer that says nothing of its types, whatever its codec is called', () => {
    const silent = { codec: 'other', commands: [], results: [] };
    expect(() => ofTypes(AddCmd).check(silent)).not.toThrow();
  });

  it('does not fit that of another codec, whose name it shows escaped and cut', () => {
    const contract = defineContract({ commands: [AddCmd] });
    expect(() => of(contract).check(of(contract, codecOf('mus')))).toThrow(mismatch(/codec json, the peer "mus"/));
    const forged = of(contract, codecOf(`x\n\u202e${'y'.repeat(1_000)}`));
    expect(() => of(contract).check(forged)).toThrow(mismatch(/^.{0,120}"x\\u\{a\}\\u\{202e\}y{20,120}…"$/));
  });

  it('covers the layouts that a codec tells, and says so', () => {
    const contract = defineContract({ commands: [AddCmd], results: [Sum] });
    const laidOut = (add: string, sum: string) => of(contract, codecOf('mus', { commands: [add], results: [sum] }));
    expect(() => laidOut('a', 'b').check(laidOut('a', 'b'))).not.toThrow();
    expect(() => laidOut('a', 'b').check(laidOut('c', 'b'))).toThrow(
      mismatch(/`commands\[0\]` is AddCmd here and another type, or has other fields or serializers, at the peer/),
    );
    expect(() => laidOut('a', 'b').check(laidOut('a', 'c'))).toThrow(mismatch(/`results\[0\]` is Sum here/));
  });
});

describe('a wire name', () => {
  it.each([[''], [5], [null]])('is refused if it is %p', (wireName) => {
    expect(() => ofTypes(renamed(AddCmd, 'A', wireName))).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONTRACT',
        message: expect.stringMatching(/commands\[0\].*wireName of A/),
      }),
    );
  });

  it('is refused if another class of the list has it', () => {
    expect(() => ofTypes(renamed(AddCmd, 'A', 'Add'), renamed(SubCmd, 'B', 'Add'))).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONTRACT',
        message: expect.stringMatching(/commands\[1\].*name of B.*`commands\[0\]`/),
      }),
    );
  });

  it.each<[string, TypeClass, TypeClass, RegExp]>([
    [
      'of two classes by nothing else',
      renamed(AddCmd, 'A'),
      renamed(SubCmd, 'A'),
      /name of A, "A",.*commandType\(A, \{ name: … \}\)$/,
    ],
    ['and the name of another class', renamed(AddCmd, 'A'), renamed(SubCmd, 'B', 'A'), /name of B, "A",/],
    ['and the name of a later class', renamed(AddCmd, 'B', 'A'), renamed(SubCmd, 'A'), /name of A, "A",/],
  ])('is not that %s: peers and locks compare names', (_, one, other, message) => {
    expect(() => ofTypes(one, other)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT', message: expect.stringMatching(message) }),
    );
  });
});
