import { Injectable } from '@nestjs/common';
import type { CmdStreamError } from 'nestjs-cmd-stream';
import { firstValueFrom, Subject } from 'rxjs';

export interface Ending {
  readonly handler: string;
  /** Results it has given. */
  readonly made: number;
  readonly signal: AbortSignal;
}

/** How the handlers have ended: what the caller does not see. */
@Injectable()
export class Journal {
  readonly #endings = new Subject<Ending>();

  write(ending: Ending): void {
    this.#endings.next(ending);
  }

  /** Resolves with the next one that is written. */
  async next() {
    const { handler, made, signal } = await firstValueFrom(this.#endings);
    const reason = signal.reason as CmdStreamError | undefined;
    return { handler, made, why: reason?.code ?? 'it was through' };
  }
}
