import { rmSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProjectWorkspace } from '#app/project/workspace'
import type { CloudRequest, DiffRequest, StandingRequest } from '#data'
import { dataStatusJson } from '#protocols/dvc/data-status'
import { diffJson } from '#protocols/dvc/diff'
import { ours, sandbox, type Sandbox } from './support.ts'

let box: Sandbox
let mine: ProjectWorkspace

beforeAll(() => {
  box = sandbox()
  box.dvc('init', '-q')
  box.dvc('remote', 'add', '-q', '-d', 'store', '../store')
  box.write('d/a', '1\n')
  box.write('d/sub/b', '2\n')
  box.write('file', 'f\n')
  box.write('moves', 'the same bytes\n')
  box.write('code/x.py', 'x\n')
  box.write('params.yaml', 'name: model\n')
  box.write(
    'dvc.yaml',
    'stages:\n  s:\n    cmd: mkdir -p o && echo m > o/m && cp file ${name} && echo {} > m.json\n    deps: [file]\n    outs: ["${name}", o]\n    metrics:\n    - m.json: {cache: false}\n',
  )
  box.dvc('add', '-q', 'd', 'file', 'moves')
  box.dvc('repro', '-q')
  commit('one')
  box.git('tag', 'v1')
  box.dvc('push', '-q')
  box.git('checkout', '-q', '-b', 'side')
  box.write('only-side', 'side\n')
  box.dvc('add', '-q', 'only-side')
  commit('side')
  box.git('checkout', '-q', 'main')
  box.write('d/a', '3\n')
  box.write('d/new', 'new\n')
  rmSync(join(box.root, 'd/sub/b'))
  box.dvc('add', '-q', 'd')
  box.dvc('move', '-q', 'moves', 'moved')
  commit('two')
  box.write('d/a', '4\n')
  box.write('file', 'changed\n')
  box.write('untracked', 'u\n')
  box.write('loose/1', 'u\n')
  rmSync(join(box.root, 'o'), { recursive: true })
  mine = ours(box)
})

afterAll(() => {
  mine.revisions?.close()
  box.remove()
})

function commit(message: string): void {
  box.git('add', '-A')
  box.git('commit', '-q', '-m', message)
}

function theirs(...args: string[]): unknown {
  return JSON.parse(box.dvc(...args, '--json'))
}

/** Lists without their order, which dvc does not keep. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value))
    return value
      .map(unordered)
      .toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unordered(each)]))
}

describe('diff', () => {
  const cases: { args: string[]; request: DiffRequest }[] = [
    { args: [], request: {} },
    { args: ['v1'], request: { from: 'v1' } },
    { args: ['v1', 'main'], request: { from: 'v1', to: 'main' } },
    { args: ['side', 'v1'], request: { from: 'side', to: 'v1' } },
    {
      args: ['v1', 'main', '--targets', 'd.dvc'],
      request: { from: 'v1', to: 'main', targets: ['d.dvc'] },
    },
    {
      args: ['v1', 'main', '--targets', 'd/a', 'moved'],
      request: { from: 'v1', to: 'main', targets: ['d/a', 'moved'] },
    },
  ]
  for (const { args, request } of cases)
    test(`says what dvc says: diff ${args.join(' ')}`, async () => {
      const json = diffJson(await mine.data.diff(request), {
        hashes: true,
        missing: request.to === undefined,
      })
      expect(unordered(json)).toEqual(unordered(theirs('diff', ...args, '--show-hash')))
    })

  test('of what is on neither side is refused', async () => {
    await expect(mine.data.diff({ targets: ['nothing'] })).rejects.toThrow('nothing is no data')
    await expect(mine.data.diff({ from: 'nobody' })).rejects.toThrow('is no revision')
  })
})

describe('data status', () => {
  const granular = ['--granular', '--unchanged', '--untracked-files', '--not-in-remote']
  const whole = { granular: true, notInRemote: true, untracked: true }
  const cases: { args: string[]; request: StandingRequest }[] = [
    { args: [], request: {} },
    { args: granular, request: whole },
    { args: ['--unchanged', '--not-in-remote'], request: { notInRemote: true } },
    { args: ['--granular', 'd/a'], request: { granular: true, targets: ['d/a'] } },
  ]
  for (const { args, request } of cases)
    test(`says what dvc says: data status ${args.join(' ')}`, async () => {
      const json = dataStatusJson(await mine.data.standing(request), {
        unchanged: args.includes('--unchanged'),
        untracked: args.includes('--untracked-files'),
      })
      expect(unordered(json)).toEqual(unordered(theirs('data', 'status', ...args)))
    })
})

describe('status --cloud', () => {
  const cases: { args: string[]; request: CloudRequest }[] = [
    { args: [], request: {} },
    { args: ['-a'], request: { revisions: { branches: true } } },
    { args: ['--all-commits'], request: { revisions: { commits: true } } },
    { args: ['d'], request: { targets: ['d'] } },
    { args: ['-r', 'store', 'file'], request: { remote: 'store', targets: ['file'] } },
  ]
  for (const { args, request } of cases)
    test(`says what dvc says: status -c ${args.join(' ')}`, async () => {
      const found = await mine.data.cloudStatus(request)
      const json = Object.fromEntries(found.map(({ path, change }) => [path, change]))
      expect(json).toEqual(theirs('status', '-c', ...args))
    })
})

describe('where objects are lost', () => {
  /** Runs with files of the cache out of the way. */
  async function without(objects: string[], work: () => Promise<void>): Promise<void> {
    const cache = join(box.root, '.dvc/cache/files/md5')
    for (const object of objects) renameSync(join(cache, object), join(cache, `${object}.away`))
    try {
      await work()
    } finally {
      for (const object of objects) renameSync(join(cache, `${object}.away`), join(cache, object))
    }
  }
  const file = '9a/8ad92c50cae39aa2c5604fd0ab6d8c'
  const folder = 'a5/b58abd733236a543aa303f77eb6b2c.dir'

  test('data status, diff and status --cloud say what dvc says', async () => {
    await without([file, folder], async () => {
      const standing = await mine.data.standing({ granular: true })
      expect(unordered(dataStatusJson(standing, { unchanged: true, untracked: false }))).toEqual(
        unordered(theirs('data', 'status', '--granular', '--unchanged')),
      )
    })
    await without([file, folder], async () => {
      const json = diffJson(await mine.data.diff({}), { hashes: true, missing: true })
      expect(unordered(json)).toEqual(unordered(theirs('diff', '--show-hash')))
    })
    await without([file], async () => {
      const found = await mine.data.cloudStatus({ targets: ['file'] })
      expect(found).toEqual([{ path: 'file', change: 'deleted' }])
      expect(theirs('status', '-c', 'file')).toEqual({ file: 'deleted' })
    })
  })
})
