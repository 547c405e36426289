// Literal frames of the calc contract for tests that need many or odd ones; independent of the code under test.

export const GREETING = '0764656661756c74';
/** `AddCmd{A:2,B:3}` with seq 1 and its answer, as recorded. */
export const ADD_2_3 = '01000d7b2241223a322c2242223a337d';
export const SUM_5 = '01000135';

export function uvarint(value: number | bigint): string {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]).toString('hex');
}

/** A frame whose body is this text, JSON or not. */
export function frame(seq: number | bigint, type: number, body: string): string {
  const bytes = Buffer.from(body);
  return uvarint(seq) + uvarint(type) + uvarint(bytes.length) + bytes.toString('hex');
}

export function addFrame(seq: number | bigint, A: number, B: number): string {
  return frame(seq, 0, JSON.stringify({ A, B }));
}

export function countFrame(seq: number | bigint, N: number): string {
  return frame(seq, 2, JSON.stringify({ N }));
}

export function echoFrame(seq: number | bigint, text: string): string {
  return frame(seq, 3, JSON.stringify(text));
}

export function failFrame(seq: number | bigint): string {
  return frame(seq, 4, '{}');
}

export function sumFrame(seq: number | bigint, sum: number): string {
  return frame(seq, 0, String(sum));
}

export function countResultFrame(seq: number | bigint, I: number, Last: boolean): string {
  return frame(seq, 1, JSON.stringify({ I, Last }));
}

export function echoResultFrame(seq: number | bigint, text: string): string {
  return frame(seq, 2, JSON.stringify(text));
}
