import { Controller } from '@nestjs/common';
import { CommandHandler, type HandlersOf } from 'nestjs-cmd-stream';
import { Add, type calcMethods, Prime, Primes, Sub, Sum } from './calc.contract.js';

@Controller()
export class CalcController implements HandlersOf<typeof calcMethods> {
  @CommandHandler(Add)
  add({ a, b }: Add) {
    return new Sum(a + b);
  }

  @CommandHandler(Sub)
  sub({ a, b }: Sub) {
    return new Sum(a - b);
  }

  @CommandHandler(Primes)
  async *primes({ count }: Primes) {
    for (let n = 2, found = 0; found < count; n++) {
      if (!isPrime(n)) continue;
      found++;
      yield new Prime(n);
    }
  }
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}
