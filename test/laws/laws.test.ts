// The laws of the house. They run as one suite, since to load TypeScript and to read and parse lib takes longer than
// any of them: `npm test -- test/laws -t rungs` runs those of one name.
import './clock.law.js';
import './configurations.law.js';
import './doors.law.js';
import './house-style.law.js';
import './module-state.law.js';
import './nest-versions.law.js';
import './option-docs.law.js';
import './plain-words.law.js';
import './reach.law.js';
import './rungs.law.js';
import './skipped.law.js';
