import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { platformActor } from '#ledger'
import { createProjects, type Projects } from '#projects'
import { openSqlStore, type SqlStore } from '#stores/sql/index'
import { localClones, type LocalClones } from './clones.ts'
import { git } from './git.ts'

const actor = platformActor('test')

let place: string
let origin: string
let store: SqlStore
let clones: LocalClones
let projects: Projects

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'orrery-projects-'))
  origin = join(place, 'origin')
  await mkdir(join(origin, 'data'), { recursive: true })
  await git(origin, ['init', '--quiet', '--initial-branch=main'])
  await commit({ 'orrery.yaml': 'project: flights\n' })
  const clock = manualClock()
  store = await openSqlStore(join(place, 'orrery.db'), { clock, ids: countedIds() })
  clones = localClones(join(place, 'projects'))
  projects = createProjects({ read: store.read.projects, transact: store.transact, clones, clock })
  return async () => {
    await store.close()
    await rm(place, { recursive: true, force: true })
  }
})

async function commit(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) await writeFile(join(origin, path), text)
  await git(origin, ['add', '--all'])
  await git(origin, [
    '-c',
    'user.name=Test',
    '-c',
    'user.email=test@localhost',
    'commit',
    '--quiet',
    '-m',
    'change',
  ])
}

const trackedRaw = (md5: string) =>
  `outs:\n- md5: ${md5}.dir\n  size: 10\n  nfiles: 2\n  hash: md5\n  path: raw\n`

describe('projects', () => {
  test('a new commit brings its dataset versions, once, with the edge to the commit', async () => {
    const first = await projects.add(actor, { origin })
    expect(first).toMatchObject({ name: 'flights', branch: 'main', data: [] })
    await commit({ 'data/raw.dvc': trackedRaw('a'.repeat(32)) })
    const second = await projects.sync(actor, 'flights')
    await projects.sync(actor, 'flights')
    expect(second.data).toEqual([
      { path: 'data/raw', md5: `${'a'.repeat(32)}.dir`, sizeBytes: 10, files: 2 },
    ])
    const entries = await store.read.ledger.list({ after: -1, limit: 10 })
    expect(entries.map((entry) => entry.type)).toEqual([
      'project-added',
      'project-synced',
      'dataset-version-added',
    ])
    expect(entries[2]?.edges).toEqual([
      {
        from: { kind: 'dataset-version', id: `flights/data/raw@${'a'.repeat(32)}.dir` },
        relation: 'versioned-in',
        to: { kind: 'commit', id: second.commit },
      },
    ])
  })

  test('a broken orrery.yaml is refused with its mistakes, and the known commit stays', async () => {
    const first = await projects.add(actor, { origin })
    await commit({ 'orrery.yaml': 'project: flights\nendpoints: { a: { model: nonsense } }\n' })
    await expect(projects.sync(actor, 'flights')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('endpoints.a.model'),
    })
    expect((await projects.get('flights')).commit).toBe(first.commit)
    expect(await store.read.ledger.size()).toBe(1)
  })

  test('a second repository cannot take the name of the first', async () => {
    await projects.add(actor, { origin })
    const other = join(place, 'other')
    await git(place, ['clone', '--quiet', origin, other])
    await expect(projects.add(actor, { origin: other })).rejects.toMatchObject({ code: 'exists' })
  })

  test.each([
    ['ext::sh -c "touch pwned"', 'no repository address'],
    ['--upload-pack=touch pwned', 'no repository address'],
    ['relative/path', 'no repository address'],
    ['/nowhere/at/all', 'git clone failed'],
  ])('the origin %s is refused', async (bad, words) => {
    await expect(projects.add(actor, { origin: bad })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(words),
    })
  })

  test('a work tree is made afresh, whatever an interrupted run left there', async () => {
    const { commit: sha } = await projects.add(actor, { origin })
    const folder = join(place, 'runs', 'one')
    await clones.workTree(origin, sha, folder)
    await writeFile(join(folder, 'orrery.yaml'), 'broken half')
    await clones.workTree(origin, sha, folder)
    expect((await git(folder, ['status', '--porcelain'])).trim()).toBe('')
    expect((await git(folder, ['rev-parse', 'HEAD'])).trim()).toBe(sha)
  })

  test('a work tree is made though Git was killed while it made it, or the server while it removed it', async () => {
    const { commit: sha } = await projects.add(actor, { origin })
    const folder = join(place, 'runs', 'two')
    await clones.workTree(origin, sha, folder)
    const kept = join(clones.mirrorOf(origin), 'worktrees', 'two')
    await writeFile(join(kept, 'locked'), 'initializing')
    await rename(folder, `${folder}.gone`)
    await clones.workTree(origin, sha, folder)
    expect((await git(folder, ['status', '--porcelain'])).trim()).toBe('')
    await clones.dropWorkTree(origin, folder)
    expect(await readdir(join(place, 'runs'))).not.toContainEqual(expect.stringContaining('two'))
  })
})
