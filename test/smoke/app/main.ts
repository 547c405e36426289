// Runs the application once, and says what it has given.
import { run } from './calc.js';

run().then(
  (given) => console.log(JSON.stringify(given)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
