// What a server may run of the bytes that a peer has written: Commands and events whose frames are whole. By the book,
// and independent of the code under test; text that no server would take counts all the same, so it is the most.

const PING = 0;
const PADDED = 0x80;
const EVENT = 4n;

/** A varint of 64 bits from `at` on; undefined where it is cut or too long. */
function varintAt(bytes: Uint8Array, at: number): { readonly value: bigint; readonly end: number } | undefined {
  let value = 0n;
  for (let size = 0; size < 10; size++) {
    const byte = bytes[at + size];
    if (byte === undefined || (size === 9 && byte > 1)) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * size);
    if (byte < 0x80) return { value, end: at + size + 1 };
  }
  return undefined;
}

/** Behind a type or kind: its length and so many bytes. */
function blockAt(bytes: Uint8Array, at: number): { readonly kind: bigint; readonly end: number } | undefined {
  const kind = varintAt(bytes, at);
  const length = kind && varintAt(bytes, kind.end);
  if (!kind || !length || length.value > BigInt(bytes.length - length.end)) return undefined;
  return { kind: kind.value, end: length.end + Number(length.value) };
}

/** The most Commands and events that a server may run of these bytes. */
export function wholeCommands(bytes: Uint8Array): number {
  const isExtended = bytes[0] === PADDED && bytes[1] === 0;
  let count = 0;
  for (let at = isExtended ? 2 : 0; at < bytes.length;) {
    if (bytes[at] === PING) {
      at++;
      continue;
    }
    const seq = varintAt(bytes, at);
    if (!seq) break;
    if (seq.value === 0n && !isExtended) {
      at = seq.end;
      continue;
    }
    const block = blockAt(bytes, seq.end);
    if (!block) break;
    if (seq.value !== 0n || block.kind === EVENT) count++;
    at = block.end;
  }
  return count;
}
