// The figures of hard JSON are of what a server reads: text that it refuses at once would measure nothing.
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { checkReceived } from '../../lib/codec/json/json-structure.js';
import {
  DATA_COMPLEXITY,
  DECORATED_KEYS,
  RECEIVED_COMPLEXITY,
  RECEIVED_KEYS,
  TRANSFORMED_COMPLEXITY,
  TYPED_COMPLEXITY,
} from '../../lib/codec/json/json-codec-options.js';
import { hardJson } from './figures/hard-json.js';

// Two keys may share a place in a table whose seed is random, and weigh more then.
beforeEach(() => {
  jest.spyOn(Math, 'random').mockReturnValue(1 / 2);
});

afterEach(() => {
  jest.restoreAllMocks();
});

it.each([
  [RECEIVED_COMPLEXITY, RECEIVED_KEYS],
  [DATA_COMPLEXITY, RECEIVED_KEYS],
  [TYPED_COMPLEXITY, RECEIVED_KEYS],
  [TRANSFORMED_COMPLEXITY, DECORATED_KEYS],
])('hard JSON is within a complexity of %d, but for what says that it is not', (complexity, keys) => {
  const limits = { maxDepth: 64, maxTokens: 1_000_000 };
  const isWithin = (text: string): boolean => {
    try {
      checkReceived(text, limits, complexity);
      return true;
    } catch {
      return false;
    }
  };
  const documents = Object.entries(hardJson({ complexity, keys }));
  const refused = documents.filter(([, text]) => !isWithin(text)).map(([name]) => name);
  expect(refused).toEqual(['objects beyond the limit', 'values beyond the limit']);
});
