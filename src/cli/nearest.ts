/** Of the names, the one that a mistyped word most likely means; null when none is near. */
export function nearest<Name extends string>(word: string, names: readonly Name[]): Name | null {
  const rated = names.map((name) => ({ name, changes: changesBetween(word, name) }));
  const [best] = rated.sort((a, b) => a.changes - b.changes);
  return best !== undefined && best.changes <= best.name.length * NEAR ? best.name : null;
}

/** So large a part of a name may be wrong. */
const NEAR = 0.4;
const WORD_MAX = 60;

/** Characters to add, take away or change (Levenshtein), row by row. */
function changesBetween(word: string, name: string): number {
  const letters = [...word.slice(0, WORD_MAX)];
  let row = Array.from({ length: name.length + 1 }, (_, at) => at);
  for (const [at, letter] of letters.entries()) {
    const next = [at + 1];
    for (let to = 1; to <= name.length; to += 1) {
      const same = letter === name[to - 1] ? 0 : 1;
      const replaced = (row[to - 1] ?? 0) + same;
      next.push(Math.min(replaced, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[name.length] ?? 0;
}
