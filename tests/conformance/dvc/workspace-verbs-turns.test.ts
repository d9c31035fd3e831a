import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import {
  filesOf,
  orrery,
  run,
  toldToDvc,
  toldToOrrery,
  write,
  type Step,
  type Told,
} from './story.ts'
import { sandbox, type Sandbox } from './support.ts'

const boxes: Sandbox[] = []

afterAll(() => {
  for (const each of boxes) each.remove()
})

function box(): Sandbox {
  const made = sandbox()
  boxes.push(made)
  return made
}

const paths = ['a', 'b', 'd/x', 'd/y', 'd', 's/ünï cödé', 's/c c']
const files = fc.constantFrom(...paths.filter((path) => path !== 'd'))
const path = fc.constantFrom(...paths)
const bytes = fc.constantFrom('one', 'two\n', '', 'three\r\n')

/** Whatever one does to data, in any order; much of it is refused. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(files, bytes).map(([at, text]) => write(at, text)) },
  { weight: 1, arbitrary: path.map((at) => ({ do: 'remove', path: at }) as const) },
  { weight: 4, arbitrary: path.map((at) => run('add', '-q', at)) },
  { weight: 1, arbitrary: path.map((at) => run('add', '-q', '--no-commit', at)) },
  { weight: 1, arbitrary: path.map((at) => run('remove', '-q', `${at}.dvc`)) },
  { weight: 1, arbitrary: path.map((at) => run('remove', '-q', '--outs', `${at}.dvc`)) },
  {
    weight: 2,
    arbitrary: fc.tuple(path, fc.constantFrom('m', 'a', 's')).map((to) => run('move', '-q', ...to)),
  },
  { weight: 1, arbitrary: path.map((at) => run('commit', '-q', '-f', `${at}.dvc`)) },
  { weight: 1, arbitrary: fc.constant(run('commit', '-q', '-f')) },
  { weight: 1, arbitrary: path.map((at) => run('unprotect', '-q', at)) },
)

const stories = fc.array(step, { minLength: 12, maxLength: 25 })
const BEGIN = [run('init', '-q'), write('s/keep', 'k'), write('d/x', 'x'), run('add', '-q', 'd')]

test('whatever is done to data, dvc and orrery leave the same files', async () => {
  await fc.assert(
    fc.asyncProperty(stories, async (steps) => {
      const [theirs, mine] = [box(), box()]
      toldToDvc(theirs.root, [...BEGIN, ...steps])
      await toldToOrrery(mine.root, [...BEGIN, ...steps])
      expect(filesOf(mine.root)).toEqual(filesOf(theirs.root))
    }),
    { numRuns: 3, seed: 20261121, endOnFailure: true },
  )
})

test('by turns in one repository they leave what dvc alone leaves', async () => {
  await fc.assert(
    fc.asyncProperty(stories, async (steps) => {
      const [theirs, shared] = [box(), box()]
      toldToDvc(theirs.root, [...BEGIN, ...steps])
      toldToDvc(shared.root, [...BEGIN, ...steps.slice(0, 4)])
      await toldToOrrery(shared.root, steps.slice(4, 12))
      toldToDvc(shared.root, steps.slice(12, 16))
      await toldToOrrery(shared.root, steps.slice(16))
      expect(filesOf(shared.root)).toEqual(filesOf(theirs.root))
      toldToDvc(shared.root, [run('status')])
    }),
    { numRuns: 1, seed: 7, endOnFailure: true },
  )
})

test('init makes what dvc init makes, at the top of a repository, below it and without one', async () => {
  const cases = [
    ['init', '-q'],
    ['init', '-q', 'below'],
    ['init', '-q', '--subdir', 'below'],
    ['init', '-q', '--no-scm', 'below'],
    ['init', '-q', '--no-scm', '--subdir', 'below'],
    ['init', '-q'],
    ['init', '-q', '-f'],
  ]
  const steps: Step[] = cases.flatMap((args) => [
    { do: 'run', args },
    { do: 'remove', path: 'below/.dvc' },
  ])
  const [theirs, mine] = [box(), box()]
  for (const each of [theirs, mine]) mkdirSync(join(each.root, 'below'))
  const [dvc, ours] = [toldToDvc(theirs.root, steps), await toldToOrrery(mine.root, steps)]
  const did = (told: Told) =>
    cases.map((args, index) => [args, told.commands[index]?.ok, told.files[index]])
  expect(did(ours)).toEqual(did(dvc))
})

test('a move that was cut short is completed by running it again', async () => {
  const cuts: ((mine: Sandbox) => void)[] = [
    () => {},
    // The data was moved, its file was not written.
    (mine) => {
      mine.write('new', mine.read('old'))
      rmSync(join(mine.root, 'old'))
    },
    // Both files were there for a moment.
    (mine) => {
      mine.write('new', mine.read('old'))
      mine.write('new.dvc', mine.read('old.dvc').replace('path: old', 'path: new'))
      rmSync(join(mine.root, 'old'))
    },
  ]
  const ends: Record<string, string>[] = []
  for (const cut of cuts) {
    const mine = box()
    await toldToOrrery(mine.root, [run('init', '-q'), write('old', 'o'), run('add', '-q', 'old')])
    cut(mine)
    expect(await orrery(mine.root, ['move', '-q', 'old', 'new'])).toMatchObject({ code: 0 })
    ends.push(filesOf(mine.root))
  }
  expect(ends[1]).toEqual(ends[0])
  expect(ends[2]).toEqual(ends[0])
})
