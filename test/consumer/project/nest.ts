// A Nest application: its modules, controllers and services, with inferred types throughout.
import { Controller, Inject, Injectable, Module } from '@nestjs/common';
import {
  CmdStreamClient,
  CmdStreamModule,
  CmdStreamRecordBuilder,
  CmdStreamServer,
  CommandHandler,
  InjectCmdStreamClient,
  Invoker,
  type CmdStreamContext,
} from 'nestjs-cmd-stream';
import { CmdStreamHealthIndicator } from 'nestjs-cmd-stream/terminus';
import { Add, Calc, contract, Count, Sum } from './contract.js';

export const handlesAdd = CommandHandler(Add);

@Controller()
export class CalcController {
  @handlesAdd
  add({ a, b }: Add, _context: CmdStreamContext) {
    return new Sum(a + b);
  }

  @CommandHandler(Count)
  async *count({ to }: Count) {
    for (let value = 1; value <= to; value++) yield new Sum(value);
  }
}

export class CalcInvoker extends Invoker(Calc, [Add]) {}

@Injectable()
export class CalcService {
  constructor(
    @InjectCmdStreamClient('CALC') private readonly client: CmdStreamClient,
    @Inject(CmdStreamHealthIndicator) private readonly health: CmdStreamHealthIndicator,
  ) {}

  readonly add = (a: number, b: number) => this.client.execute(new Add(a, b));
  readonly count = (to: number) => this.client.send(new Count(to));
  readonly taken = (to: number) => this.client.iterate(new Count(to));
  readonly core = () => this.client.unwrap();
  readonly status = () => this.client.status;
  readonly check = () => this.health.pingCheck('calc', this.client);
}

export const clients = CmdStreamModule.registerAsync({
  name: 'CALC',
  inject: ['HOST'],
  useFactory: (host: string | undefined) => ({ contract, host }),
});

@Module({ imports: [clients], controllers: [CalcController, CalcInvoker], providers: [CalcService, Calc] })
export class CalcModule {}

export const strategy = (port?: number) => new CmdStreamServer({ contract, port });
export const core = (server: CmdStreamServer) => server.unwrap();
export const listener = (server: CmdStreamServer) => server.on.bind(server);
export const record = new CmdStreamRecordBuilder([1, 2]).setMetadata({ trace: '1' }).build();
