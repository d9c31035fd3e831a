import { expect, test } from 'vitest'
import type { ParamMap, Stage } from '#stages'
import { partsOf } from './parts-meta.ts'

const out = { kind: 'out', cached: true, persist: false, push: true, remote: undefined } as const
const STAGE: Pick<Stage, 'cmd' | 'deps' | 'outs'> = {
  cmd: 'python clean.py\npython merge.py',
  deps: [
    { written: 'data/raw', path: 'sub/data/raw' },
    { written: 'ds://flights', path: 'ds://flights', dataset: 'flights' },
  ],
  outs: [
    { ...out, written: 'clean', path: 'sub/clean' },
    { ...out, written: 'all.csv', path: 'sub/all.csv', cached: false },
  ],
}

const metaOf = (parts: Record<string, string | boolean | bigint> | string): ParamMap =>
  new Map([['parts', typeof parts === 'string' ? parts : new Map(Object.entries(parts))]])

test('paths are those of the project, whatever slash they end with', () => {
  const meta = metaOf({ input: 'data/raw/', output: './clean', jobs: 4n, timeout: '90s' })
  expect(partsOf(meta, STAGE)).toEqual({
    input: 'sub/data/raw',
    output: 'sub/clean',
    glob: undefined,
    jobs: 4,
    tries: 1,
    timeoutMs: 90_000,
    worker: false,
    batch: 1,
    writes: undefined,
  })
})

test('a name says the input, where there is one output', () => {
  const one = { ...STAGE, outs: STAGE.outs.slice(0, 1) }
  expect(partsOf(metaOf('data/raw'), one)).toMatchObject({
    input: 'sub/data/raw',
    output: 'sub/clean',
  })
  expect(partsOf(undefined, one)).toBeUndefined()
})

const GOOD = { input: 'data/raw', output: 'clean' }

test.each([
  [{ ...GOOD, globs: '*' }, 'meta.parts.globs is not known'],
  [{ output: 'clean' }, 'meta.parts needs input'],
  [{ ...GOOD, input: 'raw' }, "meta.parts.input 'raw' must be one of deps"],
  [{ ...GOOD, input: 'ds://flights' }, 'must be one of deps, a folder'],
  [{ input: 'data/raw' }, 'meta.parts.output must be one of outs'],
  [{ ...GOOD, output: 'all.csv' }, "'all.csv' has cache: false"],
  [{ ...GOOD, glob: '**/x/' }, 'names folders, which `**` cannot'],
  [{ ...GOOD, batch: 3n }, 'meta.parts.batch needs meta.parts.writes'],
  [{ ...GOOD, batch: 3n, writes: 'x' }, 'is the same for all parts'],
  [{ ...GOOD, batch: 3n, writes: '{name}', worker: true }, 'both worker and batch'],
  [{ ...GOOD, worker: 'yes' }, "meta.parts.worker 'yes' must be true or false"],
  [{ ...GOOD, jobs: 0n }, "meta.parts.jobs '0' must be a whole number from 1"],
  [{ ...GOOD, timeout: 'soon' }, "meta.parts.timeout 'soon' is no time"],
])('%o is refused', (parts, words) => {
  expect(() => partsOf(metaOf(parts), STAGE)).toThrow(words)
})

test('an output besides the parts needs a command that writes it', () => {
  expect(() => partsOf(metaOf(GOOD), { ...STAGE, cmd: 'python clean.py' })).toThrow(
    'write all.csv by a second one',
  )
})
