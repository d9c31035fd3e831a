import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { openWorkspace } from '#app/project/workspace'
import { openChecked } from '#stores/dvc/checked'
import type { GarbageRequest } from '#data'
import { dvcEnvironment, ours, sandbox, type Sandbox } from './support.ts'
import { MAIN } from '../../support/orrery.ts'

let original: Sandbox
const copies: Sandbox[] = []

/** Versions of one file and one folder on two branches and a tag; the workspace has what no commit has. */
beforeAll(() => {
  original = sandbox()
  const box = original
  const version = (text: string) => {
    box.write('data.csv', `data ${text}\n`)
    box.write('folder/same', 'the same in all\n')
    box.write('folder/deep/changes', `folder ${text}\n`)
    box.dvc('add', '-q', 'data.csv', 'folder')
  }
  const commit = (text: string) => {
    version(text)
    box.git('add', '-A')
    box.git('commit', '-q', '-m', text, '--date', '2020-01-01T12:00:00')
  }
  box.dvc('init', '-q')
  // A relative address, since dvc reads that of a commit from the commit.
  box.dvc('remote', 'add', '-q', '-d', 'backup', '../remote')
  commit('one')
  box.git('tag', 'first')
  commit('two')
  box.git('checkout', '-q', '-b', 'side')
  commit('side')
  box.git('checkout', '-q', 'main')
  commit('three')
  box.dvc('push', '-q')
  version('four')
})
afterAll(() => original.remove())
afterEach(() => {
  for (const box of copies.splice(0)) box.remove()
})

function copy(): Sandbox {
  const box = sandbox()
  copies.push(box)
  rmSync(dirname(box.root), { recursive: true })
  cpSync(dirname(original.root), dirname(box.root), { recursive: true, verbatimSymlinks: true })
  return box
}

const cached = (box: Sandbox) => Object.keys(box.tree('.dvc/cache/files/md5')).toSorted()
const remote = (box: Sandbox) => Object.keys(box.tree('../remote/files/md5')).toSorted()

test('what is remembered of objects goes with them', async () => {
  const box = copy()
  const notes = join(box.root, '.dvc/tmp/orrery/cache/checked')
  box.dvc('config', 'cache.type', 'hardlink')
  const linked = async () => {
    for (const path of ['folder', 'data.csv']) rmSync(join(box.root, path), { recursive: true })
    await ours(box).data.checkout([], { force: true })
  }
  await linked()
  box.write('data.csv', 'data five\n')
  await ours(box).data.add(['data.csv'])
  await linked()
  expect(openChecked(notes).names()).toHaveLength(4)
  await collect(box, {})
  expect(openChecked(notes).names().toSorted()).toEqual(
    cached(box)
      .filter((name) => !name.endsWith('.dir'))
      .map((name) => name.replace('/', '')),
  )
})

async function collect(box: Sandbox, request: GarbageRequest, project = ours(box)) {
  const { places } = await project.upkeep.collect(request, {})
  expect(places?.flatMap(({ failed }) => failed)).toEqual([])
}

describe('gc keeps what dvc gc keeps, and no more', () => {
  const cases: [string[], GarbageRequest][] = [
    [['-w'], {}],
    [['-a'], { revisions: { branches: true } }],
    [['-T'], { revisions: { tags: true } }],
    [['-A'], { revisions: { commits: true } }],
    [['--rev', 'HEAD', '-n', '2'], { revisions: { revs: ['HEAD'], last: 2 } }],
    [['-w', '--not-in-remote'], { notInRemote: true }],
  ]
  test.for(cases)('%j', async ([flags, request]) => {
    const [theirs, mine] = [copy(), copy()]
    theirs.dvc('gc', '-q', '-f', ...flags)
    await collect(mine, request)
    expect(cached(mine)).toEqual(cached(theirs))
    expect(remote(mine)).toEqual(remote(theirs))
    expect(mine.dvc('status', '--json')).toBe(theirs.dvc('status', '--json'))
  })

  test('and frees the remote with -c', async () => {
    const [theirs, mine] = [copy(), copy()]
    for (const box of [theirs, mine]) box.dvc('push', '-q', '-A')
    theirs.dvc('gc', '-q', '-f', '-w', '-c')
    await collect(mine, { cloud: true })
    expect(remote(mine)).toEqual(remote(theirs))
    expect(cached(mine)).toEqual(cached(theirs))
  })

  test('and keeps what other projects with the same cache need', async () => {
    const box = copy()
    const other = sandbox()
    copies.push(other)
    other.dvc('init', '-q')
    other.dvc('cache', 'dir', '-q', join(box.root, '.dvc', 'cache'))
    other.write('theirs', 'only theirs\n')
    other.dvc('add', '-q', 'theirs')
    await collect(box, { projects: [other.root] })
    expect(JSON.parse(other.dvc('status', '--json'))).toEqual({})
    await collect(box, {})
    expect(other.dvc('status', '--json')).toContain('not in cache')
    // Whoever mistypes the other project does not lose what it needs.
    for (const projects of [[join(other.root, 'nowhere')], [join(other.root, '..')]])
      await expect(ours(box).upkeep.collect({ projects }, {})).rejects.toThrow(/is no project/)
  })
})

test('push and fetch move what commits, tags and branches need, for dvc to check out', async () => {
  const box = copy()
  await ours(box).data.push([], { revisions: { commits: true } })
  expect(remote(box)).toEqual(cached(box))
  rmSync(join(box.root, '.dvc/cache'), { recursive: true })
  await ours(box).data.fetch(['data*'], { revisions: { tags: true }, glob: true })
  expect(cached(box)).toHaveLength(2)
  await ours(box).data.fetch([], { revisions: { tags: true } })
  box.git('stash', '-q')
  box.git('checkout', '-q', 'first')
  box.dvc('checkout', '-q', '--force')
  expect(box.read('folder/deep/changes')).toBe('folder one\n')
  await expect(ours(box).data.fetch(['nothing*'], { glob: true })).rejects.toThrow('nothing*')
})

describe('what gc took away', () => {
  test('comes back with --undo, to the last object, and dvc has it again', async () => {
    const box = copy()
    const before = box.tree('.dvc/cache/files')
    await collect(box, {})
    expect(box.tree('.dvc/cache/files')).not.toEqual(before)
    const { places } = await ours(box).upkeep.undo()
    expect(places[0]?.objects).toBeGreaterThan(0)
    expect(box.tree('.dvc/cache/files')).toEqual(before)
    box.git('stash', '-q')
    box.git('checkout', '-q', 'first')
    box.dvc('checkout', '-q', '--force')
    expect(box.read('data.csv')).toBe('data one\n')
    await expect(ours(box).upkeep.undo()).rejects.toThrow('nothing was put aside')
  })

  test('is gone for good at the next gc after seven days, and not before', async () => {
    const box = copy()
    const clock = manualClock(Date.parse('2026-01-01T00:00:00Z'))
    const project = openWorkspace(box.root, {
      variables: dvcEnvironment(),
      environments: join(box.root, '..', 'environments'),
      clock,
    })
    const trash = join(box.root, '.dvc/cache/orrery/trash/2026-01-01T00-00-00.000Z')
    await collect(box, {}, project)
    expect(existsSync(trash)).toBe(true)
    clock.advance(7 * 24 * 3600 * 1000 - 1)
    await collect(box, {}, project)
    expect(existsSync(trash)).toBe(true)
    clock.advance(1)
    await collect(box, {}, project)
    expect(existsSync(trash)).toBe(false)
  })

  test('is brought back beside what came anew', async () => {
    const box = copy()
    const before = box.tree('.dvc/cache/files')
    await collect(box, {})
    box.write('data.csv', 'data one\n')
    box.dvc('add', '-q', 'data.csv')
    await ours(box).upkeep.undo()
    expect(box.tree('.dvc/cache/files')).toEqual(before)
  })

  test('comes back whole after a gc that was broken off', async () => {
    const box = copy()
    const before = box.tree('.dvc/cache/files')
    const project = ours(box)
    let moved = 0
    const broken = project.upkeep.collect(
      {},
      {
        onMoved: () => {
          if (++moved === 3) throw new Error('ended')
        },
      },
    )
    await expect(broken).rejects.toThrow('ended')
    await ours(box).upkeep.undo()
    expect(box.tree('.dvc/cache/files')).toEqual(before)
  })
})

describe('gc tells', () => {
  test('who used last what goes, and why the rest stays', async () => {
    const box = copy()
    const { plan, places } = await ours(box).upkeep.collect({}, { dry: true })
    expect(places).toBeUndefined()
    const [place] = plan.places
    const three = box.git('rev-parse', 'main').trim()
    expect(place?.free.map(({ lastUse }) => lastUse)).toContainEqual({
      path: 'data.csv',
      owner: 'data.csv.dvc',
      by: { kind: 'revision', commit: three, name: three.slice(0, 7) },
    })
    expect(place?.free.every(({ lastUse }) => lastUse !== undefined)).toBe(true)
    expect(place?.stay).toEqual([
      { why: 'needed by the workspace', objects: 4, bytes: expect.any(Number) as number },
    ])
  })

  test('a file that it cannot read, and removes nothing', async () => {
    const box = copy()
    const before = cached(box)
    box.write('broken.dvc', 'outs:\n- path: x\n  unknown: 1\n')
    await expect(ours(box).upkeep.collect({}, {})).rejects.toThrow(/broken\.dvc.*unknown/)
    box.git('add', 'broken.dvc')
    box.git('commit', '-q', '-m', 'broken')
    box.git('rm', '-q', 'broken.dvc')
    const request = { revisions: { branches: true } }
    await expect(ours(box).upkeep.collect(request, {})).rejects.toThrow(
      /broken\.dvc.*nothing was removed/,
    )
    expect(cached(box)).toEqual(before)
    const skipped = await ours(box).upkeep.collect({ ...request, skipFailed: true }, { dry: true })
    expect(skipped.plan.skipped).toHaveLength(1)
  })
})

test('runs whose small outputs only the cache has can still be brought back after gc', async () => {
  const box = sandbox()
  copies.push(box)
  box.dvc('init', '-q')
  box.write('input', 'one\n')
  box.write('noise', '1\n')
  box.write(
    'dvc.yaml',
    'stages:\n  make:\n    cmd: cp input out && cat noise > metrics.json\n    deps: [input, noise]\n    outs: [out]\n    metrics:\n    - metrics.json: {cache: false}\n',
  )
  box.dvc('repro', '-q')
  box.write('noise', '2\n')
  box.dvc('repro', '-q')
  const { plan } = await ours(box).upkeep.collect({}, {})
  expect(plan.runsKept).toBe(2)
  rmSync(join(box.root, 'dvc.lock'))
  box.write('noise', '1\n')
  expect(box.dvc('repro')).toContain('is cached - skipping run')
  expect(box.read('metrics.json')).toBe('1\n')
})

test('files of data that a bucket keeps in versions are needed, though no list of a folder names them', async () => {
  const box = copy()
  const md5 = hash('md5', 'one of many\n')
  const path = `.dvc/cache/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`
  box.write(path, 'one of many\n')
  box.write(
    'versions.dvc',
    `outs:\n- path: versions\n  hash: md5\n  files:\n  - relpath: one\n    md5: ${md5}\n    size: 12\n    cloud:\n      backup:\n        version_id: v1\n`,
  )
  await collect(box, {})
  expect(existsSync(join(box.root, path))).toBe(true)
})

describe('the command', () => {
  const run = (cwd: string, ...args: string[]) =>
    execFileSync(process.execPath, [MAIN, 'gc', ...args], {
      cwd,
      env: { ...dvcEnvironment(), ORRERY_HOME: join(cwd, '..', 'no-home') },
      stdio: 'pipe',
    }).toString()

  test('names both of its meanings inside a project, and asks for --force where nobody can answer', () => {
    const box = copy()
    const before = cached(box)
    expect(() => run(box.root)).toThrow(/orrery gc --workspace.*orrery gc --server/s)
    expect(() => run(box.root, '-w')).toThrow(/--dry, then say --force/)
    expect(cached(box)).toEqual(before)
    const shown = JSON.parse(run(box.root, '-w', '--dry', '--json')) as {
      places: { free: { objects: number } }[]
    }
    expect(shown.places[0]?.free.objects).toBe(before.length - 4)
    expect(run(box.root, '-w', '-f')).toContain('orrery gc --undo')
    expect(cached(box)).toHaveLength(4)
    expect(run(box.root, '--undo')).toContain('are back in the cache')
    expect(cached(box)).toEqual(before)
  })
})
