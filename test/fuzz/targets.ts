// All targets of the fuzzers, by name.
import { frameTargets } from './frame-targets.js';
import { jsonTargets } from './json-targets.js';
import { musTarget } from './mus-target.js';
import { protobufTarget } from './protobuf-target.js';
import type { Target } from './target.js';
import { varintTarget } from './varint-target.js';

export const targets: readonly Target[] = [varintTarget, ...frameTargets, ...jsonTargets, musTarget, protobufTarget];
