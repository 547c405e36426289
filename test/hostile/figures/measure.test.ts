// The figures that are promised are those that are measured, each once.
import { expect, it } from '@jest/globals';
import { isKept, line, promises } from './figure.js';
import { measurements, measurementsFor } from './measure.js';

it('every promised figure is given by one measurement', () => {
  const measured = Object.values(measurements).flatMap(({ figures }) => figures);
  expect(measured.toSorted()).toEqual(Object.keys(promises).toSorted());
});

it('a figure, and a measurement, is found by its name', () => {
  expect(measurementsFor(['connLoopMs', 'held'])).toEqual(['held', 'connections']);
  expect(measurementsFor([])).toEqual(Object.keys(measurements));
  expect(() => measurementsFor(['speed'])).toThrow('no figure "speed"');
});

it('a promise is kept up to what it says', () => {
  expect(isKept('oversizedMs', { value: 5, of: {} })).toBe(true);
  expect(isKept('oversizedMs', { value: 5.01, of: {} })).toBe(false);
  expect(line('oversizedMs', { value: 5.01, of: {} })).toMatch(/^BROKEN oversizedMs .* 5\.01 of 5 ms$/);
});
