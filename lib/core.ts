// The door "nestjs-cmd-stream/core": contracts, client and server without Nest and rxjs.
export { CmdStreamError, errorMeanings, type CmdStreamErrorOptions, type ErrorCode } from './errors.js';
export type { CommandContext } from './codec/command-context.js';
export {
  Command,
  Result,
  type AnyCommand,
  type Answered,
  type CommandEntry,
  type Outcome,
  type ResultOf,
} from './codec/command.js';
export { defineContract, type Contract, type ContractDefinition } from './codec/contract.js';
export type { ContractType, TypeClass, TypeEntry, TypeTable } from './codec/type-table.js';
export type { Codec, CodecFactory } from './codec/codec.js';
export { jsonCodec } from './codec/json-codec.js';
export type { JsonCodecOptions } from './codec/json-codec-options.js';
export type { ByteReader } from './wire/byte-reader.js';
export type { ByteWriter } from './wire/byte-writer.js';
export type { Seq } from './wire/frame.js';
export type { ConnectionOptions } from './connection/connection-options.js';
export { CommandClient } from './client/command-client.js';
export type { CommandClientOptions, UnexpectedResult } from './client/client-options.js';
export type { LinkStatus } from './client/link.js';
export type { Call, CallOptions, CommandSink } from './client/pending-call.js';
export { CommandServer } from './server/command-server.js';
export { ExecInvoker } from './server/exec-invoker.js';
export type { Invoker, ResultSink } from './server/invoker.js';
export type { CommandServerOptions, LostConnection, PlainErrorMapper, ServerOptions } from './server/server-options.js';
