// What the contestants share that send messages by pattern.
import { Controller } from '@nestjs/common';
import { type ClientProxy, MessagePattern } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { checkText, texts, type Workload } from '../workload.js';
import { type Calling, inTurn } from './contestant.js';

export interface Payload {
  readonly text: string;
}

export type Pattern = string | { readonly cmd: string };

@Controller()
export class PatternController {
  @MessagePattern('echo')
  byString(payload: Payload): Payload {
    return { text: payload.text };
  }

  @MessagePattern({ cmd: 'echo' })
  byObject(payload: Payload): Payload {
    return { text: payload.text };
  }
}

export async function callingByPattern(
  client: Pick<ClientProxy, 'connect' | 'send' | 'close'>,
  pattern: Pattern,
  { payload }: Workload,
): Promise<Calling> {
  await client.connect();
  const text = inTurn(texts(Number(payload)));
  return {
    call: async () => {
      const sent = text();
      checkText(sent, await firstValueFrom(client.send<Payload>(pattern, { text: sent })));
    },
    close: async () => client.close(),
  };
}
