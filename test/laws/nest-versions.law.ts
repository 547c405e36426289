// Law: lib runs on Nest 11 as well as on 12. A name that one of the two does not export keeps an ES module from
// loading.
import { expect, it } from '@jest/globals';
import ts from 'typescript';
import { readLib, type Source } from '../support/project.js';
import { parse } from './source.js';

/** What both versions export, of what lib needs at run time. */
const inBoth: Readonly<Record<string, readonly string[]>> = {
  '@nestjs/common': [
    'BadRequestException',
    'Catch',
    'ClassSerializerInterceptor',
    'Controller',
    'HttpException',
    'Inject',
    'Injectable',
    'IntrinsicException',
    'Logger',
    'Module',
    'Optional',
    'createParamDecorator',
  ],
  '@nestjs/core': [
    'BaseExceptionFilter',
    'HttpAdapterHost',
    'MetadataScanner',
    'ModulesContainer',
    'NestApplicationContext',
  ],
  '@nestjs/microservices': [
    'BaseRpcContext',
    'BaseRpcExceptionFilter',
    'ClientProxy',
    'MessagePattern',
    'RpcException',
    'Server',
    'Transport',
  ],
  '@nestjs/terminus': ['HealthIndicatorService'],
};

/** `@nestjs/core: HttpAdapterHost` for each name of Nest that a file imports, types left out. */
function namesOfNest(source: Source): readonly string[] {
  return parse(source).statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) return [];
    const from = statement.moduleSpecifier.text;
    const { importClause } = statement;
    if (!from.startsWith('@nestjs/') || importClause === undefined || importClause.isTypeOnly) return [];
    const bindings = importClause.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) return [`${from}: *`];
    return bindings.elements
      .filter(({ isTypeOnly }) => !isTypeOnly)
      .map(({ name, propertyName }) => `${from}: ${(propertyName ?? name).text}`);
  });
}

const allowed = Object.entries(inBoth).flatMap(([from, names]) => names.map((name) => `${from}: ${name}`));

it.each([
  [`import { Server, type Deserializer } from '@nestjs/microservices';`, []],
  [`import type { IncomingResponseDeserializer } from '@nestjs/microservices';`, []],
  [`import { IncomingResponseDeserializer as D } from '@nestjs/microservices';`, ['IncomingResponseDeserializer']],
  [`import * as all from '@nestjs/microservices';`, ['*']],
])('%s names what only one version may have: %j', (text, strangers) => {
  const found = namesOfNest({ path: 'lib/nest/a.ts', text }).filter((name) => !allowed.includes(name));
  expect(found).toEqual(strangers.map((name) => `@nestjs/microservices: ${name}`));
});

it('lib names at run time exactly what both versions export', () => {
  const found = new Set(readLib().flatMap(namesOfNest));
  expect([...found].toSorted()).toEqual(allowed.toSorted());
});
