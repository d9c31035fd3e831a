import { describe, expect, test } from 'vitest'
import { seededDraws } from '#base/seeded'
import { judgeTogether, learnStructure, type Structure, type WholeRow } from './index.ts'

const WINDOW_MS = 1000

/** Two columns that follow one another, two that follow nothing, and points that follow the first. */
function rowsOf(count: number, seed: number, broken = false): WholeRow[] {
  const draw = seededDraws(seed)
  return Array.from({ length: count }, () => {
    const [one, other] = [draw(), broken ? draw() : undefined]
    return {
      temp: one * 40,
      dew: (other ?? one) * 30 + draw(),
      wind: draw() < 0.2 ? null : draw() * 10,
      place: ['north', 'south', 'east'][Math.floor(draw() * 3)],
      note: `row ${draw()}`,
      always: 1,
      point: [draw(), draw(), draw()],
    }
  })
}

const reference = rowsOf(3000, 1)
const timed = (rows: readonly WholeRow[]) => rows.map((values, at) => ({ atMs: at * 10, values }))
const structure = JSON.parse(
  JSON.stringify(learnStructure(timed(reference), { windowMs: WINDOW_MS })),
) as Structure
const judged = (rows: readonly WholeRow[], alone: readonly string[] = []) =>
  judgeTogether(structure, rows, { alone, sample: async () => reference })

describe('columns looked at together', () => {
  test('are those that vary and repeat themselves', () => {
    expect(structure.columns.map(({ name }) => name)).toEqual(['temp', 'dew', 'wind', 'place'])
    expect(structure.embeddings.map(({ name, length }) => [name, length])).toEqual([['point', 3]])
    expect(structure.error.windows).toBe(30)
  })

  test('are steady where nothing changed, and nobody asks the classifier', async () => {
    for (const seed of [2, 3, 4])
      expect(await judged(rowsOf(500, seed))).toMatchObject({
        reconstruction: { state: 'steady' },
        classifier: null,
        embeddings: [{ column: 'point', state: 'steady', mmd: null }],
      })
  })

  test('have drifted where two no longer follow one another, and which these are is said', async () => {
    const found = await judged(rowsOf(500, 5, true))
    expect(found?.reconstruction?.state).toBe('drifted')
    expect(found?.classifier?.ciLow).toBeGreaterThan(0.7)
    const named = found?.classifier?.columns.slice(0, 2).map(({ column }) => column)
    expect(named?.toSorted()).toEqual(['dew', 'temp'])
  })

  test('have not drifted where one moved by itself, although the error grows', async () => {
    const moved = rowsOf(500, 6).map((row) =>
      Object.assign(row, { wind: Number(row['wind'] ?? 0) + 100 }),
    )
    const found = await judged(moved, ['wind'])
    expect(found?.classifier?.state).toBe('steady')
    expect(found?.reconstruction?.state).toBe('steady')
    expect(found?.reconstruction?.error).toBeGreaterThan(2 * structure.error.mean)
  })

  test('are not judged by few rows, and withstand whatever rows hold', async () => {
    expect(await judged(rowsOf(99, 7))).toBeUndefined()
    expect(learnStructure(timed(rowsOf(199, 7)), { windowMs: WINDOW_MS })).toBeUndefined()
    const odd = rowsOf(200, 8).map((row, at) => ({
      temp: at % 2 === 0 ? Infinity : 'warm',
      place: { is: 'nowhere' },
      point: at % 3 === 0 ? [1, 2] : [NaN, 1, 'x'],
      wind: row['wind'],
    }))
    const found = await judged(odd)
    expect(Number.isFinite(found?.reconstruction?.error)).toBe(true)
    expect(found?.embeddings[0]).toMatchObject({ state: 'steady', distance: null })
  })
})

test('points that moved have drifted, by no chance', async () => {
  const moved = rowsOf(300, 9).map((row) =>
    Object.assign(row, { point: (row['point'] as number[]).map((value) => value + 0.2) }),
  )
  const [point] = (await judged(moved))?.embeddings ?? []
  expect(point).toMatchObject({ column: 'point', state: 'drifted' })
  expect(point?.distance).toBeGreaterThan(point?.threshold ?? Infinity)
  expect(point?.mmd?.p).toBeLessThan(0.01)
})
