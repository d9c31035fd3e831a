import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createExplanations, type Explain, type Explanation } from '#explanations'
import type { HeldModel, Row, ServingProcess, Value } from '#inference'
import { onnxRuntime } from '#runtimes/onnx/index'
import { readTrees } from '#runtimes/onnx/trees'
import { runPython } from '../../support/python.ts'

/** What the shap library says of a model, and of which rows. */
interface Expected {
  readonly rows: (number | null)[][]
  readonly background: (number | null)[][]
  /** By row, output and column. */
  readonly values: number[][][]
  readonly base: number[]
  readonly method: Explanation['method']
}

const NAMES = [
  'forest',
  'forest-kinds',
  'forest-amount',
  'boosted',
  'boosted-amount',
  'boosted-amount-paths',
  'xgb',
  'xgb-kinds',
  'xgb-amount',
  'lgb',
  'lgb-kinds',
  'lgb-amount',
  'lgb-codes',
  'scaled',
  'divided',
  'line',
] as const
let expected: Record<string, Expected>
let process: ServingProcess
let explanations: Explain

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-explain-'))
  const script = readFileSync(join(import.meta.dirname, 'scripts', 'explain.py'), 'utf8')
  expected = (await runPython(script, { ORRERY_FOLDER: folder })) as typeof expected
  const models = Object.keys(expected).map((key): HeldModel => ({
    key,
    path: join(folder, `${key}.onnx`),
    optional: false,
  }))
  const runtime = onnxRuntime({ logger: pino({ level: 'silent' }) })
  process = await runtime.start({ name: 'test', timeoutMs: 10_000, models })
  explanations = explanationsOf(folder)
}, 180_000)
afterAll(() => process.stop())

test.each(NAMES)('%s is explained as the shap library explains it', async (name) => {
  const { method, base, values } = known(name)
  const found = await explained(name, method)
  expect(found.method).toBe(method)
  if (name !== 'line') expect(found.note).toBeNull()
  expect(found.outputs).toHaveLength(base.length)
  for (const [output, usual] of base.entries())
    expect(found.outputs[output]?.base).toBeCloseTo(usual, 4)
  expect(farthest(found, values)).toBeLessThan(name === 'line' ? 1e-5 : tolerance(values))
})

test('base and values add up to the answer, for every model, row and output', async () => {
  for (const name of Object.keys(expected)) {
    const { outputs, rows } = await explained(name, known(name).method)
    for (const { answers, values } of rows)
      for (const [output, { base }] of outputs.entries()) {
        const sum = (values[output] ?? []).reduce((one, other) => one + other, base)
        expect(sum).toBeCloseTo(answers[output] ?? Number.NaN, 6)
      }
  }
})

test('a model of many columns is sampled: the same each time, and as far from the library as chance allows', async () => {
  const { values } = known('net')
  const found = await explained('net', 'permutation')
  expect(found.method).toBe('permutation')
  expect(found.note).toContain('no single ensemble of trees')
  expect(found.evaluations).toBeLessThanOrEqual(50_000)
  expect(await explained('net', 'permutation')).toEqual(found)
  for (const [row, { values: ours, errors }] of found.rows.entries())
    for (const [column, value] of (ours[0] ?? []).entries()) {
      // KernelSHAP of the library is a sample as well, of about as many coalitions.
      const error = errors?.[0]?.[column] ?? Number.NaN
      expect(Math.abs(value - (values[row]?.[0]?.[column] ?? 0))).toBeLessThan(6 * error + 0.05)
    }
})

test('trees asked as if they were unknown give the values of the trees', async () => {
  const { rows, background } = known('boosted-amount')
  const few = { input: matrix(rows.slice(0, 2)), background: matrix(background.slice(0, 20)) }
  const byTrees = await explanations.explain('boosted-amount', few)
  const byAsking = await explanations.explain('boosted-amount', { ...few, method: 'sampling' })
  expect([byTrees.method, byAsking.method]).toEqual(['trees', 'exact'])
  expect(
    farthest(
      byAsking,
      byTrees.rows.map(({ values }) => values as number[][]),
    ),
  ).toBeLessThan(1e-5)
})

test('an explanation ends when its time is over or nobody waits', async () => {
  const { rows, background } = known('net')
  const asked = { input: matrix(rows), background: matrix(background), evaluationsMax: 2_000_000 }
  await expect(explanations.explain('net', { ...asked, deadlineMs: 50 })).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('fewer rows'),
  })
  const gone = new AbortController()
  setTimeout(() => gone.abort(), 50)
  await expect(
    explanations.explain('net', { ...asked, signal: gone.signal }),
  ).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('cancelled') })
})

function known(name: string): Expected {
  const found = expected[name]
  if (found === undefined) throw new Error(`the script tells nothing of ${name}`)
  return found
}

function explained(name: string, method: Explanation['method']): Promise<Explanation> {
  const { rows, background } = known(name)
  return explanations.explain(name, {
    input: matrix(rows),
    background: matrix(background),
    ...(method === 'paths' ? { method } : {}),
  })
}

function matrix(rows: readonly (readonly (number | null)[])[]) {
  const columns = (rows[0] ?? []).map((_, index) => `c${index}`)
  return { form: 'rows' as const, columns, rows }
}

/** Single precision keeps seven digits of the largest number that is added up. */
function tolerance(values: readonly number[][][]): number {
  return 1e-5 * Math.max(1, ...values.flat(2).map(Math.abs))
}

function farthest(found: Explanation, values: readonly number[][][]): number {
  return Math.max(
    ...found.rows.flatMap(({ values: ours }, row) =>
      ours.flatMap((each, output) =>
        each.map((value, column) =>
          Math.abs(value - (values[row]?.[output]?.[column] ?? Number.NaN)),
        ),
      ),
    ),
  )
}

function explanationsOf(folder: string): Explain {
  return createExplanations({
    charge: async () => undefined,
    locate: async (name) => {
      const shape = process.shapes.get(name)
      if (shape === undefined) throw new Error(`there is no model ${name}`)
      const width = known(name).rows[0]?.length ?? 0
      return {
        shape,
        revision: {
          endpoint: name,
          number: 1,
          role: 'live',
          model: name,
          version: 1,
          digest: name,
          createdMs: 0,
        },
        placed: {
          files: { path: join(folder, `${name}.onnx`) },
          servable: {
            model: name,
            version: 1,
            digest: name,
            columns: Array.from({ length: width }, (_, index) => ({
              name: `c${index}`,
              type: 'float',
              required: false,
            })),
            example: null,
          },
        },
      }
    },
    score: ({ servable }, rows) => scored(servable.model, rows),
    readExample: async () => null,
    readTrees: async ({ path }) => readTrees(path),
  })
}

async function scored(key: string, rows: readonly Row[]): Promise<Record<string, Value>[]> {
  const [input] = process.shapes.get(key)?.inputs ?? []
  if (input === undefined) throw new Error(`${key} has no input`)
  const cells = rows.flatMap((row) => Object.values(row).map((cell) => Number(cell ?? Number.NaN)))
  const feed = {
    ...input,
    shape: [rows.length, cells.length / rows.length],
    data: new Float32Array(cells),
  }
  const outputs = await process.infer(key, [feed], { role: 'live' })
  return rows.map((_, row) =>
    Object.fromEntries(
      outputs.map(({ name, data, shape }) => {
        const width = shape[1] ?? 1
        const values = Array.from({ length: width }, (__, index) =>
          Number(data[row * width + index]),
        )
        return [name, values]
      }),
    ),
  )
}
