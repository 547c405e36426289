// Which of some known names is meant by one that is not known: by slips of the keyboard, or by what was left out at its
// end, or added there.

/** The known name that is meant, as far as that can be guessed. */
export function similarName(name: string, known: readonly string[]): string | undefined {
  const close = known.find((each) => isClose(name, each));
  if (close !== undefined) return close;
  const longer = known.filter((each) => startsWith(each, name));
  // A few letters that begin several names stand for none of them.
  if (name.length >= 3 && longer.length === 1) return longer[0];
  return known.find((each) => each.length >= 4 && startsWith(name, each));
}

function startsWith(name: string, start: string): boolean {
  return name.toLowerCase().startsWith(start.toLowerCase());
}

/** Are they the same but for upper case and a slip of the keyboard, or two in a long name? */
export function isClose(name: string, meant: string): boolean {
  const allowed = meant.length < 10 ? 1 : 2;
  if (Math.abs(name.length - meant.length) > allowed) return false;
  return distance(name.toLowerCase(), meant.toLowerCase()) <= allowed;
}

/** How many letters must be added, left out, replaced, or change places with the next, to make one of the other. */
function distance(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= one.length; row++) {
    const [above, here] = [rows[row - 1]!, [row]];
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1];
      // Before the first letter there is none, which equals no letter.
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      here[column] = Math.min(
        above[column]! + 1,
        here[column - 1]! + 1,
        above[column - 1]! + (isSame ? 0 : 1),
        isSwapped ? rows[row - 2]![column - 2]! + 1 : Number.POSITIVE_INFINITY,
      );
    }
    rows.push(here);
  }
  return rows[one.length]![other.length]!;
}
