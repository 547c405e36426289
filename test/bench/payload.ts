// What the benchmarks of the codecs send: an int64, a bool, a float64 and a text of 200 bytes, as a Command and a
// Result that the JSON codec and the MUS codec both take.
import { Command, defineContract, Result } from 'nestjs-cmd-stream/core';
import { mus, musCodec } from 'nestjs-cmd-stream/mus';

export class Payload extends Result {
  constructor(
    readonly Int64 = 0,
    readonly Bool = false,
    readonly Float64 = 0,
    readonly Text = '',
  ) {
    super();
  }
}

export class PayloadCmd extends Command<Payload> {
  constructor(
    readonly Int64 = 0,
    readonly Bool = false,
    readonly Float64 = 0,
    readonly Text = '',
  ) {
    super();
  }
}

const fields = { Int64: mus.varint.int64, Bool: mus.bool, Float64: mus.raw.float64, Text: mus.string };

export const payloadContract = defineContract({ commands: [PayloadCmd], results: [Payload] });
export const payloadCodec = musCodec({
  commands: [mus.struct(PayloadCmd, fields)],
  results: [mus.struct(Payload, fields)],
});

const text = 'x'.repeat(200);

/** The same shape every time, other numbers. */
export function payloadCommand(n: number): PayloadCmd {
  return new PayloadCmd(1_234_567_890_123 + n, n % 2 === 0, 1.5 + n, text);
}

export function checkPayload(sent: PayloadCmd, answer: PayloadCmd | Payload): void {
  if (answer.Int64 === sent.Int64 && answer.Bool === sent.Bool && answer.Float64 === sent.Float64)
    if (answer.Text.length === sent.Text.length) return;
  throw new Error(`expected ${JSON.stringify(sent)}, got ${JSON.stringify(answer)}`);
}
