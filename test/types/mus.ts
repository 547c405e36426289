// Compiled, never run: the types that follow from a schema, and those it refuses.
import { Command, defineContract, Result } from 'nestjs-cmd-stream/core';
import { mus, musCodec, type MusInput, type MusSerializer, type MusValue, type Ref } from 'nestjs-cmd-stream/mus';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function assert<T extends true>(): T | undefined {
  return undefined;
}

class CalcResult extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

class AddCmd extends Command<CalcResult> {
  constructor(
    readonly a = 0,
    readonly b = 0n,
    readonly tags: readonly string[] = [],
    readonly counts: ReadonlyMap<string, number> = new Map(),
    readonly next: AddCmd | null = null,
    readonly optional?: string,
  ) {
    super();
  }
}

class SubCmd extends Command<CalcResult> {}

class NeedsArguments {
  constructor(readonly a: number) {}
}

const list = mus.slice(mus.map(mus.string, mus.ptr(mus.varint.int64.bigint)));
const add: MusSerializer<AddCmd> = mus.struct(AddCmd, {
  a: mus.varint.int,
  b: mus.varint.int64.bigint,
  tags: mus.slice(mus.string, { maxLength: 10 }),
  counts: mus.map(mus.string, mus.raw.uint8),
  next: mus.ptr(mus.lazy(() => add)),
});
const sub = mus.struct(SubCmd, {});
const either = mus.interface([add, sub]);
const byNumber = mus.interface({ 5: add, 9: sub });
const color = mus.string.check((text): text is 'red' | 'green' => text === 'red' || text === 'green');
const boxes = mus.mapped(({ ref }) => mus.array(2, ref(mus.time.seconds)));

export function infers(): void {
  assert<Equal<MusValue<typeof list>, Map<string, bigint | null>[]>>();
  assert<Equal<MusInput<typeof list>, readonly ReadonlyMap<string, bigint | null>[]>>();
  assert<Equal<MusValue<typeof add>, AddCmd>>();
  assert<Equal<MusValue<typeof either>, AddCmd | SubCmd>>();
  assert<Equal<MusValue<typeof byNumber>, AddCmd | SubCmd>>();
  assert<Equal<MusValue<typeof color>, 'red' | 'green'>>();
  assert<Equal<MusValue<typeof boxes>, (Ref<Date> | null)[]>>();
  assert<Equal<ReturnType<typeof mus.bytes.fromBytes>, Uint8Array>>();
}

export function refuses(): void {
  // @ts-expect-error: a number is no bigint
  mus.struct(AddCmd, { b: mus.varint.int64 });
  // @ts-expect-error: nor text
  mus.struct(AddCmd, { a: mus.string });
  // @ts-expect-error: nor is null a number
  mus.struct(AddCmd, { a: mus.ptr(mus.varint.int) });
  // @ts-expect-error: what may be missing needs a pointer
  mus.struct(AddCmd, { optional: mus.string });
  // @ts-expect-error: there is no such field
  mus.struct(AddCmd, { c: mus.string });
  // @ts-expect-error: a class must be made without arguments
  mus.struct(NeedsArguments, { a: mus.varint.int });
  // @ts-expect-error: a list of numbers is no list of strings
  mus.slice(mus.string).toBytes([1]);
  // @ts-expect-error: a length is an integer
  mus.string.with({ lengthAs: mus.raw.float64 });
  // @ts-expect-error: an option that does not exist
  mus.string.with({ max: 5 });
  // @ts-expect-error: a class is no serializer
  mus.interface([AddCmd]);
  // @ts-expect-error: a shared pointer leads to an object
  mus.mapped(({ ptr }) => ptr(mus.string));
  // @ts-expect-error: the codec needs its Commands
  musCodec({ results: [sub] });
}

export const codec = musCodec({
  commands: { 1: add, 10: sub },
  results: mus.typed(1, mus.struct(CalcResult, { value: mus.varint.int })),
})(defineContract({ commands: [AddCmd, SubCmd], results: [CalcResult] }));
