// What stands before a codec: the warning of a type that is deprecated, given once, which costs nothing after that.
import { describe, expect, it, jest } from '@jest/globals';
import { codecFor } from '../../../lib/codec/codec-rules.js';
import type { Codec } from '../../../lib/codec/codec.js';
import { Command, commandType, defineContract, Result } from '../../../lib/core.js';
import { tablesOf } from '../../../lib/contract/contract.js';

class Done extends Result {}
class One extends Command<Done> {}
class Other extends Command<Done> {}
class Current extends Command<Done> {}

const contract = defineContract({
  commands: [commandType(One, { deprecated: 'use Current' }), Current, commandType(Other, { deprecated: true })],
  results: [Done],
});

describe('the codec of a contract with types that are deprecated', () => {
  it('warns of each once, and asks no Command for its type after that', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const indexOf = jest.spyOn(tablesOf(contract).commands, 'indexOf');
    const codec = codecFor(contract, {
      name: 'none',
      encodeCommand: () => {},
      decodeCommand: () => new Current(),
      encodeResult: () => {},
      decodeResult: () => new Done(),
    } as Codec);
    const send = (command: Command): void => codec.encodeCommand(command, undefined as never);
    try {
      for (const command of [new Current(), new One(), new One()]) send(command);
      expect(warn).toHaveBeenCalledTimes(1);
      expect(indexOf).toHaveBeenCalledTimes(3);
      send(new Other());
      expect(warn.mock.calls.map(([text]) => text)).toEqual([
        'One is deprecated: use Current (this client sends it; this is said once)',
        'Other is deprecated (this client sends it; this is said once)',
      ]);
      indexOf.mockClear();
      for (const command of [new One(), new Other(), new Current()]) send(command);
      codec.decodeCommand(undefined as never);
      expect([warn, indexOf].map(({ mock }) => mock.calls.length)).toEqual([2, 0]);
    } finally {
      warn.mockRestore();
      indexOf.mockRestore();
    }
  });
});
