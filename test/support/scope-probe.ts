// What code sees of an AsyncLocalStorage, and a codec that writes down what it sees while it reads and writes.
import { AsyncLocalStorage } from 'node:async_hooks';
import { jsonCodec, type CodecFactory } from '../../lib/core.js';

export const user = new AsyncLocalStorage<string>();

/** Whose scope this code runs in. */
export function seen(): string {
  return user.getStore() ?? 'none';
}

/** Enters the scope of a user for good, as a guard may; `'none'`: of none. */
export function enter(name: string): void {
  if (name !== 'none') user.enterWith(name);
}

export interface Witness {
  readonly decoded: string[];
  readonly encoded: string[];
  readonly codec: CodecFactory;
}

/** The JSON codec, and in whose scope it was used. */
export function witness(): Witness {
  const decoded: string[] = [];
  const encoded: string[] = [];
  const codec: CodecFactory = (contract) => {
    const inner = jsonCodec()(contract);
    return {
      name: inner.name,
      encodeCommand(command, writer) {
        encoded.push(seen());
        inner.encodeCommand(command, writer);
      },
      decodeCommand(reader) {
        const command = inner.decodeCommand(reader);
        decoded.push(seen());
        return command;
      },
      encodeResult(result, writer) {
        encoded.push(seen());
        inner.encodeResult(result, writer);
      },
      decodeResult(reader) {
        const result = inner.decodeResult(reader);
        decoded.push(seen());
        return result;
      },
    };
  };
  return { decoded, encoded, codec };
}
