// The door "nestjs-cmd-stream": everything a Nest application needs.
export { CmdStreamError, errorMeanings, type CmdStreamErrorOptions, type ErrorCode } from './errors.js';
export {
  Command,
  Result,
  type AnyCommand,
  type Answered,
  type CommandEntry,
  type Outcome,
  type ResultOf,
} from './codec/command.js';
export type { CommandContext } from './codec/command-context.js';
export { defineContract, type Contract, type ContractDefinition } from './codec/contract.js';
export type { ContractType, TypeClass, TypeEntry, TypeTable } from './codec/type-table.js';
export type { Codec, CodecFactory } from './codec/codec.js';
export { jsonCodec } from './codec/json-codec.js';
export type { JsonCodecOptions } from './codec/json-codec-options.js';
export type { ByteReader } from './wire/byte-reader.js';
export type { ByteWriter } from './wire/byte-writer.js';
export type { Seq } from './wire/frame.js';
export type { ConnectionOptions } from './connection/connection-options.js';
export type {
  CircuitBreaker,
  CircuitBreakerFactory,
  CircuitBreakerState,
  CircuitPermit,
} from './client/circuit-breaker.js';
export type { CommandClient } from './client/command-client.js';
export type { CommandClientOptions, ConnectionFactory, UnexpectedResult } from './client/client-options.js';
export type { ClientStatus, ClientStatusChange } from './client/group-status.js';
export type { ConnectionPing } from './client/connection-ping.js';
export type { ServerState } from './client/group-server.js';
export { leastPending, roundRobin, type ConnectionChoice, type DispatchStrategy } from './client/dispatch-strategy.js';
export type { ReconnectOptions } from './client/reconnect-options.js';
export type { RetryOptions } from './client/retry-options.js';
export type { SentCommand } from './client/call-end.js';
export type { ReceivedResult, SendHooks, SendHooksFactory } from './client/send-hooks.js';
export type { ServerAddress } from './connection/dial.js';
export type { KeepaliveOptions } from './connection/keepalive-options.js';
export { isFailure } from './client/failure.js';
export type { CallOptions } from './client/pending-call.js';
export type { CommandServer } from './server/command-server.js';
export type { CloseOptions, LostConnection, PlainErrorMapper, ServerOptions } from './server/server-options.js';
export {
  CMD_STREAM,
  CmdStreamServer,
  type CmdStreamServerEvents,
  type CmdStreamServerStatus,
} from './nest/cmd-stream-server.js';
export type { CmdStreamServerOptions } from './nest/cmd-stream-server-options.js';
export { CmdStreamClient, type CmdStreamClientEvents } from './nest/cmd-stream-client.js';
export type { CmdStreamClientOptions } from './nest/cmd-stream-client-options.js';
export { CmdStreamExceptionFilter, type HttpErrorPayload } from './nest/cmd-stream-exception.filter.js';
export type { CmdStreamExceptionFilterOptions } from './nest/cmd-stream-exception-filter-options.js';
export { CmdStreamSerializerInterceptor } from './nest/cmd-stream-serializer.interceptor.js';
export { CmdStreamRecord, CmdStreamRecordBuilder } from './nest/cmd-stream-record.js';
export { CommandValidationPipe, type CommandValidationPipeOptions } from './nest/command-validation.pipe.js';
export { enableGracefulShutdown, type GracefulShutdownOptions } from './nest/graceful-shutdown.js';
export { CmdStreamContext } from './nest/cmd-stream.context.js';
export {
  CmdStreamModule,
  getCmdStreamClientToken,
  InjectCmdStreamClient,
  type CmdStreamClientAsyncOptions,
  type CmdStreamClientModuleOptions,
  type CmdStreamModuleExtras,
  type CmdStreamOptionsFactory,
} from './nest/cmd-stream.module.js';
export { CommandHandler, type HandlerReturn } from './nest/command-handler.decorator.js';
export { liftIterable } from './nest/lifted-iterable.js';
export { Invoker, type ExecutableCommand } from './nest/invoker.mixin.js';
