import type { Tensor } from '#inference'
import type { Explanation, ExplainedOutput, Known, Task } from './explanation.ts'
import type { Feature, Means, TreeModel } from './model.ts'
import { outputColumns } from './outputs.ts'
import { answersOf, coversOf, sumsOf, type TreeEnsemble } from './tree.ts'
import { addPathShap, meanByCovers } from './tree-paths.ts'
import { addTreeShap } from './tree-shap.ts'

type Found = Pick<Explanation, 'method' | 'note' | 'outputs' | 'rows' | 'evaluations'>

/** Sums of single-precision leaves in another order differ by this much. */
const TOLERANCE = 1e-4

/**
 * Explains rows by the trees themselves. Undefined when the trees' answers are not those of the model: then
 * something after them, or before, was not understood.
 */
export async function explainedByTrees(
  means: Means,
  task: Task,
  known: Known & { readonly trees: TreeModel },
): Promise<Found | undefined> {
  const { asked, background } = task
  const { ensemble } = known.trees
  const features = spread(known.trees.features, asked.feeds)
  const rows = vectorsOf(features, asked.feeds)
  const usual = vectorsOf(features, background.feeds)
  if (rows === undefined || usual === undefined) return undefined
  const checked = known.isRight ? rows.slice(0, 1) : rows
  const names = await outputNames(means, task, { ensemble, rows: checked })
  if (names === undefined) return undefined
  const byPaths = task.request.method === 'paths'
  const explained = byPaths
    ? await byBackgroundPaths(task, ensemble, { rows, usual })
    : await byBackgroundRows(task, ensemble, { rows, usual })
  const columnOf = columnPlaces(task, features)
  return {
    method: byPaths ? 'paths' : 'trees',
    note: null,
    outputs: names.map((name, output) => ({
      name,
      of: OF[ensemble.transform],
      base: explained.base[output] ?? 0,
    })),
    rows: rows.map((row, index) => ({
      answers: sumsOf(ensemble, row),
      values: (explained.values[index] ?? []).map((each) =>
        summed(each, columnOf, asked.rows.columns.length),
      ),
    })),
    evaluations: checked.length,
  }
}

const OF: Readonly<Record<TreeEnsemble['transform'], ExplainedOutput['of']>> = {
  none: 'answer',
  logistic: 'score before logistic',
  softmax: 'score before softmax',
  'softmax-zero': 'score before softmax',
  probit: 'answer',
}

interface Vectors {
  readonly rows: readonly Float64Array[]
  readonly usual: readonly Float64Array[]
}
interface Explained {
  readonly base: readonly number[]
  /** For each row and output one value for each feature. */
  readonly values: readonly (readonly Float64Array[])[]
}

async function byBackgroundRows(
  { pace }: Task,
  ensemble: TreeEnsemble,
  { rows, usual }: Vectors,
): Promise<Explained> {
  const base = ensemble.base.map(() => 0)
  for (const background of usual)
    for (const [output, sum] of sumsOf(ensemble, background).entries())
      base[output] = (base[output] ?? 0) + sum / usual.length
  const values: Float64Array[][] = []
  for (const row of rows) {
    const into = ensemble.base.map(() => new Float64Array(row.length))
    for (const background of usual) {
      addTreeShap(ensemble, { row, background }, into)
      await pace.step()
    }
    values.push(into.map((each) => each.map((value) => value / usual.length)))
  }
  return { base, values }
}

async function byBackgroundPaths(
  { pace }: Task,
  ensemble: TreeEnsemble,
  { rows, usual }: Vectors,
): Promise<Explained> {
  const covers = ensemble.trees.map((tree) => coversOf(tree, usual))
  const values: Float64Array[][] = []
  for (const row of rows) {
    const into = ensemble.base.map(() => new Float64Array(row.length))
    addPathShap(ensemble, { row, covers }, into)
    await pace.step()
    values.push(into)
  }
  return { base: meanByCovers(ensemble, covers), values }
}

/** What the sums are called in the model's answer; undefined when its answers are others than the trees give. */
async function outputNames(
  means: Means,
  { asked, located }: Task,
  { ensemble, rows }: { ensemble: TreeEnsemble; rows: readonly Float64Array[] },
): Promise<string[] | undefined> {
  const { columns, rows: sent } = asked.rows
  const answers = await means.score(
    located.placed,
    rows.map((_, index) =>
      Object.fromEntries(columns.map((name, column) => [name, sent[index]?.[column] ?? null])),
    ),
  )
  const outputs = outputColumns(located.shape, answers[0] ?? {})
  const isRight = rows.every((row, index) => {
    const expected = answersOf(ensemble, sumsOf(ensemble, row))
    return (
      outputs.length === expected.length &&
      expected.every((value, output) => {
        const answer = outputs[output]?.numberIn(answers[index] ?? {}) ?? Number.NaN
        return Math.abs(value - answer) <= TOLERANCE * (1 + Math.abs(answer))
      })
    )
  })
  if (!isRight) return undefined
  // The one sum of two classes is that of the second.
  const named = ensemble.isBinary ? outputs.slice(1) : outputs
  return named.map(({ name }) => name)
}

/** The features, with each that stands for a whole input replaced by one for each of its columns. */
function spread(features: readonly Feature[], feeds: readonly Tensor[]): Feature[] {
  return features.flatMap((feature) => {
    if (!feature.repeats) return [feature]
    const width = feeds.find(({ name }) => name === feature.input)?.shape[1] ?? 1
    return Array.from({ length: width }, (_, column) => ({ ...feature, column, repeats: false }))
  })
}

/** What the trees see of each row. Undefined when an input is none of numbers. */
function vectorsOf(
  features: readonly Feature[],
  feeds: readonly Tensor[],
): Float64Array[] | undefined {
  const byName = new Map(feeds.map((feed) => [feed.name, feed]))
  const parts = features.map((feature) => ({ feature, feed: byName.get(feature.input) }))
  const count = feeds[0]?.shape[0] ?? 0
  if (parts.some(({ feed }) => feed === undefined || feed.type === 'string')) return undefined
  return Array.from({ length: count }, (_, row) =>
    Float64Array.from(parts, ({ feature, feed }) => {
      const width = feed?.shape[1] ?? 1
      return stepped(Number(feed?.data[row * width + feature.column]), feature.steps)
    }),
  )
}

/** A number after the steps, each rounded to single precision as the model does. */
function stepped(value: number, steps: Feature['steps']): number {
  let now = Math.fround(value)
  for (const { does, by } of steps)
    if (does === 'add') now = Math.fround(now + by)
    else if (does === 'subtract') now = Math.fround(now - by)
    else if (does === 'multiply') now = Math.fround(now * by)
    else now = Math.fround(now / by)
  return now
}

/** The column that each feature is of. */
function columnPlaces({ asked }: Task, features: readonly Feature[]): number[] {
  const { form, rows, feeds } = asked
  if (form === 'matrix') return features.map(({ column }) => column)
  return features.map(({ input }) => {
    const place = feeds.findIndex(({ name }) => name === input)
    return place < rows.columns.length ? place : -1
  })
}

/** Values of features as those of the columns that they are of. */
function summed(values: Float64Array, columnOf: readonly number[], columns: number): number[] {
  const sums = Array.from({ length: columns }, () => 0)
  for (const [feature, value] of values.entries()) {
    const column = columnOf[feature] ?? -1
    if (column >= 0) sums[column] = (sums[column] ?? 0) + value
  }
  return sums
}
