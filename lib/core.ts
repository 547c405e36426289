// The door "nestjs-cmd-stream/core": contracts, client and server without Nest and rxjs.
export { CmdStreamErrorCode, errorMeanings, type CmdStreamErrorKind } from './error-codes.js';
export {
  CmdStreamError,
  isCmdStreamError,
  isRemoteError,
  type CmdStreamErrorOptions,
  type RemoteError,
} from './errors.js';
export { grpcStatusOf, httpStatusOf } from './error-status.js';
export type { AlternativeNames, CommandContext, ConnectionAddresses, PeerIdentity } from './contract/command.js';
export {
  Command,
  Result,
  StreamCommand,
  VoidCommand,
  type AnyCommand,
  type Answered,
  type CountedCommand,
  type CommandEntry,
  type HandlerResult,
  type ManyResults,
  type NoResult,
  type OneResult,
  type ResultCount,
  type ResultOf,
  type SingleCommand,
  type ExecutedCommand,
} from './contract/command.js';
export {
  defineContract,
  mergeContracts,
  type CommandOf,
  type CommandType,
  type Contract,
  type ContractDefinition,
  type ContractList,
  type ContractLock,
  type NumberedTypes,
  type ResultType,
  type ValueOf,
} from './contract/contract.js';
export { traceCommand, type TraceCommand, type TraceCommandClass } from './contract/trace-command.js';
export { commandType, resultType, type CommandTypeOptions, type ResultTypeOptions } from './contract/command-type.js';
export type { ContractType, ListedType, LockedType, TypeClass, TypeEntry, TypeList } from './contract/type-table.js';
export { reserved, type Reserved } from './contract/type-numbers.js';
export type { FittingMethods, HandlersOf, MethodCommand, ServiceMethods } from './contract/service-methods.js';
export type { Codec, CodecFactory } from './codec/codec.js';
export { jsonCodec } from './codec/json/json-codec.js';
export type { JsonCodecOptions } from './codec/json/json-codec-options.js';
export type { PayloadReader, PayloadWriter } from './wire/payload.js';
export type { Seq } from './wire/frame.js';
export type { CmdStreamConnectionOptions } from './connection/connection-options.js';
export type {
  CircuitBreaker,
  CircuitBreakerFactory,
  CircuitBreakerState,
  CircuitPermit,
} from './client/circuit-breaker.js';
export { CommandClient } from './client/command-client.js';
export type { CommandClientOptions, ConnectionFactory, UnexpectedResult } from './client/client-options.js';
export type { ClientMetadataFactory } from './client/client-metadata.js';
export type { GivenAddress } from './client/server-addresses.js';
export type { ClientStatus, ClientStatusChange } from './client/group/group-server.js';
export type { ConnectionPing } from './client/group/connection-ping.js';
export type { ServerState } from './client/group/group-server.js';
export {
  leastPending,
  roundRobin,
  type ConnectionChoice,
  type DispatchStrategy,
} from './client/group/connection-picker.js';
export type { ReconnectOptions } from './client/group/backoff.js';
export type { QueueOptions, RetryOptions } from './client/group/waiting-room.js';
export type {
  CallObserver,
  CallOutcome,
  ClientObserver,
  CommandObserver,
  CommandOutcome,
  CircuitChange,
  ConnectionChange,
  HostLookedUp,
  Instrumentation,
  Losses,
  ObservedClient,
  ObservedCommand,
  ObservedConnections,
  ObservedServer,
  SentCommand,
  ServerObserver,
  StartedCall,
  StartedCommand,
  Traffic,
} from './instrumentation/instrumentation.js';
export type { CallMessage, CommandMessage, ConnectionMessage } from './instrumentation/channels.js';
export type { ReceivedResult, SendHooks, SendHooksFactory } from './client/send-hooks.js';
export type { ServerAddress } from './connection/dial.js';
export type { KeepaliveOptions } from './connection/keepalive.js';
export { isFailure } from './client/failure.js';
export type { Call, CallOptions, CommandSink } from './client/call/client-call.js';
export { serviceOf, type ServiceClient, type ServiceOf } from './client/service.js';
export { CommandServer, type ServerStatusListener } from './server/command-server.js';
export { ExecInvoker } from './server/exec-invoker.js';
export type { CommandInvoker, ResultSink } from './server/invoker.js';
export type {
  CloseOptions,
  ListenTarget,
  CommandServerOptions,
  PlainErrorMapper,
  CmdStreamBaseServerOptions,
  ServerStatus,
} from './server/server-options.js';
export type { TlsFilesOptions, TlsReloadOptions } from './server/server-tls.js';
export type { ClientTlsReloadOptions } from './connection/tls-options.js';
export type { ClientTlsFilesOptions } from './connection/tls-files.js';
// What the signatures above name as well.
export type { SubscribableLike } from './contract/command.js';
export type { CodecLayouts } from './codec/codec.js';
export type { DataLimits } from './codec/json/json-codec-options.js';
export type { Metadata } from './wire/control-frame.js';
export type { ConnectionStatus } from './client/group/group-connection.js';
