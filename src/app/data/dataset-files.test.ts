import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import type { Project, Projects } from '#projects'
import { localClones } from './clones.ts'
import { loadConfig } from '../settings/config.ts'
import { datasetFiles, type DatasetFiles } from './dataset-files.ts'

const YAML = 'project: flights\nmodels: {}\n'

let place: string
let project: Project
let datasets: DatasetFiles
let sync: () => Promise<void>

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'orrery-datasets-'))
  const origin = join(place, 'origin')
  const settings = `[core]\n    remote = store\n['remote "store"']\n    url = ${join(place, 'store')}\n`
  await write(join(origin, '.dvc', 'config'), settings)
  await write(join(origin, 'orrery.yaml'), YAML)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@localhost', ...args], {
      cwd: origin,
    })
  git('init', '--quiet', '--initial-branch=main')
  const { config } = loadConfig({ home: join(place, 'home') }, {})
  const clones = localClones(join(config.home, 'projects'))
  sync = async () => {
    git('add', '.')
    git('commit', '--quiet', '--allow-empty', '--message', 'More')
    project = { name: 'flights', origin, syncedMs: 0, ...(await clones.fetch({ origin })) }
  }
  await sync()
  const projects: Pick<Projects, 'get'> = { get: async () => project }
  datasets = datasetFiles({ config, projects: projects as Projects, clones })
  return () => rm(place, { recursive: true, force: true })
})

test('a file is fetched from the remote of its project, once', async () => {
  const md5 = await stored('a,b\n1,2\n')
  for (const _ of ['from the remote', 'from the cache']) {
    const [file] = (await datasets.files('flights', 'data/raw.csv', md5)) ?? []
    expect(file?.name).toBe('data/raw.csv')
    expect(await readFile(file?.path ?? '', 'utf8')).toBe('a,b\n1,2\n')
    await rm(join(place, 'store'), { recursive: true, force: true })
  }
})

test('a folder is all of its files, and nothing when one of them is lost', async () => {
  const part = await stored('x')
  const listed = [{ md5: part, relpath: 'deep/x.csv' }]
  const whole = await stored(JSON.stringify(listed), '.dir')
  const files = await datasets.files('flights', 'data', whole)
  expect(files?.map(({ name }) => name)).toEqual(['data/deep/x.csv'])
  const lost = await stored(
    JSON.stringify([...listed, { md5: 'f'.repeat(32), relpath: 'y' }]),
    '.dir',
  )
  expect(await datasets.files('flights', 'data', lost)).toBeNull()
})

test('of the folders that settings are read from, only that of the newest commit is kept', async () => {
  for (let commits = 0; commits < 3; commits++) {
    const versions = [await stored(`a${commits}`), await stored(`b${commits}`)]
    await sync()
    const found = await Promise.all(versions.map((md5) => datasets.files('flights', 'raw', md5)))
    expect(found).toMatchObject([[{ name: 'raw' }], [{ name: 'raw' }]])
  }
  const folders = await readdir(join(place, 'home', 'settings', 'flights'))
  expect(folders).toEqual([project.commit])
})

/** Puts bytes on the remote, as `dvc push` lays them out. */
async function stored(text: string, suffix = ''): Promise<string> {
  const md5 = `${createHash('md5').update(text).digest('hex')}${suffix}`
  await write(join(place, 'store', 'files', 'md5', md5.slice(0, 2), md5.slice(2)), text)
  return md5
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
