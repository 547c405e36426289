// Compiled, never run: what a client's calls give, by the class of the Command.
import type { Observable } from 'rxjs';
import {
  Command,
  CmdStreamClient,
  CmdStreamModule,
  type CmdStreamClientAsyncOptions,
  CmdStreamServer,
  defineContract,
  Result,
  type ListedType,
  StreamCommand,
} from 'nestjs-cmd-stream';
import { ClientsModule, type CustomClientOptions, type MicroserviceOptions } from '@nestjs/microservices';
import { AddCmd, CalcResult } from '../e2e/calc.contract.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

function assert<T extends true>(): T | undefined {
  return undefined;
}

class Prime extends Result {
  constructor(readonly P = 0) {
    super();
  }
}

class PrimesCmd extends StreamCommand<Prime> {}
class EitherCmd extends Command<CalcResult | Prime> {}
class UntypedCmd extends Command {}

const contract = defineContract({ commands: [AddCmd, PrimesCmd, EitherCmd, UntypedCmd], results: [CalcResult, Prime] });

// A contract shows its types, in their order, and has no methods of its own.
export const listed: readonly ListedType[] = contract.commands.types;
// @ts-expect-error: the type number of a value is the codec's business
contract.commands.indexOf(new AddCmd());
// @ts-expect-error: the types are given to defineContract()
contract.results.types = [];

export function calls(client: CmdStreamClient): void {
  const added = client.execute(new AddCmd(2, 3), { timeoutMs: 100 });
  const primes = client.send(new PrimesCmd());
  const either = client.execute(new EitherCmd());
  const untyped = client.execute(new UntypedCmd());
  const emitted = client.emit(new AddCmd(2, 3));
  const message = client.send<number, number[]>({ cmd: 'sum' }, [1, 2]);
  assert<Equal<typeof added, Promise<CalcResult>>>();
  assert<Equal<typeof primes, Observable<Prime>>>();
  assert<Equal<typeof either, Promise<CalcResult | Prime>>>();
  assert<Equal<typeof untyped, Promise<unknown>>>();
  assert<Equal<typeof emitted, Observable<void>>>();
  assert<Equal<typeof message, Observable<number>>>();

  // @ts-expect-error: only a Command can be executed
  void client.execute(new CalcResult());
  // @ts-expect-error: nor a class of Commands
  void client.execute(AddCmd);
  // @ts-expect-error: the options of a call are known by name
  void client.execute(new AddCmd(), { timeout: 100 });
  // @ts-expect-error: there is no such event
  client.on('connected', () => {});
  // @ts-expect-error: an option that does not exist
  void new CmdStreamClient({ contract, prot: 3000 });
  void new CmdStreamClient({ port: 3000 });
}

export const microservice: MicroserviceOptions = { strategy: new CmdStreamServer({ contract, port: 0 }) };
export const custom: CustomClientOptions = { customClass: CmdStreamClient, options: { contract } };
export const clients = ClientsModule.register([{ name: 'CALC', customClass: CmdStreamClient, options: { contract } }]);
export const typed = CmdStreamModule.register([{ name: 'CALC', contract, port: 3000 }]);
export const inferred = CmdStreamModule.registerAsync({
  inject: ['PORT'],
  useFactory: (port: number) => ({ contract, port }),
});
export const untypedFactory = CmdStreamModule.registerAsync({
  inject: ['CONFIG'],
  useFactory: async (config) => ({ contract, port: config.port as number }),
});
// @ts-expect-error: a factory gives the options of a client
export const wrongFactory = CmdStreamModule.registerAsync({ useFactory: (port: boolean) => ({ contract, port }) });
export const literalsOfFactory = CmdStreamModule.registerAsync({
  isGlobal: true,
  useFactory: async (port: number) => ({ contract, port, dispatchStrategy: 'round-robin', queue: false }),
});
export const unionOfFactory = CmdStreamModule.registerAsync({
  useFactory: (near: boolean) => (near ? { contract, port: 3000 } : { contract, servers: [{ host: 'a', port: 1 }] }),
});
export const anyOfFactory = CmdStreamModule.registerAsync({
  useFactory: (config) => config.get('calc'),
});
const otherContract = defineContract({ commands: [AddCmd], results: [CalcResult] });
const several: CmdStreamClientAsyncOptions[] = [{ name: 'A', useFactory: () => ({ contract }) }];
export const listsOfFactories = [
  CmdStreamModule.registerAsync([
    { name: 'A', useFactory: () => ({ contract, tls: { ca: ['a', 'b'] } }) },
    { name: 'B', useFactory: async () => ({ contract: otherContract, servers: [{ host: 'a', port: 1 }] }) },
    { name: 'C', useExisting: 'CONFIG' },
  ]),
  CmdStreamModule.registerAsync({
    isGlobal: true,
    clients: [
      { name: 'A', useFactory: () => ({ contract }) },
      { name: 'B', useFactory: () => ({ contract: otherContract, keepalive: false }) },
    ],
  }),
  CmdStreamModule.registerAsync(several),
  CmdStreamModule.registerAsync({ clients: several }),
];
// @ts-expect-error: an option that does not exist
export const misspeltInFactory = CmdStreamModule.registerAsync({ useFactory: () => ({ contract, prot: 3000 }) });
// @ts-expect-error: also later
export const misspeltLater = CmdStreamModule.registerAsync({ useFactory: async () => ({ contract, prot: 3000 }) });
// @ts-expect-error: it stands beside useFactory
export const nameInFactory = CmdStreamModule.registerAsync({ useFactory: () => ({ contract, name: 'CALC' }) });
// @ts-expect-error: so does this
export const globalInFactory = CmdStreamModule.registerAsync({ useFactory: () => ({ contract, isGlobal: true }) });
export const misspeltInList = CmdStreamModule.registerAsync([
  { name: 'A', useFactory: () => ({ contract }) },
  // @ts-expect-error: an option that does not exist
  { name: 'B', useFactory: () => ({ contract, prot: 3000 }) },
]);
// @ts-expect-error: an option that does not exist
export const misspeltInClients = CmdStreamModule.registerAsync({
  clients: [{ name: 'B', useFactory: () => ({ contract, prot: 3000 }) }],
});
// @ts-expect-error: there is no such source
export const misspeltFactory = CmdStreamModule.registerAsync({ usFactory: () => ({ contract }) });
// @ts-expect-error: all modules know all clients of a list, or none
export const globalInList = CmdStreamModule.registerAsync([{ useFactory: () => ({ contract }), isGlobal: true }]);
export const fromEnvironment = CmdStreamModule.register([{ name: 'CALC', contract, port: '3000' }]);
// @ts-expect-error: a port is a number, or its digits
export const untypedOption = CmdStreamModule.register([{ name: 'CALC', contract, port: true }]);
