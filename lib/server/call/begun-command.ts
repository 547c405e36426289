// A Command that begins, as what watches Commands sees it.
import { PatternMessage } from '../../codec/pattern-message.js';
import type { CommandContext } from '../../contract/command.js';
import type { StartedCommand } from '../../instrumentation/instrumentation.js';
import type { SessionConfig } from '../session/session-config.js';

/** What is not asked for is not looked up. */
export class BegunCommand implements StartedCommand {
  readonly command: unknown;
  readonly context: CommandContext;
  readonly #kind: 'command' | 'event';
  readonly #config: SessionConfig;

  /** `kind`: where it is no message by pattern. */
  constructor(command: unknown, kind: 'command' | 'event', context: CommandContext, config: SessionConfig) {
    this.command = command;
    this.context = context;
    this.#kind = kind;
    this.#config = config;
  }

  get kind(): StartedCommand['kind'] {
    return this.command instanceof PatternMessage ? this.command.kind : this.#kind;
  }

  get name(): string {
    const { command } = this;
    return command instanceof PatternMessage ? command.route : this.#config.contract.commands.nameFor(command);
  }

  get isHandled(): boolean {
    try {
      return this.#config.invoker.handles?.(this.command) ?? true;
    } catch {
      return false;
    }
  }
}
