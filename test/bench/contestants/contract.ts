// What this package's contestants, the Go peers and the ceiling send: the same fields, and so the same bytes.
import { Command, defineContract, Result, StreamCommand } from 'nestjs-cmd-stream/core';
import { mus, musCodec } from 'nestjs-cmd-stream/mus';
import type { Mixed } from '../workload.js';

export class Echo extends Result {
  constructor(readonly text = '') {
    super();
  }
}

export class EchoCmd extends Command<Echo> {
  constructor(readonly text = '') {
    super();
  }
}

export class MixedEcho extends Result implements Mixed {
  constructor(
    readonly Bool = false,
    readonly Int64 = 0,
    readonly String = '',
    readonly Float64 = 0,
  ) {
    super();
  }
}

export class MixedCmd extends Command<MixedEcho> implements Mixed {
  constructor(
    readonly Bool = false,
    readonly Int64 = 0,
    readonly String = '',
    readonly Float64 = 0,
  ) {
    super();
  }
}

export class Item extends Result {
  constructor(
    readonly n = 0,
    readonly last = false,
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}

/** Answered by so many Items, counted from 0. */
export class CountCmd extends StreamCommand<Item> {
  constructor(readonly results = 0) {
    super();
  }
}

export const contract = defineContract({ commands: [EchoCmd, MixedCmd, CountCmd], results: [Echo, MixedEcho, Item] });

const mixed = { Bool: mus.bool, Int64: mus.varint.int64, String: mus.string, Float64: mus.raw.float64 };

export const codec = musCodec({
  commands: [
    mus.struct(EchoCmd, { text: mus.string }),
    mus.struct(MixedCmd, mixed),
    mus.struct(CountCmd, { results: mus.varint.int }),
  ],
  results: [
    mus.struct(Echo, { text: mus.string }),
    mus.struct(MixedEcho, mixed),
    mus.struct(Item, { n: mus.varint.int, last: mus.bool }),
  ],
});
