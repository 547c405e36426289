// The order in which the frames of an extended client must come: HELLO first, META right before its Command, numbers
// that grow, nothing behind DONE. Whoever breaks it lies. What frames do is the session's.
import { protocolError, SeqWindow } from '../../connection/seq-window.js';
import { NO_METADATA, type Hello, type Meta } from '../../wire/control-frame.js';
import type { Seq } from '../../wire/frame.js';

const NO_META: Meta = Object.freeze({ remainingMs: undefined, credit: 0, metadata: NO_METADATA });

export class FrameSequence {
  readonly #seqs = new SeqWindow();
  #hello: Hello | undefined;
  #meta: (Meta & { readonly seq: Seq }) | undefined;
  #isDone = false;

  /** What the client has said of itself; undefined until it has. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  /** True once the client has said that no Command follows. */
  get isDone(): boolean {
    return this.#isDone;
  }

  onHello(hello: Hello): void {
    this.#hello = hello;
  }

  onMeta(meta: Meta & { readonly seq: Seq }): void {
    this.#meta = meta;
  }

  onDone(): void {
    this.#isDone = true;
  }

  /** @throws {CmdStreamError} PROTOCOL_ERROR when META is followed by anything but its Command */
  checkMeta(): void {
    if (this.#meta) throw protocolError('META must be followed by its Command');
  }

  /** What came before the Command of this number. @throws {CmdStreamError} PROTOCOL_ERROR when that is for another one */
  takeMeta(seq: Seq): Meta {
    const meta = this.#meta;
    this.#meta = undefined;
    if (meta && meta.seq !== seq) throw protocolError(`META for the Command ${meta.seq} before the Command ${seq}`);
    return meta ?? NO_META;
  }

  /** Takes the number of a new Command. @throws {CmdStreamError} PROTOCOL_ERROR when none may come, or not this one */
  claim(seq: Seq): number {
    if (this.#hello === undefined) throw protocolError('a Command before HELLO');
    if (this.#isDone) throw protocolError('a Command after DONE');
    return this.#seqs.use(seq);
  }

  /** @throws {CmdStreamError} PROTOCOL_ERROR when no Command ever had this number */
  check(seq: Seq): void {
    this.#seqs.check(seq);
  }
}
