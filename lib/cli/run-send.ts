// `cmd-stream send`: one Command, message or event; its Results as they come.
import type { CommandClient } from '../client/command-client.js';
import { isCmdStreamError } from '../errors.js';
import { UsageError, type Arguments, type Usage } from './arguments.js';
import {
  addressNote,
  callFlags,
  cameMore,
  clientOf,
  connectionFlags,
  endFlags,
  helpFlags,
  MORE_CAME,
  planOf,
  resultText,
  type CallPlan,
} from './calls.js';
import { exitCodes, type Terminal } from './terminal.js';
import { TextResult } from './text-codec.js';

export const sendUsage: Usage = {
  name: 'send',
  operands: '<address> <type> [json]',
  fewest: 1,
  most: 3,
  summary: 'send one Command and print its Results',
  about: [
    'Sends one Command and prints the body of each Result as it comes, one line of JSON each. <type> is the type ' +
      'number of the Command, or with --contract the name of its class. [json] is its body as it travels: {} if it is ' +
      'left out, read from stdin if it is -.',
    'Servers of nestjs-cmd-stream mostly say where a stream ends. One that is plain, such as one of cmd-stream-go, ' +
      'never does: that is known from the contract, by --results or by --last; without them the first Result is taken ' +
      'for the last one, and if more come, a line on stderr says so.',
    addressNote,
  ],
  flags: {
    ...callFlags,
    event: { text: 'do not wait for Results: done when it is written' },
    ...endFlags,
    types: { text: 'print each Result with its type: {"type":0,"name":…,"body":…}' },
    timeout: {
      short: 't',
      value: '<time>',
      text: 'time for all of it, such as 500ms, 5s or 2m; 0: no limit (default: 30s)',
    },
    ...connectionFlags,
    ...helpFlags,
  },
  examples: [
    [
      'cmd-stream send localhost:9000 0 \'{"A":2,"B":3}\'',
      'the Command with the type number 0; prints {"value":5} or the like',
    ],
    ['cmd-stream send :9000 AddCmd \'{"A":2,"B":3}\' --contract dist/calc.contract.js', 'by the name of its class'],
    ['cmd-stream send :9000 2 \'{"N":3}\' --last Last', 'a stream of a Go server, whose last Result has "Last":true'],
    ['cat order.json | cmd-stream send :9000 4 - | jq .total', 'from a file, to another program'],
    ['cmd-stream send :9000 --pattern \'{"cmd":"sum"}\' \'[1,2,3]\'', 'to a @MessagePattern() of Nest'],
    ['cmd-stream send :9000 --pattern user_created --event \'{"id":7}\'', 'to an @EventPattern()'],
    ['cmd-stream send calc.example.com:9000 0 --ca ca.crt --cert me.crt --key me.key', 'with mutual TLS'],
  ],
  exit: 'Exit code: 0 when all Results have come, 1 when the call failed, 2 when it was called wrongly.',
};

export async function runSend(args: Arguments, terminal: Terminal): Promise<number> {
  const timeoutMs = args.timeMs('timeout', 30_000);
  const plan = await planOf(args, terminal);
  if (args.has('event') && (plan.count !== undefined || plan.endsInTime || args.has('last')))
    throw new UsageError('--event waits for no Results: it goes without --results and --last');
  const client = clientOf(args, plan);
  try {
    if (args.has('event')) {
      await client.emit(plan.command as never, plan.metadata && { metadata: plan.metadata });
      return 0;
    }
    const printed = await printResults(client, plan, args.has('types'), timeoutMs, terminal);
    if (plan.isGuess && printed === 1 && !terminal.signal.aborted && (await cameMore(client))) terminal.note(MORE_CAME);
    return 0;
  } catch (error) {
    if (terminal.stoppedBy !== undefined) return exitCodes[terminal.stoppedBy];
    if (plan.endsInTime && isCmdStreamError(error) && error.code === 'TIMEOUT' && client.status === 'connected')
      return 0;
    throw error;
  } finally {
    await client.close();
  }
}

/** Resolves with how many it has printed. */
async function printResults(
  client: CommandClient,
  { command, count, metadata, contract }: CallPlan,
  withTypes: boolean,
  timeoutMs: number,
  terminal: Terminal,
): Promise<number> {
  let printed = 0;
  const options = { timeoutMs, signal: terminal.signal, ...(metadata && { metadata }) };
  for await (const result of client.iterate(command as never, options)) {
    const text = resultText(result);
    if (withTypes && (result as unknown) instanceof TextResult) {
      const { number } = result as TextResult;
      const name = JSON.stringify(contract.results.has(number) ? contract.results.nameAt(number) : null);
      await terminal.print(`{"type":${number},"name":${name},"body":${text}}`);
    } else await terminal.print(text);
    if (++printed === count) break;
  }
  if (terminal.signal.aborted) throw terminal.signal.reason;
  return printed;
}
