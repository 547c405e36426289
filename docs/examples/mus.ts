// The schema of a small shop in MUS: structs, a list, an interface, a recursive type, and the codec made of them.
import { Command, defineContract, Result } from 'nestjs-cmd-stream/core';
import { mus, musCodec, type MusSerializer } from 'nestjs-cmd-stream/mus';

export class Item {
  constructor(
    readonly name = '',
    readonly price = 0,
  ) {}
}

export class Cash {}

export class Card {
  constructor(readonly number = 0n) {}
}

export class Receipt extends Result {
  constructor(readonly id = 0) {
    super();
  }
}

export class OrderCmd extends Command<Receipt> {
  constructor(
    readonly items: readonly Item[] = [],
    readonly payment: Cash | Card = new Cash(),
    readonly note: string | null = null,
  ) {
    super();
  }
}

export const item = mus.struct(Item, { name: mus.string.with({ maxLength: 100 }), price: mus.varint.int });
export const payment = mus.interface([mus.struct(Cash, {}), mus.struct(Card, { number: mus.varint.uint64.bigint })]);
export const order = mus.struct(OrderCmd, { items: mus.slice(item), payment, note: mus.ptr(mus.string) });

export const shopContract = defineContract({ commands: [OrderCmd], results: [Receipt] });
export const shopCodec = musCodec({
  commands: [order],
  results: [mus.struct(Receipt, { id: mus.varint.int })],
});

export class Tree {
  constructor(
    readonly name = '',
    readonly children: readonly Tree[] = [],
  ) {}
}

export const tree: MusSerializer<Tree> = mus.struct(Tree, {
  name: mus.string,
  children: mus.slice(mus.lazy(() => tree)),
});

export class Person {
  friends: (Person | null)[] = [];
  constructor(readonly name = '') {}
}

export const people = mus.mapped(({ ptr }) => {
  const person: MusSerializer<Person> = mus.struct(Person, {
    friends: mus.slice(ptr(mus.lazy(() => person))),
    name: mus.string,
  });
  return mus.slice(ptr(person));
});

const colors = ['red', 'green', 'blue'];

export const color = mus.custom<string>({
  minBytes: 1,
  encode(value, writer) {
    if (!colors.includes(value)) throw new RangeError(`no color "${value}"`);
    writer.writeByte(colors.indexOf(value));
  },
  decode(reader) {
    const value = colors[reader.readByte()];
    if (value === undefined) throw new RangeError('no color');
    return value;
  },
});
