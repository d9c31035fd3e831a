import { invariant } from '#base/invariant'
import { Problem } from '#base/problem'
import { readInput, versionName } from '#inference'
import type { Explain, Explanation, ExplanationRequest, Known, Task } from './explanation.ts'
import type { Located, Means } from './model.ts'
import { outputColumns } from './outputs.ts'
import { paceOf, type Pace } from './pace.ts'
import { sampledShap, type Sampled } from './sampling.ts'
import { seededDraws } from '#base/seeded'
import { explainedByTrees } from './by-trees.ts'

const ROWS_MAX = 1000
const BACKGROUND_ROWS_MAX = 100
/** Paths only count them. */
const PATH_ROWS_MAX = 20_000
const EVALUATIONS_MAX = 50_000
const EVALUATIONS_LIMIT = 2_000_000
const DEADLINE_MS = 30_000

/** More at once would only take longer, each of them. */
const AT_ONCE_MAX = 4

/** Models whose trees are held, so that the next question need not read them. */
const MODELS_MAX = 8

export function createExplanations(means: Means): Explain {
  const models = new Map<string, Promise<Known>>()
  let underWay = 0
  const knownOf = ({ placed }: Located): Promise<Known> => {
    const { digest } = placed.servable
    const known = models.get(digest) ?? readTrees(means, placed)
    models.delete(digest)
    models.set(digest, known)
    for (const [oldest] of models) if (models.size > MODELS_MAX) models.delete(oldest)
    return known
  }
  return {
    explain: async (endpoint, request) => {
      if (request.caller !== undefined) await means.charge(endpoint, request.caller)
      if (underWay >= AT_ONCE_MAX)
        throw new Problem('unavailable', 'several explanations are being made; try again later')
      underWay += 1
      try {
        const pace = paceOf({ ...request, deadlineMs: request.deadlineMs ?? DEADLINE_MS })
        const located = await means.locate(endpoint, request.pin)
        const usual = request.background ?? (await exampleOf(means, located))
        const task = taskOf(located, { request, usual, pace })
        return await explained(means, { ...task, known: await knownOf(located) })
      } finally {
        underWay -= 1
      }
    },
  }
}

async function readTrees(means: Means, { files }: Located['placed']): Promise<Known> {
  const note = 'the model is no single ensemble of trees over its columns, so it was asked instead'
  if (files.runs === 'python') return { trees: undefined, note, isRight: false }
  return { trees: await means.readTrees(files), note, isRight: false }
}

type Input = ExplanationRequest['input']

/** The input example that was logged with a model, as somebody would send it. */
async function exampleOf(means: Means, { placed, revision }: Located): Promise<Input> {
  const example = (await means.readExample(placed.files)) ?? placed.servable.example
  if (example === null)
    throw new Problem(
      'invalid',
      `model ${versionName(revision)} was logged without an input example, so nothing says what is usual; send background rows, or log it with input_example`,
    )
  return example.columns === null
    ? { form: 'unnamed', rows: example.rows }
    : { form: 'rows', ...example }
}

function taskOf(
  located: Located,
  { request, usual, pace }: { request: ExplanationRequest; usual: Input; pace: Pace },
): Task {
  const { evaluationsMax = EVALUATIONS_MAX } = request
  if (!(evaluationsMax >= 1 && evaluationsMax <= EVALUATIONS_LIMIT))
    throw new Problem('invalid', `evaluations are from 1 to ${EVALUATIONS_LIMIT}`)
  const model = { servable: located.placed.servable, shape: located.shape }
  const asked = readInput(model, request.input)
  if (asked.rows.rows.length > ROWS_MAX)
    throw new Problem('limit', `up to ${ROWS_MAX} rows are explained at once; ask in parts`)
  const draw = seededDraws(request.seed ?? 0)
  const whole = readInput(model, usual)
  const rowsMax = request.method === 'paths' ? PATH_ROWS_MAX : BACKGROUND_ROWS_MAX
  const drawn = drawnRows(whole.rows.rows, { rowsMax, draw })
  if (drawn.length === 0) throw new Problem('invalid', 'the background has no rows; send some')
  const background =
    drawn.length === whole.rows.rows.length
      ? whole
      : readInput(model, { form: 'rows', columns: whole.rows.columns, rows: drawn })
  const from = request.background === undefined ? 'input example' : 'request'
  return { located, request, pace, asked, background, from, draw }
}

/** So many rows at most, drawn without putting back. */
function drawnRows<Each>(
  rows: readonly Each[],
  { rowsMax, draw }: { rowsMax: number; draw: () => number },
): readonly Each[] {
  if (rows.length <= rowsMax) return rows
  const left = [...rows]
  return Array.from({ length: rowsMax }, (_, place) => {
    const other = place + Math.floor(draw() * (left.length - place))
    const drawn = left[other] as Each
    left[other] = left[place] as Each
    return drawn
  })
}

async function explained(means: Means, task: Task & { known: Known }): Promise<Explanation> {
  const { located, known, request, asked, background, from } = task
  const { revision } = located
  const common = {
    modelVersion: versionName(revision),
    revision: revision.number,
    columns: asked.rows.columns,
    background: { rows: background.rows.rows.length, from },
  }
  if (asked.rows.rows.length === 0)
    throw new Problem('invalid', 'there is no row to explain; send at least one')
  const trees = known.trees
  if (request.method !== 'sampling' && trees !== undefined) {
    const found = await explainedByTrees(means, task, { ...known, trees })
    if (found !== undefined) {
      known.isRight = true
      return { ...common, ...found }
    }
  }
  if (request.method === 'paths')
    throw new Problem(
      'unsupported',
      `${known.note}; ask without "paths" for an explanation by sampling`,
    )
  const note = request.method === 'sampling' ? null : known.note
  return { ...common, ...(await explainedByAsking(means, task)), note }
}

async function explainedByAsking(
  means: Means,
  task: Task,
): Promise<Pick<Explanation, 'method' | 'outputs' | 'rows' | 'evaluations'>> {
  const { located, request, pace, asked, background, draw } = task
  const { columns, rows } = asked.rows
  const scored = async (all: readonly (readonly unknown[])[]) =>
    means.score(
      located.placed,
      all.map((row) =>
        Object.fromEntries(columns.map((name, index) => [name, row[index] as never])),
      ),
    )
  const [first = {}] = await scored(rows.slice(0, 1))
  const outputs = outputColumns(located.shape, first)
  const evaluationsMax = Math.ceil((request.evaluationsMax ?? EVALUATIONS_MAX) / rows.length)
  const sampled: Sampled[] = []
  for (const row of rows)
    sampled.push(
      await sampledShap(row, {
        background: background.rows.rows,
        ask: async (all) =>
          (await scored(all)).map((answer) => outputs.map((output) => output.numberIn(answer))),
        budget: { evaluationsMax, check: pace.check, draw },
      }),
    )
  const [one] = sampled
  invariant(one !== undefined, 'there is a row to explain')
  return {
    method: one.method,
    outputs: outputs.map(({ name }, index) => ({ name, of: 'answer', base: one.base[index] ?? 0 })),
    rows: sampled.map(({ answer, values, errors, method }) => ({
      answers: answer,
      values: values.map((each) => [...each]),
      ...(method === 'permutation' ? { errors: errors.map((each) => [...each]) } : {}),
    })),
    evaluations: sampled.reduce((sum, { evaluations }) => sum + evaluations, 1),
  }
}
