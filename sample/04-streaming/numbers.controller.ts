import { setTimeout as delay } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { CmdStreamContext, CommandHandler } from 'nestjs-cmd-stream';
import { finalize, interval, map, type Observable } from 'rxjs';
import { Journal } from './journal.js';
import { Count, Num, Search, Watch } from './numbers.contract.js';

const MINUTE_MS = 60_000;

@Controller()
export class NumbersController {
  constructor(private readonly journal: Journal) {}

  /** A generator: `yield` waits while the caller does not take what it has. */
  @CommandHandler(Count)
  async *count({ to }: Count, { signal }: CmdStreamContext) {
    let made = 0;
    try {
      while (made < to) yield new Num(++made);
    } finally {
      this.journal.write({ handler: 'count', made, signal });
    }
  }

  /** An Observable: it goes at its own pace, and cannot be made to wait. */
  @CommandHandler(Watch)
  watch({ everyMs }: Watch, { signal }: CmdStreamContext): Observable<Num> {
    let made = 0;
    return interval(everyMs).pipe(
      map(() => new Num(++made)),
      finalize(() => this.journal.write({ handler: 'watch', made, signal })),
    );
  }

  /** A handler that waits for something else gives the signal on, or it would not learn that its caller is gone. */
  @CommandHandler(Search)
  async *search(_command: Search, { signal }: CmdStreamContext) {
    try {
      yield new Num(1);
      await delay(MINUTE_MS, undefined, { signal });
      yield new Num(2);
    } finally {
      this.journal.write({ handler: 'search', made: 1, signal });
    }
  }
}
