// The door "nestjs-cmd-stream/testing": what tests of an application need beside it; it names no test runner.
export { expectAppendOnly } from './contract/append-only.js';
export type { ContractLock } from './contract/contract.js';
export type { LockedType } from './contract/type-table.js';
export { commandContext } from './testing/command-context.js';
export { MemoryTransport } from './testing/memory-transport.js';
export {
  ScriptedServer,
  type PatternAnswer,
  type ScriptedAnswer,
  type ScriptedMessage,
  type ScriptedServerOptions,
} from './testing/scripted-server.js';
