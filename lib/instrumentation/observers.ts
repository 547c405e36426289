// All that watches one client, and one server: what the option `instrumentation` gives, and the diagnostics channels
// while a tool listens to them. What an observer throws ends here; a client or server that is not watched asks no more
// than whether it is.
import { ignoreRejection } from '../callbacks.js';
import type { ConnectionAddresses } from '../contract/command.js';
import type { CmdStreamError } from '../errors.js';
import type { Metadata } from '../wire/control-frame.js';
import { ClientChannels, ServerChannels } from './channels.js';
import type {
  CallObserver,
  CallOutcome,
  CircuitChange,
  ClientObserver,
  CommandObserver,
  CommandOutcome,
  ConnectionChange,
  HostLookedUp,
  Instrumentation,
  ObservedClient,
  ObservedServer,
  SentCommand,
  ServerObserver,
  StartedCall,
  StartedCommand,
} from './instrumentation.js';

/** What the option may be: see {@link instrumentationRule}. */
export type GivenInstrumentation = Instrumentation | readonly Instrumentation[] | undefined;

/** Calls a method of an observer, if it has it; what that throws, or a promise of it rejects with, is dropped. */
function ask<O, K extends keyof O>(observer: O, name: K, ...args: ArgumentsOf<O[K]>): Given<O[K]> | undefined {
  try {
    const method = observer[name] as ((...all: unknown[]) => Given<O[K]>) | undefined;
    return unlessPromised(method?.call(observer, ...args));
  } catch {
    return undefined;
  }
}

/** The same for what every call asks. */
function callObserverOf(observer: ClientObserver, call: StartedCall): CallObserver | undefined {
  try {
    return unlessPromised(observer.onCall?.(call));
  } catch {
    return undefined;
  }
}

/** And every Command. */
function commandObserverOf(observer: ServerObserver, command: StartedCommand): CommandObserver | undefined {
  try {
    return unlessPromised(observer.onCommand?.(command));
  } catch {
    return undefined;
  }
}

function unlessPromised<T>(given: T | undefined): T | undefined {
  return given !== undefined && ignoreRejection(given) ? undefined : given;
}

type ArgumentsOf<M> = NonNullable<M> extends (...args: infer A) => unknown ? A : never;
type Given<M> = NonNullable<M> extends (...args: never[]) => infer T ? T : never;

export class ClientObservers {
  readonly #given: readonly Instrumentation[];
  readonly #channels = new ClientChannels();
  readonly #client: ObservedClient;
  #observers: readonly ClientObserver[] = [];
  /** Those of them that watch calls. */
  #callObservers: readonly ClientObserver[] = [];

  constructor(given: GivenInstrumentation, client: ObservedClient) {
    this.#given = given === undefined ? [] : [given].flat();
    this.#client = client;
  }

  /** Are calls watched? */
  get areOn(): boolean {
    return this.#callObservers.length > 0 || this.#channels.areOn;
  }

  /** The client is opened. */
  open(): void {
    if (this.#observers.length > 0) return;
    this.#observers = this.#given.flatMap((one) => ask(one, 'observeClient', this.#client) ?? []);
    this.#callObservers = this.#observers.filter(watchesCalls);
  }

  close(): void {
    const observers = this.#observers;
    this.#observers = [];
    this.#callObservers = [];
    for (const one of observers) ask(one, 'onClose');
  }

  /** Undefined where nothing watches this one. */
  onCall(
    command: unknown,
    kind: StartedCall['kind'],
    awaitsAnswer: boolean,
    nameOf: (command: unknown) => string,
  ): WatchedCall | undefined {
    const call = new BegunCall(this.#client, command, kind, awaitsAnswer, nameOf);
    let observers: CallObserver[] | undefined;
    for (const one of this.#callObservers) {
      const observer = callObserverOf(one, call);
      if (observer) (observers ??= []).push(observer);
    }
    if (this.#channels.areOn) (observers ??= []).push(this.#channels.onCall(call));
    return observers && new WatchedCall(observers);
  }

  onConnection(change: ConnectionChange): void {
    for (const one of this.#observers) ask(one, 'onConnection', change);
    this.#channels.onConnection(change);
  }

  onLookup(lookup: HostLookedUp): void {
    for (const one of this.#observers) ask(one, 'onLookup', lookup);
  }

  onReloadError(error: CmdStreamError): void {
    for (const one of this.#observers) ask(one, 'onReloadError', error);
  }

  onCircuit(change: CircuitChange): void {
    for (const one of this.#observers) ask(one, 'onCircuit', change);
  }
}

/** Code of the user may stand behind it. */
function watchesCalls(observer: ClientObserver): boolean {
  try {
    return typeof observer.onCall === 'function';
  } catch {
    return false;
  }
}

/** Its name is looked up when it is asked for. */
class BegunCall implements StartedCall {
  readonly #nameOf: (command: unknown) => string;

  constructor(
    readonly client: ObservedClient,
    readonly command: unknown,
    readonly kind: StartedCall['kind'],
    readonly awaitsAnswer: boolean,
    nameOf: (command: unknown) => string,
  ) {
    this.#nameOf = nameOf;
  }

  get name(): string {
    return this.#nameOf(this.command);
  }
}

/** One call, for all that watches it. */
export class WatchedCall implements CallObserver {
  readonly metadata: Metadata | undefined;
  readonly #observers: readonly CallObserver[];

  constructor(observers: readonly CallObserver[]) {
    this.#observers = observers;
    for (const one of observers) {
      const given = metadataOf(one);
      if (given === undefined || isEmpty(given)) continue;
      this.metadata = this.metadata === undefined ? given : { ...this.metadata, ...given };
    }
  }

  onResult(sent: SentCommand, result: unknown, bytes: number): void {
    for (const one of this.#observers) ask(one, 'onResult', sent, result, bytes);
  }

  onEnd(sent: SentCommand, outcome: CallOutcome): void {
    for (const one of this.#observers) ask(one, 'onEnd', sent, outcome);
  }
}

function isEmpty(metadata: Metadata): boolean {
  for (const key in metadata) if (Object.hasOwn(metadata, key)) return false;
  return true;
}

/** Code of the user may stand behind it. */
function metadataOf(observer: CallObserver): Metadata | undefined {
  try {
    return observer.metadata;
  } catch {
    return undefined;
  }
}

export class ServerObservers {
  readonly #given: readonly Instrumentation[];
  readonly #channels = new ServerChannels();
  #observers: readonly ServerObserver[] = [];

  constructor(given: GivenInstrumentation) {
    this.#given = given === undefined ? [] : [given].flat();
  }

  /** Are Commands watched? */
  get areOn(): boolean {
    return this.#observers.length > 0 || this.#channels.areOn;
  }

  /** The server begins to listen. */
  open(server: ObservedServer): void {
    if (this.#observers.length > 0) return;
    this.#observers = this.#given.flatMap((one) => ask(one, 'observeServer', server) ?? []);
  }

  close(): void {
    const observers = this.#observers;
    this.#observers = [];
    for (const one of observers) ask(one, 'onClose');
  }

  /** Undefined where nothing watches this one. */
  onCommand(command: StartedCommand): WatchedCommand | undefined {
    let observers: CommandObserver[] | undefined;
    for (const one of this.#observers) {
      const observer = commandObserverOf(one, command);
      if (observer) (observers ??= []).push(observer);
    }
    if (this.#channels.areOn) (observers ??= []).push(this.#channels.onCommand(command));
    return observers && new WatchedCommand(observers);
  }

  onConnection(connection: ConnectionAddresses): void {
    for (const one of this.#observers) ask(one, 'onConnection', connection);
    this.#channels.onConnection(connection);
  }

  onDisconnect(connection: ConnectionAddresses, cause: CmdStreamError): void {
    for (const one of this.#observers) ask(one, 'onDisconnect', connection, cause);
    this.#channels.onDisconnect(connection, cause);
  }

  onConnectionRefused(client: ConnectionAddresses, cause: CmdStreamError): void {
    for (const one of this.#observers) ask(one, 'onConnectionRefused', client, cause);
    this.#channels.onConnectionRefused(client, cause);
  }
}

/** One Command, for all that watches it. */
export class WatchedCommand {
  readonly #observers: readonly CommandObserver[];

  constructor(observers: readonly CommandObserver[]) {
    this.#observers = observers;
  }

  /** Calls `make` inside of what the observers enter, the first one outermost. */
  enter<T>(make: () => T): T {
    let made: { readonly value: T } | undefined;
    let work = (): void => {
      made ??= { value: make() };
    };
    for (let at = this.#observers.length - 1; at >= 0; at--) {
      const one = this.#observers[at]!;
      if (one.enter === undefined) continue;
      const inner = work;
      work = () => void ask(one, 'enter', inner);
    }
    work();
    // One that fails, or does not call what it is given, keeps no Command from being run.
    return made === undefined ? make() : made.value;
  }

  onResult(result: unknown, bytes: number): void {
    for (const one of this.#observers) ask(one, 'onResult', result, bytes);
  }

  onEnd(outcome: CommandOutcome): void {
    for (const one of this.#observers) ask(one, 'onEnd', outcome);
  }
}
