import { Inject, Injectable } from '@nestjs/common';
import { ClientProxy } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';

@Injectable()
export class Pupil {
  constructor(@Inject('MATH') private readonly math: ClientProxy) {}

  async ask() {
    const sum = await firstValueFrom(this.math.send<number>({ cmd: 'sum' }, [1, 2, 3, 4]));
    console.log(`  1 + 2 + 3 + 4 = ${sum}`);
    const countdown = await lastValueFrom(this.math.send<number>({ cmd: 'countdown' }, 3).pipe(toArray()));
    console.log(`  ${countdown.join(', ')}`);
    const refusal = await firstValueFrom(this.math.send({ cmd: 'divide' }, [1, 0])).catch((error: unknown) => error);
    console.log(`  1 / 0: ${(refusal as { message: string }).message}`);
    await lastValueFrom(this.math.emit('praised', 'Ada'), { defaultValue: undefined });
    const praise = await firstValueFrom(this.math.send<string[]>({ cmd: 'praise' }, {}));
    console.log(`  praised by ${praise.join(', ')}`);
  }
}
