// What Nest learns that each parameter of a handler gets, by the metadata that compilers and decorators leave.
import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { BaseRpcContext } from '@nestjs/microservices';
import { Command } from '../../../lib/core.js';
import { CmdStreamContext } from '../../../lib/nest/server/cmd-stream.context.js';
import { bindParameters } from '../../../lib/nest/server/command-handler.decorator.js';
import { Observable } from 'rxjs';
import { AddCmd } from '../../support/vector-contract.js';

class OtherCmd extends Command {}

const plain = { data: undefined, pipes: [] };
const payload = (index: number) => ({ [`3:${index}`]: { index, ...plain } });
const context = (index: number) => ({ [`6:${index}`]: { index, ...plain } });

interface Compiled {
  readonly types?: readonly unknown[];
  readonly returns?: unknown;
  /** As decorators of parameters left it. */
  readonly given?: object;
  /** How many there are, if their types are unknown. */
  readonly length?: number;
}

function bind({ types, returns = String, given, length = 0 }: Compiled, handled: object = AddCmd) {
  class Controller {}
  const target = Controller.prototype;
  if (types) Reflect.defineMetadata('design:paramtypes', types, target, 'add');
  Reflect.defineMetadata('design:returntype', returns, target, 'add');
  if (given) Reflect.defineMetadata('__routeArguments__', given, Controller, 'add');
  const place = bindParameters(target, 'add', handled as typeof AddCmd, length);
  return {
    metadata: Reflect.getMetadata('__routeArguments__', Controller, 'add') as object,
    types: Reflect.getMetadata('design:paramtypes', target, 'add') as unknown[],
    place,
  };
}

describe('the parameters of a handler', () => {
  it.each<[string, Compiled, object, unknown[], object]>([
    ['none', { types: [] }, {}, [], { index: undefined, length: 0 }],
    ['the Command', { types: [AddCmd] }, payload(0), [AddCmd], { index: undefined, length: 1 }],
    ['its base class', { types: [Command] }, payload(0), [AddCmd], { index: undefined, length: 1 }],
    ['no type that is known', { types: [Object] }, payload(0), [AddCmd], { index: undefined, length: 1 }],
    ['no type at all', { types: [undefined] }, payload(0), [AddCmd], { index: undefined, length: 1 }],
    [
      'the Command and the context',
      { types: [AddCmd, CmdStreamContext] },
      { ...payload(0), ...context(1) },
      [AddCmd, CmdStreamContext],
      { index: 1, length: 2 },
    ],
    [
      'the context and the Command',
      { types: [BaseRpcContext, AddCmd] },
      { ...context(0), ...payload(1) },
      [BaseRpcContext, AddCmd],
      { index: 0, length: 2 },
    ],
    [
      'one without a type before the Command: that is the context',
      { types: [Object, AddCmd] },
      { ...context(0), ...payload(1) },
      [Object, AddCmd],
      { index: 0, length: 2 },
    ],
    [
      'several without types: the first is the Command, others are the context',
      { types: [Object, Object, Object] },
      { ...payload(0), ...context(1), ...context(2) },
      [AddCmd, Object, Object],
      { index: 1, length: 3 },
    ],
    ['the context alone', { types: [CmdStreamContext] }, context(0), [CmdStreamContext], { index: 0, length: 1 }],
    [
      'none that the compiler knows',
      { length: 2 },
      { ...payload(0), ...context(1) },
      [AddCmd, Object],
      { index: 1, length: 2 },
    ],
  ])('are found by their types: %s', (_, compiled, metadata, types, place) => {
    expect(bind(compiled)).toEqual({ metadata, types, place });
  });

  it.each<[string, Compiled, object, unknown[], object]>([
    [
      'the payload, so that another one is the context',
      { types: [Object, Object], given: { '3:0': { index: 0, pipes: ['own'] } } },
      { '3:0': { index: 0, pipes: ['own'] }, ...context(1) },
      [Object, Object],
      { index: 1, length: 2 },
    ],
    [
      'the context, so that another one is the Command',
      { types: [Object, Object], given: { '6:1': { index: 1 } } },
      { ...payload(0), '6:1': { index: 1 } },
      [AddCmd, Object],
      { index: 1, length: 2 },
    ],
    [
      'the context behind others',
      { types: [Object, AddCmd, CmdStreamContext], given: { 'own:0': { index: 0 }, '6:2': { index: 2 } } },
      { 'own:0': { index: 0 }, ...payload(1), '6:2': { index: 2 } },
      [Object, AddCmd, CmdStreamContext],
      { index: 2, length: 3 },
    ],
    [
      'a part of the Command, whose type says nothing then',
      { types: [AddCmd, Object], given: { '13:0': { index: 0 } } },
      { '13:0': { index: 0 }, ...payload(1) },
      [AddCmd, AddCmd],
      { index: undefined, length: 2 },
    ],
    [
      'one behind those whose types are known',
      { types: [AddCmd], given: { 'own:2': { index: 2 } } },
      { ...payload(0), 'own:2': { index: 2 } },
      [AddCmd],
      { index: undefined, length: 3 },
    ],
  ])('that have a decorator stay as they are: %s', (_, compiled, metadata, types, place) => {
    expect(bind(compiled)).toEqual({ metadata, types, place });
  });

  it('of a message are found by their places alone', () => {
    const entry = { name: 'AddCmdSchema' };
    const bound = bind({ types: [OtherCmd, Object] }, entry);
    expect(bound).toMatchObject({ metadata: { ...payload(0), ...context(1) }, types: [Object, Object] });
    expect(bind({ types: [CmdStreamContext, OtherCmd] }, entry)).toMatchObject({
      metadata: { ...context(0), ...payload(1) },
      types: [CmdStreamContext, Object],
    });
  });

  it('are those of this very method, not of one that it overrides', () => {
    class Base {}
    class Own extends Base {}
    Reflect.defineMetadata('design:paramtypes', [OtherCmd, OtherCmd], Base.prototype, 'add');
    expect(bindParameters(Own.prototype, 'add', AddCmd, 1)).toEqual({ index: 1, length: 1 });
    expect(Reflect.getOwnMetadata('design:paramtypes', Own.prototype, 'add')).toEqual([AddCmd]);
  });
});

describe('the context behind the parameters', () => {
  class Iterable {
    async *[Symbol.asyncIterator]() {}
  }

  it.each<[string, unknown, boolean]>([
    ['an interface or a union', Object, true],
    ['a function type', Function, true],
    ['nothing', undefined, true],
    ['null', null, true],
    ['a promise', Promise, true],
    ['an AsyncIterable', Iterable, true],
    ['an arrow function', () => {}, true],
    ['an Observable', Observable, false],
    ['a class', AddCmd, false],
    ['a text', String, false],
  ])('is given where the declared type may hide an AsyncIterable: %s', (_, returns, expected) => {
    expect(bind({ types: [AddCmd], returns: returns ?? null })).toEqual({
      metadata: { ...payload(0), ...(expected && context(1)) },
      types: [AddCmd],
      place: { index: expected ? 1 : undefined, length: 1 },
    });
    // The method has it already.
    expect(bind({ types: [AddCmd, CmdStreamContext], returns }).metadata).toEqual({ ...payload(0), ...context(1) });
  });
});
