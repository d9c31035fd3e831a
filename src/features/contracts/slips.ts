/** Of short keys many are near to one another. */
const SHORT_CHARACTERS = 5

/** Whether a word was most likely meant to be a key. */
export function isSlip(written: string, key: string): boolean {
  if (written.toLowerCase() === key.toLowerCase()) return true
  const most = key.length <= SHORT_CHARACTERS ? 1 : 2
  return Math.abs(written.length - key.length) <= most && distance(written, key) <= most
}

/** How many letters have to come, go or change to make one word of another. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [index, letter] of one.split('').entries()) {
    const next = [index + 1]
    for (const [at, wanted] of other.split('').entries())
      next.push(
        Math.min(
          (row[at] as number) + (letter === wanted ? 0 : 1),
          (row[at + 1] as number) + 1,
          (next[at] as number) + 1,
        ),
      )
    row = next
  }
  return row.at(-1) as number
}
