// Whole sessions of a client whose server is fuzzed: every call settles once, with a Result of its contract or an error
// of this package, what the client has written is well-formed, and nothing is left of it.
import { duplexPair, type Duplex } from 'node:stream';
import { CmdStreamError, CommandClient, isCmdStreamError } from '../../lib/core.js';
import { frame, GREETING, uvarint } from '../support/calc-frames.js';
import { turns, until } from '../support/deadline.js';
import * as control from '../support/extension-frames.js';
import { seededRandom } from '../support/seeded-random.js';
import type { ClientScript, ServerStep } from './client-script.js';
import { expectedEvents } from './oracle.js';
import { PeerBytes } from './peer-steps.js';
import { Item, sessionContract, WorkCmd } from './session-contract.js';

const MOST_MS = 30_000;
const LIMIT = 1_048_576;

/** What callers may get of a server that does anything. */
const failures: ReadonlySet<string> = new Set([
  'CONNECTION_LOST',
  'CONNECT_FAILED',
  'PEER_CLOSED',
  'PEER_RESET',
  'CLOSED',
  'SHUTDOWN',
  'TIMEOUT',
  'CANCELLED',
  'REMOTE',
  'INTERNAL',
  'OVERLOADED',
  'NO_HANDLER',
  'NO_RESULT',
  'MULTIPLE_RESULTS',
  'SLOW_CONSUMER',
  'EXTENSION_UNAVAILABLE',
  'CONTRACT_MISMATCH',
  'SERVER_INFO_MISMATCH',
  'SERVER_INFO_TOO_LARGE',
  'FRAME_TOO_LARGE',
  'VARINT_OVERFLOW',
  'NEGATIVE_LENGTH',
  'UNKNOWN_TYPE',
  'UNSAFE_INTEGER',
  'BAD_PAYLOAD',
  'JSON_LIMIT',
  'PROTOCOL_ERROR',
  'RESULT_NOT_IN_CONTRACT',
]);

export class ClientSessions {
  /** How often calls have ended with what. */
  readonly outcomes = new Map<string, number>();

  async run(script: ClientScript): Promise<readonly string[]> {
    const session = new ClientSession(script);
    try {
      await session.play();
    } catch (error) {
      session.violations.push((error as Error).message);
    }
    session.destroy();
    for (const outcome of session.outcomes) this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    return session.violations;
  }
}

class ClientSession {
  readonly violations: string[] = [];
  readonly outcomes: string[] = [];
  readonly #script: ClientScript;
  readonly #bytes: PeerBytes;
  readonly #client: CommandClient;
  /** The server's end, and the client's, of each connection: of one at most. */
  readonly #ends: (readonly [Duplex, Duplex])[] = [];
  readonly #written: Buffer[] = [];
  readonly #aborts: AbortController[] = [];
  #open = 0;

  constructor(script: ClientScript) {
    this.#script = script;
    this.#bytes = new PeerBytes(seededRandom(script.seed));
    this.#client = new CommandClient({
      contract: sessionContract,
      connect: () => this.#connect(),
      extension: script.extension,
      reconnect: false,
    });
  }

  /** Only the first connection has a server. */
  #connect(): Duplex {
    if (this.#ends.length > 0) throw new Error('there is one connection only');
    const [near, far] = duplexPair();
    this.#ends.push([near, far]);
    for (const end of [near, far]) end.on('error', () => {});
    near.on('data', (chunk: Buffer) => this.#written.push(chunk));
    return far;
  }

  async play(): Promise<void> {
    this.#track('connect', this.#client.connect());
    await turns(1);
    this.#bytes.add(GREETING + this.#probeAnswer());
    for (const step of this.#script.steps) {
      this.#take(step);
      if (step.do === 'turns') {
        this.#send();
        await turns(step.count);
      }
    }
    this.#send();
    await turns(2);
    this.#end();
    await until('the client has lost its connection', () => this.#client.status !== 'connected', MOST_MS);
    this.#client.destroy();
    await until('every call has settled', () => this.#open === 0, MOST_MS);
    if (this.#client.pending > 0) this.violations.push(`${this.#client.pending} calls are pending`);
    this.#checkWritten();
  }

  #probeAnswer(): string {
    const { answer, extension, maxInFlight } = this.#script;
    if (extension === false || answer === 'nothing') return '';
    return answer === 'plain' ? '00' : control.hello({ maxInFlight });
  }

  #send(): void {
    const near = this.#ends[0]?.[0];
    for (const piece of this.#bytes.take()) if (near && !near.destroyed && near.writable) near.write(piece);
  }

  #end(): void {
    const [near, far] = this.#ends[0]!;
    if (this.#script.ending === 'fin') near.end();
    else far.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  #take(step: ServerStep): void {
    switch (step.do) {
      case 'turns':
        return;
      case 'garbage':
      case 'damage':
        return this.#bytes.addStep(step);
      case 'call':
        return this.#call(step);
      case 'leave':
        return this.#aborts[step.which % Math.max(1, this.#aborts.length)]?.abort();
      case 'ask':
        return this.#track('ping', step.ping ? this.#client.ping() : this.#client.pingEach());
      case 'close':
        return this.#track('close', this.#client.close());
      default:
        this.#bytes.add(frameOf(step));
    }
  }

  #call({ manner, leaveAfter, timeoutMs }: Extract<ServerStep, { do: 'call' }>): void {
    const abort = new AbortController();
    this.#aborts.push(abort);
    const options = { signal: abort.signal, ...(timeoutMs > 0 && { timeoutMs }) };
    const command = new WorkCmd(this.#aborts.length);
    if (manner === 'execute') this.#track(manner, this.#client.execute(command, options).then(mayBeItem));
    else if (manner === 'emit') this.#track(manner, this.#client.emit(command));
    else if (manner === 'iterate') this.#track(manner, this.#iterate(command, options, leaveAfter));
    else this.#track(manner, this.#dispatch(command, options));
  }

  async #iterate(command: WorkCmd, options: object, leaveAfter: number): Promise<void> {
    let taken = 0;
    for await (const item of this.#client.iterate(command, options)) {
      isItem(item);
      if (++taken >= leaveAfter) return;
    }
  }

  #dispatch(command: WorkCmd, options: object): Promise<void> {
    let isOver = false;
    const end = (what: () => void): void => {
      if (isOver) this.violations.push('a call has ended twice');
      isOver = true;
      what();
    };
    return new Promise((resolve, reject) => {
      const sink = {
        next: (item: Item): void => {
          isItem(item);
          if (isOver) this.violations.push('a Result behind the end of its call');
        },
        complete: () => end(resolve),
        error: (error: unknown) => end(() => reject(error)),
      };
      this.#client.dispatch(command, sink, options);
    });
  }

  #track(what: string, promise: Promise<unknown>): void {
    this.#open++;
    promise
      .then(
        () => this.outcomes.push(`${what} ok`),
        (error: unknown) => this.#failed(what, error),
      )
      .finally(() => this.#open--);
  }

  #failed(what: string, error: unknown): void {
    // A signal that was aborted without a reason gives its own.
    const isAborted = (error as Error | undefined)?.name === 'AbortError';
    const code = isCmdStreamError(error) ? error.code : isAborted ? 'aborted' : 'foreign';
    this.outcomes.push(`${what} ${code}`);
    if (code !== 'aborted' && !failures.has(code)) this.violations.push(`${what} has failed with ${String(error)}`);
    if (isCmdStreamError(error) && /\p{Cc}/u.test(error.message))
      this.violations.push(`a message with control characters: ${JSON.stringify(error.message)}`);
  }

  /** What a server would make of it. */
  #checkWritten(): void {
    const { answer, extension } = this.#script;
    const reading = {
      side: 'server',
      extension: extension !== false && answer === 'extended',
      limit: LIMIT,
      types: [0],
    } as const;
    const events = expectedEvents(Buffer.concat(this.#written), reading);
    const broken = events.filter((event) => event.startsWith('invalid') || event.startsWith('refused'));
    // The greeting may have been damaged: then it was another server than the script says.
    const isKnown = !this.#script.steps.some(({ do: what }) => what === 'damage');
    if (isKnown && broken.length > 0) this.violations.push(`the client has written what is ${broken.join()}`);
  }

  destroy(): void {
    this.#client.destroy();
    for (const ends of this.#ends) for (const end of ends) end.destroy();
  }
}

function isItem(item: unknown): void {
  if (!(item instanceof Item)) throw new CmdStreamError('INVALID_HANDLER', 'a Result is of no class of the contract');
}

/** The class of its Commands does not say that they have a Result. */
function mayBeItem(item: unknown): void {
  if (item !== undefined) isItem(item);
}

function frameOf(step: Exclude<ServerStep, { do: 'call' | 'turns' | 'garbage' | 'damage' }>): string {
  switch (step.do) {
    case 'result':
      return frame(step.which, 0, JSON.stringify({ id: step.which, last: step.last, text: 'x'.repeat(step.size) }));
    case 'stream':
      return control.stream(step.which);
    case 'end':
      return control.end(step.which);
    case 'error':
      return control.error(step.which, step.code, { message: '\u001b[31m\n', started: false });
    case 'value':
      return control.control(6, uvarint(step.which) + uvarint(step.flags) + Buffer.from(step.data).toString('hex'));
    case 'pongs':
      return '00'.repeat(step.count);
    case 'goaway':
      return control.control(11, control.text(step.reason));
    case 'unknown':
      return control.control(step.kind, '0102');
    default:
      return '';
  }
}
