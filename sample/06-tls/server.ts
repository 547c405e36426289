import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CmdStreamExceptionFilter, CmdStreamServer } from 'nestjs-cmd-stream';
import type { Certificates } from './certificates.js';
import { notesContract } from './notes.contract.js';
import { NotesController } from './notes.controller.js';

@Module({ controllers: [NotesController] })
export class NotesModule {}

/** Starts the server, which lets in clients with a certificate of its CA only. */
export async function startServer(port: number, certificates: Certificates) {
  const strategy = new CmdStreamServer({
    port,
    contract: notesContract,
    // Files, so that a certificate that is renewed is found within ten seconds, or at once by reloadTls().
    tlsFiles: {
      cert: certificates.path('localhost.crt'),
      key: certificates.path('localhost.key'),
      ca: certificates.path('ca.crt'),
    },
    tls: { requestCert: true, rejectUnauthorized: true },
  });
  // Whom it refuses it says as a warning.
  const app = await NestFactory.createMicroservice(NotesModule, { strategy, logger: ['error'] });
  app.useGlobalFilters(new CmdStreamExceptionFilter());
  await app.listen();
  return app;
}
