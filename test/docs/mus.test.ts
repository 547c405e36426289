// Holds the page on MUS against the code: its rows are written as they stand, its examples are run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { CommandClient, CommandServer } from 'nestjs-cmd-stream/core';
import { mus, Ref, type MusSerializer } from 'nestjs-cmd-stream/mus';
import {
  Card,
  color,
  Item,
  OrderCmd,
  people,
  Person,
  Receipt,
  shopCodec,
  shopContract,
  Tree,
  tree,
} from '../../docs/examples/mus.js';
import { projectRoot } from '../support/project.js';
import { guardLeaks } from '../support/leak-guard.js';
import { tableRows } from './markdown.js';

const own = guardLeaks();
const path = 'docs/mus.md';
const page = { path, text: readFileSync(join(projectRoot, path), 'utf8') };
const rows = tableRows(page, 'Serializer', 'In Go', 'Value', 'Bytes');
/** The first code of a cell. */
const codeIn = (cell = '') => /`([^`]+)`/.exec(cell)?.[1] ?? '';
const evaluate = (code: string): unknown => runInNewContext(`(${code})`, { mus, Ref, Item, Uint8Array, Map, Date });

describe('the page on MUS', () => {
  it.each(rows.map(([serializer, , value, bytes]) => [codeIn(serializer), codeIn(value), codeIn(bytes)] as const))(
    'shows that %s writes %s as %s',
    (code, valueCode, bytes) => {
      const serializer = evaluate(code) as MusSerializer<unknown>;
      const value = evaluate(valueCode);
      const copy = Array.isArray(value) ? Array.from(value as unknown[]) : value;
      expect(Buffer.from(serializer.toBytes(copy)).toString('hex')).toBe(bytes);
    },
  );

  it('has the serializers it speaks of', () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const [cell = ''] of rows) {
      const [first = '', ...others] = [...cell.matchAll(/`([^`…]+)`/g)].map(([, name = '']) => name);
      const family = first.slice(0, first.lastIndexOf('.'));
      const names = others.flatMap((each) => each.split(' to ')).filter((each) => /^\w+$/.test(each));
      for (const name of names) expect(evaluate(`${family}.${name}`)).toHaveProperty('minBytes');
    }
  });
});

describe('the examples', () => {
  it('order something over TCP', async () => {
    const invoker = {
      invoke(command: unknown, _context: unknown, sink: { next(result: unknown): void; complete(): void }) {
        const { items, payment, note } = command as OrderCmd;
        sink.next(new Receipt(payment instanceof Card && note === 'soon' ? items.length : -1));
        sink.complete();
      },
    };
    const peers = { host: '127.0.0.1', contract: shopContract, codec: shopCodec };
    const server = own(new CommandServer({ ...peers, port: 0, invoker }));
    const client = own(new CommandClient({ ...peers, port: (await server.listen()).port }));
    const items = [new Item('tea', 350), new Item('milk', 120)];
    expect(await client.execute(new OrderCmd(items, new Card(2n ** 60n), 'soon'))).toEqual(new Receipt(2));
  });

  it('keep trees, circles and colors', () => {
    const grown = new Tree('a', [new Tree('b'), new Tree('c', [new Tree('d')])]);
    expect(tree.fromBytes(tree.toBytes(grown))).toEqual(grown);
    const [ann, bob] = [new Person('Ann'), new Person('Bob')];
    ann.friends = [bob, null];
    bob.friends = [ann, bob];
    const [first, second] = people.fromBytes(people.toBytes([ann, bob]));
    expect([first?.friends[0], second?.friends[1], first?.name]).toEqual([second, second, 'Ann']);
    expect(second?.friends[0]).toBe(first);
    expect(color.fromBytes(color.toBytes('green'))).toBe('green');
    expect(() => color.toBytes('pink')).toThrow(expect.objectContaining({ code: 'ENCODE_FAILED' }));
  });
});
