// What the server of the figures serves: something of each kind that a peer could turn against it.
import 'reflect-metadata';
import { Expose, Type } from 'class-transformer';
import { IsString, ValidateNested } from 'class-validator';
import { Command, defineContract, Result, StreamCommand } from 'nestjs-cmd-stream';

export class Echo extends Result {
  constructor(readonly S = '') {
    super();
  }
}

export class Tick extends Result {
  constructor(
    readonly I = 0,
    readonly Last = false,
    readonly S = '',
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.Last;
  }
}

export class EchoCmd extends Command<Echo> {
  constructor(readonly S = '') {
    super();
  }
}

/** So many Results with a text of so many characters each. */
export class CountCmd extends StreamCommand<Tick> {
  constructor(
    readonly N = 0,
    readonly Size = 0,
  ) {
    super();
  }
}

/** Is answered after so many milliseconds. */
export class HoldCmd extends Command<Echo> {
  constructor(
    readonly Ms = 0,
    readonly S = '',
  ) {
    super();
  }
}

export class AnyCmd extends Command<Echo> {
  constructor(readonly X: unknown = null) {
    super();
  }
}

export class CheckedCmd extends Command<Echo> {
  @IsString()
  readonly S: string;

  constructor(S = '') {
    super();
    this.S = S;
  }
}

export class Item {
  A = 0;
}

export class ItemsCmd extends Command<Echo> {
  @Type(() => Item)
  @ValidateNested({ each: true })
  readonly L: readonly Item[];

  constructor(L: readonly Item[] = []) {
    super();
    this.L = L;
  }
}

/** Its instances are made by class-transformer itself. */
export class ExposedCmd extends Command<Echo> {
  @Expose()
  @Type(() => Item)
  readonly L: unknown = null;
  @Expose()
  readonly X: unknown = null;
}

/** Has no handler. */
export class OrphanCmd extends Command<Echo> {}

const commands = [EchoCmd, CountCmd, HoldCmd, AnyCmd, CheckedCmd, ItemsCmd, OrphanCmd, ExposedCmd] as const;

export const hostileContract = defineContract({ commands, results: [Echo, Tick] });

/** The number of a Command's type in its frames. */
export const type = { Echo: 0, Count: 1, Hold: 2, Any: 3, Checked: 4, Items: 5, Orphan: 6, Exposed: 7 } as const;
