import type { ColumnSketch } from '#sketches'

/**
 * What `scoreOf` gives of each row, as a sketch of all: of lists the last element, else what is called a probability or
 * score, else the last number.
 */
export function scoreSketchOf(
  outputs: ReadonlyMap<string, ColumnSketch>,
): ColumnSketch | undefined {
  const whole = [...outputs].filter(([name]) => !isElement(name, outputs))
  for (const [name, { lists }] of whole) {
    const last = lists === 0 ? undefined : lastElement(name, outputs)
    if (last !== undefined) return last
  }
  const numbers = whole.filter(([, sketch]) => hasNumbers(sketch))
  const named = numbers.find(([name]) => /prob|score/i.test(name))
  return (named ?? numbers.at(-1))?.[1]
}

function lastElement(
  name: string,
  outputs: ReadonlyMap<string, ColumnSketch>,
): ColumnSketch | undefined {
  let last: ColumnSketch | undefined
  for (let index = 0; outputs.has(`${name}[${index}]`); index++)
    last = outputs.get(`${name}[${index}]`)
  return last !== undefined && hasNumbers(last) ? last : undefined
}

function isElement(name: string, outputs: ReadonlyMap<string, ColumnSketch>): boolean {
  const [, list] = /^(.*)\[\d+\]$/s.exec(name) ?? []
  return list !== undefined && (outputs.get(list)?.lists ?? 0) > 0
}

function hasNumbers({ numbers, nans, infinities, negativeInfinities }: ColumnSketch): boolean {
  return numbers.count + numbers.buffered + nans + infinities + negativeInfinities > 0
}
