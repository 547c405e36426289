// Nest's own TCP transport, with string and with object patterns, with and without enhancers.
import type { Server } from 'node:net';
import { Controller, type Type, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { ClientTCP, MessagePattern, Transport } from '@nestjs/microservices';
import { host, microservice, portOf } from './nest-app.js';
import type { Contestant } from './contestant.js';
import { AllowGuard, PassInterceptor, PassPipe } from './enhancers.js';
import { callingByPattern, type Pattern, PatternController, type Payload } from './patterns.js';

@Controller()
@UseGuards(AllowGuard)
@UseInterceptors(PassInterceptor)
@UsePipes(PassPipe)
class EnhancedPatternController {
  @MessagePattern('echo')
  echo(payload: Payload): Payload {
    return { text: payload.text };
  }
}

function contestant(pattern: Pattern, controller: Type = PatternController): Contestant {
  return {
    async serve() {
      const app = await microservice(controller, { transport: Transport.TCP, options: { host, port: 0 } });
      return { port: portOf(app.unwrap<Server>().address()), close: () => app.close() };
    },
    async connect(port, workload) {
      return callingByPattern(new ClientTCP({ host, port }), pattern, workload);
    },
  };
}

export const tcpString = contestant('echo');
export const tcpObject = contestant({ cmd: 'echo' });
export const tcpEnhanced = contestant('echo', EnhancedPatternController);
