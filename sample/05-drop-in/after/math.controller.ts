import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { map, type Observable, range } from 'rxjs';

@Controller()
export class MathController {
  readonly #praisedBy: string[] = [];

  @MessagePattern({ cmd: 'sum' })
  sum(@Payload() numbers: number[]) {
    return numbers.reduce((sum, number) => sum + number, 0);
  }

  @MessagePattern({ cmd: 'countdown' })
  countdown(@Payload() from: number): Observable<number> {
    return range(0, from).pipe(map((passed) => from - passed));
  }

  @MessagePattern({ cmd: 'divide' })
  divide(@Payload() [dividend, divisor]: [number, number]) {
    if (divisor === 0) throw new RpcException('nothing can be divided by 0');
    return dividend / divisor;
  }

  @EventPattern('praised')
  praised(@Payload() by: string) {
    this.#praisedBy.push(by);
  }

  @MessagePattern({ cmd: 'praise' })
  praise() {
    return this.#praisedBy;
  }
}
