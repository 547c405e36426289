// What an application loads with `node --import` before itself: an SDK that is set up by the environment.
import { register } from 'node:module';
import { NestInstrumentation } from '@opentelemetry/instrumentation-nestjs-core';
import { NodeSDK } from '@opentelemetry/sdk-node';

// Nest is made of ES modules, which are instrumented while they are loaded.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const sdk = new NodeSDK({ instrumentations: [new NestInstrumentation()] });
sdk.start();
// What is left to be exported leaves before the process ends.
process.once('beforeExit', () => void sdk.shutdown());
