import { Problem } from '#base/problem'
import { addTextCounts, addWeighted, emptySketch, type ColumnSketch } from '#sketches'
import { distinctIn, frequentIn, kllIn, type KllNumbers } from './sketches.ts'
import { broken, delimited, fieldsOf, pairsOf, taken, varint, type Field } from './wire.ts'

/** A profile that whylogs has written, in the words of our own sketches. */
export interface WhylogsProfile {
  /** What the data is of. */
  readonly atMs: number
  readonly columns: ReadonlyMap<string, WhylogsColumn>
}

export interface WhylogsColumn {
  readonly sketch: ColumnSketch
  /** As its own sketch estimates it. */
  readonly distinct: number
}

const MAGIC = Buffer.from('WHY1')

/** Reads a file that whylogs 1 writes. Throws `invalid` for others, `unsupported` for one of several segments. */
export function whylogsProfileIn(bytes: Buffer): WhylogsProfile {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new Problem('invalid', 'this is no profile of whylogs 1: it does not begin with WHY1')
  const at = { place: MAGIC.length }
  const segments = fieldsOf(delimited(bytes, at))
  if (segments.some(({ number, value }) => number === 1 && value === 1n))
    throw new Problem(
      'unsupported',
      'this profile has segments; write each of them as a profile of its own',
    )
  const header = fieldsOf(delimited(bytes, at))
  const paths = new Map(
    pairsOf(header, 5).map(({ key, value }) => [Number(key.value), value.bytes.toString()]),
  )
  const columns = pairsOf(header, 2).map(({ key, value }): [string, WhylogsColumn] => {
    const components = new Map<string, Component>()
    for (const offset of offsetsIn(value.bytes))
      for (const [path, component] of chunkAt(bytes, at.place + offset, paths))
        components.set(path, component)
    return [key.bytes.toString(), columnOf(components)]
  })
  return { atMs: timeIn(header), columns: new Map(columns) }
}

function timeIn(header: readonly Field[]): number {
  const properties = header.find(({ number }) => number === 1)
  const fields = properties === undefined ? [] : fieldsOf(properties.bytes)
  return Number(fields.find(({ number }) => number === 5)?.value ?? 0n)
}

/** Numbers of a list, packed or one by one. */
function offsetsIn(bytes: Buffer): number[] {
  return fieldsOf(bytes).flatMap((field) => {
    if (field.bytes.length === 0) return [Number(field.value)]
    const found: number[] = []
    const at = { place: 0 }
    while (at.place < field.bytes.length) found.push(Number(varint(field.bytes, at)))
    return found
  })
}

/** What one component says: one of these. */
interface Component {
  readonly number: number
  readonly kll: Buffer | undefined
  readonly hll: Buffer | undefined
  readonly frequent: Buffer | undefined
}

function chunkAt(
  bytes: Buffer,
  place: number,
  paths: ReadonlyMap<number, string>,
): [string, Component][] {
  const at = { place }
  const header = fieldsOf(delimited(bytes, at))
  const length = Number(header.find(({ number }) => number === 3)?.value ?? 0n)
  const chunk = fieldsOf(taken(bytes, at, length))
  return pairsOf(chunk, 1).map(({ key, value }) => {
    const path = paths.get(Number(key.value))
    if (path === undefined) throw broken()
    return [path, componentIn(value.bytes)]
  })
}

function componentIn(bytes: Buffer): Component {
  const fields = fieldsOf(bytes)
  const sketch = (wanted: number): Buffer | undefined => {
    const field = fields.find(({ number }) => number === wanted)
    return field && fieldsOf(field.bytes).find(({ number }) => number === 1)?.bytes
  }
  const whole = fields.find(({ number }) => number === 2)
  const real = fields.find(({ number }) => number === 3)
  return {
    number:
      real === undefined
        ? Number(BigInt.asIntN(64, whole?.value ?? 0n))
        : real.bytes.readDoubleLE(0),
    frequent: sketch(4),
    hll: sketch(5),
    kll: sketch(6),
  }
}

function columnOf(components: ReadonlyMap<string, Component>): WhylogsColumn {
  const count = (path: string) => components.get(path)?.number ?? 0
  const sketch = emptySketch()
  const kll = components.get('distribution/kll')?.kll
  const booleans = count('types/boolean')
  const numbers = kll === undefined ? undefined : kllIn(kll)
  // It takes true for 1 and false for 0.
  const infinite =
    numbers !== undefined && numbers.count > booleans
      ? addFinite(sketch, numbers, {
          mean: count('distribution/mean'),
          m2: count('distribution/m2'),
        })
      : { above: 0, below: 0 }
  const frequent = components.get('frequent_items/frequent_strings')?.frequent
  const texts = count('types/string')
  // Of whole numbers it counts the texts too.
  if (frequent !== undefined && texts > 0)
    addTextCounts(sketch, { ...frequentIn(frequent), count: texts })
  const nans = count('counts/nan')
  const hll = components.get('cardinality/hll')?.hll
  const trues = count('counts/true')
  return {
    sketch: {
      ...sketch,
      rows: count('counts/n'),
      nans,
      // It counts what is not a number as missing too.
      nulls: Math.max(0, count('counts/null') - nans),
      infinities: infinite.above,
      negativeInfinities: infinite.below,
      integers: count('types/integral'),
      trues,
      falses: Math.max(0, booleans - trues),
      lists: count('types/tensor'),
    },
    distinct: hll === undefined ? 0 : distinctIn(hll),
  }
}

/** Adds the finite ones of some numbers; gives how many others there are. */
function addFinite(
  sketch: ColumnSketch,
  { values, weights, min, max }: KllNumbers,
  moments: { mean: number; m2: number },
): { above: number; below: number } {
  const infinite = { above: 0, below: 0 }
  const finite = [...values.keys()].filter((at) => {
    if (Number.isFinite(values[at])) return true
    infinite[(values[at] as number) > 0 ? 'above' : 'below'] += weights[at] as number
    return false
  })
  const chosen = (all: Float64Array) => Float64Array.from(finite, (at) => all[at] as number)
  const weighted = { values: chosen(values), weights: chosen(weights) }
  const isWhole = finite.length === values.length
  if (finite.length > 0)
    addWeighted(sketch, weighted, isWhole ? { ...moments, min, max } : undefined)
  return infinite
}
