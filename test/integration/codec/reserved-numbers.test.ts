// Contracts with numbers on the wire: the bytes of each codec, what becomes of a number that is reserved, and what the
// peers of such a contract find out about each other.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it, jest } from '@jest/globals';
import {
  Command,
  CommandClient,
  commandType,
  defineContract,
  mergeContracts,
  reserved,
  Result,
  type CodecFactory,
  type Contract,
  type ContractDefinition,
} from '../../../lib/core.js';
import { mus, musCodec } from '../../../lib/mus.js';
import { protobufCodec, protobufType } from '../../../lib/protobuf.js';
import { expectAppendOnly } from '../../../lib/testing.js';
import { AddCmdSchema, CalcResultSchema, EchoCmdSchema, SubCmdSchema } from '../../fixtures/protobuf/gen/vectors_pb.js';
import { calcClient } from '../../support/calc-client.js';
import { addFrame, countFrame, countResultFrame, frame, GREETING, sumFrame } from '../../support/calc-frames.js';
import { CalcServer } from '../../support/calc-server.js';
import { turns, until } from '../../support/deadline.js';
import { guardLeaks } from '../../support/leak-guard.js';
import { RawServer } from '../../support/raw-server.js';
import {
  AddCmd,
  CalcResult,
  CountCmd,
  CountResult,
  EchoCmd,
  EchoResult,
  SubCmd,
  vectorContract,
} from '../../support/vector-contract.js';

const own = guardLeaks();
const numbered = defineContract({
  commands: { 0: AddCmd, 1: reserved, 2: CountCmd, 3: EchoCmd },
  results: { 0: CalcResult, 1: CountResult, 2: reserved },
} as ContractDefinition);

describe('a contract with numbers, towards a plain peer', () => {
  it('has the bytes of a list', async () => {
    const calc = own(await CalcServer.start({ contract: numbered }));
    const peer = own(await calc.connect());
    peer.write(addFrame(1, 2, 3) + countFrame(2, 2));
    await peer.receives(GREETING + sumFrame(1, 5) + countResultFrame(2, 0, false) + countResultFrame(2, 1, true));
  });

  it('sends them', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { contract: numbered }));
    const counted = client.iterate(new CountCmd(1)).next();
    const peer = await raw.peer();
    peer.write(GREETING + countResultFrame(1, 0, true));
    await expect(counted).resolves.toEqual({ done: false, value: new CountResult(0, true) });
    await peer.receives(countFrame(1, 1));
  });

  it('ends the connection of a client that sends a reserved number', async () => {
    const calc = own(await CalcServer.start({ contract: numbered }));
    const peer = own(await calc.connect());
    peer.write(frame(1, 1, '{"A":2,"B":3}'));
    await peer.ends();
    expect(await calc.lostCause()).toMatchObject({
      code: 'UNKNOWN_TYPE',
      message: expect.stringContaining('type number 1 is reserved in `commands`: its type is gone from the contract'),
    });
  });

  it('ends the connection to a server that sends a reserved number', async () => {
    const raw = own(await RawServer.listen());
    const client = own(calcClient(raw.port, { contract: numbered }));
    const sum = client.execute(new AddCmd(2, 3));
    sum.catch(() => {});
    (await raw.peer()).write(GREETING + frame(1, 2, '"x"'));
    await expect(sum).rejects.toMatchObject({ code: 'UNKNOWN_TYPE', sent: true });
  });

  it('tells the numbers it has', async () => {
    const calc = own(await CalcServer.start({ contract: defineContract({ commands: { 2: CountCmd, 3: EchoCmd } }) }));
    const peer = own(await calc.connect());
    peer.write(addFrame(1, 2, 3));
    await peer.ends();
    expect((await calc.lostCause()).message).toContain('number 0 is not in the contract: `commands` has 2 to 3');
  });
});

describe('two peers of this package', () => {
  const extension = 'require' as const;

  it.each([
    ['the server has reserved a number', vectorContract, numbered],
    ['the client has reserved a number', numbered, vectorContract],
  ])('fit when %s', async (_, clientContract, serverContract) => {
    const calc = own(await CalcServer.start({ contract: serverContract }));
    const client = own(calcClient(calc.port, { extension, contract: clientContract }));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
  });

  it('lose the one call whose number is reserved, and no other', async () => {
    const calc = own(await CalcServer.start({ contract: numbered }));
    const client = own(calcClient(calc.port, { extension }));
    const [sum, difference] = [new AddCmd(2, 3), new SubCmd(8, 4)].map((command) => client.execute(command));
    const counted = client.iterate(new CountCmd(1)).next();
    await expect(difference).rejects.toMatchObject({ code: 'UNKNOWN_TYPE' });
    await expect(Promise.all([sum, counted])).resolves.toEqual([
      new CalcResult(5),
      { done: false, value: new CountResult(0, true) },
    ]);
    expect(calc.lost).toEqual([]);
  });

  it('lose the one call whose Result is reserved at the client', async () => {
    const calc = own(await CalcServer.start());
    const client = own(calcClient(calc.port, { extension, contract: numbered }));
    await expect(client.execute(new EchoCmd('x'))).rejects.toMatchObject({ code: 'UNKNOWN_TYPE' });
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(5));
    expect(calc.lost).toEqual([]);
  });

  it('find out that a number has another type', async () => {
    class OtherCmd extends Command<CalcResult> {}
    const contract = defineContract({ commands: { 0: AddCmd, 1: reserved, 2: OtherCmd }, results: [CalcResult] });
    const calc = own(await CalcServer.start({ contract: numbered }));
    const client = own(calcClient(calc.port, { extension, contract }));
    await expect(client.connect()).rejects.toMatchObject({
      code: 'CONTRACT_MISMATCH',
      message: expect.stringContaining('`commands[2]` is OtherCmd'),
    });
  });

  it('are served and called by parts of a contract', async () => {
    const calls = defineContract({ commands: { 0: AddCmd, 1: SubCmd }, results: { 0: CalcResult } });
    const counts = defineContract({ commands: { 10: CountCmd }, results: { 5: CountResult } });
    const calc = own(await CalcServer.start({ contract: mergeContracts(calls, counts) }));
    const [one, other] = [calls, counts].map((contract) => own(calcClient(calc.port, { extension, contract })));
    await expect(one!.execute(new SubCmd(8, 4))).resolves.toEqual(new CalcResult(4));
    const { value } = await other!.iterate(new CountCmd(1)).next();
    expect(value).toEqual(new CountResult(0, true));
  });
});

describe('two lists in another order, between peers that cannot compare them', () => {
  const commands = [AddCmd, SubCmd] as const;
  const ordered = defineContract({ commands, results: [CalcResult] });
  const swapped = defineContract({ commands: commands.toReversed(), results: [CalcResult] });

  it('answer 2 + 3 with -1, which only a lock can tell', async () => {
    const calc = own(await CalcServer.start({ contract: swapped, extension: false }));
    const client = own(calcClient(calc.port, { contract: ordered, extension: false }));
    await expect(client.execute(new AddCmd(2, 3))).resolves.toEqual(new CalcResult(-1));
    expect(() => expectAppendOnly(swapped, ordered.toJSON())).toThrow(/-   0: AddCmd\n\+   0: SubCmd/);
    expect(() => expectAppendOnly(ordered, ordered.toJSON())).not.toThrow();
  });
});

describe('the codecs of a contract with numbers', () => {
  class Sum extends Result {
    constructor(readonly value = 0) {
      super();
    }
  }
  class Negate extends Command<Sum> {
    constructor(readonly value = 0) {
      super();
    }
  }
  class Double extends Command<Sum> {
    constructor(readonly value = 0) {
      super();
    }
  }
  const fields = { value: mus.varint.int };
  const [negate, double, sum] = [mus.struct(Negate, fields), mus.struct(Double, fields), mus.struct(Sum, fields)];
  const contract = defineContract({
    commands: { 0: Negate, 1: reserved, 2: Double },
    results: { 0: reserved, 1: Sum },
  });
  const [AddType, SubType, EchoType] = [AddCmdSchema, SubCmdSchema, EchoCmdSchema].map((schema) =>
    protobufType(schema),
  );
  const messages = defineContract({
    commands: { 0: AddType!, 1: reserved, 2: SubType! },
    results: { 0: reserved, 1: protobufType(CalcResultSchema) },
  });

  /** What a client writes, and what it makes of an answer. */
  async function asked(given: Contract, codec: CodecFactory, command: Command, answer: string) {
    const raw = own(await RawServer.listen());
    const client = own(
      new CommandClient({ host: '127.0.0.1', port: raw.port, contract: given, codec, extension: false }),
    );
    const result = client.execute(command);
    result.catch(() => {});
    const peer = await raw.peer();
    peer.write(GREETING);
    await until('a Command arrives', () => peer.received.length > 0);
    await turns();
    peer.write(answer);
    return { bytes: peer.hex, result: await result.catch(({ code }: { code: string }) => code) };
  }

  const musOf = (given: Contract) => musCodec({ commands: { 1: negate, 3: double }, results: { 2: sum } })(given);
  const protobufOf = protobufCodec();

  it('MUS writes and reads the numbers of its serializers', async () => {
    expect(await asked(contract, musOf, new Double(5), '010214')).toEqual({ bytes: '01030a', result: new Sum(10) });
    expect(await asked(contract, musOf, new Double(5), '010114')).toMatchObject({ result: 'UNKNOWN_TYPE' });
  });

  it('MUS counts none of them anew', () => {
    const counted = musCodec({ commands: [negate, double], results: { 2: sum } });
    expect(() => counted(contract)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONTRACT',
        message: expect.stringMatching(/`commands` has numbers without a type, but its serializers are counted from 1/),
      }),
    );
    expect(
      musCodec({ commands: negate, results: sum })(defineContract({ commands: [Negate], results: [Sum] })),
    ).toBeDefined();
  });

  it('MUS has a layout at every number that has a type', () => {
    expect(musOf(contract).layouts).toEqual({
      commands: [expect.stringMatching(/^<1:/), '', expect.stringMatching(/^<3:/)],
      results: ['', expect.stringMatching(/^<2:/)],
    });
    const one = defineContract({ commands: { 0: reserved, 1: Negate }, results: [Sum] });
    const { layouts } = musCodec({ commands: mus.typed(2, negate), results: [sum] })(one);
    expect(layouts!.commands).toEqual(['', expect.stringMatching(/^<2:/)]);
  });

  it('Protobuf writes and reads the numbers of the contract', async () => {
    const command = create(SubCmdSchema) as unknown as Command;
    const { bytes, result } = await asked(messages, protobufOf, command, '010100');
    expect(bytes).toBe('010200');
    expect(result).toMatchObject({ $typeName: CalcResultSchema.typeName });
    expect(await asked(messages, protobufOf, command, '010000')).toMatchObject({ result: 'UNKNOWN_TYPE' });
  });

  it('Protobuf still misses the Results that are not there', () => {
    const Asks = protobufType(AddCmdSchema, { result: CalcResultSchema });
    const lacking = defineContract({
      commands: { 0: reserved, 1: Asks },
      results: { 0: reserved, 1: EchoType! },
    } as ContractDefinition);
    expect(() => protobufOf(lacking)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONTRACT', message: expect.stringContaining('which `results` lacks') }),
    );
  });
});

describe('a Command that is deprecated', () => {
  class OldCmd extends Command<EchoResult> {
    static readonly deprecated = true;
  }
  const contract = defineContract({
    commands: [AddCmd, commandType(class Sub extends SubCmd {}, { deprecated: 'use AddCmd' }), OldCmd, EchoCmd],
    results: [CalcResult, EchoResult],
  });
  const OldSub = contract.commands.types[1] as unknown as typeof SubCmd;

  it('is said once at the client and once at the server, for each class', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const calc = own(await CalcServer.start({ contract }));
      const client = own(calcClient(calc.port, { contract, extension: 'require' }));
      for (const command of [new AddCmd(2, 3), new OldSub(8, 4), new OldSub(8, 4), new EchoCmd('x'), new OldSub(8, 4)])
        await client.execute(command);
      await client.emit(new OldCmd());
      await until('all is said', () => warn.mock.calls.length === 4);
      const options = { type: 'DeprecationWarning', code: 'CMD_STREAM_DEPRECATED' };
      expect(warn.mock.calls).toEqual([
        ['Sub is deprecated: use AddCmd (this client sends it; this is said once)', options],
        ['Sub is deprecated: use AddCmd (this server gets it from a client; this is said once)', options],
        ['OldCmd is deprecated (this client sends it; this is said once)', options],
        ['OldCmd is deprecated (this server gets it from a client; this is said once)', options],
      ]);
    } finally {
      warn.mockRestore();
    }
  });

  it('is answered as any other, in the same bytes', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const calc = own(await CalcServer.start({ contract }));
      const peer = own(await calc.connect());
      peer.write(frame(1, 1, '{"A":8,"B":4}') + frame(2, 3, '"x"'));
      await peer.receives(GREETING + sumFrame(1, 4) + frame(2, 1, '"x"'));
    } finally {
      warn.mockRestore();
    }
  });
});
