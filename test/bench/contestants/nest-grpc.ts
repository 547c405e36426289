// Nest's gRPC transport. The schema is given as an object, so that no file has to be found.
import { fromJSON } from '@grpc/proto-loader';
import { Controller } from '@nestjs/common';
import { ClientGrpcProxy, GrpcMethod, type GrpcOptions, Transport } from '@nestjs/microservices';
import { firstValueFrom, type Observable } from 'rxjs';
import { checkText, texts } from '../workload.js';
import { type Contestant, inTurn } from './contestant.js';
import { freePort } from './free-port.js';
import { host, microservice } from './nest-app.js';
import type { Payload } from './patterns.js';

const packageDefinition = fromJSON({
  nested: {
    bench: {
      nested: {
        Payload: { fields: { text: { type: 'string', id: 1 } } },
        EchoService: { methods: { Echo: { requestType: 'Payload', responseType: 'Payload', comment: '' } } },
      },
    },
  },
});

@Controller()
class GrpcController {
  @GrpcMethod('EchoService', 'Echo')
  echo(payload: Payload): Payload {
    return { text: payload.text };
  }
}

interface EchoService {
  echo(payload: Payload): Observable<Payload>;
}

function options(port: number): GrpcOptions['options'] {
  return { package: 'bench', packageDefinition, url: `${host}:${port}` };
}

export const grpc: Contestant = {
  async serve() {
    const port = await freePort();
    const app = await microservice(GrpcController, { transport: Transport.GRPC, options: options(port) });
    return { port, close: () => app.close() };
  },
  async connect(port, { payload }) {
    const client = new ClientGrpcProxy(options(port));
    const service = client.getService<EchoService>('EchoService');
    const text = inTurn(texts(Number(payload)));
    return {
      call: async () => {
        const sent = text();
        checkText(sent, await firstValueFrom(service.echo({ text: sent })));
      },
      close: async () => client.close(),
    };
  },
};
