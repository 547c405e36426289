// A client that follows a script over one end of a pair, and what must be true of the bytes it gets back.
import type { Duplex } from 'node:stream';
import { frame, uvarint } from '../support/calc-frames.js';
import * as control from '../support/extension-frames.js';
import { seededRandom } from '../support/seeded-random.js';
import { turns } from '../support/deadline.js';
import { Answers } from './answers.js';
import { PeerBytes } from './peer-steps.js';
import type { ClientStep, SentCommand, ServerScript } from './server-script.js';

const PLENTY_OF_CREDIT = 1_000;

export class FuzzedClient {
  /** Has it kept to the protocol so far? */
  isClean = true;
  readonly #script: ServerScript;
  readonly #near: Duplex;
  readonly #far: Duplex;
  readonly #note: () => void;
  readonly #bytes: PeerBytes;
  readonly #answers: Answers;
  readonly #credited: number[] = [];
  #seq = 0;
  #pings = 0;
  #isMute = false;

  /** `note` is called whenever something may have been kept. */
  constructor(script: ServerScript, near: Duplex, far: Duplex, note: () => void) {
    this.#script = script;
    this.#near = near;
    this.#far = far;
    this.#note = note;
    this.#bytes = new PeerBytes(seededRandom(script.seed));
    this.#answers = new Answers(script.extended);
    for (const end of [near, far]) end.on('error', () => {});
    near.on('data', (chunk: Buffer) => this.#answers.add(chunk));
  }

  /** A plain client whose first bytes were `80 00` would have probed. */
  async play(): Promise<void> {
    if (this.#script.extended) this.#bytes.add(control.PROBE + control.hello());
    else this.#ping(1, false);
    for (const step of this.#script.steps) {
      this.#take(step);
      if (step.do === 'turns') {
        this.#send();
        await turns(step.count);
        this.#note();
      }
    }
    for (const seq of this.#credited) if (this.isClean) this.#bytes.add(control.credit(seq, PLENTY_OF_CREDIT));
    this.#send();
    this.#near.resume();
    await turns(3);
    this.#note();
  }

  #send(): void {
    for (const piece of this.#bytes.take()) if (!this.#near.destroyed && this.#near.writable) this.#near.write(piece);
  }

  #take(step: ClientStep): void {
    switch (step.do) {
      case 'turns':
        return;
      case 'mute':
        this.#isMute = !this.#isMute;
        return void (this.#isMute ? this.#near.pause() : this.#near.resume());
      case 'garbage':
      case 'damage':
        this.isClean = false;
        return this.#bytes.addStep(step);
      case 'ping':
        return this.#ping(step.count, step.padded);
      case 'command':
        return this.#command(step);
      default:
        if (this.#script.extended) this.#control(step);
    }
  }

  #ping(count: number, padded: boolean): void {
    // On an extended connection two bytes are the mark of a control frame, three are a ping.
    const ping = padded ? (this.#script.extended ? '808000' : '8000') : '00';
    this.#bytes.add(ping.repeat(count));
    this.#pings += count;
  }

  #command({ work: given, items, pause, size, meta }: SentCommand): void {
    const seq = ++this.#seq;
    const { extended } = this.#script;
    const { remainingMs = 0, credit = 0, noAnswer = false } = (extended && meta) || {};
    // An event goes on when its connection has ended.
    const work = noAnswer && given === 'wait' ? 'later' : given;
    const command = frame(seq, 0, JSON.stringify({ id: seq, work, items, pause, size }));
    if (meta && extended) {
      this.#bytes.add(control.meta(seq, { remainingMs, credit, noAnswer }) + command);
      if (credit > 0) this.#credited.push(seq);
    } else this.#bytes.add(command);
    this.#answers.expect(seq, { work, items, isTimed: remainingMs > 0, noAnswer });
    // What has no answer or fails ends a plain connection, or leaves it as it is.
    const endsPlain = work === 'failure' || work === 'broken stream' || work === 'unwritable';
    if (!extended && (endsPlain || (work === 'stream' && items === 0))) this.isClean = false;
  }

  #control(step: Exclude<ClientStep, { do: 'command' | 'turns' | 'ping' }>): void {
    switch (step.do) {
      case 'cancel': {
        const seq = this.#used(step.which);
        if (seq === 0) return;
        this.#answers.cancel(seq);
        return this.#bytes.add(control.cancel(seq));
      }
      case 'credit': {
        const seq = this.#used(step.which);
        return seq === 0 ? undefined : this.#bytes.add(control.credit(seq, step.count));
      }
      case 'message':
        this.#seq++;
        this.#answers.expect(this.#seq, { work: 'failure', items: 0, isTimed: false, noAnswer: false });
        return this.#bytes.add(
          control.control(3, `${uvarint(this.#seq)}00000000${control.text('r')}${hex(step.data)}`),
        );
      case 'event':
        return this.#bytes.add(control.control(4, `0000${control.text('r')}${hex(step.data)}`));
      case 'unknown':
        return this.#bytes.add(control.control(step.kind, '0102'));
      case 'done':
        // A Command behind it breaks the protocol.
        this.isClean = false;
        return this.#bytes.add(control.DONE);
    }
  }

  /** A seq that was used; 0: none was. */
  #used(which: number): number {
    return this.#seq === 0 ? 0 : 1 + (which % this.#seq);
  }

  /** Is everything there that must come? */
  get isAnswered(): boolean {
    this.#note();
    return this.#answers.isComplete(this.#pings);
  }

  end(): void {
    if (this.#script.ending === 'fin') this.#near.end();
    else this.#far.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  /** What is wrong with what came back. */
  violations(): readonly string[] {
    return this.#answers.violations(this.isClean, this.#pings);
  }
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
