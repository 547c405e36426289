// The door "nestjs-cmd-stream/testing": what tests of an application ask of its contract; it names no test runner.
export { expectAppendOnly } from './contract/append-only.js';
export type { ContractLock } from './contract/contract.js';
export type { LockedType } from './contract/type-table.js';
