// Nest over HTTP, as most teams use it between services: JSON by POST over kept connections, undici as the client.
import type { Server } from 'node:http';
import { Body, Controller, HttpCode, type INestApplication, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Pool } from 'undici';
import { checkText, texts } from '../workload.js';
import { type Calling, type Contestant, inTurn } from './contestant.js';
import { host, moduleOf, portOf } from './nest-app.js';
import type { Payload } from './patterns.js';
import { measure } from '../load.js';

/** The client tries these numbers of connections and stays with the one that serves it best. */
const CONNECTIONS = [4, 16, 64, 256];
const TRIAL_SECONDS = 0.3;

@Controller()
class HttpController {
  @Post('echo')
  @HttpCode(200)
  echo(@Body() payload: Payload): Payload {
    return { text: payload.text };
  }
}

const HttpModule = moduleOf(HttpController);
const logger = ['error' as const];

function contestant(create: () => Promise<INestApplication>): Contestant {
  return {
    async serve() {
      const app = await create();
      await app.listen(0, host);
      return { port: portOf((app.getHttpServer() as Server).address()), close: () => app.close() };
    },
    async connect(port, { payload, inFlight }) {
      const text = inTurn(texts(Number(payload)));
      const tried: { calling: Calling; speed: number; connections: number }[] = [];
      for (const connections of CONNECTIONS.filter((each) => each <= inFlight)) {
        const calling = callingOver(new Pool(`http://${host}:${port}`, { connections }), text, connections);
        await measure(calling, inFlight, TRIAL_SECONDS);
        const { unitsPerSecond: speed } = await measure(calling, inFlight, TRIAL_SECONDS);
        tried.push({ calling, speed, connections });
      }
      const [best, ...others] = tried.toSorted((a, b) => b.speed - a.speed);
      for (const { calling } of others) await calling.close();
      return best!.calling;
    },
  };
}

function callingOver(pool: Pool, text: () => string, connections: number): Calling {
  const headers = { 'content-type': 'application/json' };
  return {
    call: async () => {
      const sent = text();
      const request = { path: '/echo', method: 'POST' as const, headers, body: JSON.stringify({ text: sent }) };
      const { body, statusCode } = await pool.request(request);
      if (statusCode !== 200) throw new Error(`status ${statusCode}: ${await body.text()}`);
      checkText(sent, (await body.json()) as Payload);
    },
    figures: () => ({ connections }),
    close: () => pool.close(),
  };
}

export const express = contestant(() => NestFactory.create(HttpModule, { logger }));

export const fastify = contestant(async () => {
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return NestFactory.create(HttpModule, new FastifyAdapter(), { logger });
});
