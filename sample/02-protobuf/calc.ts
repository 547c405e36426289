import { Injectable } from '@nestjs/common';

/** The Receiver: the service the Commands are executed against. It knows nothing of Commands. */
@Injectable()
export class Calc {
  add(a: bigint, b: bigint): bigint {
    return a + b;
  }

  sub(a: bigint, b: bigint): bigint {
    return a - b;
  }

  /** The first `count` primes; at least one. */
  *primes(count: number): Generator<number> {
    let n = 2;
    yield n;
    for (let left = count - 1; left > 0; left--) {
      do n++;
      while (!isPrime(n));
      yield n;
    }
  }
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}
