// The codes of errors: what each means, in one line, and its kind, which says what to do about it. docs/error-codes.md,
// and the comments that an editor shows, are held against errorMeanings by a test.

/**
 * What can go wrong, by the codes of {@link CmdStreamError}. A code never changes its meaning.
 *
 * @publicApi
 */
export const CmdStreamErrorCode = Object.freeze({
  // setup: a mistake in the program or its configuration, at either end: mend it
  /** An option is unknown, has the wrong type or is out of range. */
  INVALID_OPTION: 'INVALID_OPTION',
  /** A contract lists nothing, a type twice or something that is no type, or `new Class()` fails. */
  INVALID_CONTRACT: 'INVALID_CONTRACT',
  /** A handler or Invoker does not fit the contract. Only servers report it. */
  INVALID_HANDLER: 'INVALID_HANDLER',
  /** The server cannot listen at its address. Only servers report it. */
  LISTEN_FAILED: 'LISTEN_FAILED',
  /** The Command's class is not in the contract's `commands`. */
  COMMAND_NOT_IN_CONTRACT: 'COMMAND_NOT_IN_CONTRACT',
  /** The Result's class is not in the contract's `results`. */
  RESULT_NOT_IN_CONTRACT: 'RESULT_NOT_IN_CONTRACT',
  /** No handler is registered for the Command. */
  NO_HANDLER: 'NO_HANDLER',
  /** The handler of a `Command`, which has one Result, gave none. */
  NO_RESULT: 'NO_RESULT',
  /** An `execute` is for a stream, or got several Results, or one whose `lastOne()` is false. */
  MULTIPLE_RESULTS: 'MULTIPLE_RESULTS',
  /** A handler goes on, or a stream would, after the last Result that a plain peer takes. Only servers report it. */
  RESULT_AFTER_LAST: 'RESULT_AFTER_LAST',
  /** The two sides' contracts list different types at the same position. */
  CONTRACT_MISMATCH: 'CONTRACT_MISMATCH',
  /** The server introduced itself with another `serverInfo`. */
  SERVER_INFO_MISMATCH: 'SERVER_INFO_MISMATCH',
  /** A `serverInfo` is longer than 1024 bytes. */
  SERVER_INFO_TOO_LARGE: 'SERVER_INFO_TOO_LARGE',
  /** Metadata, patterns, the end of a VoidCommand and `extension: "require"` need a peer of this package. */
  EXTENSION_UNAVAILABLE: 'EXTENSION_UNAVAILABLE',
  // value: a value, or what a peer sent, cannot be written or read: mend the value or the limit
  /** A value cannot be written by the codec. */
  ENCODE_FAILED: 'ENCODE_FAILED',
  /** A frame is larger than `maxCommandBytes` or `maxResultBytes` allows, or its body than `maxBytes`. */
  FRAME_TOO_LARGE: 'FRAME_TOO_LARGE',
  /** A varint has more bytes or bits than its width allows. */
  VARINT_OVERFLOW: 'VARINT_OVERFLOW',
  /** A length is negative. */
  NEGATIVE_LENGTH: 'NEGATIVE_LENGTH',
  /** An integer would be rounded by a number, and the receiver did not ask for bigint. */
  UNSAFE_INTEGER: 'UNSAFE_INTEGER',
  /** A type number is not in the contract. */
  UNKNOWN_TYPE: 'UNKNOWN_TYPE',
  /** The body of a frame cannot be decoded. */
  BAD_PAYLOAD: 'BAD_PAYLOAD',
  /** A JSON body exceeds `maxDepth`, `maxTokens`, `maxKeysPerObject` or `maxComplexity`. */
  JSON_LIMIT: 'JSON_LIMIT',
  /** The peer broke the protocol. */
  PROTOCOL_ERROR: 'PROTOCOL_ERROR',
  // connection: there is no connection, or it has ended
  /** No connection could be opened. */
  CONNECT_FAILED: 'CONNECT_FAILED',
  /** TCP, TLS and ServerInfo together took longer than `connectTimeoutMs`. */
  CONNECT_TIMEOUT: 'CONNECT_TIMEOUT',
  /** A client did not finish its TLS handshake within `handshakeTimeoutMs`. Only servers report it. */
  HANDSHAKE_TIMEOUT: 'HANDSHAKE_TIMEOUT',
  /** The TLS handshake failed. */
  TLS_ERROR: 'TLS_ERROR',
  /** The connection ended before the Command was answered. */
  CONNECTION_LOST: 'CONNECTION_LOST',
  /** The peer ended the connection. */
  PEER_CLOSED: 'PEER_CLOSED',
  /** The peer or the network reset the connection. */
  PEER_RESET: 'PEER_RESET',
  /** The peer sent neither a pong nor anything else within `keepalive.timeoutMs`. */
  KEEPALIVE_TIMEOUT: 'KEEPALIVE_TIMEOUT',
  /** A frame was begun and not finished within `frameTimeoutMs`. */
  FRAME_TIMEOUT: 'FRAME_TIMEOUT',
  /** No whole Command or ping arrived within `receiveTimeoutMs`. Only servers report it. */
  RECEIVE_TIMEOUT: 'RECEIVE_TIMEOUT',
  /** Nothing was running, sent or received on the connection for `idleTimeoutMs`. Only servers report it. */
  IDLE_TIMEOUT: 'IDLE_TIMEOUT',
  /** The peer took no bytes for `writeStallTimeoutMs`. */
  WRITE_STALL_TIMEOUT: 'WRITE_STALL_TIMEOUT',
  /**
   * More waits for a peer that does not read than `maxSendBufferBytes` and `maxStreamBufferBytes`. Only servers report
   * it.
   */
  SEND_BUFFER_FULL: 'SEND_BUFFER_FULL',
  /** The server holds `maxBufferedBytes`, the most of it for this connection. Only servers report it. */
  MEMORY_PRESSURE: 'MEMORY_PRESSURE',
  /** More than `maxPingsPerSecond` pings came within a second. Only servers report it. */
  PING_FLOOD: 'PING_FLOOD',
  /** More than `maxControlFramesPerSecond` control frames came within a second. Only servers report it. */
  TOO_MANY_CONTROL_FRAMES: 'TOO_MANY_CONTROL_FRAMES',
  /**
   * The server already has `maxConnections` connections, or `maxConnectionsPerAddress` of the same address. Only
   * servers report it.
   */
  MAX_CONNECTIONS: 'MAX_CONNECTIONS',
  /** The system could not give the server a connection; it goes on listening. Only servers report it. */
  ACCEPT_FAILED: 'ACCEPT_FAILED',
  /** No client connected within `firstConnectionTimeoutMs`. Only servers report it. */
  FIRST_CONNECTION_TIMEOUT: 'FIRST_CONNECTION_TIMEOUT',
  /** This side was closed by its application. */
  CLOSED: 'CLOSED',
  /** The server is shutting down. */
  SHUTDOWN: 'SHUTDOWN',
  // call: one call, or one Command, ends without its answer
  /** The call was not answered within its time limit. */
  TIMEOUT: 'TIMEOUT',
  /** The caller cancelled the call. */
  CANCELLED: 'CANCELLED',
  /** The reason of a signal: the Command was answered, or needed no answer, and is over. Only servers report it. */
  ANSWERED: 'ANSWERED',
  /** The function of the option `metadata` of a client failed. */
  METADATA_FAILED: 'METADATA_FAILED',
  /** More than `queue.maxCommands` or `maxQueuedBytes` wait to be sent, or 65,536 for an answer. */
  QUEUE_FULL: 'QUEUE_FULL',
  /** Every server that could be called has a circuit breaker that lets none through. */
  CIRCUIT_OPEN: 'CIRCUIT_OPEN',
  /** More waits to be taken than `maxStreamBufferBytes` of the client or server allows. */
  SLOW_CONSUMER: 'SLOW_CONSUMER',
  /** A handler failed and the peer knows no error reply. Only servers report it. */
  HANDLER_ERROR: 'HANDLER_ERROR',
  // remote: the server answered that it has failed
  /** The handler failed; `payload` is what the server sent about it. */
  REMOTE: 'REMOTE',
  /** The handler failed with an error that is not shown to clients. */
  INTERNAL: 'INTERNAL',
  /** The server runs as many Commands as it may, or holds as many bytes. */
  OVERLOADED: 'OVERLOADED',
});

/** @publicApi */
export type CmdStreamErrorCode = keyof typeof CmdStreamErrorCode;

/**
 * What each {@link CmdStreamErrorCode} means, as text.
 *
 * @publicApi
 */
export const errorMeanings: Readonly<Record<CmdStreamErrorCode, string>> = Object.freeze({
  INVALID_OPTION: 'an option is unknown, has the wrong type or is out of range',
  INVALID_CONTRACT: 'a contract lists nothing, a type twice or something that is no type, or `new Class()` fails',
  INVALID_HANDLER: 'a handler or Invoker does not fit the contract',
  LISTEN_FAILED: 'the server cannot listen at its address',
  COMMAND_NOT_IN_CONTRACT: "the Command's class is not in the contract's `commands`",
  RESULT_NOT_IN_CONTRACT: "the Result's class is not in the contract's `results`",
  NO_HANDLER: 'no handler is registered for the Command',
  NO_RESULT: 'the handler of a `Command`, which has one Result, gave none',
  MULTIPLE_RESULTS: 'an `execute` is for a stream, or got several Results, or one whose `lastOne()` is false',
  RESULT_AFTER_LAST: 'a handler goes on, or a stream would, after the last Result that a plain peer takes',
  CONTRACT_MISMATCH: "the two sides' contracts list different types at the same position",
  SERVER_INFO_MISMATCH: 'the server introduced itself with another `serverInfo`',
  SERVER_INFO_TOO_LARGE: 'a `serverInfo` is longer than 1024 bytes',
  EXTENSION_UNAVAILABLE:
    'metadata, patterns, the end of a VoidCommand and `extension: "require"` need a peer of this package',
  ENCODE_FAILED: 'a value cannot be written by the codec',
  FRAME_TOO_LARGE: 'a frame is larger than `maxCommandBytes` or `maxResultBytes` allows, or its body than `maxBytes`',
  VARINT_OVERFLOW: 'a varint has more bytes or bits than its width allows',
  NEGATIVE_LENGTH: 'a length is negative',
  UNSAFE_INTEGER: 'an integer would be rounded by a number, and the receiver did not ask for bigint',
  UNKNOWN_TYPE: 'a type number is not in the contract',
  BAD_PAYLOAD: 'the body of a frame cannot be decoded',
  JSON_LIMIT: 'a JSON body exceeds `maxDepth`, `maxTokens`, `maxKeysPerObject` or `maxComplexity`',
  PROTOCOL_ERROR: 'the peer broke the protocol',
  CONNECT_FAILED: 'no connection could be opened',
  CONNECT_TIMEOUT: 'TCP, TLS and ServerInfo together took longer than `connectTimeoutMs`',
  HANDSHAKE_TIMEOUT: 'a client did not finish its TLS handshake within `handshakeTimeoutMs`',
  TLS_ERROR: 'the TLS handshake failed',
  CONNECTION_LOST: 'the connection ended before the Command was answered',
  PEER_CLOSED: 'the peer ended the connection',
  PEER_RESET: 'the peer or the network reset the connection',
  KEEPALIVE_TIMEOUT: 'the peer sent neither a pong nor anything else within `keepalive.timeoutMs`',
  FRAME_TIMEOUT: 'a frame was begun and not finished within `frameTimeoutMs`',
  RECEIVE_TIMEOUT: 'no whole Command or ping arrived within `receiveTimeoutMs`',
  IDLE_TIMEOUT: 'nothing was running, sent or received on the connection for `idleTimeoutMs`',
  WRITE_STALL_TIMEOUT: 'the peer took no bytes for `writeStallTimeoutMs`',
  SEND_BUFFER_FULL: 'more waits for a peer that does not read than `maxSendBufferBytes` and `maxStreamBufferBytes`',
  MEMORY_PRESSURE: 'the server holds `maxBufferedBytes`, the most of it for this connection',
  PING_FLOOD: 'more than `maxPingsPerSecond` pings came within a second',
  TOO_MANY_CONTROL_FRAMES: 'more than `maxControlFramesPerSecond` control frames came within a second',
  MAX_CONNECTIONS:
    'the server already has `maxConnections` connections, or `maxConnectionsPerAddress` of the same address',
  ACCEPT_FAILED: 'the system could not give the server a connection; it goes on listening',
  FIRST_CONNECTION_TIMEOUT: 'no client connected within `firstConnectionTimeoutMs`',
  CLOSED: 'this side was closed by its application',
  SHUTDOWN: 'the server is shutting down',
  TIMEOUT: 'the call was not answered within its time limit',
  CANCELLED: 'the caller cancelled the call',
  ANSWERED: 'the reason of a signal: the Command was answered, or needed no answer, and is over',
  METADATA_FAILED: 'the function of the option `metadata` of a client failed',
  QUEUE_FULL: 'more than `queue.maxCommands` or `maxQueuedBytes` wait to be sent, or 65,536 for an answer',
  CIRCUIT_OPEN: 'every server that could be called has a circuit breaker that lets none through',
  SLOW_CONSUMER: 'more waits to be taken than `maxStreamBufferBytes` of the client or server allows',
  HANDLER_ERROR: 'a handler failed and the peer knows no error reply',
  REMOTE: 'the handler failed; `payload` is what the server sent about it',
  INTERNAL: 'the handler failed with an error that is not shown to clients',
  OVERLOADED: 'the server runs as many Commands as it may, or holds as many bytes',
});

/**
 * What to do about an error: `setup`, mend the program or its configuration; `value`, mend the value or a limit;
 * `connection`, wait or look at the network; `call`, look at the call's own options; `remote`, read what the server
 * answered.
 *
 * @publicApi
 */
export type CmdStreamErrorKind = 'setup' | 'value' | 'connection' | 'call' | 'remote';

export const errorKinds: Readonly<Record<CmdStreamErrorCode, CmdStreamErrorKind>> = Object.freeze({
  INVALID_OPTION: 'setup',
  INVALID_CONTRACT: 'setup',
  INVALID_HANDLER: 'setup',
  LISTEN_FAILED: 'setup',
  COMMAND_NOT_IN_CONTRACT: 'setup',
  RESULT_NOT_IN_CONTRACT: 'setup',
  NO_HANDLER: 'setup',
  NO_RESULT: 'setup',
  MULTIPLE_RESULTS: 'setup',
  RESULT_AFTER_LAST: 'setup',
  CONTRACT_MISMATCH: 'setup',
  SERVER_INFO_MISMATCH: 'setup',
  SERVER_INFO_TOO_LARGE: 'setup',
  EXTENSION_UNAVAILABLE: 'setup',
  ENCODE_FAILED: 'value',
  FRAME_TOO_LARGE: 'value',
  VARINT_OVERFLOW: 'value',
  NEGATIVE_LENGTH: 'value',
  UNSAFE_INTEGER: 'value',
  UNKNOWN_TYPE: 'value',
  BAD_PAYLOAD: 'value',
  JSON_LIMIT: 'value',
  PROTOCOL_ERROR: 'value',
  CONNECT_FAILED: 'connection',
  CONNECT_TIMEOUT: 'connection',
  HANDSHAKE_TIMEOUT: 'connection',
  TLS_ERROR: 'connection',
  CONNECTION_LOST: 'connection',
  PEER_CLOSED: 'connection',
  PEER_RESET: 'connection',
  KEEPALIVE_TIMEOUT: 'connection',
  FRAME_TIMEOUT: 'connection',
  RECEIVE_TIMEOUT: 'connection',
  IDLE_TIMEOUT: 'connection',
  WRITE_STALL_TIMEOUT: 'connection',
  SEND_BUFFER_FULL: 'connection',
  MEMORY_PRESSURE: 'connection',
  PING_FLOOD: 'connection',
  TOO_MANY_CONTROL_FRAMES: 'connection',
  MAX_CONNECTIONS: 'connection',
  ACCEPT_FAILED: 'connection',
  FIRST_CONNECTION_TIMEOUT: 'connection',
  CLOSED: 'connection',
  SHUTDOWN: 'connection',
  TIMEOUT: 'call',
  CANCELLED: 'call',
  ANSWERED: 'call',
  METADATA_FAILED: 'call',
  QUEUE_FULL: 'call',
  CIRCUIT_OPEN: 'call',
  SLOW_CONSUMER: 'call',
  HANDLER_ERROR: 'call',
  REMOTE: 'remote',
  INTERNAL: 'remote',
  OVERLOADED: 'remote',
});

export function isErrorCode(code: unknown): code is CmdStreamErrorCode {
  return typeof code === 'string' && Object.hasOwn(CmdStreamErrorCode, code);
}
