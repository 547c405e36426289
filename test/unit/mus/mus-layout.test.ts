// What two peers compare of their MUS schemas: equal where the bytes are and mean the same.
import { describe, expect, it } from '@jest/globals';
import { Command, defineContract, Result } from 'nestjs-cmd-stream/core';
import { mus, musCodec, type AnyMusSerializer } from 'nestjs-cmd-stream/mus';
import { MusSerializer } from '../../../lib/mus/mus-serializer.js';

class Point {
  x = 0;
  y = 0;
}

class Other {
  x = 0;
}

class Tree {
  name = '';
  children: Tree[] = [];
}

class Box {
  a: unknown = null;
  b: unknown = null;
}

class Done extends Result {
  ok = false;
}

class PayCmd extends Command<Done> {
  account = 0;
  cents = 0;
  urgent = 0;
}

class PingCmd extends Command<Done> {}

const { int } = mus.varint;
const misused = (value: unknown) => value as never;

describe('two layouts', () => {
  const point = mus.struct(Point, { x: int, y: int });
  const other = mus.struct(Other, { x: int });

  it.each<[what: string, AnyMusSerializer, AnyMusSerializer]>([
    ['int and int64', int, mus.varint.int64],
    ['a number and a bigint', int, mus.varint.int.bigint],
    ['byte and uint8', mus.byte, mus.raw.uint8],
    ['a text and its bytes', mus.string, mus.string.bytes],
    ['a text with a limit', mus.string, mus.string.with({ maxLength: 5 })],
    ['a checked value', int, int.check(() => true)],
    ['a list with a limit', mus.slice(int), mus.slice(int, { maxLength: 5 })],
    ['a pointer and a Ref', mus.ptr(int), mus.ref(int)],
    ['a Date and its count', mus.time.seconds, mus.time.seconds.bigint],
    ['structs of the same fields', point, mus.struct(Point, { x: mus.varint.int64, y: int.check(() => true) })],
    ['a serializer that is defined later', point, mus.lazy(() => point)],
    ['custom ones of one name', custom('a'), custom('a')],
  ])('are equal: %s', (_, one, two) => {
    expect(one.layout()).toBe(two.layout());
  });

  it.each<[what: string, AnyMusSerializer, AnyMusSerializer]>([
    ['the form of an integer', int, mus.raw.int],
    ['its sign', mus.varint.int, mus.varint.uint],
    ['ZigZag and positive', mus.varint.int, mus.varint.positiveInt],
    ['the sign of a raw integer', mus.raw.int32, mus.raw.uint32],
    ['its width', mus.raw.int32, mus.raw.int16],
    ['the width of a varint', mus.varint.int32, mus.varint.int16],
    ['a float', mus.raw.float64, mus.raw.float32],
    ['the form of a float', mus.raw.float64, mus.varint.float64],
    ['the width of a varint float', mus.varint.float32, mus.varint.float64],
    ['bool and byte', mus.bool, mus.byte],
    ['the unit of a time', mus.time.seconds, mus.time.milliseconds],
    ['a time and an integer', mus.time.seconds, mus.raw.int64],
    ['the elements of a list', mus.slice(int), mus.slice(mus.bool)],
    ['a list and an array', mus.slice(int), mus.array(2, int)],
    ['the size of an array', mus.array(3, int), mus.array(2, int)],
    ['how a length is written', mus.slice(int), mus.slice(int, { lengthAs: mus.varint.int })],
    ['how the length of a text is written', mus.string, mus.string.with({ lengthAs: mus.varint.int })],
    ['the keys of a map', mus.map(int, int), mus.map(mus.string, int)],
    ['the values of a map', mus.map(int, int), mus.map(int, mus.string)],
    ['how the length of a map is written', mus.map(int, int), mus.map(int, int, { lengthAs: int })],
    ['a value and a pointer', int, mus.ptr(int)],
    ['a pointer and a shared one', mus.ptr(point), mus.mapped(({ ptr }) => ptr(point))],
    ['one field more', point, mus.struct(Point, { x: int })],
    ['the order of fields', point, mus.struct(Point, { y: int, x: int })],
    ['the name of a field', mus.struct(Point, { x: int }), mus.struct(Point, { y: int })],
    ['the serializer of a field', point, mus.struct(Point, { x: int, y: mus.raw.int })],
    ['the number of a type', mus.typed(1, int), mus.typed(2, int)],
    ['the order of an interface', mus.interface([point, other]), mus.interface([other, point])],
    ['the numbers of an interface', mus.interface([other]), mus.interface({ 2: other })],
    ['custom ones of different names', custom('a'), custom('b')],
  ])('differ: %s', (_, one, two) => {
    expect(one.layout()).not.toBe(two.layout());
  });

  // Peers of two versions compare these: another text for the same bytes keeps them from connecting.
  it.each<[string, AnyMusSerializer]>([
    ['bool', mus.bool],
    ['zigzag64', int],
    ['positive32', mus.varint.positiveInt32],
    ['rawuint16', mus.raw.uint16],
    ['rawfloat64', mus.raw.float64],
    ['rawfloat32', mus.raw.float32],
    ['varintfloat64', mus.varint.float64],
    ['varintfloat32', mus.varint.float32],
    ['bytes()', mus.string],
    ['bytes(rawuint8)', mus.bytes.with({ lengthAs: mus.raw.uint8 })],
    ['time(1000)', mus.time.milliseconds],
    ['[]bool', mus.slice(mus.bool)],
    ['[2rawuint8]bool', mus.array(2, mus.bool, { lengthAs: mus.raw.uint8 })],
    ['map(,bool,bytes())', mus.map(mus.bool, mus.bytes)],
    ['*bool', mus.ptr(mus.bool)],
    ['{x:bool}', mus.struct(Other, misused({ x: mus.bool }))],
    ['<1:{x:zigzag64,y:zigzag64}>|<2:{x:zigzag64}>', mus.interface([point, other])],
    ['<5:bool>', mus.typed(5, mus.bool)],
    ['mapped([]mapped*{x:zigzag64})', mus.mapped(({ ptr }) => mus.slice(ptr(other)))],
    ['custom("")', mus.custom({ encode: () => {}, decode: () => 0 })],
    ['custom("a")', custom('a')],
  ])('has a text that stays: %s', (text, serializer) => {
    expect(serializer.layout()).toBe(text);
  });

  it('of recursive types tell with which part the circle closes', () => {
    const tree: MusSerializer<Tree> = mus.struct(Tree, { name: mus.string, children: mus.slice(mus.lazy(() => tree)) });
    expect(tree.layout()).toBe('{name:bytes(),children:[]#0}');
    expect(mus.ptr(tree).layout()).toBe('*{name:bytes(),children:[]#1}');
  });

  it('of recursive types end, and are equal however the circle is entered', () => {
    const tree: MusSerializer<Tree> = mus.struct(Tree, { name: mus.string, children: mus.slice(mus.lazy(() => tree)) });
    const checked: MusSerializer<Tree> = mus.struct(Tree, {
      name: mus.string,
      children: mus.slice(mus.lazy(() => checked.check(() => true)).check(() => true)),
    });
    expect(tree.layout()).toBe(mus.lazy(() => checked).layout());
    const deeper: MusSerializer<Tree> = mus.struct(Tree, {
      name: mus.string,
      children: mus.slice(mus.lazy(() => mus.struct(Tree, { children: mus.slice(mus.lazy(() => deeper)) }))),
    });
    expect(deeper.layout()).not.toBe(tree.layout());
  });

  it('differ where two circles in one of them do, at any depth', () => {
    type Wrap = (part: AnyMusSerializer) => AnyMusSerializer;
    const slices = (levels: number, part: AnyMusSerializer): AnyMusSerializer =>
      levels === 0 ? part : mus.slice(misused(slices(levels - 1, part)));
    const treeOf = (levels: number, wrap: Wrap): AnyMusSerializer => {
      const children = slices(levels, wrap(mus.lazy(() => tree)));
      const tree: MusSerializer<Tree> = mus.struct(Tree, misused({ name: mus.string, children }));
      return tree;
    };
    const layoutOf = (a: AnyMusSerializer, b: AnyMusSerializer) => mus.struct(Box, misused({ a, b })).layout();
    for (let levels = 0; levels < 4; levels++) {
      const trees = [mus.ptr, mus.ptr, mus.slice].map((wrap) => treeOf(levels, (part) => wrap(misused(part))));
      const [one, same, byList] = trees as [AnyMusSerializer, AnyMusSerializer, AnyMusSerializer];
      expect(layoutOf(one, same)).toBe(layoutOf(one, one));
      expect(layoutOf(one, byList)).not.toBe(layoutOf(one, one));
      expect(layoutOf(byList, one)).not.toBe(layoutOf(one, byList));
    }
  });

  it('are equal whether parts of them are shared or written anew', () => {
    const boxOf = (a: AnyMusSerializer, b: AnyMusSerializer): AnyMusSerializer =>
      mus.struct(Box, { a: mus.ptr(a as MusSerializer<unknown>), b: mus.ptr(b as MusSerializer<unknown>) });
    const anew = (): AnyMusSerializer => mus.struct(Point, { x: int, y: int });
    const one = anew();
    expect(boxOf(one, one).layout()).toBe(boxOf(anew(), anew()).layout());
    expect(boxOf(one, one).layout()).toBe('{a:*{x:zigzag64,y:zigzag64},b:#1}');
    expect(boxOf(one, other).layout()).not.toBe(boxOf(one, one).layout());
    expect(boxOf(boxOf(one, other), other).layout()).not.toBe(boxOf(boxOf(one, other), one).layout());
  });

  it('are equal however often a circle is written out before it closes', () => {
    const once: AnyMusSerializer = listed(() => once);
    const first: AnyMusSerializer = listed(() => listed(() => first));
    expect(first.layout()).toBe(once.layout());
    expect(listed(() => once).layout()).toBe(once.layout());
    const unlike: AnyMusSerializer = mus.struct(Box, { b: mus.ptr(mus.lazy(() => unlike as MusSerializer<unknown>)) });
    expect(listed(() => unlike).layout()).not.toBe(once.layout());
  });

  function listed(next: () => AnyMusSerializer): AnyMusSerializer {
    return mus.struct(Box, { a: mus.ptr(mus.lazy(() => next() as MusSerializer<unknown>)) });
  }

  it('are as long as the schema, however often its parts are shared', () => {
    let shared: AnyMusSerializer = point;
    for (let depth = 0; depth < 60; depth++)
      shared = mus.struct(Box, { a: shared as MusSerializer<unknown>, b: shared as MusSerializer<unknown> });
    expect(shared.layout().length).toBeLessThan(60 * 20);
  });

  it('are as long as the schema, where everything refers to everything', () => {
    const entities: AnyMusSerializer[] = Array.from({ length: 30 }, (_, own) => {
      const fields = Array.from({ length: 30 }, (__, at) => at).filter((at) => at !== own);
      class Entity {
        constructor() {
          for (const at of fields) Object.assign(this, { [`to${at}`]: null });
        }
      }
      const parts = fields.map((at) => [`to${at}`, mus.ptr(mus.lazy(() => entities[at] as MusSerializer<unknown>))]);
      return mus.struct(Entity, Object.fromEntries(parts) as object);
    });
    const layouts = entities.map((entity) => entity.layout());
    expect(layouts[0]!.length).toBeLessThan(30 * 30 * 15);
    expect(new Set(layouts).size).toBe(30);
  });

  it('are given for a serializer that describes none of its own', () => {
    class Own extends MusSerializer<number> {
      readonly minBytes = 1;
      encode(): void {}
      decode(): number {
        return 0;
      }
    }
    expect(mus.slice(new Own()).layout()).toBe('[]custom');
  });

  function custom(layout: string): MusSerializer<number> {
    return mus.custom<number>({ layout, encode: () => {}, decode: () => 0 });
  }
});

describe('the layouts of a MUS codec', () => {
  const contract = defineContract({ commands: [PingCmd, PayCmd], results: [Done] });
  const ping = mus.struct(PingCmd, {});
  const pay = mus.struct(PayCmd, { account: int, cents: int });
  const done = mus.struct(Done, { ok: mus.bool });
  const layouts = (...commands: Parameters<typeof musCodec>[0]['commands'][]) =>
    commands.map((each) => musCodec({ commands: each, results: done })(contract).layouts!.commands);

  it('are those of the types, in the order of the contract, with the numbers they have', () => {
    const codec = musCodec({ commands: [pay, ping], results: done })(contract);
    expect(codec.layouts).toEqual({
      commands: ['<2:{}>', '<1:{account:zigzag64,cents:zigzag64}>'],
      results: ['{ok:bool}'],
    });
  });

  it('change with the number of a type, and with its fields, and leave the others as they are', () => {
    const more = mus.struct(PayCmd, { account: int, cents: int, urgent: int });
    const [old, numbered, grown] = layouts([ping, pay], { 1: ping, 5: pay }, [ping, more]);
    expect(numbered![0]).toBe(old![0]);
    expect(numbered![1]).not.toBe(old![1]);
    expect(grown![0]).toBe(old![0]);
    expect(grown![1]).not.toBe(old![1]);
  });

  it('are empty for a contract without Results', () => {
    const codec = musCodec({ commands: [ping] })(defineContract({ commands: [PingCmd] }));
    expect(codec.layouts!.results).toEqual([]);
  });
});
