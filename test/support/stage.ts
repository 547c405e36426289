// A server whose only Command runs what the test has written, and an extended client of it.
import {
  Command,
  defineContract,
  ExecInvoker,
  Result,
  type Answered,
  type CommandClient,
  type CommandClientOptions,
  type CommandContext,
  type CommandServerOptions,
  type HandlerResult,
} from '../../lib/core.js';
import { calcClient } from './calc-client.js';
import { CalcServer } from './calc-server.js';

export class Item extends Result {
  constructor(
    readonly n = 0,
    readonly last = true,
    readonly text = '',
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}

/** What the types would not allow, giving nothing, is up to the test. */
type Play = (command: PlayCmd, context: CommandContext) => HandlerResult<Item | undefined>;

/** Extends none of the classes of Commands: how many Results it has is up to the test. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- only the compiler knows this member
export interface PlayCmd extends Answered<Item> {}

export class PlayCmd {
  constructor(readonly name = '') {}

  exec(play: Play, context: CommandContext): HandlerResult<Item> {
    return play(this, context) as HandlerResult<Item>;
  }
}

/** In the contract, but without a handler. */
export class LostCmd extends Command<Item> {}

export const stageContract = defineContract({ commands: [PlayCmd, LostCmd], results: [Item] });

interface Owned {
  destroy(): unknown;
}

export interface Stage {
  readonly calc: CalcServer;
  readonly client: CommandClient;
}

/** Starts the two; `own` is what {@link guardLeaks} gave. */
export async function openStage(
  own: <T extends Owned>(owned: T) => T,
  play: Play,
  server: Partial<CommandServerOptions> = {},
  client: Partial<CommandClientOptions> = {},
): Promise<Stage> {
  const invoker = new ExecInvoker(play);
  const calc = own(await CalcServer.start({ contract: stageContract, invoker, ...server }));
  return { calc, client: own(calcClient(calc.port, { contract: stageContract, extension: true, ...client })) };
}
