// A contract with what may go wrong in a project: decorators of two other packages, a stream, several classes.
import { Type } from 'class-transformer';
import { ArrayNotEmpty } from 'class-validator';
import { Command, defineContract, Result, StreamCommand } from 'nestjs-cmd-stream';

export class Sum extends Result {
  static readonly wireName = 'Sum';

  constructor(readonly value = 0) {
    super();
  }
}

export class Receipt extends Result {
  static readonly wireName = 'Receipt';

  constructor(readonly text = '') {
    super();
  }
}

export class AddCmd extends Command<Sum> {
  static readonly wireName = 'Add';

  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

export class CountCmd extends StreamCommand<Sum> {
  static readonly wireName = 'Count';

  constructor(readonly to = 0) {
    super();
  }
}

export class Line {
  constructor(
    readonly item = '',
    readonly price = 0,
  ) {}

  get text(): string {
    return `${this.item} for ${this.price}`;
  }
}

export class OrderCmd extends Command<Receipt> {
  static readonly wireName = 'Order';
  @ArrayNotEmpty() @Type(() => Line) readonly lines: Line[];
  @Type(() => Date) readonly at: Date;

  constructor(lines: Line[] = [], at = new Date(0)) {
    super();
    this.lines = lines;
    this.at = at;
  }
}

export const contract = defineContract({ commands: [AddCmd, CountCmd, OrderCmd], results: [Sum, Receipt] });
