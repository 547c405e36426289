import { IsInt, IsNotEmpty, IsString, Min } from 'class-validator';
import { Command, defineContract, Result } from 'nestjs-cmd-stream';

export class Reserved extends Result {
  constructor(
    readonly item = '',
    /** Pieces that are still there. */
    readonly left = 0,
  ) {
    super();
  }
}

/** The body of a request, too: its rules hold at the gateway, and again at the service, which has other callers. */
export class Reserve extends Command<Reserved> {
  @IsString()
  @IsNotEmpty()
  readonly item: string;

  @IsInt()
  @Min(1)
  readonly pieces: number;

  constructor(item = '', pieces = 0) {
    super();
    this.item = item;
    this.pieces = pieces;
  }
}

// The order is part of the wire format: position = type number. Append only.
export const stockContract = defineContract({ commands: [Reserve], results: [Reserved] });
