// A Result that says itself whether it is the last one.
import { Result } from '../../lib/core.js';

export class Said extends Result {
  constructor(
    readonly text = '',
    readonly last = true,
  ) {
    super();
  }

  override lastOne(): boolean {
    return this.last;
  }
}
