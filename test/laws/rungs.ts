// The house, rung by rung: which rooms of lib, which modules of Node and which packages each room may name.
import { importsOf, type Import } from './imports.js';
import type { Source } from '../support/project.js';

interface Room {
  readonly rooms: readonly string[];
  readonly packages: readonly RegExp[];
}

const ground = ['error-codes', 'errors', 'similar-names', 'options', 'callbacks'];
const bytes = [...ground, 'wire', 'contract', 'codec'];
const socket = [...bytes, 'async-scope', 'fifo', 'linked-set', 'connection'];
const watched = [...socket, 'instrumentation'];
const core = [...watched, 'client', 'server'];

const node = /^node:/;
const nest = [/^@nestjs\//, /^rxjs(\/|$)/];
const validation = [/^class-transformer(\/|$)/, /^class-validator$/, /^reflect-metadata$/];

/** A room may always name its own files; two rooms of one rung, such as client and server, never each other. */
export const house: Readonly<Record<string, Room>> = {
  'error-codes': { rooms: [], packages: [] },
  errors: { rooms: ['error-codes'], packages: [/^node:util(\/|$)/] },
  'error-status': { rooms: ['error-codes', 'errors'], packages: [] },
  'similar-names': { rooms: [], packages: [] },
  options: { rooms: ['errors', 'similar-names'], packages: [] },
  'async-scope': { rooms: [], packages: [/^node:async_hooks$/] },
  callbacks: { rooms: ['error-codes', 'errors'], packages: [] },
  fifo: { rooms: [], packages: [] },
  'linked-set': { rooms: [], packages: [] },
  wire: { rooms: ground, packages: [/^node:buffer$/] },
  contract: { rooms: [...ground, 'wire'], packages: [node] },
  codec: { rooms: [...ground, 'wire', 'contract'], packages: [node, /^class-transformer(\/|$)/] },
  mus: { rooms: bytes, packages: [node] },
  protobuf: { rooms: bytes, packages: [node, /^@bufbuild\//] },
  connection: { rooms: [...bytes, 'async-scope', 'fifo'], packages: [node] },
  instrumentation: { rooms: [...ground, 'wire', 'contract'], packages: [/^node:diagnostics_channel$/] },
  client: { rooms: watched, packages: [node] },
  server: { rooms: watched, packages: [node] },
  nest: { rooms: [...core, 'error-status'], packages: [node, ...nest, ...validation] },
  otel: { rooms: [...bytes, 'instrumentation'], packages: [/^@opentelemetry\/api$/] },
  testing: { rooms: core, packages: [node] },
  cli: { rooms: core, packages: [node] },
  'circuit-breaker': { rooms: [...watched, 'client'], packages: [/^cockatiel$/] },
};

/** Every room has files: the name of one that is gone would let another in unseen. */
export function emptyRooms(sources: readonly Source[]): readonly string[] {
  const found = new Set(sources.map(({ path }) => roomOf(path)));
  return Object.keys(house).filter((name) => !found.has(name));
}

/** Doors stand above every room: they may name all of them, and nothing but another door names a door. */
export function rungViolations(sources: readonly Source[], doors: readonly string[]): readonly string[] {
  return sources.flatMap((source) => {
    if (doors.includes(source.path)) return [];
    const name = roomOf(source.path);
    const room = Object.hasOwn(house, name) ? house[name] : undefined;
    if (room === undefined) return [`${source.path}: "${name}" is on no rung`];
    return importsOf(source).flatMap((found) => {
      if (mayName(room, name, found, doors)) return [];
      return [`${found.place}: ${name} may not name ${found.file ?? found.specifier}`];
    });
  });
}

function mayName(room: Room, name: string, found: Import, doors: readonly string[]): boolean {
  if (found.file === undefined) return room.packages.some((allowed) => allowed.test(found.specifier));
  if (doors.includes(found.file) || !found.file.startsWith('lib/')) return false;
  const target = roomOf(found.file);
  return target === name || room.rooms.includes(target);
}

/** `lib/wire/frame.ts` is in `wire`, `lib/errors.ts` is a room of its own. */
function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}
