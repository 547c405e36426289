// `cmd-stream listen`: a server that prints what comes in, and answers with what it was given: for debugging.
import type { CommandContext } from '../contract/command.js';
import { PatternMessage } from '../codec/pattern-message.js';
import { CmdStreamError, isCmdStreamError } from '../errors.js';
import { CommandServer } from '../server/command-server.js';
import type { ResultSink } from '../server/invoker.js';
import type { CommandServerOptions } from '../server/server-options.js';
import { addressIn, checkJson, UsageError, type Arguments, type Usage } from './arguments.js';
import { callFlags, fileIn, helpFlags } from './calls.js';
import { loadContract } from './contract-file.js';
import { failureText } from './failures.js';
import { exitCodes, type Terminal } from './terminal.js';
import {
  lastRuleOf,
  listOf,
  numberOfType,
  oneLine,
  textCodec,
  TextCommand,
  textContract,
  TextResult,
  type TextContract,
} from './text-codec.js';

export const listenUsage: Usage = {
  name: 'listen',
  operands: '[address]',
  fewest: 0,
  most: 1,
  summary: 'a server that prints what comes in, and answers as you say',
  about: [
    'Serves any Command, message and event, for debugging: each is one line of JSON on stdout, and is answered with ' +
      'the Results of --result, in their order. What happens to connections is said on stderr. Without --result a peer ' +
      'of nestjs-cmd-stream gets the end without a Result, and a plain one no answer, as there is none for it.',
    '[address] is host:port (default: localhost:3000), a port of this machine, 0 for one that the system chooses, or ' +
      'the path of a Unix domain socket.',
  ],
  flags: {
    result: {
      short: 'r',
      value: '<type:json>',
      isList: true,
      text: 'a Result: its type number, or its class with --contract, and its body; the type is 0 if left out; may be given again',
    },
    error: { value: '<json>', text: 'fail with this payload behind the Results; the connection of a plain peer ends' },
    delay: { value: '<time>', text: 'wait so long before each Result and the end' },
    count: { short: 'c', value: '<number>', text: 'end behind so many, whether they are answered or fail' },
    contract: callFlags['contract']!,
    export: callFlags['export']!,
    plain: { text: 'be a plain server, without the extension' },
    'server-info': { value: '<text>', text: 'greeting (default: default)' },
    cert: { value: '<file>', text: 'certificate, PEM: the server speaks TLS; with --key' },
    key: { value: '<file>', text: 'its private key, PEM' },
    ca: { value: '<file>', text: 'let in clients with a certificate of this CA only' },
    quiet: { short: 'q', text: 'say nothing about connections' },
    ...helpFlags,
  },
  examples: [
    ['cmd-stream listen 9000', 'print what any client sends'],
    ['cmd-stream listen 9000 -r \'0:{"value":5}\'', 'answer each Command with the Result of type number 0'],
    ['cmd-stream listen 9000 -r \'1:{"I":0}\' -r \'1:{"I":1,"Last":true}\' --delay 1s', 'a stream of two, slowly'],
    [
      'cmd-stream listen 9000 -r \'CalcResult:{"value":5}\' --contract dist/calc.contract.js',
      'by the name of the class',
    ],
    ['cmd-stream listen 9000 --error \'{"statusCode":404}\'', 'fail, to see what a client makes of it'],
    ['cmd-stream listen 9000 -q | jq -c .body', 'the bodies alone'],
  ],
  exit: 'Exit code: 0 when it was ended by Ctrl-C, SIGTERM or --count, 1 when it could not listen, 2 when it was called wrongly.',
};

interface Answer {
  readonly results: readonly { readonly number: number; readonly text: string }[];
  readonly error: string | undefined;
  readonly delayMs: number;
  /**
   * Where the peer knows the extension: a Result that looks like the last one and is not is marked for it. False of one
   * that is the only one and does not look so: the end follows it.
   */
  readonly looksLast: boolean;
}

export async function runListen(args: Arguments, terminal: Terminal): Promise<number> {
  const file = args.text('contract');
  const contract = textContract(
    'server',
    file === undefined ? undefined : await loadContract(file, args.text('export')),
  );
  const error = args.text('error');
  const results = args.texts('result').map((given) => resultIn(given, contract));
  const answer: Answer = {
    results,
    looksLast: results.length !== 1 || file === undefined || isLastOf(contract, results[0]!),
    error: error === undefined ? undefined : checkJson(error, '--error'),
    delayMs: args.timeMs('delay', 0),
  };
  const most = args.number('count', Number.POSITIVE_INFINITY, 1, Number.MAX_SAFE_INTEGER);
  const counts = { commands: 0, connections: 0 };
  return new Promise((resolve, reject) => {
    const server = serverOf(args, contract, terminal, counts, async (command, context, sink) => {
      const isLast = ++counts.commands >= most;
      try {
        await terminal.print(lineOf(command, context, contract));
        await give(answer, command, sink, contract, terminal);
      } finally {
        if (isLast) setImmediate(end);
      }
      // A plain peer knows no end without a Result: ending it here would end the connection.
      if (answer.results.length === 0 && isPlain(sink)) await isGone(context.signal);
    });
    let isEnding = false;
    const end = (): void => {
      if (isEnding) return;
      isEnding = true;
      const { commands, connections } = counts;
      void server.close().then(() => {
        if (!args.has('quiet')) terminal.note(`cmd-stream: ${commands} received on ${connections} connections`);
        resolve(terminal.stoppedBy === 'ERROR' ? exitCodes.ERROR : 0);
      });
    };
    terminal.signal.addEventListener('abort', end, { once: true });
    server.listen().then(({ address, port }) => {
      const where = port === 0 ? address : `${address.includes(':') ? `[${address}]` : address}:${port}`;
      terminal.note(`cmd-stream: listening on ${where}`);
      if (terminal.signal.aborted) end();
    }, reject);
  });
}

type Invoke = (command: unknown, context: CommandContext, sink: ResultSink) => Promise<void>;

function serverOf(
  args: Arguments,
  contract: TextContract,
  terminal: Terminal,
  counts: { connections: number },
  invoke: Invoke,
): CommandServer {
  const say = (line: string): void => {
    if (!args.has('quiet')) terminal.note(`cmd-stream: ${line}`);
  };
  const address = addressIn(args.operands[0] ?? 'localhost:3000', 0);
  const peerOf = ({
    remoteAddress,
    remotePort,
  }: {
    remoteAddress?: string | undefined;
    remotePort?: number | undefined;
  }) => (remoteAddress === undefined ? 'a client' : `${remoteAddress}:${remotePort}`);
  const options: CommandServerOptions = {
    ...('path' in address ? { listenOn: address } : address),
    ...tlsOf(args),
    contract,
    codec: textCodec(contract, () => true),
    extension: !args.has('plain'),
    serverInfo: args.text('server-info'),
    gracePeriodMs: 2_000,
    invoker: { invoke },
    onConnection: (connection) => {
      counts.connections++;
      say(`${peerOf(connection)} has connected`);
    },
    onDisconnect: (connection, cause) => say(`${peerOf(connection)} is gone: ${failureText(cause)}`),
    onConnectionRefused: (client, cause) => say(`${peerOf(client)} was refused: ${failureText(cause)}`),
    onError: (failure) => say(failureText(failure)),
  };
  try {
    return new CommandServer(options);
  } catch (error) {
    throw isCmdStreamError(error) && error.kind === 'setup' ? new UsageError(error.message) : error;
  }
}

function tlsOf(args: Arguments): Pick<CommandServerOptions, 'tls'> {
  const [cert, key, ca] = [fileIn(args, 'cert'), fileIn(args, 'key'), fileIn(args, 'ca')];
  if (cert === undefined && key === undefined && ca === undefined) return {};
  if (cert === undefined || key === undefined) throw new UsageError('TLS needs --cert and --key');
  return { tls: { cert, key, ...(ca && { ca, requestCert: true, rejectUnauthorized: true }) } };
}

function resultIn(given: string, { results }: TextContract): { number: number; text: string } {
  const [, type, text = given] = /^([A-Za-z_$][\w$.]*|\d+):(.*)$/s.exec(given) ?? [];
  const json = checkJson(text, `--result ${given}`);
  if (results.types.length === 0) {
    if (type === undefined) return { number: 0, text: json };
    throw new UsageError(`--result ${given}: the contract has no Results, but JSON values: leave the type out`);
  }
  const number = numberOfType(type ?? '0', results);
  if (number !== undefined) return { number, text: json };
  const known = listOf(results);
  const what = known === '' ? 'a type number, unless --contract is given' : `one of the contract: ${known}`;
  throw new UsageError(`--result ${given}: its type must be ${what}`);
}

/** As its class says, unless the body is none that it can read, perhaps on purpose. */
function isLastOf(contract: TextContract, { number, text }: Answer['results'][number]): boolean {
  try {
    return lastRuleOf(contract)(number, text);
  } catch {
    return true;
  }
}

/** What has come, as one line of JSON. */
function lineOf(command: unknown, context: CommandContext, { commands }: TextContract): string {
  const { seq, remoteAddress, remotePort, deadline, receivedAt, metadata } = context;
  const about = {
    seq,
    ...(remoteAddress !== undefined && { from: `${remoteAddress}:${remotePort}` }),
    ...(deadline !== undefined && { timeoutMs: Math.max(0, deadline - receivedAt) }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
  if (command instanceof PatternMessage) {
    const { kind, route, data } = command;
    return oneLine(JSON.stringify({ [kind === 'event' ? 'event' : 'pattern']: route, ...about, data }, plainNumbers));
  }
  const { number, text } = command as TextCommand;
  const name = commands.has(number) ? { command: commands.nameAt(number) } : {};
  const head = JSON.stringify({ type: number, ...name, ...about }, plainNumbers);
  return oneLine(`${head.slice(0, -1)},"body":${text}}`);
}

function plainNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

async function give(
  { results, error, delayMs, looksLast }: Answer,
  command: unknown,
  sink: ResultSink,
  contract: TextContract,
  terminal: Terminal,
): Promise<void> {
  const asValues = command instanceof PatternMessage || contract.results.types.length === 0;
  for (const [at, { number, text }] of results.entries()) {
    if (delayMs > 0) await terminal.pause(delayMs);
    await sink.drained;
    if (!sink.isOpen) return;
    const isLast = isPlain(sink) ? at === results.length - 1 && error === undefined : looksLast;
    sink.next(asValues ? JSON.parse(text) : new TextResult(number, text, isLast));
  }
  if (error === undefined && results.length > 0) return;
  if (delayMs > 0) await terminal.pause(delayMs);
  if (error !== undefined) throw CmdStreamError.remote(JSON.parse(error));
}

/** Does its peer know no other end than a last Result? */
function isPlain(sink: ResultSink): boolean {
  return sink.isAnswered !== undefined;
}

async function isGone(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
